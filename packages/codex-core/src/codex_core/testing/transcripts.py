"""Recorded turns of the reference: load one, play it as a model script, compare a run with it.

    transcript = load_transcript("tests/data/transcripts/02-shell-call.json")
    async with ModelServer(transcript.script()) as server:
        home.write("config.toml", transcript.config_toml(server.base_url))
        events = await play(transcript, driver)                   # see `playback`
    run = Run(server.requests, events, home.read_rollout(), Places(repo.path, home.codex_home))
    assert_same(transcript, run, allow=[Allowed("events[*].msg.parsed_cmd**", "why")])

The format is described in spec: agent.md section 27. Rollouts were not recorded; what must be in
them follows from requests and events (spec: protocol.md section 9) and is worked out here.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_core.model.scripted.script_file import reply_from_json
from codex_core.testing.differences import Allowed, Difference, compare, report, without_allowed
from codex_core.testing.home import mock_provider_config
from codex_core.testing.normalise import RECORDED_PLACES, Normaliser, Places
from codex_core.testing.rollout_facts import expected_rollout, sort_rollout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.model.scripted.replies import Reply
    from codex_core.model.scripted.request import RecordedRequest

Document = dict[str, Any]
"""A decoded JSON object of the recording; its shape is the recording's."""

_TOOLS_BEFORE = re.compile(r"<(\d+) tools as in the first request>")
_SETUP_NAMES = {"approvalPolicy": "approval_policy", "sandbox": "sandbox_mode"}
_NOT_CONFIG = {"mode", "wire_api", "model", "config", "includePlanTool", "includeApplyPatchTool"}


class TranscriptError(ValueError):
    """The file is not a transcript."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A recorded conversation: what was submitted, asked, answered and told."""

    name: str
    """The file name without its extension."""
    title: str
    setup: Document
    submissions: tuple[Document, ...]
    """`{id, op}`, some with a remark `when`; empty for recordings of the JSON-RPC server."""
    exchanges: tuple[Document, ...]
    events: tuple[Document, ...]
    approvals: tuple[Document, ...] = ()
    notes: tuple[str, ...] = ()

    def script(self) -> list[Reply | str]:
        """The recorded answers for a `ModelServer`."""
        return [reply_from_json(exchange["response"]) for exchange in self.exchanges]

    def config_toml(self, base_url: str, settings: Mapping[str, object] | None = None) -> str:
        """The configuration of the recorded run, with the model at `base_url`.

        Retry numbers are left at their defaults, as they were. `settings` are further top-level keys.
        """
        named = {
            _SETUP_NAMES.get(key, key): value for key, value in self.setup.items() if key not in _NOT_CONFIG
        }
        for dotted, value in self.setup.get("config", {}).items():
            *tables, key = dotted.split(".")
            place = named
            for table in tables:
                place = place.setdefault(table, {})
            place[key] = value
        return mock_provider_config(
            base_url,
            model=self.setup["model"],
            wire_api=self.setup.get("wire_api", "responses"),
            provider={},
            settings={**named, **(settings or {})},
        )

    def requests(self) -> list[Document]:
        """The recorded requests, tools spelled out in each."""
        spelled: list[list[object]] = []
        requests = []
        for exchange in self.exchanges:
            request: Document = {**exchange["request"]}
            tools = request["body"].get("tools")
            if isinstance(tools, str):
                request["body"] = {**request["body"], "tools": _tools_as_before(tools, spelled)}
            elif isinstance(tools, list):
                spelled.append(tools)
            requests.append(request)
        return requests


def load_transcript(path: str | os.PathLike[str]) -> Transcript:
    """The transcript in a file.

    Raises:
        TranscriptError: it cannot be read or lacks a part.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        return Transcript(
            name=os.path.basename(path).removesuffix(".json"),
            title=document["title"],
            setup=document["setup"],
            submissions=tuple(document.get("submissions", ())),
            exchanges=tuple(document["exchanges"]),
            events=tuple(document["events"]),
            approvals=tuple(document.get("approvals", ())),
            notes=tuple(document.get("notes", ())),
        )
    except (OSError, ValueError) as error:
        raise TranscriptError(f"{path}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise TranscriptError(f"{path}: not a transcript ({type(error).__name__}: {error})") from error


def _tools_as_before(text: str, spelled: Sequence[list[object]]) -> list[object]:
    match = _TOOLS_BEFORE.fullmatch(text)
    if match is None:
        raise TranscriptError(f"unknown stand-in for tools: {text!r}")
    for tools in reversed(spelled):
        if len(tools) == int(match[1]):
            return tools
    raise TranscriptError(f"no earlier request spells out {match[1]} tools")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a transcript gave; leave None what is not to be compared."""

    requests: Sequence[RecordedRequest] | None
    events: Sequence[Mapping[str, object]] | None
    rollout: Sequence[Mapping[str, object]] | None
    places: Places


def differences(transcript: Transcript, run: Run) -> list[Difference]:
    """Every place where a run is not what was recorded, paths beginning with requests, events or rollout."""
    # One normaliser for all parts of a run: an id is the same id in a header, an event and a file.
    ours, recorded = Normaliser(run.places), Normaliser(RECORDED_PLACES)
    found: list[Difference] = []
    if run.events is not None:
        expected = recorded.events(transcript.events)
        found += compare(expected, ours.events(run.events), "events", key_order=True)
    if run.requests is not None:
        found += compare_requests(transcript, run.requests, ours, recorded)
    if run.rollout is not None:
        facts, got = expected_rollout(transcript), sort_rollout(run.rollout)
        found += compare(recorded.value(facts), ours.value(got), "rollout", key_order=True)
    return found


def compare_requests(
    transcript: Transcript, requests: Sequence[RecordedRequest], ours: Normaliser, recorded: Normaliser
) -> list[Difference]:
    """Where the requests differ: path, body with the order of its keys, headers where they were recorded."""
    expected_list: list[object] = []
    got_list: list[object] = []
    recorded_requests = transcript.requests()
    for index, request in enumerate(requests):
        got: Document = {"path": request.path}
        if index < len(recorded_requests) and "headers" in recorded_requests[index]:
            got["headers"] = ours.headers(request.headers)
        got["body"] = ours.value(request.json)
        got_list.append(got)
    for request_document in recorded_requests:
        expected: Document = {"path": request_document["path"]}
        if "headers" in request_document:
            expected["headers"] = recorded.headers(request_document["headers"])
        expected["body"] = recorded.value(request_document["body"])
        expected_list.append(expected)
    return compare(expected_list, got_list, "requests", key_order=True)


def assert_same(transcript: Transcript, run: Run, allow: Sequence[Allowed] = ()) -> None:
    """Check that a run is what was recorded, but for what is allowed.

    Raises:
        AssertionError: one line per difference, and per allowance that nothing needs.
    """
    left = without_allowed(differences(transcript, run), allow)
    if left:
        raise AssertionError(f"{transcript.name} ({transcript.title}) went otherwise:\n{report(left)}")

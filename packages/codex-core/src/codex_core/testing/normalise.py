"""Take out of requests, events and rollouts what differs from run to run.

Paths, ids, ports, times, durations, delays, the operating system and the borders between output
chunks become the stand-ins the recorded transcripts use (spec: agent.md section 27). What is
replaced is the value, never its format: a duration with three digits behind the point stays and is
seen as a difference.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WORK_DIR = "/w/repo"
CODEX_HOME = "/h/.codex"
HOME = "/h"

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_ROLLOUT = re.compile(r"/\d{4}/\d\d/\d\d/rollout-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-")
_SUBSTITUTES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_ROLLOUT, "/YYYY/MM/DD/rollout-YYYY-MM-DDTHH-MM-SS-"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "YYYY-MM-DDTHH:MM:SS.mmmZ"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r'"duration_seconds":\d+\.\d(?=[,}])'), '"duration_seconds":0.0'),
    (re.compile(r"timed out after \d+ milliseconds"), "timed out after N milliseconds"),
    (re.compile(r"(retrying \d+/\d+ in) (?:\d+ms|\d+(?:\.\d+)?s)…"), r"\1 DELAY…"),
    (re.compile(r"<shell>[a-z]+</shell>"), "<shell>SHELL</shell>"),
)
_USER_AGENT = re.compile(r"(?P<product>\S+) \(.+ \S+; [^;)\s]+\) \S+(?P<suffix>.*)")
_HEADERS_OF_THE_CLIENT = frozenset(
    {"host", "content-length", "accept-encoding", "connection", "transfer-encoding"}
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a run took place; these paths become `/w/repo`, `/h/.codex` and `/h`."""

    repo: str | os.PathLike[str]
    codex_home: str | os.PathLike[str]
    home: str | os.PathLike[str] | None = None

    def stand_ins(self) -> list[tuple[str, str]]:
        """Path and stand-in, the longest path first, also as the system resolves it."""
        named = [(self.repo, WORK_DIR), (self.codex_home, CODEX_HOME)]
        if self.home is not None:
            named.append((self.home, HOME))
        pairs = {
            form: stand_in for path, stand_in in named for form in (os.fspath(path), os.path.realpath(path))
        }
        return sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)


RECORDED_PLACES = Places(WORK_DIR, CODEX_HOME, HOME)


class Normaliser:
    """Normalises one run; ids are numbered in the order in which they are first seen."""

    def __init__(self, places: Places) -> None:
        self._places = places.stand_ins()
        self._ids: dict[str, str] = {}

    def text(self, text: str) -> str:
        """A text without what differs between runs."""
        for path, stand_in in self._places:
            text = text.replace(path, stand_in)
        text = _UUID.sub(self._number_id, text)
        for pattern, substitute in _SUBSTITUTES:
            text = pattern.sub(substitute, text)
        return text

    def value(self, value: object) -> object:
        """A JSON value with all its texts and keys normalised."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(key): self.value(item) for key, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case _:
                return value

    def headers(self, headers: Sequence[tuple[str, str]] | Mapping[str, str]) -> dict[str, object]:
        """Headers by lower-case name, without those the HTTP client decides about."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        kept: dict[str, object] = {}
        for name, value in pairs:
            if name.lower() in _HEADERS_OF_THE_CLIENT:
                continue
            kept[name.lower()] = self._user_agent(value) if name.lower() == "user-agent" else self.text(value)
        return kept

    def events(self, events: Sequence[Mapping[str, object]]) -> list[object]:
        """Events with output chunks decoded and joined and durations set to zero."""
        return [self._event(event) for event in join_chunks(events)]

    def _event(self, event: Mapping[str, object]) -> object:
        message = event.get("msg")
        if isinstance(message, Mapping) and _is_duration(message.get("duration")):
            message = {**message, "duration": {"secs": 0, "nanos": 0}}
        return self.value({**event, "msg": message} if "msg" in event else event)

    def _number_id(self, match: re.Match[str]) -> str:
        number = len(self._ids) + 1
        return self._ids.setdefault(match.group(), f"00000000-0000-4000-8000-{number:012d}")

    def _user_agent(self, value: str) -> str:
        match = _USER_AGENT.fullmatch(value)
        if match is None:
            return value
        return f"{match['product']} (OSNAME OSVERSION; ARCH) TERMINAL{match['suffix']}"


def _is_duration(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secs", "nanos"}


def join_chunks(events: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Events with each run of output chunks of a command as one per stream, stdout first, as text."""
    joined: list[Mapping[str, object]] = []
    run: dict[tuple[object, object], dict[str, object]] = {}
    raw: dict[tuple[object, object], bytes] = {}
    for event in events:
        message = event.get("msg")
        if isinstance(message, Mapping) and message.get("type") == "exec_command_output_delta":
            key = (message.get("call_id"), message.get("stream"))
            run.setdefault(key, {**event, "msg": dict(message)})
            raw[key] = raw.get(key, b"") + base64.b64decode(str(message.get("chunk", "")), validate=True)
            continue
        joined.extend(_finished(run, raw))
        run, raw = {}, {}
        joined.append(event)
    joined.extend(_finished(run, raw))
    return joined


def _finished(
    run: Mapping[tuple[object, object], dict[str, object]], raw: Mapping[tuple[object, object], bytes]
) -> list[Mapping[str, object]]:
    finished: list[Mapping[str, object]] = []
    for key in sorted(run, key=lambda key: (str(key[0]), str(key[1]) != "stdout")):
        message = run[key]["msg"]
        text = raw[key].decode("utf-8", "backslashreplace")
        finished.append(
            {**run[key], "msg": {**message, "chunk": text}} if isinstance(message, dict) else run[key]
        )
    return finished

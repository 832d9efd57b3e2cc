"""Recordings: loaded, turned into scripts, played against stand-ins for an agent, and compared."""

from __future__ import annotations

import asyncio
import copy
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from codex_core.testing import (
    Allowed,
    CallableDriver,
    ModelServer,
    Places,
    ProtoDriver,
    RecordedRequest,
    Run,
    Transcript,
    assert_same,
    event_seen,
    isolated_environ,
    load_transcript,
    play,
    start_script,
)
from codex_core.testing.normalise import RECORDED_PLACES
from codex_core.testing.rollout_facts import expected_rollout
from codex_core.testing.transcripts import TranscriptError, differences

FILES = sorted((Path(__file__).parent / "data" / "transcripts").glob("*.json"))
NAMES = [path.stem for path in FILES]
ONE_TURN = ["02", "03", "06"]
USER_AGENT = "codex_cli_rs/0.36.0 (Debian 12.0.0; x86_64) dumb"


def as_asked(transcript: Transcript) -> list[RecordedRequest]:
    """The recorded requests as a server would have logged them."""
    requests = []
    for request in transcript.requests():
        headers = {**request.get("headers", {}), "host": "127.0.0.1:9"}
        if "user-agent" in headers:
            headers["user-agent"] = USER_AGENT
        body = json.dumps(request["body"]).encode()
        requests.append(RecordedRequest("POST", request["path"], tuple(headers.items()), body))
    return requests


def as_written(transcript: Transcript) -> list[dict[str, Any]]:
    """A rollout that says what must be written."""
    return [
        {"timestamp": "2026-11-22T08:34:04.539Z", "type": kind, "payload": payload}
        for kind, payloads in expected_rollout(transcript).items()
        for payload in payloads
    ]


def recorded_run(transcript: Transcript) -> Run:
    return Run(as_asked(transcript), transcript.events, as_written(transcript), RECORDED_PLACES)


@pytest.mark.parametrize("transcript", [name[:2] for name in NAMES], indirect=True)
def test_a_recording_does_not_differ_from_itself(transcript: Transcript):
    run = Run(as_asked(transcript), transcript.events, None, RECORDED_PLACES)
    assert differences(transcript, run) == []


@pytest.mark.parametrize("transcript", [name[:2] for name in NAMES], indirect=True)
async def test_a_recording_becomes_a_script_of_its_answers(transcript: Transcript):
    async with ModelServer(transcript.script()) as server, httpx.AsyncClient(trust_env=False) as client:
        for exchange in transcript.exchanges:
            path = exchange["request"]["path"]
            answer = await client.post(f"http://127.0.0.1:{server.port}{path}", json={})
            assert answer.status_code == exchange["response"]["status"]
            for event in exchange["response"].get("sse", ()):
                data = (
                    event
                    if isinstance(event, str)
                    else json.dumps(event, separators=(",", ":"), ensure_ascii=False)
                )
                assert f"data: {data}\n\n" in answer.text
        server.assert_done()


@pytest.mark.parametrize("transcript", [name[:2] for name in NAMES], indirect=True)
def test_tools_are_spelled_out_in_every_request(transcript: Transcript):
    for request in transcript.requests():
        assert isinstance(request["body"]["tools"], list)


@pytest.mark.parametrize("transcript", ["13"], indirect=True)
def test_tools_are_those_of_the_newest_request_with_that_many(transcript: Transcript):
    tools = [request["body"]["tools"] for request in transcript.requests()]
    assert [len(offered) for offered in tools] == [2, 1, 1, 2]
    assert tools[2] == tools[1]
    assert tools[3] == tools[0]


@pytest.mark.parametrize("transcript", ["01"], indirect=True)
def test_the_configuration_is_that_of_the_recording(transcript: Transcript):
    config = tomllib.loads(transcript.config_toml("http://127.0.0.1:1/v1", {"file_opener": "none"}))
    assert config.pop("model_providers") == {
        "mock": {"name": "Mock", "base_url": "http://127.0.0.1:1/v1", "wire_api": "responses"}
    }
    assert config == {
        "model": "gpt-5",
        "model_provider": "mock",
        "approval_policy": "on-request",
        "sandbox_mode": "workspace-write",
        "model_reasoning_effort": "high",
        "model_verbosity": "low",
        "file_opener": "none",
    }


@pytest.mark.parametrize("transcript", ["05"], indirect=True)
def test_the_configuration_of_a_server_recording_has_the_names_of_the_file(transcript: Transcript):
    config = tomllib.loads(transcript.config_toml("u"))
    assert config["approval_policy"] == "on-request"
    assert config["sandbox_mode"] == "workspace-write"
    assert config["tools"] == {"web_search": True}


def test_what_is_no_recording_is_refused(tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(TranscriptError, match=r"x\.json: not a transcript"):
        load_transcript(path)
    with pytest.raises(TranscriptError, match=r"missing\.json"):
        load_transcript(tmp_path / "missing.json")


Change = Callable[[list[RecordedRequest], list[Any], list[Any]], None]


def _change_body(
    requests: list[RecordedRequest], change: Callable[[dict[str, Any]], None], index: int = 1
) -> None:
    body = requests[index].json
    change(body)
    old = requests[index]
    requests[index] = RecordedRequest(old.method, old.path, old.headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda requests, events, rollout: events.pop(2),
            r"events\[2\]: missing, expected .*exec_command_begin",
        ),
        (
            lambda requests, events, rollout: events.insert(1, events[1]),
            r"events\[\d\]: unexpected before this place",
        ),
        (
            lambda requests, events, rollout: events[5]["msg"].update(exit_code=1),
            r"events\[5\].msg.exit_code: expected 0, got 1",
        ),
        (
            lambda requests, events, rollout: events[3]["msg"].update(chunk="b3V0"),
            r'events\[3\].msg.chunk: expected "out\\n", got "out"',
        ),
        (
            lambda requests, events, rollout: events[5].update(id="s2"),
            r'events\[5\].id: expected "s1", got "s2"',
        ),
        (lambda requests, events, rollout: requests.pop(), r"requests\[1\]: missing"),
        (
            lambda requests, events, rollout: _change_body(requests, lambda body: body["input"].pop()),
            r"requests\[1\].body.input\[3\]: missing, expected .*function_call_output",
        ),
        (
            lambda requests, events, rollout: _change_body(
                requests, lambda body: body.update(model=body.pop("model"))
            ),
            r"requests\[1\].body: keys in the order",
        ),
        (
            lambda requests, events, rollout: _change_body(requests, lambda body: body.update(tools=[])),
            r"requests\[1\].body.tools\[0\]: missing",
        ),
        (
            lambda requests, events, rollout: _change_body(
                requests, lambda body: body.update(instructions="")
            ),
            r"requests\[1\].body.instructions",
        ),
        (
            lambda requests, events, rollout: requests.__setitem__(
                0, RecordedRequest("POST", "/v1/responses", requests[0].headers[1:], requests[0].body)
            ),
            r"requests\[0\].headers.openai-beta: missing",
        ),
        (
            lambda requests, events, rollout: rollout[1]["payload"]["content"].clear(),
            r"rollout.response_item\[0\].content\[0\]: missing",
        ),
        (lambda requests, events, rollout: rollout.pop(), r"rollout.turn_context\[1\]: missing"),
        (
            lambda requests, events, rollout: rollout[0]["payload"].update(cwd="/elsewhere"),
            r'rollout.session_meta\[0\].cwd: expected "/w/repo", got "/elsewhere"',
        ),
    ],
)
@pytest.mark.parametrize("transcript", ["02"], indirect=True)
def test_every_deviation_is_told(transcript: Transcript, change: Change, told: str):
    requests, events, rollout = (
        as_asked(transcript),
        copy.deepcopy(list(transcript.events)),
        copy.deepcopy(as_written(transcript)),
    )
    change(requests, events, rollout)
    with pytest.raises(AssertionError, match=told):
        assert_same(transcript, Run(requests, events, rollout, RECORDED_PLACES))


@pytest.mark.parametrize("transcript", ["02"], indirect=True)
def test_a_run_in_other_places_under_another_id_is_the_same(transcript: Transcript):
    run = recorded_run(transcript)
    texts = json.dumps([[request.body.decode() for request in run.requests], run.events, run.rollout])
    for old, new in (
        ("/w/repo", "/tmp/a/work"),
        ("/h/.codex", "/tmp/a/home"),
        ("00000000-0000-4000-8000-000000000001", "5603051b-482d-4979-ad15-5ff6a3b0b60d"),
        ("2026-11-22T08-59-55", "2027-01-02T03-04-05"),
        ("sessions/2026/11/22", "sessions/2027/01/02"),
        ("18864165", "99"),
    ):
        assert old in texts
        texts = texts.replace(old, new)
    bodies, events, rollout = json.loads(texts)
    requests = [
        RecordedRequest(
            "POST",
            request.path,
            tuple(
                (
                    name,
                    value.replace(
                        "00000000-0000-4000-8000-000000000001", "5603051b-482d-4979-ad15-5ff6a3b0b60d"
                    ),
                )
                for name, value in request.headers
            ),
            body.encode(),
        )
        for request, body in zip(run.requests, bodies, strict=True)
    ]
    assert_same(transcript, Run(requests, events, rollout, Places("/tmp/a/work", "/tmp/a/home")))


@pytest.mark.parametrize("transcript", ["02"], indirect=True)
def test_what_is_allowed_is_not_told_and_what_needs_no_leave_is(transcript: Transcript):
    events = copy.deepcopy(list(transcript.events))
    events[2]["msg"]["parsed_cmd"] = []
    run = Run(None, events, None, RECORDED_PLACES)
    assert_same(transcript, run, [Allowed("events[*].msg.parsed_cmd**", "ours says less here")])
    with pytest.raises(AssertionError, match="nothing differs there"):
        assert_same(transcript, run, [Allowed("events**", "all"), Allowed("requests**", "none")])


@pytest.mark.parametrize("transcript", ["09"], indirect=True)
def test_silent_retries_write_no_turn_context(transcript: Transcript):
    assert len(expected_rollout(transcript)["turn_context"]) == 4


@pytest.mark.parametrize("transcript", ["01"], indirect=True)
def test_a_rollout_holds_the_user_input_before_the_events_of_its_task(transcript: Transcript):
    kinds = [(event["type"], event.get("message")) for event in expected_rollout(transcript)["event_msg"]]
    assert kinds == [
        ("user_message", "hi"),
        ("agent_reasoning", None),
        ("agent_message", "Hello"),
        ("token_count", None),
        ("user_message", "again"),
        ("agent_message", "second answer"),
        ("token_count", None),
    ]


@pytest.mark.parametrize("transcript", ["12", "13", "15"], indirect=True)
def test_a_rollout_that_does_not_follow_from_the_recording_is_refused(transcript: Transcript):
    with pytest.raises(ValueError, match=transcript.name):
        expected_rollout(transcript)


class RecordedAgent:
    """An agent that does what was recorded, under ids of its own choice."""

    def __init__(self, transcript: Transcript) -> None:
        self._left = list(transcript.events)
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._ids: dict[str, str] = {"": ""}
        self.operations: list[dict[str, Any]] = []
        self._give()

    async def submit(self, submission_id: str, op: dict[str, Any]) -> str:
        self.operations.append(op)
        own_id = str(len(self._ids))
        self._ids[submission_id] = own_id
        if op["type"] == "shutdown":
            self._events.put_nowait({"id": own_id, "msg": {"type": "shutdown_complete"}})
        self._give()
        return own_id

    def _give(self) -> None:
        while self._left and self._left[0]["id"] in self._ids:
            event = self._left.pop(0)
            self._events.put_nowait({**event, "id": self._ids[event["id"]]})

    async def next_event(self) -> dict[str, Any]:
        return await self._events.get()


@pytest.mark.parametrize("transcript", ["01", "02", "03", "06", "08", "09", "15"], indirect=True)
async def test_playing_gives_the_events_under_the_recorded_ids(transcript: Transcript):
    agent = RecordedAgent(transcript)
    events = await play(transcript, CallableDriver(agent.submit, agent.next_event))
    assert events == list(transcript.events)
    assert [op["type"] for op in agent.operations] == [
        *(submission["op"]["type"] for submission in transcript.submissions),
        "shutdown",
    ]


@pytest.mark.parametrize("transcript", ["02"], indirect=True)
async def test_an_agent_that_falls_silent_fails_the_play(transcript: Transcript):
    agent = RecordedAgent(transcript)
    agent._left = agent._left[:3]
    with pytest.raises(AssertionError, match="no event for 0 s; so far: session_configured, task_started"):
        await play(transcript, CallableDriver(agent.submit, agent.next_event), step_timeout_s=0)


@pytest.mark.parametrize("transcript", ["14"], indirect=True)
async def test_a_moment_decides_when_something_is_submitted(transcript: Transcript):
    agent = RecordedAgent(transcript)
    moments = {
        "s2": event_seen("exec_command_output_delta"),
        "s4": event_seen("exec_command_begin", call_id="c2"),
    }
    seen: list[tuple[str, int]] = []
    given = 0

    async def submit(submission_id: str, op: dict[str, Any]) -> str:
        seen.append((submission_id, given))
        return await agent.submit(submission_id, op)

    async def next_event() -> dict[str, Any]:
        nonlocal given
        given += 1
        return await agent.next_event()

    await play(transcript, CallableDriver(submit, next_event), moments=moments, shutdown=False)
    kinds = [event["msg"]["type"] for event in transcript.events]
    assert seen == [
        ("s1", 0),
        ("s2", kinds.index("exec_command_output_delta") + 1),
        ("s3", kinds.index("turn_aborted") + 1),
        ("s4", len(kinds) - 1 - kinds[::-1].index("exec_command_begin") + 1),
    ]


@pytest.mark.parametrize("transcript", ["11"], indirect=True)
async def test_questions_are_answered_as_they_were(transcript: Transcript):
    submissions = [{"id": "0", "op": {"type": "user_input", "items": []}}]
    agent = RecordedAgent(transcript)
    await play(transcript, CallableDriver(agent.submit, agent.next_event), submissions=submissions)
    assert agent.operations[1] == {"type": "exec_approval", "id": "1", "decision": "approved"}
    again = RecordedAgent(transcript)
    driver = CallableDriver(again.submit, again.next_event)
    with pytest.raises(AssertionError, match="nobody foresaw this question"):
        await play(transcript, driver, submissions=submissions, decisions=[])


PROTO_PROGRAM = """
import json, sys
events = json.load(open(sys.argv[1]))
print(json.dumps(events[0]), flush=True)
for line in sys.stdin:
    submission = json.loads(line)
    if submission["op"]["type"] == "shutdown":
        print(json.dumps({"id": submission["id"], "msg": {"type": "shutdown_complete"}}), flush=True)
        break
    for event in events:
        if event["id"] == submission["id"]:
            print(json.dumps(event), flush=True)
"""


@pytest.mark.parametrize("transcript", ["01"], indirect=True)
async def test_a_program_is_driven_over_its_pipes(transcript: Transcript, tmp_path: Path):
    recorded = tmp_path / "events.json"
    recorded.write_text(json.dumps(transcript.events))
    command = [sys.executable, "-c", PROTO_PROGRAM, str(recorded)]
    async with start_script(
        command, env=isolated_environ(tmp_path), cwd=tmp_path, open_stdin=True
    ) as process:
        assert await play(transcript, ProtoDriver(process)) == list(transcript.events)
        assert (await process.finish()).exit_code == 0

"""A test kit for programs that drive Codex: a scripted model, scratch homes, real processes, recordings.

Everything runs on loopback and in directories you name. Nothing is imported before it is used, and
pytest only by `pytest_plugin`.

A turn against a scripted model, the agent in this process or in another one:

    from codex_core.testing import ModelServer, answer, message, shell_call
    from codex_core.testing import make_home, make_repo, run_script_async

    async def test_lists_files(tmp_path):
        home, repo = make_home(tmp_path / "home"), make_repo(tmp_path / "repo", {"a.txt": "one\\n"})
        async with ModelServer([answer(shell_call(["ls"])), answer(message("One file."))]) as server:
            home.use_model_server(server.base_url)
            done = await run_script_async("codex-exec", "--json", "look", env=home.environ(), cwd=repo.path)
            server.assert_done()
        assert "a.txt" in server.requests[1].tool_outputs["call_1"]
        done.check().assert_no_processes_left()

Without an event loop: `with ModelServer.in_thread([...]) as server` and `run_script(...)`. As a program:
`python -m codex_core.testing.model_server --script FILE` (FILE: see
`codex_core.model.scripted.script_file`).

A script is a list; an entry is a `Reply`, a text the assistant says, or a function of the request.

    answer(reasoning("Think."), message("Hi", deltas=True))     created … completed with a usage
    sse(created(), message("Hel", deltas=["Hel"]))              ends without `completed`
    http_error(429, {"error": {"message": "slow"}}, {"retry-after": "1"})
    answer(message("x")).cut_after(40)                          breaks off inside the body
    answer(message("x")).in_pieces(1)                           byte by byte
    disconnect(), disconnect(reset=True)                        no answer at all
    sse(created(), b"data: {not json\\n\\n", completed())       malformed events, sent as they are
    chat_answer(*chat_tool_call("shell", ['{"comm', 'and":["ls"]}']), finish_reason="tool_calls")

To stop in the middle of an answer, put a `Gate` between the events: `await gate.reached.wait()` tells
that everything before it was sent, `gate.open()` lets the server go on. No test has to sleep:
`server.wait_for_request(2)`, `server.wait_for_outcome(1)` (was the client there to the end?) and
`process.wait_for_line("exec")` wait for what really happens, and fail with what happened instead.

Recordings of whole conversations are compared with `transcripts` and `playback`; see there.
Fixtures for pytest: put `pytest_plugins = ["codex_core.testing.pytest_plugin"]` into your conftest.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.model.scripted.chat_replies import (
        CHAT_DONE,
        chat_answer,
        chat_chunk,
        chat_finish,
        chat_reasoning,
        chat_text,
        chat_tool_call,
    )
    from codex_core.model.scripted.replies import (
        Framing,
        Reply,
        answer,
        completed,
        created,
        custom_call,
        disconnect,
        failed,
        function_call,
        http_error,
        item_done,
        local_shell_call,
        message,
        patch_call,
        plan_call,
        reasoning,
        shell_call,
        sse,
        token_usage,
        web_search,
    )
    from codex_core.model.scripted.request import RecordedRequest
    from codex_core.model.scripted.script_file import load_script, reply_from_json
    from codex_core.model.scripted.signals import Gate, Signal
    from codex_core.testing.differences import Allowed, Difference, compare
    from codex_core.testing.home import (
        ScratchHome,
        ScratchRepo,
        isolated_environ,
        make_home,
        make_repo,
        mock_provider_config,
        read_json_lines,
    )
    from codex_core.testing.model_server import Exchange, ModelServer, Outcome
    from codex_core.testing.normalise import Normaliser, Places
    from codex_core.testing.playback import (
        CallableDriver,
        ConversationDriver,
        Driver,
        ProtoDriver,
        event_seen,
        play,
    )
    from codex_core.testing.processes import assert_none_left, children_of, marked_processes
    from codex_core.testing.scripts import (
        CompletedScript,
        RunningScript,
        run_script,
        run_script_async,
        script_path,
        start_script,
    )
    from codex_core.testing.threaded_server import ThreadedModelServer
    from codex_core.testing.transcripts import Run, Transcript, assert_same, load_transcript

# Where a name lives, below `codex_core`.
_HOMES = {
    "model.scripted.chat_replies": (
        "CHAT_DONE",
        "chat_answer",
        "chat_chunk",
        "chat_finish",
        "chat_reasoning",
        "chat_text",
        "chat_tool_call",
    ),
    "model.scripted.replies": (
        "Framing",
        "Reply",
        "answer",
        "completed",
        "created",
        "custom_call",
        "disconnect",
        "failed",
        "function_call",
        "http_error",
        "item_done",
        "local_shell_call",
        "message",
        "patch_call",
        "plan_call",
        "reasoning",
        "shell_call",
        "sse",
        "token_usage",
        "web_search",
    ),
    "model.scripted.request": ("RecordedRequest",),
    "model.scripted.script_file": ("load_script", "reply_from_json"),
    "model.scripted.signals": ("Gate", "Signal"),
    "testing.differences": ("Allowed", "Difference", "compare"),
    "testing.home": (
        "ScratchHome",
        "ScratchRepo",
        "isolated_environ",
        "make_home",
        "make_repo",
        "mock_provider_config",
        "read_json_lines",
    ),
    "testing.model_server": ("Exchange", "ModelServer", "Outcome"),
    "testing.normalise": ("Normaliser", "Places"),
    "testing.playback": (
        "CallableDriver",
        "ConversationDriver",
        "Driver",
        "ProtoDriver",
        "event_seen",
        "play",
    ),
    "testing.processes": ("assert_none_left", "children_of", "marked_processes"),
    "testing.scripts": (
        "CompletedScript",
        "RunningScript",
        "run_script",
        "run_script_async",
        "script_path",
        "start_script",
    ),
    "testing.threaded_server": ("ThreadedModelServer",),
    "testing.transcripts": ("Run", "Transcript", "assert_same", "load_transcript"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CHAT_DONE",
    "Allowed",
    "CallableDriver",
    "CompletedScript",
    "ConversationDriver",
    "Difference",
    "Driver",
    "Exchange",
    "Framing",
    "Gate",
    "ModelServer",
    "Normaliser",
    "Outcome",
    "Places",
    "ProtoDriver",
    "RecordedRequest",
    "Reply",
    "Run",
    "RunningScript",
    "ScratchHome",
    "ScratchRepo",
    "Signal",
    "ThreadedModelServer",
    "Transcript",
    "answer",
    "assert_none_left",
    "assert_same",
    "chat_answer",
    "chat_chunk",
    "chat_finish",
    "chat_reasoning",
    "chat_text",
    "chat_tool_call",
    "children_of",
    "compare",
    "completed",
    "created",
    "custom_call",
    "disconnect",
    "event_seen",
    "failed",
    "function_call",
    "http_error",
    "isolated_environ",
    "item_done",
    "load_script",
    "load_transcript",
    "local_shell_call",
    "make_home",
    "make_repo",
    "marked_processes",
    "message",
    "mock_provider_config",
    "patch_call",
    "plan_call",
    "play",
    "read_json_lines",
    "reasoning",
    "reply_from_json",
    "run_script",
    "run_script_async",
    "script_path",
    "shell_call",
    "sse",
    "start_script",
    "token_usage",
    "web_search",
]


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"codex_core.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})

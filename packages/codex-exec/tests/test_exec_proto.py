"""`codex proto` as a program (spec: servers.md section 9)."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    item_done,
    message,
    run_script,
    shell_call,
    sse,
    start_script,
)
from codex_core.testing.pytest_plugin import StartModelServer
from codex_core.testing.scripts import RunningScript

SLEEP = shell_call(["sleep", "600"])
Start = Callable[..., AbstractAsyncContextManager[RunningScript]]


def submission(identifier: str, kind: str, **fields: object) -> str:
    return json.dumps({"id": identifier, "op": {"type": kind, **fields}}) + "\n"


def user_input(identifier: str, text: str = "hi") -> str:
    return submission(identifier, "user_input", items=[{"type": "text", "text": text}])


def messages(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["msg"]["type"] == kind]


@pytest.fixture
def start(scratch_home: ScratchHome, git_repo: ScratchRepo) -> Start:
    """Starts `codex proto` with a pipe for its submissions."""

    @asynccontextmanager
    async def run(*arguments: str) -> AsyncIterator[RunningScript]:
        async with start_script(
            "codex", "proto", *arguments, env=scratch_home.environ(), cwd=git_repo.path, open_stdin=True
        ) as process:
            yield process

    return run


@pytest.fixture
def speak(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> Callable[..., tuple[list[dict[str, Any]], str]]:
    """Runs `codex proto` over a whole input; its events, and its log."""

    def run(text: str | bytes, *arguments: str) -> tuple[list[dict[str, Any]], str]:
        done = run_script(
            "codex", "proto", *arguments, env=scratch_home.environ(), cwd=git_repo.path, stdin=text
        ).check()
        done.assert_no_processes_left()
        return done.json_lines(), done.stderr

    return run


def test_everything_handed_in_is_done_before_the_end(speak: Any, model_server: StartModelServer) -> None:
    model_server([answer(message("First", deltas=["Fi", "rst"]))])
    events, log = speak(user_input("a"))
    assert [(event["id"], event["msg"]["type"]) for event in events] == [
        ("", "session_configured"),
        ("a", "task_started"),
        ("a", "agent_message_delta"),
        ("a", "agent_message_delta"),
        ("a", "agent_message"),
        ("a", "token_count"),
        ("a", "task_complete"),
        ("", "shutdown_complete"),
    ]
    assert log == ""


def test_lines_that_are_no_submissions_go_to_the_log(speak: Any, model_server: StartModelServer) -> None:
    model_server([answer(message("ok"))])
    text = b'\xff\n\n  \n[]\n{"id":"x","op":{"type":"nonsense"}}\n{"id":1,"op":{"type":"get_path"}}\n'
    events, log = speak(text + user_input("a").encode())
    assert log.count("invalid submission: ") == 4
    assert "nonsense" in log
    assert len(messages(events, "task_complete")) == 1


async def test_a_question_nobody_can_answer_any_more_is_denied(
    start: Start, scratch_home: ScratchHome
) -> None:
    script = [answer(shell_call(["touch", "x"])), answer(message("I may not."))]
    async with ModelServer(script) as server:
        scratch_home.use_model_server(server.base_url, settings={"approval_policy": "untrusted"})
        async with start() as process:
            await process.write(user_input("a"))
            await process.wait_for_json(lambda line: line["msg"]["type"] == "exec_approval_request")
            await process.close_stdin()
            done = (await process.finish()).check()
    assert server.requests[1].tool_outputs == {"call_1": "exec command rejected by user"}
    assert messages(done.json_lines(), "task_complete")[0]["msg"]["last_agent_message"] == "I may not."


async def test_a_question_that_comes_after_the_end_of_input_is_denied(
    start: Start, scratch_home: ScratchHome
) -> None:
    gate = Gate()
    asks = sse(created(), gate, shell_call(["touch", "x"]), completed())
    async with ModelServer([asks, answer(message("I may not."))]) as server:
        scratch_home.use_model_server(server.base_url, settings={"approval_policy": "untrusted"})
        async with start() as process:
            await process.write(user_input("a"))
            await process.close_stdin()
            await server.wait_for_request()
            gate.open()
            (await process.finish()).check()
    assert server.requests[1].tool_outputs == {"call_1": "exec command rejected by user"}


async def test_shutdown_ends_the_program_though_stdin_stays_open(
    start: Start, scratch_home: ScratchHome
) -> None:
    async with ModelServer([answer(SLEEP)]) as server:
        scratch_home.use_model_server(server.base_url)
        async with start() as process:
            await process.write(user_input("a"))
            await process.wait_for_json(lambda line: line["msg"]["type"] == "exec_command_begin")
            await process.write(submission("b", "shutdown"))
            done = (await process.finish()).check()
    events = done.json_lines()
    assert messages(events, "turn_aborted")[0]["id"] == "a"
    assert events[-1] == {"id": "b", "msg": {"type": "shutdown_complete"}}
    done.assert_no_processes_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_conversation(
    number: signal.Signals, start: Start, scratch_home: ScratchHome
) -> None:
    async with ModelServer([answer(SLEEP)]) as server:
        scratch_home.use_model_server(server.base_url)
        async with start() as process:
            await process.write(user_input("a"))
            await process.wait_for_json(lambda line: line["msg"]["type"] == "exec_command_begin")
            process.send_signal(number)
            done = (await process.finish()).check(128 + number)
    assert done.json_lines()[-1]["msg"]["type"] == "shutdown_complete"
    done.assert_no_processes_left()


async def test_input_goes_into_the_running_task(start: Start, scratch_home: ScratchHome) -> None:
    gate = Gate()
    script = [
        sse(created(), item_done({"type": "message", "role": "assistant", "content": []}), gate, completed()),
        answer(message("Both.")),
    ]
    async with ModelServer(script) as server:
        scratch_home.use_model_server(server.base_url)
        async with start() as process:
            await process.write(user_input("a", "one"))
            await server.wait_for_request()
            await process.write(user_input("b", "two") + submission("c", "get_path"))
            await process.wait_for_json(lambda line: line["id"] == "c")
            gate.open()
            await process.close_stdin()
            (await process.finish()).check()
    assert server.requests[1].texts[-1] == "two"


def test_overrides_reach_the_conversation(speak: Any, model_server: StartModelServer) -> None:
    model_server([answer(message("ok"))])
    events, _ = speak(user_input("a"), "-c", "model=other")
    assert events[0]["msg"]["model"] == "other"


def test_the_offline_model_can_be_spoken_to(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    asking = submission("a", "user_input", items=[{"type": "text", "text": "hi"}])
    done = run_script(
        "codex", "proto", "--demo", env=scratch_home.environ(), cwd=git_repo.path, stdin=asking
    ).check()
    events = [line["msg"]["type"] for line in done.json_lines()]
    assert events[0] == "session_configured"
    assert "agent_message" in events
    assert events[-2:] == ["task_complete", "shutdown_complete"]


def test_an_unusable_configuration_is_one_sentence(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    done = run_script(
        "codex",
        "proto",
        "-c",
        "approval_policy=maybe",
        env=scratch_home.environ(),
        cwd=git_repo.path,
        stdin="",
    ).check(1)
    assert (done.stdout, done.stderr.startswith("Error: "), done.stderr.count("Traceback")) == ("", True, 0)


async def test_a_terminal_is_no_pipe(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    script = "import sys; from codex_exec.options import ProtoOptions; from codex_exec.proto import run; "
    outer, inner = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script + "sys.exit(run(ProtoOptions()))",
        stdin=inner,
        stderr=asyncio.subprocess.PIPE,
        env=scratch_home.environ(),
        cwd=git_repo.path,
    )
    _, stderr = await process.communicate()
    os.close(outer)
    os.close(inner)
    assert stderr == b"Error: Protocol mode expects stdin to be a pipe, not a terminal\n"
    assert process.returncode == 1


# -- every operation ----------------------------------------------------------------------------

TURN = {
    "cwd": "/",
    "approval_policy": "untrusted",
    "sandbox_policy": {"mode": "danger-full-access"},
    "model": "other",
    "summary": "auto",
}


async def test_every_operation_is_served(start: Start, scratch_home: ScratchHome) -> None:
    asks = shell_call(["touch", "asked"], call_id="asks")
    script: list[Any] = [
        answer(message("one")),
        answer(asks),
        answer(message("denied")),
        answer(message("a summary")),
        answer(message("reviewed")),
    ]
    scratch_home.write("prompts/hello.md", "Say hello.")
    async with ModelServer(script) as server:
        scratch_home.use_model_server(server.base_url)
        async with start() as process:

            async def until(identifier: str, kind: str) -> dict[str, Any]:
                event = await process.wait_for_json(
                    lambda line: (line["id"], line["msg"]["type"]) == (identifier, kind)
                )
                found: dict[str, Any] = event["msg"]
                return found

            async def ask(identifier: str, kind: str, answer_kind: str, **fields: object) -> dict[str, Any]:
                await process.write(submission(identifier, kind, **fields))
                return await until(identifier, answer_kind)

            await process.write(user_input("a"))
            await until("a", "task_complete")
            items = [{"type": "text", "text": "hi"}]
            question = await ask("b", "user_turn", "exec_approval_request", items=items, **TURN)
            assert question["command"] == ["touch", "asked"]
            await process.write(submission("c", "exec_approval", id="b", decision="denied"))
            assert (await until("b", "task_complete"))["last_agent_message"] == "denied"
            await process.write(submission("d", "override_turn_context", model="third"))
            assert (await ask("e", "get_path", "conversation_path"))["path"]
            await process.write(submission("f", "add_to_history", text="typed"))
            assert (await ask("g", "list_mcp_tools", "mcp_list_tools_response"))["tools"] == {}
            prompts = await ask("h", "list_custom_prompts", "list_custom_prompts_response")
            assert [each["name"] for each in prompts["custom_prompts"]] == ["hello"]
            log_id = (scratch_home.codex_home / "history.jsonl").stat().st_ino
            entry = await ask(
                "i", "get_history_entry_request", "get_history_entry_response", offset=0, log_id=log_id
            )
            assert entry["entry"]["text"] == "typed"
            await ask("j", "compact", "task_complete")
            request = {"prompt": "Look.", "user_facing_hint": "changes"}
            await ask("k", "review", "task_complete", review_request=request)
            await process.write(submission("l", "patch_approval", id="nobody asked", decision="approved"))
            await process.write(submission("m", "interrupt"))
            await ask("n", "shutdown", "shutdown_complete")
            done = await process.finish()
    assert done.exit_code == 0
    assert [request.json["model"] for request in server.requests][:4] == [
        "mock-model",
        "other",
        "other",
        "third",
    ]
    assert "no question is open" in done.stderr

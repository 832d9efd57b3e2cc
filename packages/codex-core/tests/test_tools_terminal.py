"""`exec_command`, `write_stdin`, `unified_exec`: arguments, approvals, sandbox, events, answers."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from codex_core.execution import terminal_sessions
from codex_core.execution.environment import Inherit, ShellEnvironmentPolicy
from codex_core.execution.sandbox import Isolation
from codex_core.execution.terminal_sessions import TerminalSessions
from codex_core.tools import terminal
from codex_core.tools.runtime import CallKind, ToolCall, ToolOutput
from codex_core.tools.terminal import ExecCommandTool, UnifiedExecTool, WriteStdinTool
from codex_protocol.config_types import AskForApproval
from codex_protocol.sandbox_policy import parse_sandbox_policy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals are POSIX ones")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is the one of Linux")

PATIENCE_S = 30.0
LONG_MS = 30_000
TOOLS = {tool.names[0]: tool for tool in (ExecCommandTool(), WriteStdinTool(), UnifiedExecTool())}


class Desk:
    """A turn with terminals: calls the tools and gives what the model reads."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.terminals = bench.terminals = TerminalSessions()
        self._first: dict[int, str] = {}
        self._emitted = asyncio.Event()
        self._keep = bench.emit
        bench.emit = self._emit
        self.free()

    async def _emit(self, msg: Any) -> None:
        await self._keep(msg)
        self._emitted.set()

    async def printed(self, text: bytes) -> None:
        """Waits until this much of the output was announced."""
        async with asyncio.timeout(PATIENCE_S):
            while text not in self.announced():
                self._emitted.clear()
                await self._emitted.wait()

    def announced(self) -> bytes:
        events = self.bench.events
        chunks = [event["chunk"] for event in events if event["type"] == "exec_command_output_delta"]
        return b"".join(map(base64.b64decode, chunks))

    def free(self) -> None:
        self.bench.under("never", "danger-full-access")

    async def call(
        self, name: str, arguments: Any, *, answers: Sequence[str] = (), call_id: str = "c1"
    ) -> str:
        return (await self.output(name, arguments, answers=answers, call_id=call_id)).text

    async def output(
        self, name: str, arguments: Any, *, answers: Sequence[str] = (), call_id: str = "c1"
    ) -> ToolOutput:
        self.bench._answers += answers
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        async with asyncio.timeout(PATIENCE_S):
            output: ToolOutput = await TOOLS[name].run(
                ToolCall(CallKind.FUNCTION, call_id, name, text), self.bench
            )
        assert self.bench._answers == [], "the user was asked less often than foreseen"
        return output

    async def run(self, cmd: str, *, answers: Sequence[str] = (), **arguments: Any) -> str:
        """A command to its end."""
        given = {"cmd": cmd, "yield_time_ms": LONG_MS, "login": False, **arguments}
        return await self.call("exec_command", given, answers=answers)

    async def leave(self, cmd: str, *, answers: Sequence[str] = (), **arguments: Any) -> int:
        """A command that is left running; its session."""
        text = await self.run(cmd, answers=answers, **{"yield_time_ms": 0, **arguments})
        found = re.search("session ID ([0-9]+)", text)
        assert found is not None, text
        self._first[int(found[1])] = text.partition("Output:\n")[2]
        return int(found[1])

    async def type(self, session: int, chars: str, *, answers: Sequence[str] = (), **arguments: Any) -> str:
        given = {"session_id": session, "chars": chars, "yield_time_ms": LONG_MS, **arguments}
        return await self.call("write_stdin", given, answers=answers)

    async def until(self, session: int, pattern: str) -> str:
        seen = self._first.pop(session, "")
        async with asyncio.timeout(PATIENCE_S):
            while not re.search(pattern, seen):
                text = await self.type(session, "", yield_time_ms=20)
                assert "running" in text, seen + text
                seen += text.partition("Output:\n")[2]
        return seen


@pytest.fixture
async def desk(bench: Any) -> AsyncIterator[Desk]:
    made = Desk(bench)
    try:
        yield made
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await made.terminals.aclose()


def timeless(text: str) -> str:
    """The answer without its wall time, which must be there."""
    head, line_end, rest = text.partition("\n")
    assert line_end
    assert re.fullmatch(r"Wall time: \d+\.\d{3} seconds", head), text
    return rest


# -- offers -----------------------------------------------------------------------------------------


def offer(tool: Any, *offers: str, approval: str = "never", mode: str = "danger-full-access") -> Any:
    context = SimpleNamespace(
        approval_policy=AskForApproval(approval),
        sandbox_policy=parse_sandbox_policy({"mode": mode}),
        offers_exec_command="exec" in offers,
        offers_unified_exec="unified" in offers,
    )
    spec = tool.spec(context)
    return None if spec is None else spec.to_responses()


def test_nothing_is_offered_unasked() -> None:
    assert [offer(tool) for tool in TOOLS.values()] == [None] * 3


@pytest.mark.parametrize(
    ("name", "offers", "properties", "required"),
    [
        (
            "exec_command",
            "exec",
            {
                "cmd": "string",
                "login": "boolean",
                "max_output_tokens": "number",
                "shell": "string",
                "workdir": "string",
                "yield_time_ms": "number",
            },
            ["cmd"],
        ),
        (
            "write_stdin",
            "exec",
            {
                "chars": "string",
                "max_output_tokens": "number",
                "session_id": "number",
                "yield_time_ms": "number",
            },
            ["session_id", "chars"],
        ),
        (
            "unified_exec",
            "unified",
            {"input": "array", "session_id": "string", "timeout_ms": "number"},
            ["input"],
        ),
    ],
)
def test_tools_are_offered_with_the_parameters_of_the_reference(
    name: str, offers: str, properties: dict[str, str], required: list[str]
) -> None:
    spec = offer(TOOLS[name], offers)
    assert (spec["name"], spec["strict"]) == (name, False)
    parameters = spec["parameters"]
    assert {key: value["type"] for key, value in parameters["properties"].items()} == properties
    assert list(parameters["properties"]) == sorted(properties)
    assert (parameters["required"], parameters["additionalProperties"]) == (required, False)


def test_escalation_is_offered_where_it_can_be_asked_for() -> None:
    for name, offers in (("exec_command", "exec"), ("unified_exec", "unified")):
        asks = offer(TOOLS[name], offers, approval="on-request", mode="workspace-write")
        assert {"justification", "with_escalated_permissions"} <= asks["parameters"]["properties"].keys()
        assert "There is no network" in asks["description"]
        silent = offer(TOOLS[name], offers, approval="on-failure", mode="workspace-write")
        assert "justification" not in silent["parameters"]["properties"]


# -- arguments --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("exec_command", "not json", ""),
        ("exec_command", "[1]", "invalid type: sequence, expected an object"),
        ("exec_command", {}, "missing field `cmd`"),
        ("exec_command", {"cmd": 3}, "invalid type: integer `3`, expected a string"),
        ("exec_command", {"cmd": "x", "login": "yes"}, 'invalid type: string "yes", expected a boolean'),
        (
            "exec_command",
            {"cmd": "x", "yield_time_ms": 1.5},
            "invalid type: floating point `1.5`, expected u64",
        ),
        ("exec_command", {"cmd": "x", "max_output_tokens": -1}, "invalid value: integer `-1`, expected u64"),
        ("exec_command", {"cmd": "x", "workdir": "a\0"}, "`workdir` holds a NUL character"),
        ("write_stdin", {"session_id": 2}, "missing field `chars`"),
        ("write_stdin", {"chars": ""}, "missing field `session_id`"),
        ("write_stdin", {"session_id": -1, "chars": ""}, "invalid value: integer `-1`, expected u32"),
        (
            "write_stdin",
            {"session_id": 2**32, "chars": ""},
            "invalid value: integer `4294967296`, expected u32",
        ),
        ("write_stdin", {"session_id": True, "chars": ""}, "invalid type: boolean `true`, expected u32"),
        ("unified_exec", {}, "missing field `input`"),
        ("unified_exec", {"input": "ls"}, 'invalid type: string "ls", expected a sequence'),
        ("unified_exec", {"input": [1]}, "invalid type: integer `1`, expected a string"),
        ("unified_exec", {"input": [], "session_id": 2}, "invalid type: integer `2`, expected a string"),
    ],
)
async def test_bad_arguments_are_told(desk: Desk, name: str, arguments: Any, reason: str) -> None:
    output = await desk.output(name, arguments)
    assert output.text.startswith(f"failed to parse function arguments: {reason}")
    assert not output.success
    assert desk.bench.events == []


async def test_whole_numbers_may_have_a_point_and_null_is_the_default(desk: Desk) -> None:
    text = await desk.run("echo x", yield_time_ms=30000.0, max_output_tokens=None, shell=None)
    assert timeless(text) == "Process exited with code 0\nOutput:\nx\r\n"


# -- exec_command and write_stdin -------------------------------------------------------------------


async def test_a_command_that_ends_is_answered_at_once(desk: Desk) -> None:
    output = await desk.output(
        "exec_command", {"cmd": r"printf 'a\n\033[31mred\033[0m\n'; exit 3", "yield_time_ms": LONG_MS}
    )
    assert timeless(output.text) == "Process exited with code 3\nOutput:\na\r\n\x1b[31mred\x1b[0m\r\n"
    assert not output.success


async def test_a_command_that_runs_on_is_talked_to(desk: Desk) -> None:
    session = await desk.leave("echo start; read x; echo got $x; exit 4")
    assert await desk.until(session, "start") == "start\r\n"
    assert timeless(await desk.type(session, "hello\n")) == (
        "Process exited with code 4\nOutput:\nhello\r\ngot hello\r\n"
    )
    # The end stays known.
    assert timeless(await desk.type(session, "")) == "Process exited with code 4\nOutput:\n"


async def test_sessions_are_counted_also_those_that_ended_or_never_began(desk: Desk) -> None:
    await desk.run("true")
    text = await desk.run("true", shell="/nonexistent")
    assert text == (
        "failed to create exec command session for session id 1: No such file or directory (os error 2)"
    )
    assert await desk.leave("cat") == 2


async def test_an_unknown_session_is_told(desk: Desk) -> None:
    output = await desk.output("write_stdin", {"session_id": 9, "chars": ""})
    assert (output.text, output.success) == ("unknown session id 9", False)


async def test_long_output_is_cut_to_the_tokens_asked_for(desk: Desk) -> None:
    assert timeless(await desk.run("seq 1 100", max_output_tokens=10)) == (
        "Process exited with code 0\nWarning: truncated output (original token count: 98)\n"
        "Output:\n1\r\n2\r\n…96 tokens truncated…\n100\r\n"
    )


async def test_login_and_shell_are_chosen(desk: Desk) -> None:
    script = "shopt -q login_shell && echo login || echo plain"
    assert "login\r\n" in await desk.run(script, login=True)
    assert "plain\r\n" in await desk.run(script)
    assert "sh\r\n" in await desk.run("echo $0", shell="/bin/sh")
    assert desk.bench.last("exec_command_begin")["command"] == ["/bin/sh", "-c", "echo $0"]


async def test_the_directory_is_the_one_of_the_turn_or_below(desk: Desk) -> None:
    (desk.bench.repo.path / "sub").mkdir()
    cwd = os.path.realpath(desk.bench.repo.path)
    assert f"Output:\n{cwd}\r\n" in await desk.run("pwd -P")
    assert f"Output:\n{cwd}/sub\r\n" in await desk.run("pwd -P", workdir="sub")


async def test_the_environment_is_the_configured_one_and_asks_for_plain_output(desk: Desk) -> None:
    bench = desk.bench
    environ = {**bench.services.environ, "MY_SECRET": "1", "KEPT": "2", "COLUMNS": "999", "TERM": "xterm"}
    bench.services = replace(bench.services, environ=environ)
    policy = ShellEnvironmentPolicy(inherit=Inherit.ALL, set={"GIT_PAGER": "less", "LANG": "C"})
    bench.context = replace(bench.context, shell_environment_policy=policy)
    printed = (await desk.run("env")).partition("Output:\n")[2].split("\r\n")
    seen = dict(line.split("=", 1) for line in printed if "=" in line)
    assert "MY_SECRET" not in seen
    assert "COLUMNS" not in seen
    assert (seen["KEPT"], seen["LANG"], seen["GIT_PAGER"]) == ("2", "C", "cat")
    assert (seen["TERM"], seen["NO_COLOR"]) == ("dumb", "1")


async def test_a_wait_has_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MAX_YIELD_MS", 10)
    text = timeless(await desk.run("cat", yield_time_ms=10**15))
    assert text == (
        "Process running with session ID 0\n"
        f"Warning: requested timeout {10**15}ms exceeds maximum of 10ms; clamping to 10ms.\nOutput:\n"
    )


async def test_too_many_running_programs_are_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal_sessions, "MAX_SESSIONS", 1)
    await desk.leave("cat")
    text = await desk.run("cat")
    assert text.startswith("failed to create exec command session for session id 1: 1 terminals are open")
    assert desk.bench.kinds() == ["exec_command_begin"]


# -- events -----------------------------------------------------------------------------------------


async def test_events_tell_the_life_of_a_command(desk: Desk) -> None:
    session = await desk.leave("read x; echo got $x; exit 4")
    assert desk.bench.kinds() == ["exec_command_begin"]
    begin = desk.bench.last("exec_command_begin")
    assert begin["command"] == ["/bin/bash", "-c", "read x; echo got $x; exit 4"]
    assert (begin["call_id"], begin["cwd"]) == ("c1", desk.bench.context.cwd)
    await desk.call(
        "write_stdin", {"session_id": session, "chars": "é\n", "yield_time_ms": LONG_MS}, call_id="c2"
    )
    assert desk.bench.kinds() == ["exec_command_begin", "exec_command_end"]
    deltas = [e for e in desk.bench.events if e["type"] == "exec_command_output_delta"]
    assert b"".join(base64.b64decode(e["chunk"]) for e in deltas).decode() == "é\r\ngot é\r\n"
    assert {(e["call_id"], e["stream"]) for e in deltas} == {("c1", "stdout")}
    end = desk.bench.events[-1]
    assert (end["type"], end["call_id"], end["exit_code"], end["stderr"]) == ("exec_command_end", "c1", 4, "")
    assert end["stdout"] == end["aggregated_output"] == end["formatted_output"] == "é\r\ngot é\r\n"


async def test_a_command_that_cannot_start_has_an_end_too(desk: Desk) -> None:
    await desk.run("true", workdir="/nonexistent")
    end = desk.bench.last("exec_command_end")
    assert (end["exit_code"], end["stdout"]) == (-1, "No such file or directory (os error 2)")


# -- approval and sandbox ---------------------------------------------------------------------------


@on_linux
@pytest.mark.parametrize("isolation", [Isolation.LANDLOCK, Isolation.AUTO])
async def test_the_sandbox_holds_and_the_terminal_works_in_it(desk: Desk, isolation: Isolation) -> None:
    bench = desk.bench
    bench.under("never", "workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    bench.config = replace(bench.config, sandbox_isolation=isolation)
    outside = bench.home.path / "outside"
    text = await desk.run(f"echo x >/dev/tty; : >inside && echo in; : >{outside} || echo refused; stty size")
    words = text.partition("Output:\n")[2].split()
    assert words[:2] == ["x", "in"]
    assert words[-3:] == ["refused", "24", "80"]
    assert (bench.repo.path / "inside").exists()
    assert not outside.exists()


@on_linux
async def test_our_own_settings_are_read_only_below_a_writable_root(desk: Desk) -> None:
    bench = desk.bench
    bench.under("never", "workspace-write", writable_roots=[str(bench.home.path.parent)])
    bench.config = replace(bench.config, sandbox_isolation=Isolation.NAMESPACES)
    home, beside = bench.config.codex_home, bench.home.path.parent / "beside"
    text = await desk.run(f"echo x >{beside} && echo made; echo x >{home}/new || echo refused")
    if "new namespaces are refused" in text:
        pytest.skip(text)
    words = text.partition("Output:\n")[2].split()
    assert (words[0], words[-1]) == ("made", "refused")
    assert not os.path.exists(f"{home}/new")


@on_linux
async def test_the_sandbox_cleans_up_behind_a_program_that_is_ended(desk: Desk) -> None:
    bench = desk.bench.under("never", "workspace-write")
    bench.config = replace(bench.config, sandbox_isolation=Isolation.AUTO)
    before = set(bench.repo.path.iterdir())
    session = await desk.leave("echo ready; sleep 1000")
    await desk.until(session, "ready")
    await desk.terminals.aclose()
    assert set(bench.repo.path.iterdir()) == before


@on_linux
async def test_what_is_typed_later_is_confined_too(desk: Desk) -> None:
    bench = desk.bench.under("on-request", "read-only")
    session = await desk.leave("exec bash --norc -i")
    text = await desk.type(session, ": >typed || echo refused; exit 5\n")
    assert "refused\r\n" in text
    assert "code 5" in text
    assert not (bench.repo.path / "typed").exists()


@on_linux
async def test_a_confined_program_cannot_type_into_its_terminal(desk: Desk) -> None:
    desk.bench.under("never", "workspace-write")
    program = "import fcntl,termios; fcntl.ioctl(0,termios.TIOCSTI,b'x')"
    text = await desk.run(f'{sys.executable} -c "{program}"')
    assert "PermissionError: [Errno 1]" in text


@on_linux
async def test_without_the_helper_nothing_confined_runs(desk: Desk) -> None:
    desk.bench.under("never", "read-only")
    desk.bench.config = replace(desk.bench.config, codex_linux_sandbox_exe=None)
    text = await desk.run("touch x")
    assert text.endswith("session id 0: codex-linux-sandbox was required but not provided")
    desk.free()
    assert "code 0" in await desk.run("echo unconfined")


async def test_untrusted_commands_are_asked_about_as_they_are(desk: Desk) -> None:
    desk.bench.under("untrusted", "workspace-write")
    assert await desk.run("touch x", answers=["denied"]) == "exec command rejected by user"
    request = desk.bench.last("exec_approval_request")
    assert (request["command"], request["cwd"]) == (["/bin/bash", "-c", "touch x"], desk.bench.context.cwd)
    assert not (desk.bench.repo.path / "x").exists()
    assert "code 0" in await desk.run("touch x", answers=["approved"])
    assert "code 0" in await desk.run("touch x", answers=["approved_for_session"])
    assert "code 0" in await desk.run("touch x")
    assert "code 0" in await desk.run("ls"), "known to be harmless"


@on_linux
async def test_escalation_is_asked_for_and_so_is_all_later_input(desk: Desk) -> None:
    bench = desk.bench.under("on-request", "read-only")
    session = await desk.leave(
        "exec bash --norc -i", with_escalated_permissions=True, justification="why", answers=["approved"]
    )
    assert bench.last("exec_approval_request")["reason"] == "why"
    assert await desk.type(session, ": >one\n", answers=["denied"]) == "exec command rejected by user"
    request = bench.last("exec_approval_request")
    assert request["command"] == ["write_stdin", ": >one\n"]
    assert request["reason"] == f"input for the program in terminal {session}, which runs outside the sandbox"
    await desk.type(session, ": >two\n", answers=["approved"], yield_time_ms=0)
    await desk.type(session, ": >three\n", answers=["approved_for_session"], yield_time_ms=0)
    assert "code 0" in await desk.type(session, "exit\n")
    made = {path.name for path in bench.repo.path.iterdir()}
    assert made & {"one", "two", "three"} == {"two", "three"}


async def test_narrower_policies_hold_for_programs_that_run_already(desk: Desk) -> None:
    session = await desk.leave("echo ready; exec cat >late")
    await desk.until(session, "ready")
    desk.bench.under("never", "read-only")
    text = await desk.type(session, "late\n")
    assert text.startswith("exec command rejected: the program runs with more rights")
    assert "running" in await desk.type(session, "", yield_time_ms=0)
    assert "code 0" in await desk.type(session, "\x04")
    assert (desk.bench.repo.path / "late").read_text() == ""


@on_linux
async def test_after_a_refusal_the_user_may_let_it_run_unconfined(desk: Desk) -> None:
    bench = desk.bench.under("on-failure", "read-only")
    assert await desk.run("touch x", answers=["denied"]) == "exec command rejected by user"
    assert "code 0" in await desk.run("touch x", answers=["approved"])
    assert (bench.repo.path / "x").exists()
    assert bench.last("exec_approval_request")["reason"] == "command failed; retry without sandbox?"
    assert bench.kinds()[-6:] == [
        "exec_command_end",
        "background_event",
        "exec_approval_request",
        "background_event",
        "exec_command_begin",
        "exec_command_end",
    ]
    bench.under("on-request", "read-only")
    text = await desk.run("touch y")
    assert "Process exited with code 1" in text
    assert "touch: cannot touch 'y'" in text


async def test_a_patch_in_a_command_is_a_patch(desk: Desk) -> None:
    script = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\nEOF\n"
    text = await desk.run(script)
    assert "A new.txt" in text
    assert desk.bench.kinds()[:2] == ["patch_apply_begin", "patch_apply_end"]
    assert (desk.bench.repo.path / "new.txt").read_text() == "hello\n"


# -- interrupts -------------------------------------------------------------------------------------


async def test_an_interrupt_of_the_first_wait_ends_the_command(desk: Desk) -> None:
    call = asyncio.create_task(desk.run("echo $$; sleep 1000 & wait"))
    await desk.printed(b"\n")
    pid = int(desk.announced())
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert len(desk.terminals) == 0


async def test_an_interrupt_of_a_later_wait_leaves_the_program(desk: Desk) -> None:
    session = await desk.leave("echo ready; cat")
    await desk.until(session, "ready")
    call = asyncio.create_task(desk.type(session, "one\n"))
    await desk.printed(b"one")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    seen = await desk.until(session, "one\r\none\r\n")
    assert seen == "one\r\none\r\n"


# -- unified_exec -----------------------------------------------------------------------------------


async def unified(desk: Desk, *texts: str, **arguments: Any) -> Any:
    text = await desk.call("unified_exec", {"input": texts, "timeout_ms": LONG_MS, **arguments})
    return json.loads(text) if text.startswith("{") else text


async def test_unified_exec_runs_an_argv_to_its_end(desk: Desk) -> None:
    assert await unified(desk, "echo", "a  b") == {"session_id": None, "output": "a  b\r\n"}


async def test_unified_exec_types_its_texts_joined_by_spaces(desk: Desk) -> None:
    started = await unified(desk, "bash", "-c", "read x; echo got $x", timeout_ms=0)
    assert started == {"session_id": "0", "output": ""}
    ended = await unified(desk, "a", "b\n", session_id="0")
    assert ended == {"session_id": None, "output": "a b\r\ngot a b\r\n"}
    assert await unified(desk, session_id="0") == "unified exec failed: Unknown session id 0"


@pytest.mark.parametrize(
    ("session_id", "text"),
    [
        ("7", "unified exec failed: Unknown session id 7"),
        ("-1", "unified exec failed: Unknown session id -1"),
        ("", "invalid session_id:  due to error cannot parse integer from empty string"),
        ("zz", "invalid session_id: zz due to error invalid digit found in string"),
        ("-", "invalid session_id: - due to error invalid digit found in string"),
        ("²", "invalid session_id: ² due to error invalid digit found in string"),
        (
            "99999999999",
            "invalid session_id: 99999999999 due to error number too large to fit in target type",
        ),
        ("2147483648", "invalid session_id: 2147483648 due to error number too large to fit in target type"),
    ],
)
async def test_unified_exec_tells_what_is_wrong_with_a_session(
    desk: Desk, session_id: str, text: str
) -> None:
    assert await unified(desk, "x", session_id=session_id) == text


async def test_unified_exec_tells_why_nothing_was_started_and_counts_each_try(desk: Desk) -> None:
    assert await unified(desk) == "unified exec failed: missing command line for unified exec request"
    assert await unified(desk, "/nonexistent") == (
        "unified exec failed: Failed to create unified exec session: No such file or directory (os error 2)"
    )
    assert (await unified(desk, "cat", timeout_ms=0))["session_id"] == "2"


async def test_unified_exec_shortens_a_wait_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MAX_UNIFIED_TIMEOUT_MS", 10)
    warning = "Warning: requested timeout 70000ms exceeds maximum of 10ms; clamping to 10ms.\n"
    assert await unified(desk, "cat", timeout_ms=70_000) == {"session_id": "0", "output": warning}


async def test_unified_exec_asks_and_confines_like_the_others(desk: Desk) -> None:
    desk.bench.under("untrusted", "workspace-write")
    text = await desk.call("unified_exec", {"input": ["touch", "x"]}, answers=["denied"])
    assert text == "exec command rejected by user"
    assert desk.bench.last("exec_approval_request")["command"] == ["touch", "x"]

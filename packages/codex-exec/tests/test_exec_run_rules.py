"""One run from its events to its exit code, and what signals do to it (spec: servers.md section 7.3)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_core.config import ConfigFlags, load_config
from codex_core.errors import SessionError
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_exec import run as module
from codex_exec.options import ExecOptions
from codex_exec.run import write_last_message
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_protocol.events import Event, parse_event_msg
from codex_protocol.ops import InterruptOp, Op, ShutdownOp


class Conversation:
    """A conversation that plays events and notes what is submitted."""

    def __init__(self, *entries: tuple[str, dict[str, Any]]) -> None:
        self._events = [Event(id=identifier, msg=parse_event_msg(msg)) for identifier, msg in entries]
        self.submitted: list[Op] = []
        self.heard = asyncio.Event()
        self.has_ended = False

    async def next_event(self) -> Event:
        return self._events.pop(0)

    async def submit(self, op: Op) -> str:
        self.heard.set()
        if self.has_ended:
            raise SessionError("it is over")
        self.submitted.append(op)
        return "1"


class Silent:
    """A printer that keeps the types of the events."""

    def __init__(self) -> None:
        self.printed: list[str] = []

    def begin(self, config: Any, prompt: str) -> None: ...

    def event(self, event: Event) -> None:
        self.printed.append(event.msg.type)

    def end(self, last_message: str | None) -> None: ...


ERROR = {"type": "error", "message": "no"}
DONE = {"type": "task_complete", "last_agent_message": "yes"}
NOTHING = {"type": "task_complete", "last_agent_message": None}
ABORTED = {"type": "turn_aborted", "reason": "interrupted"}
OVER = ("1", {"type": "shutdown_complete"})


@pytest.mark.parametrize(
    ("entries", "failed", "completed"),
    [
        ([("0", DONE)], False, True),
        ([("0", NOTHING)], False, True),
        ([("0", ERROR), ("0", NOTHING)], True, True),
        ([("0", ABORTED)], True, False),
        ([("", ERROR), ("0", NOTHING)], False, True),  # something beside the turn, such as a tool server
        ([("0", ERROR), ("0", DONE)], False, True),  # the answer is there; its recording may not be
    ],
    ids=["answer", "no answer", "error", "interrupt", "error elsewhere", "answer in spite of an error"],
)
async def test_how_a_turn_ends_decides(
    entries: list[tuple[str, dict[str, Any]]], failed: bool, completed: bool
) -> None:
    conversation = Conversation(*entries, OVER)
    printer = Silent()
    outcome = await module._follow(conversation, "0", printer)  # type: ignore[arg-type]  # a stand-in
    assert (outcome.failed, outcome.completed) == (failed, completed)
    assert [type(op) for op in conversation.submitted] == [ShutdownOp]
    assert printer.printed == [*(msg["type"] for _, msg in entries), "shutdown_complete"]


# -- signals ------------------------------------------------------------------------------------


@pytest.fixture
def dispositions() -> Iterator[None]:
    """Puts the handlers of signals back after a test that may fail half-way."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("dispositions")
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_the_first_signal_interrupts_and_the_next_one_kills(first: signal.Signals) -> None:
    conversation = Conversation()
    stop = module._Stop(conversation)  # type: ignore[arg-type]  # a stand-in
    with stop.listening():
        os.kill(os.getpid(), first)
        await conversation.heard.wait()
        assert [type(op) for op in conversation.submitted] == [InterruptOp]
        assert stop.signal is first
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        # A terminal that closes says so twice; the second time must not kill while we clean up.
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(conversation.submitted) == 1
        assert stop.signal is first
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.usefixtures("dispositions")
async def test_a_signal_to_a_turn_that_has_just_ended_does_nothing() -> None:
    conversation = Conversation()
    conversation.has_ended = True
    stop = module._Stop(conversation)  # type: ignore[arg-type]  # a stand-in
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        await conversation.heard.wait()
        assert stop._interrupting is not None
        await stop._interrupting  # raises nothing
    assert conversation.submitted == []


# -- the last message ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["The answer.", "", "ü\n\n", "a\r\nb"])
def test_the_last_message_is_written_as_it_is(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "last.txt"
    path.write_text("something longer than the message that was here before")
    write_last_message(str(path), text)
    assert path.read_bytes().decode() == text
    assert capsys.readouterr().err == ""


def test_without_a_message_the_file_is_empty_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "last.txt"
    write_last_message(str(path), None)
    assert path.read_text() == ""
    assert capsys.readouterr().err == f"Warning: no last agent message; wrote empty content to {path}\n"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_last_message(str(tmp_path), "text")
    assert capsys.readouterr().err == f'Failed to write last message file "{tmp_path}": Is a directory\n'


# -- settings -----------------------------------------------------------------------------------


class NoHelpers:
    linux_sandbox_exe = None
    apply_patch_exe = None


@pytest.mark.parametrize(
    ("options", "sandbox"),
    [
        (ExecOptions(), "read-only"),
        (ExecOptions(sandbox=SandboxMode.WORKSPACE_WRITE), "workspace-write"),
        (ExecOptions(full_auto=True), "workspace-write"),
        (ExecOptions(full_auto=True, sandbox=SandboxMode.READ_ONLY), "workspace-write"),
        (ExecOptions(bypass=True), "danger-full-access"),
        (ExecOptions(bypass=True, sandbox=SandboxMode.READ_ONLY), "danger-full-access"),
        (ExecOptions(demo=True), "workspace-write"),
        (ExecOptions(demo=True, sandbox=SandboxMode.READ_ONLY), "read-only"),
        (ExecOptions(demo=True, bypass=True), "danger-full-access"),
        (ExecOptions(overrides=("sandbox_mode=workspace-write",)), "workspace-write"),
    ],
)
def test_a_headless_run_never_asks_whatever_its_sandbox(
    options: ExecOptions, sandbox: str, scratch_home: ScratchHome
) -> None:
    scratch_home.write("config.toml", 'approval_policy = "untrusted"\n')
    services = Services(environ=scratch_home.environ())
    config = module.load(options, services, NoHelpers())  # type: ignore[arg-type]  # a stand-in
    assert config.approval_policy is AskForApproval.NEVER
    assert config.sandbox_policy.mode == sandbox
    assert (config.model_provider_id == "demo") is options.demo


def test_the_demo_has_its_own_model_unless_one_is_named(scratch_home: ScratchHome) -> None:
    services = Services(environ=scratch_home.environ())
    for options, model in ((ExecOptions(demo=True), "demo"), (ExecOptions(demo=True, model="x"), "x")):
        config = module.load(options, services, NoHelpers())  # type: ignore[arg-type]  # a stand-in
        assert config.model == model


def test_other_settings_come_from_the_command_line(scratch_home: ScratchHome) -> None:
    services = Services(environ=scratch_home.environ())
    options = ExecOptions(model="m", cwd=str(scratch_home.path), overrides=("model_verbosity=low",))
    config = module.load(options, services, NoHelpers())  # type: ignore[arg-type]  # a stand-in
    same = load_config(
        flags=ConfigFlags(model="m", cwd=str(scratch_home.path), approval_policy=AskForApproval.NEVER),
        overrides=["model_verbosity=low"],
        services=services,
    )
    assert config == same

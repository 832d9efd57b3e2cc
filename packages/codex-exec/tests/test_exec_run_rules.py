"""One run from its events to its outcome, and its settings (spec: servers.md section 7.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codex_core.config import ConfigFlags, load_config
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_exec import run as module
from codex_exec.options import ExecOptions
from codex_exec.output import Output
from codex_exec.run import write_last_message
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_protocol.events import Event, parse_event_msg
from codex_protocol.ops import Op, ShutdownOp


class Conversation:
    """A conversation that plays events and notes what is submitted."""

    def __init__(self, *entries: tuple[str, dict[str, Any]]) -> None:
        self._events = [Event(id=identifier, msg=parse_event_msg(msg)) for identifier, msg in entries]
        self.submitted: list[Op] = []

    async def next_event(self) -> Event:
        return self._events.pop(0)

    async def submit(self, op: Op) -> str:
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
    outcome = await module._follow(
        conversation,  # type: ignore[arg-type]  # a stand-in
        "0",
        printer,
        Output(),
    )
    assert (outcome.failed, outcome.completed) == (failed, completed)
    assert [type(op) for op in conversation.submitted] == [ShutdownOp]
    assert printer.printed == [*(msg["type"] for _, msg in entries), "shutdown_complete"]


# -- the last message ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["The answer.", "", "ü\n\n", "a\r\nb"])
def test_the_last_message_is_written_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "last.txt"
    path.write_text("something longer than the message that was here before")
    assert write_last_message(str(path), text) is None
    assert path.read_bytes().decode() == text


def test_without_a_message_the_file_is_empty_and_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "last.txt"
    warning = write_last_message(str(path), None)
    assert path.read_text() == ""
    assert warning == f"Warning: no last agent message; wrote empty content to {path}"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    warning = write_last_message(str(tmp_path), "text")
    assert warning == f'Failed to write last message file "{tmp_path}": Is a directory'


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

"""Commands: may this run, it starts, it writes, it ends."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from codex_protocol.config_types import ExecOutputStream
from codex_protocol.events.duration import Duration
from codex_protocol.events.model import EventModel
from codex_protocol.fields import Base64Bytes, Int32, OmitNone
from codex_protocol.parsed_command import PARSED_COMMAND, ParsedCommand

_ParsedCommand: TypeAlias = Annotated[ParsedCommand, PARSED_COMMAND]


class ExecCommandBeginEvent(EventModel):
    """A command starts."""

    type: Literal["exec_command_begin"] = "exec_command_begin"
    call_id: str
    command: tuple[str, ...]
    cwd: str
    parsed_cmd: tuple[_ParsedCommand, ...]


class ExecCommandOutputDeltaEvent(EventModel):
    """Bytes a command has written, as they came; they may end within a character."""

    type: Literal["exec_command_output_delta"] = "exec_command_output_delta"
    call_id: str
    stream: ExecOutputStream
    chunk: Base64Bytes


class ExecCommandEndEvent(EventModel):
    """A command has ended; `formatted_output` is what the model is shown."""

    type: Literal["exec_command_end"] = "exec_command_end"
    call_id: str
    stdout: str
    stderr: str
    aggregated_output: str = ""
    exit_code: Int32
    duration: Duration
    formatted_output: str


class ExecApprovalRequestEvent(EventModel):
    """May this command run?"""

    type: Literal["exec_approval_request"] = "exec_approval_request"
    call_id: str
    command: tuple[str, ...]
    cwd: str
    reason: OmitNone[str] = None

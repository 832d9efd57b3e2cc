"""Checks recorded lines against the types: does each load, and is it the same when written again?

Values in, values out; reading files is the business of `python -m codex_protocol validate`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_protocol.errors import ProtocolError, UnknownMethodError
from codex_protocol.jsonio import loads_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_protocol.jsonio import JSON


class Kind(StrEnum):
    """What the lines of a file are."""

    ROLLOUT = "rollout"
    HISTORY = "history"
    EVENT = "event"
    OP = "op"
    IDE = "ide"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line, counted from 1; `is_loss` when it loads but comes back different."""

    line: int
    text: str
    is_loss: bool


@dataclass(slots=True)
class Report:
    """The outcome for one file."""

    lines: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def valid(self) -> int:
        """How many lines load, changed or not."""
        return self.lines - self.invalid

    @property
    def invalid(self) -> int:
        """How many lines do not load."""
        return sum(not problem.is_loss for problem in self.problems)

    @property
    def different(self) -> int:
        """How many lines load and come back different."""
        return sum(problem.is_loss for problem in self.problems)


def check_lines(lines: Iterable[bytes], kind: Kind | None = None) -> Report:
    """Checks every line that is not blank; without `kind`, each line says by its keys what it is."""
    report = Report()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        report.lines += 1
        try:
            found = _difference(line, kind)
        except ProtocolError as error:
            report.problems.append(Problem(number, str(error), is_loss=False))
            continue
        if found is not None:
            report.problems.append(Problem(number, found, is_loss=True))
    return report


def _difference(line: bytes, kind: Kind | None) -> str | None:
    data = loads_object(line.rstrip(b"\r\n"))
    return first_difference(data, written_again(data, kind or kind_of(data)))


def kind_of(data: dict[str, JSON]) -> Kind:
    """What a decoded line is, by its keys.

    Raises:
        ProtocolError: when it is none of the kinds.
    """
    if "timestamp" in data and "payload" in data:
        return Kind.ROLLOUT
    if "session_id" in data and "ts" in data:
        return Kind.HISTORY
    if "op" in data:
        return Kind.OP
    if "msg" in data:
        return Kind.EVENT
    if "method" in data or "result" in data or "error" in data:
        return Kind.IDE
    raise ProtocolError("neither a rollout nor a history line, an event, a submission or a JSON-RPC frame")


def written_again(data: dict[str, JSON], kind: Kind) -> dict[str, JSON]:
    """What our types write after reading `data`.

    Raises:
        ProtocolError: when `data` is not of that kind.
    """
    match kind:
        case Kind.ROLLOUT:
            from codex_protocol.rollout import RolloutLine

            return RolloutLine.from_wire(data).to_wire()
        case Kind.HISTORY:
            from codex_protocol.history_entry import HistoryLine

            return HistoryLine.from_wire(data).to_wire()
        case Kind.EVENT:
            from codex_protocol.events import Event

            return Event.from_wire(data).to_wire()
        case Kind.OP:
            from codex_protocol.ops import Submission

            return Submission.from_wire(data).to_wire()
        case Kind.IDE:
            return _frame_written_again(data)


def _frame_written_again(data: dict[str, JSON]) -> dict[str, JSON]:
    from codex_protocol import ide_methods
    from codex_protocol.json_rpc import JsonRpcNotification, JsonRpcRequest, parse_frame

    frame = parse_frame(data)
    try:
        if isinstance(frame, JsonRpcRequest):
            reader = (
                ide_methods.parse_server_request
                if frame.method in ide_methods.SERVER_METHODS
                else ide_methods.parse_client_request
            )
            request = reader(frame)
            if request.params is not None:
                frame = frame.model_copy(update={"params": request.params.to_wire()})
        elif isinstance(frame, JsonRpcNotification):
            frame = frame.model_copy(update={"params": ide_methods.parse_notification(frame).to_wire()})
    except UnknownMethodError:
        # A method of MCP or of a newer server: the frame is all we know of it.
        pass
    return frame.to_wire()


def first_difference(before: JSON, after: JSON, path: str = "") -> str | None:
    """Where two JSON values first differ, in words; None when they are equal."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            here = f"{path}.{key}" if path else key
            if key not in after:
                return f"`{here}` is dropped"
            if key not in before:
                return f"`{here}` is added"
            found = first_difference(before[key], after[key], here)
            if found is not None:
                return found
        return None
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            found = first_difference(one, other, f"{path}[{index}]")
            if found is not None:
                return found
        return None
    same = before == after and isinstance(before, bool) == isinstance(after, bool)
    return None if same else f"`{path}` changes"

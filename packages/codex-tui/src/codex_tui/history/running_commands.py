"""Commands that run; those that only look around are one cell for as long as nothing else happens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codex_core.presentation.live_output import LiveOutput
from codex_tui.history.command_cells import CommandCall, CommandCell, ExploringCell

if TYPE_CHECKING:
    from codex_protocol import events
    from codex_tui.history.cells import Cell
    from codex_tui.history.speech_cells import ThoughtCell


class RunningCommands:
    """What runs, by call id. Methods give the cells that are finished by what happened, in their order."""

    def __init__(self, cwd: str) -> None:
        self._cwd = cwd
        self._calls: dict[str, CommandCall] = {}
        self._outputs: dict[str, LiveOutput] = {}
        self._explored: list[CommandCall | ThoughtCell] = []  # the parts of the exploring cell
        self._takes_more = False  # whether that may grow

    @property
    def live_cells(self) -> list[Cell]:
        """What is not finished."""
        cells: list[Cell] = [CommandCell(call, self._cwd) for call in self._calls.values()]
        return [ExploringCell(tuple(self._explored), self._cwd), *cells] if self._explored else cells

    @property
    def is_any_running(self) -> bool:
        """Whether a command has not ended."""
        return bool(self._calls) or any(
            isinstance(part, CommandCall) and part.is_running for part in self._explored
        )

    def is_exploring(self, call_id: str) -> bool:
        """Whether the command with that id runs and only looks around."""
        return self._place_of(call_id) is not None

    def begin(self, msg: events.ExecCommandBeginEvent, now: float) -> list[Cell]:
        """A command starts; one that runs under the same id will never end."""
        call = CommandCall(msg, now)
        self._outputs[msg.call_id] = LiveOutput()
        if call.is_exploring:
            self._explored.append(call)
            self._takes_more = True
            return []
        finished = self.leave_exploring()
        namesake = self._calls.pop(msg.call_id, None)
        if namesake is not None:
            finished.append(CommandCell(replace(namesake, is_interrupted=True), self._cwd))
        self._calls[msg.call_id] = call
        return finished

    def hear(self, msg: events.ExecCommandOutputDeltaEvent) -> None:
        """It prints something."""
        output = self._outputs.get(msg.call_id)
        if output is None:
            return
        output.hear(str(msg.stream), bytes(msg.chunk))
        if msg.call_id in self._calls:
            self._calls[msg.call_id] = replace(self._calls[msg.call_id], live_output=output.text)
        elif place := self._place_of(msg.call_id):
            at, explored = place
            self._explored[at] = replace(explored, live_output=output.text)

    def end(self, msg: events.ExecCommandEndEvent, now: float) -> list[Cell]:
        """It has ended."""
        self._outputs.pop(msg.call_id, None)
        place = self._place_of(msg.call_id)
        if place is not None:
            at, explored = place
            self._explored[at] = replace(explored, end=msg)
            return [] if self._takes_more else self._finished_exploring()
        call = self._calls.pop(msg.call_id, None)
        finished: list[Cell] = []
        if call is None:
            finished = self.leave_exploring()
            call = CommandCall(_unknown_command(msg, self._cwd), now)
        return [*finished, CommandCell(replace(call, end=msg), self._cwd)]

    def add_thought(self, cell: ThoughtCell) -> bool:
        """Whether a thought that only a transcript shows has become part of the exploring cell."""
        if self._takes_more:
            self._explored.append(cell)
        return self._takes_more

    def leave_exploring(self) -> list[Cell]:
        """What follows is something else: the cell takes no more calls, and is finished when they are."""
        self._takes_more = False
        return self._finished_exploring()

    def interrupt(self) -> list[Cell]:
        """Nothing runs any more."""
        for at, part in enumerate(self._explored):
            if isinstance(part, CommandCall) and part.is_running:
                self._explored[at] = replace(part, is_interrupted=True)
        finished = self.leave_exploring()
        stopped = [replace(call, is_interrupted=True) for call in self._calls.values()]
        self._calls.clear()
        self._outputs.clear()
        return [*finished, *(CommandCell(call, self._cwd) for call in stopped)]

    def _place_of(self, call_id: str) -> tuple[int, CommandCall] | None:
        for at, part in enumerate(self._explored):
            if isinstance(part, CommandCall) and part.is_running and part.begin.call_id == call_id:
                return at, part
        return None

    def _finished_exploring(self) -> list[Cell]:
        parts = tuple(self._explored)
        if not parts or any(isinstance(part, CommandCall) and part.is_running for part in parts):
            return []
        self._explored.clear()
        return [ExploringCell(parts, self._cwd)]


def _unknown_command(msg: events.ExecCommandEndEvent, cwd: str) -> events.ExecCommandBeginEvent:
    """Stands for the beginning of a command nobody told of: its id is all that is known."""
    from codex_protocol.events import ExecCommandBeginEvent

    return ExecCommandBeginEvent(call_id=msg.call_id, command=(msg.call_id,), cwd=cwd, parsed_cmd=())

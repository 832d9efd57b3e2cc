"""Putting the tool calls of a Chat Completions stream together from their pieces.

Servers disagree about the pieces. OpenAI numbers them; others leave the number out, give every call the
number 0, repeat names or ids, leave ids empty, or send the arguments whole, even as an object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.model.event_data import mapping, text

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Call:
    """A call as far as its pieces have come."""

    index: int
    identifier: str = ""
    name: str = ""
    arguments: str = ""
    is_taken: bool = False


class CallPieces:
    """The calls of one answer; `new_id` names those that the server does not."""

    __slots__ = ("_calls", "_new_id", "_open")

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._calls: list[Call] = []
        self._open: dict[int, Call] = {}  # where pieces with that number go

    def add(self, piece: dict[str, object]) -> None:
        """Takes one entry of `delta.tool_calls`."""
        identifier = text(piece.get("id")) or ""
        function = mapping(piece.get("function"))
        name = text(function.get("name")) or ""
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            from codex_protocol.jsonio import dumps

            arguments = dumps(arguments)
        call = self._call_of(piece.get("index"), identifier, name)
        call.identifier = call.identifier or identifier
        call.name = call.name or name
        call.arguments += text(arguments) or ""

    def take(self, *, only_whole: bool = False) -> list[Call]:
        """The calls not taken before, in order; `only_whole` leaves out those that were cut off."""
        taken: list[Call] = []
        for call in sorted(self._calls, key=lambda call: call.index):
            if call.is_taken or (only_whole and not _is_object(call.arguments)):
                continue
            call.is_taken = True
            used = {other.identifier for other in self._calls if other is not call}
            if not call.identifier or call.identifier in used:
                call.identifier = f"call_{self._new_id().replace('-', '')}"
            taken.append(call)
        return taken

    def _call_of(self, index: object, identifier: str, name: str) -> Call:
        numbered = isinstance(index, int) and not isinstance(index, bool)
        last = self._calls[-1] if self._calls else None
        found = self._open.get(index) if numbered and isinstance(index, int) else last
        if found is not None and not _begins_another(found, identifier, name):
            return found
        position = index if numbered and isinstance(index, int) else (last.index + 1 if last else 0)
        call = Call(position)
        self._calls.append(call)
        self._open[position] = call
        return call


def _begins_another(call: Call, identifier: str, name: str) -> bool:
    """Whether a piece that could continue `call` is the first of the next one."""
    if identifier and call.identifier:
        return identifier != call.identifier and bool(name)
    # Without ids, a name after whole arguments. (A name alone may be repeated in every piece.)
    return bool(name) and _is_object(call.arguments)


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False

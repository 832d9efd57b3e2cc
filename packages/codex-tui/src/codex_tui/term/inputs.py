"""What comes from a terminal: keys, pastes, focus, and answers to what it was asked."""

from __future__ import annotations

TYPE_CHECKING = False


class Key:
    """A key pressed: its name, the text it types (None if none) and when it was read."""

    __slots__ = ("at", "name", "text")

    def __init__(self, name: str, text: str | None = None, at: float = 0.0) -> None:
        self.name = name
        self.text = text
        self.at = at

    def __repr__(self) -> str:
        return f"Key({self.name!r}, {self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and (other.name, other.text) == (self.name, self.text)

    def __hash__(self) -> int:
        return hash((self.name, self.text))


class Paste:
    """Text pasted at once, its lines ended by line feeds."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Paste({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Paste) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class Focus:
    """The terminal's window got or lost the keyboard."""

    __slots__ = ("has_focus",)

    def __init__(self, *, has_focus: bool) -> None:
        self.has_focus = has_focus

    def __repr__(self) -> str:
        return f"Focus(has_focus={self.has_focus})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Focus) and other.has_focus == self.has_focus

    def __hash__(self) -> int:
        return hash(self.has_focus)


class CursorReport:
    """Where the terminal says its cursor is, from 0."""

    __slots__ = ("column", "row")

    def __init__(self, column: int, row: int) -> None:
        self.column = column
        self.row = row

    def __repr__(self) -> str:
        return f"CursorReport(column={self.column}, row={self.row})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CursorReport) and (other.column, other.row) == (self.column, self.row)

    def __hash__(self) -> int:
        return hash((self.column, self.row))


class Reply:
    """Something else the terminal said: the inside of a `csi`, `osc`, `dcs`, `apc`, `pm` or `sos`."""

    __slots__ = ("body", "kind")

    def __init__(self, kind: str, body: str) -> None:
        self.kind = kind
        self.body = body

    def __repr__(self) -> str:
        return f"Reply({self.kind!r}, {self.body!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reply) and (other.kind, other.body) == (self.kind, self.body)

    def __hash__(self) -> int:
        return hash((self.kind, self.body))


if TYPE_CHECKING:
    Input = Key | Paste | Focus | CursorReport | Reply

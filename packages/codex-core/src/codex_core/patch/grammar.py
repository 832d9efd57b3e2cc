"""Reads patch text into values: which files to add, delete, update or move, and how.

Knows the format only, no files (spec: exec-sandbox.md sections E.1 and E.2).
"""

from __future__ import annotations

from codex_core.errors import PatchError

TYPE_CHECKING = False  # the name type checkers know, without importing typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Never

BEGIN = "*** Begin Patch"
END = "*** End Patch"
ADD = "*** Add File: "
DELETE = "*** Delete File: "
UPDATE = "*** Update File: "
MOVE = "*** Move to: "
END_OF_FILE = "*** End of File"
CONTEXT = "@@"

WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""The Unicode property White_Space; `str.strip()` would also remove U+001C to U+001F."""

_HEREDOC_STARTS = ("<<EOF", "<<'EOF'", '<<"EOF"')
_HEREDOC_END = "EOF"
_HEREDOC_MIN_LINES = 4


class PatchSyntaxError(PatchError):
    """The text is not a patch. `str()` is what the model reads, `report` what the program prints."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        self.problem = problem
        self.line = line
        """Counted from 1 at the begin marker; None when the envelope itself is wrong."""
        where = "invalid patch: " if line is None else f"invalid hunk at line {line}, "
        super().__init__(where + problem)

    @property
    def report(self) -> str:
        """The sentence of the stand-alone program."""
        if self.line is None:
            return f"Invalid patch: {self.problem}"
        return f"Invalid patch hunk on line {self.line}: {self.problem}"


class Value:
    """Compares and prints by its slots, like a dataclass, which would cost the program 10 ms to import."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


class Chunk(Value):
    """One place of an update: the lines that are there, and those that shall be."""

    __slots__ = ("at_end", "context", "new_lines", "old_lines")

    def __init__(
        self,
        context: str | None,
        old_lines: tuple[str, ...],
        new_lines: tuple[str, ...],
        *,
        at_end: bool = False,
    ) -> None:
        self.context = context
        """A line to be found first; the chunk lies after it."""
        self.old_lines = old_lines
        self.new_lines = new_lines
        self.at_end = at_end
        """Whether the old lines are the last of the file."""


class AddFile(Value):
    """A file with this content shall be there."""

    __slots__ = ("content", "path")

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content


class DeleteFile(Value):
    """The file shall be gone."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class UpdateFile(Value):
    """The file shall be changed in these places and, with `move_to`, have that path."""

    __slots__ = ("chunks", "move_to", "path")

    def __init__(self, path: str, chunks: tuple[Chunk, ...], move_to: str | None = None) -> None:
        self.path = path
        self.chunks = chunks
        self.move_to = move_to


Hunk = AddFile | DeleteFile | UpdateFile


class Patch(Value):
    """What a patch says, in its order; may be empty."""

    __slots__ = ("hunks",)

    def __init__(self, hunks: tuple[Hunk, ...]) -> None:
        self.hunks = hunks


def parse_patch(text: str) -> Patch:
    """The patch `text` says, bare or as a here-document with the tag EOF.

    Raises: PatchSyntaxError.
    """
    lines = _lines(text.strip(WHITE_SPACE))
    problem = _envelope_problem(lines)
    if problem is not None:
        body = _heredoc_body(lines)
        if body is not None:
            lines = body
            problem = _envelope_problem(lines)
        if problem is not None:
            raise PatchSyntaxError(problem)
    lines.pop()
    hunks: list[Hunk] = []
    at = 1
    while at < len(lines):
        hunk, at = _hunk(lines, at)
        hunks.append(hunk)
    return Patch(tuple(hunks))


def _lines(text: str) -> list[str]:
    if not text:
        return []
    lines = text.split("\n")
    if "\r" in text:
        lines[:-1] = [line.removesuffix("\r") for line in lines[:-1]]
    return lines


def _envelope_problem(lines: Sequence[str]) -> str | None:
    if lines and lines[0] != BEGIN:
        return f"The first line of the patch must be '{BEGIN}'"
    if not lines or lines[-1] != END:
        return f"The last line of the patch must be '{END}'"
    return None


def _heredoc_body(lines: list[str]) -> list[str] | None:
    """What stands between the marks, when a shell's here-document was handed on unread."""
    if len(lines) < _HEREDOC_MIN_LINES or lines[0] not in _HEREDOC_STARTS:
        return None
    return lines[1:-1] if lines[-1].endswith(_HEREDOC_END) else None


# Below, `at` is an index into the lines from the begin marker on, without the end marker; a reader gets the
# index where its part begins and gives the one after it. Line numbers in errors are index + 1.


def _fail(problem: str, at: int) -> Never:
    raise PatchSyntaxError(problem, at + 1)


def _hunk(lines: Sequence[str], at: int) -> tuple[Hunk, int]:
    header = lines[at].strip(WHITE_SPACE)
    if header.startswith(ADD):
        end = at + 1
        while end < len(lines) and lines[end].startswith("+"):
            end += 1
        content = "".join([line[1:] + "\n" for line in lines[at + 1 : end]])
        return AddFile(header[len(ADD) :], content), end
    if header.startswith(DELETE):
        return DeleteFile(header[len(DELETE) :]), at + 1
    if header.startswith(UPDATE):
        return _update(header[len(UPDATE) :], lines, at)
    valid = ", ".join(f"'{known}{{path}}'" for known in (ADD, DELETE, UPDATE))
    _fail(f"'{header}' is not a valid hunk header. Valid hunk headers: {valid}", at)


def _update(path: str, lines: Sequence[str], header: int) -> tuple[UpdateFile, int]:
    at = header + 1
    move_to = None
    if at < len(lines) and lines[at].startswith(MOVE):
        move_to = lines[at][len(MOVE) :]
        at += 1
    chunks: list[Chunk] = []
    while at < len(lines):
        if not lines[at].strip(WHITE_SPACE):
            at += 1
        elif lines[at].startswith("***"):
            break
        else:
            chunk, at = _chunk(lines, at, needs_header=bool(chunks))
            chunks.append(chunk)
    if not chunks:
        _fail(f"Update file hunk for path '{path}' is empty", header)
    return UpdateFile(path, tuple(chunks), move_to), at


def _chunk(lines: Sequence[str], start: int, *, needs_header: bool) -> tuple[Chunk, int]:
    context: str | None = None
    at = start
    if lines[at] == CONTEXT:
        at += 1
    elif lines[at].startswith(CONTEXT + " "):
        context = lines[at][len(CONTEXT) + 1 :]
        at += 1
    elif needs_header:
        _fail(f"Expected update hunk to start with a @@ context marker, got: '{lines[at]}'", start)

    first = at
    old: list[str] = []
    new: list[str] = []
    at_end = False
    while at < len(lines):
        line = lines[at]
        mark = line[:1]
        if mark == " " or not mark:
            old.append(line[1:])
            new.append(line[1:])
        elif mark == "+":
            new.append(line[1:])
        elif mark == "-":
            old.append(line[1:])
        elif line == END_OF_FILE and at > first:
            at_end = True
            at += 1
            break
        else:
            break
        at += 1
    if at == first:
        # The reported line is the one after the chunk's first, header or not (spec: E.2).
        if at == len(lines) or lines[at] == END_OF_FILE:
            _fail("Update hunk does not contain any lines", start + 1)
        _fail(
            f"Unexpected line found in update hunk: '{lines[at]}'. Every line should start with "
            "' ' (context line), '+' (added line), or '-' (removed line)",
            start + 1,
        )
    return Chunk(context, tuple(old), tuple(new), at_end=at_end), at

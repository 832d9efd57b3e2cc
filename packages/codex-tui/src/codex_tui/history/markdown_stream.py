"""Markdown that comes in pieces, cut into chunks that will never look different again.

A chunk is a top-level block, an item of a top-level list, or some lines of fenced code. It is finished as
soon as nothing that may follow can change it, and only finished chunks are handed over, so text cut anywhere
gives the same chunks as the whole. Two rules make that possible: an item's distance from the next is decided
by the blank lines between them alone, and references (`[x]: url`) stay visible text instead of acting
backwards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

MAX_NESTING = 40
"""Blocks within blocks; the parser leaves out what lies deeper."""
CODE_LINES = 40
"""Lines of a fence that make a chunk."""
_CONTEXT_LINES = 40
_TAIL_CONTEXT_LINES = 20
_MAX_TAIL = 3_000
_MAX_TAIL_LINES = 60

_ONE_LINERS = frozenset({"heading_open", "hr"})
_CLOSED_BY_BLANKS = frozenset({"paragraph_open", "table_open"})
_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})[ \t]*(.*?)\s*\n?\Z", re.DOTALL)
_ONLY_MARKUP = re.compile(r"[ \t]*[-`~=#*_>+|:\[\] \t.\d]*\Z")
_CITATION = re.compile(r"【F:([^†】\n]{1,400})†L(\d{1,9})(?:-L(?:\d{1,9}|\?))?】")


class ChunkKind(StrEnum):
    """What a chunk is read as."""

    MARKDOWN = "markdown"
    ITEM = "item"
    CODE = "code"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a text: what to show, and whether a blank row stands above it (unless it comes first)."""

    kind: ChunkKind
    source: str
    has_gap: bool = True
    number: int | None = None
    """What an item of an ordered list is counted as."""
    language: str = ""
    context: str = ""
    """Lines of the same fence above this chunk."""
    raw: str = ""
    """The lines of a fence as they came, with what opens and closes it."""

    @property
    def said(self) -> str:
        """What the chunk was made from."""
        return self.raw or self.source


@dataclass(frozen=True, slots=True)
class _Fence:
    character: str
    length: int
    indent: int
    language: str
    opening: str

    def is_closed_by(self, line: str) -> bool:
        text = line.rstrip()
        run = text.lstrip(" ")
        return len(text) - len(run) <= 3 and len(run) >= self.length and set(run) == {self.character}

    def content(self, line: str) -> str:
        if not self.indent:
            return line
        text = line.lstrip(" \t")
        blanks = len(line[: len(line) - len(text)].expandtabs(4))
        return " " * max(0, blanks - self.indent) + text


class MarkdownStream:
    """Takes text as it comes; gives finished chunks once, and what is still open as often as asked.

    Pushing costs nothing but memory: the text is read when somebody asks. All reading of a text of n
    characters costs O(n), however it was cut.
    """

    def __init__(self) -> None:
        self._incoming: list[str] = []
        self._held = ""  # a carriage return whose line feed may follow
        self._partial = ""  # the last line, as far as it has come
        self._lines: list[str] = []  # complete lines, each with its line feed, that no chunk has yet
        self._read_at = (
            1  # read the lines again when there are as many as this, or where a blank one ends a block
        )
        self._waits_for_blank = False
        self._has_new_blank = False
        self._fence: _Fence | None = None
        self._context: list[str] = []
        self._next_number: int | None = None  # of an ordered list whose first items are gone
        self._is_in_list = False
        self._is_fence_new = False

    def push(self, text: str) -> None:
        """More of the text."""
        self._incoming.append(text)

    def take(self) -> list[Chunk]:
        """The chunks finished since the last call."""
        self._receive()
        return self._settle(is_final=False)

    def close(self) -> list[Chunk]:
        """The text is complete: the rest of its chunks. Nothing can be pushed afterwards."""
        self._receive(is_final=True)
        if self._partial:
            self._lines.append(self._partial)
            self._partial = ""
        return self._settle(is_final=True)

    def open_chunks(self) -> list[Chunk]:
        """What is not finished, as it would look if nothing followed; of very much, the end as plain text."""
        self._receive()
        partial = "" if self._may_be_markup(self._partial) else self._partial
        if len(self._lines) > _MAX_TAIL_LINES or len(partial) + sum(map(len, self._lines)) > _MAX_TAIL:
            tail = ("".join(self._lines[-_MAX_TAIL_LINES:]) + partial)[-_MAX_TAIL:]
            return [Chunk(ChunkKind.PLAIN, tail, has_gap=self._starts_with_gap())]
        copy = MarkdownStream()
        copy._lines = [*self._lines, partial] if partial else self._lines.copy()
        copy._fence, copy._is_fence_new = self._fence, self._is_fence_new
        copy._context = self._context[-_TAIL_CONTEXT_LINES:]
        copy._next_number, copy._is_in_list = self._next_number, self._is_in_list
        return copy._settle(is_final=True)

    def _starts_with_gap(self) -> bool:
        if self._fence is not None:
            return self._is_fence_new
        return not self._is_in_list or bool(self._lines and not self._lines[0].strip())

    def _may_be_markup(self, partial: str) -> bool:
        """Whether a line that has just begun may turn out to be no text at all."""
        if self._fence is not None:
            return bool(partial.strip()) and set(partial.strip()) == {self._fence.character}
        return len(partial) < 80 and bool(_ONLY_MARKUP.match(partial))

    def _receive(self, *, is_final: bool = False) -> None:
        """Incoming text as lines: CR LF is a line end, a lone CR is shown."""
        if not self._incoming and not (is_final and self._held):
            return
        text = self._held + "".join(self._incoming)
        self._incoming.clear()
        self._held = ""
        if text.endswith("\r") and not is_final:
            self._held, text = "\r", text[:-1]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "␍")
        text = text.replace("\x00", "␀")  # a parser's own sign would be another one
        head, line_feed, last = text.rpartition("\n")
        if not line_feed:
            self._partial += last
            return
        first, *others = head.split("\n")
        added = [f"{self._partial}{first}\n", *(f"{other}\n" for other in others)]
        self._has_new_blank = self._has_new_blank or any(line.isspace() for line in added)
        self._lines += added
        self._partial = last

    # -- cutting --------------------------------------------------------------------------------

    def _settle(self, *, is_final: bool) -> list[Chunk]:
        chunks: list[Chunk] = []
        while self._lines or (is_final and self._fence is not None):
            if self._fence is not None:
                if not self._read_code(chunks, is_final=is_final):
                    break
                continue
            is_due = len(self._lines) >= self._read_at or (self._waits_for_blank and self._has_new_blank)
            if not is_final and not is_due:
                break
            self._waits_for_blank = self._has_new_blank = False
            is_in_fence = self._read_blocks(chunks, is_final=is_final)
            left = len(self._lines)
            # Reading again after each line would make a long block cost its square.
            self._read_at = left + max(1, left // 2)
            if left and not is_in_fence:
                break
        return chunks

    def _read_blocks(self, chunks: list[Chunk], *, is_final: bool) -> bool:
        """Takes all blocks but the last, and of a list all items but the last; True when a fence opens."""
        lines = self._lines
        blocks = _blocks("".join(lines))
        for index, (tokens, start, end) in enumerate(blocks):
            is_last = index == len(blocks) - 1
            kind = tokens[0].type
            if kind == "fence":
                self._leave_list()
                if self._open_fence(lines[start]):
                    if is_last:
                        self._lines = lines[start + 1 :]
                        return True
                    self._lines = lines[start + 1 : end]
                    while self._fence is not None:
                        self._read_code(chunks, is_final=True)
                    continue
            if kind in ("bullet_list_open", "ordered_list_open"):
                rest = self._read_items(chunks, tokens, lines, end, keeps_last=is_last and not is_final)
                if rest is not None:
                    self._lines = lines[rest:]
                    return False
                self._leave_list()
                continue
            is_closed = kind in _ONE_LINERS or (kind in _CLOSED_BY_BLANKS and end < len(lines))
            if is_last and not is_final and not is_closed:
                self._leave_list()
                self._lines = lines[start:]
                self._waits_for_blank = kind in _CLOSED_BY_BLANKS
                return False
            self._leave_list()
            chunks.append(Chunk(ChunkKind.MARKDOWN, "".join(lines[start:end]).rstrip("\n")))
        self._lines = []
        return False

    def _read_items(
        self, chunks: list[Chunk], tokens: list[Token], lines: list[str], end: int, *, keeps_last: bool
    ) -> int | None:
        """Takes the items of a list; gives the line of the one that is kept, if one is."""
        items = [token for token in tokens if token.type == "list_item_open" and token.level == 1]
        is_ordered = tokens[0].type == "ordered_list_open"
        number = self._next_number if self._is_in_list else None
        if is_ordered and number is None:
            number = int(tokens[0].attrs.get("start", 1))
        starts = [item.map[0] if item.map else 0 for item in items]
        for index, (start, stop) in enumerate(zip(starts, [*starts[1:], end], strict=True)):
            has_gap = not self._is_in_list or (start > 0 and not lines[start - 1].strip())
            if keeps_last and index == len(starts) - 1:
                while start > 0 and not lines[start - 1].strip():
                    start -= 1  # the blank lines above it say how far it is from the one before
                self._next_number = number if is_ordered else None
                return start
            source = "".join(lines[start:stop]).rstrip("\n")
            chunks.append(Chunk(ChunkKind.ITEM, source, has_gap, number if is_ordered else None))
            self._is_in_list = True
            if is_ordered:
                number = (number or 0) + 1
        return None

    def _leave_list(self) -> None:
        self._is_in_list = False
        self._next_number = None

    def _open_fence(self, line: str) -> bool:
        found = _FENCE.match(line)
        if found is None:
            return False
        words = found[3].split()
        language = words[0].strip("{}.") if words else ""
        self._fence = _Fence(found[2][0], len(found[2]), len(found[1]), language, line)
        self._is_fence_new = True
        self._context = []
        return True

    def _read_code(self, chunks: list[Chunk], *, is_final: bool) -> bool:
        """Takes lines of the open fence; False when more are needed."""
        fence = self._fence
        if fence is None:
            return False
        for index, text in enumerate(self._lines):
            if fence.is_closed_by(text):
                self._take_code(chunks, index, fence, closing=text)
                del self._lines[:1]
                self._end_fence()
                return True
            if index + 1 > CODE_LINES:
                self._take_code(chunks, CODE_LINES, fence)
                return True
        if is_final:
            self._take_code(chunks, len(self._lines), fence, closing="")
            self._end_fence()
            return True
        return False

    def _take_code(
        self, chunks: list[Chunk], count: int, fence: _Fence, *, closing: str | None = None
    ) -> None:
        lines = self._lines[:count]
        del self._lines[:count]
        taken = [fence.content(text) for text in lines]
        if closing is not None:
            while taken and not taken[-1].strip():
                taken.pop()
        opening = fence.opening if self._is_fence_new else ""
        raw = f"{opening}{''.join(lines)}{closing or ''}".removesuffix("\n")
        context = "".join(self._context[-_CONTEXT_LINES:])
        code = "".join(taken).removesuffix("\n")
        if taken or self._is_fence_new:
            chunks.append(
                Chunk(
                    ChunkKind.CODE, code, self._is_fence_new,
                    language=fence.language, context=context, raw=raw,
                )
            )  # fmt: skip
        self._is_fence_new = False
        if fence.language:
            self._context = [*self._context[-_CONTEXT_LINES:], *taken]

    def _end_fence(self) -> None:
        self._fence = None
        self._context = []
        self._read_at = 1


def chunks_of(text: str) -> list[Chunk]:
    """The chunks of a whole text."""
    stream = MarkdownStream()
    stream.push(text)
    return stream.close()


def _blocks(source: str) -> list[tuple[list[Token], int, int]]:
    """The top-level blocks with their lines: their tokens, the first line, the line after the last."""
    tokens: list[Token] = []
    parser().block.parse(source, parser(), {}, tokens)
    found: list[tuple[list[Token], int, int]] = []
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            start, end = block[0].map or (0, 0)
            found.append((block, start, end))
            block = []
    return found


@cache
def parser() -> MarkdownIt:
    """CommonMark with strikethrough, tables and citations; references are text."""
    from markdown_it import MarkdownIt

    parser = (
        MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
        .enable(["strikethrough", "table"])
        .disable("reference")
    )
    parser.inline.add_terminator_char("【")
    parser.inline.ruler.push("citation", _citation)
    return parser


def _citation(state: StateInline, silent: bool) -> bool:
    found = _CITATION.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        token = state.push("citation", "", 0)
        token.content = found[0]
        token.meta = {"path": found[1], "line": int(found[2])}
    state.pos = found.end()
    return True

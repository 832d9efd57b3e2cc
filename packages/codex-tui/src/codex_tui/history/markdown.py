"""Markdown as paragraphs: what a chunk of an answer looks like (spec: tui.md section 7).

Unlike the reference's, tables are laid out, tasks have boxes, wrapped items keep their indent, code is
coloured, and citations can be opened.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from codex_core.presentation.blocks import text_rows
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Breaks, Emphasis, Line, Paragraph, Span, Style, line
from codex_tui.history.highlight import code_rows
from codex_tui.history.markdown_stream import MAX_NESTING, Chunk, ChunkKind, chunks_of, parser
from codex_tui.history.tables import table_paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_HEADINGS = {
    "h1": Emphasis.BOLD | Emphasis.UNDERLINE,
    "h2": Emphasis.BOLD,
    "h3": Emphasis.BOLD | Emphasis.ITALIC,
}
_FLAGS = {"strong": Emphasis.BOLD, "em": Emphasis.ITALIC, "s": Emphasis.STRIKE}
_BOXES = (("[ ] ", "☐ "), ("[x] ", "☑ "), ("[X] ", "☑ "))
_BLANK = Paragraph(())
_MAX_DEPTH = 40
"""Of marked words within marked words; text that goes deeper is an attack, and shown as it is."""


@dataclass(frozen=True, slots=True)
class Links:
    """How files that an answer cites are opened: the URL scheme of the editor, empty for not at all."""

    cwd: str = "/"
    scheme: str = ""

    def url(self, path: str, number: int) -> str:
        """The address of a line of a file."""
        import posixpath

        return f"{self.scheme}://file{posixpath.normpath(posixpath.join(self.cwd, path))}:{number}"


NO_LINKS = Links()


def markdown_paragraphs(text: str, width: int, links: Links = NO_LINKS) -> list[Paragraph]:
    """A whole text, laid out for that many cells."""
    found: list[Paragraph] = []
    for chunk in chunks_of(text):
        if found and chunk.has_gap:
            found.append(_BLANK)
        found += chunk_paragraphs(chunk, width, links)
    return found


def chunk_paragraphs(chunk: Chunk, width: int, links: Links = NO_LINKS) -> list[Paragraph]:
    """One chunk, laid out for that many cells; without the blank row above it."""
    return list(_chunk_paragraphs(chunk, width, links))


@lru_cache(64)  # what is still open is asked for with every frame
def _chunk_paragraphs(chunk: Chunk, width: int, links: Links) -> list[Paragraph]:
    match chunk.kind:
        case ChunkKind.CODE:
            return _code(chunk.source, chunk.language, chunk.context)
        case ChunkKind.PLAIN:
            return [Paragraph(row) for row in text_rows(chunk.source)]
    from markdown_it.tree import SyntaxTreeNode

    tokens = parser().parse(chunk.source)
    if _is_too_deep(tokens):
        return [Paragraph(row) for row in text_rows(chunk.source)]
    tree = SyntaxTreeNode(tokens)
    layout = _Layout(chunk.source.split("\n"), links)
    if chunk.kind is ChunkKind.ITEM and tree.children and tree.children[0].type.endswith("_list"):
        first, *others = tree.children
        rows = layout.listing(first, width, chunk.number)
        return rows + layout.blocks(others, width) if others else rows
    return layout.blocks(tree.children, width)


def _is_too_deep(tokens: Sequence[Token]) -> bool:
    """Whether the parser may have left out what lies deeper, or a walk through all of it would not end."""
    return any(
        (token.nesting == 1 and token.level >= MAX_NESTING - 1) or _depth(token.children or ()) > _MAX_DEPTH
        for token in tokens
    )


def _depth(tokens: Sequence[Token]) -> int:
    """How deep words are marked within marked words."""
    depth = deepest = 0
    for token in tokens:
        depth += token.nesting
        deepest = max(deepest, depth)
    return deepest


def _code_style(style: Style) -> Style:
    return Style.CODE if style is Style.PLAIN else style


@dataclass(frozen=True, slots=True)
class _Look:
    """What the words around a piece of text make of it."""

    emphasis: Emphasis = Emphasis.NONE
    style: Style = Style.PLAIN
    link: str = ""


class _Layout:
    def __init__(self, lines: Sequence[str], links: Links) -> None:
        self._lines = lines
        self._links = links

    # -- blocks ---------------------------------------------------------------------------------

    def blocks(
        self, nodes: Sequence[SyntaxTreeNode], width: int, *, is_item: bool = False
    ) -> list[Paragraph]:
        """Blocks with a blank row between them; inside of an item only where the source has one."""
        found: list[Paragraph] = []
        for node in nodes:
            if found and (not is_item or self._has_blank_above(node) or node.type == "fence"):
                found.append(_BLANK)
            found += self.block(node, max(width, 1))
        return found

    def block(self, node: SyntaxTreeNode, width: int) -> list[Paragraph]:
        match node.type:
            case "paragraph":
                return self._texts(node, _Look())
            case "heading":
                look = _Look(_HEADINGS.get(node.tag, Emphasis.ITALIC))
                sign = Span("#" * int(node.tag[1:]) + " ", Style.PLAIN, look.emphasis)
                return _indented(self._texts(node, look) or [_BLANK], (sign,), line("  "))
            case "bullet_list" | "ordered_list":
                return self.listing(node, width, None)
            case "blockquote":
                bar = line(Span("> ", Style.QUOTE))
                inner = self.blocks(node.children, width - 2) or [_BLANK]
                return _indented([_quoted(paragraph) for paragraph in inner], bar, bar)
            case "fence":
                words = node.info.split()
                return _code(node.content.removesuffix("\n"), words[0] if words else "")
            case "code_block":
                return _indented(_code(node.content.rstrip("\n"), ""), line("    "), line("    "))
            case "hr":
                return [Paragraph(line(Span("———", Style.DIM)))]
            case "table":
                return self._table(node, width)
            case _:
                return [Paragraph(row) for row in text_rows(node.content.rstrip("\n"))]

    def listing(self, node: SyntaxTreeNode, width: int, number: int | None) -> list[Paragraph]:
        """A list; an ordered one is counted from `number`, or from what is written."""
        is_ordered = node.type == "ordered_list"
        if number is None:
            number = int(node.attrs.get("start", 1))
        found: list[Paragraph] = []
        for item in node.children:
            if found and self._has_blank_above(item):
                found.append(_BLANK)
            mark = f"{number}. " if is_ordered else "- "
            number += 1
            inner = self.blocks(item.children, width - len(mark), is_item=True) or [_BLANK]
            inner[0] = _boxed(inner[0])
            sign = Span(mark, Style.MARKER if is_ordered else Style.PLAIN)
            found += _indented(inner, (sign,), line(" " * len(mark)))
        return found

    def _has_blank_above(self, node: SyntaxTreeNode) -> bool:
        above = node.map[0] - 1 if node.map else -1
        return 0 <= above < len(self._lines) and not self._lines[above].strip(" \t>")

    def _table(self, node: SyntaxTreeNode, width: int) -> list[Paragraph]:
        rows: list[list[Line]] = []
        alignments: list[str] = []
        for part in node.children:
            for row in part.children:
                look = _Look(Emphasis.BOLD) if part.type == "thead" else _Look()
                rows.append([self._cell(cell, look) for cell in row.children])
                if part.type == "thead":
                    alignments = [
                        str(cell.attrs.get("style", "")).rpartition(":")[2] for cell in row.children
                    ]
        return table_paragraphs(rows, alignments, width)

    def _cell(self, node: SyntaxTreeNode, look: _Look) -> Line:
        rows = [paragraph.body for paragraph in self._texts(node, look)]
        return tuple(span for row in rows for span in row)

    # -- words ----------------------------------------------------------------------------------

    def _texts(self, node: SyntaxTreeNode, look: _Look) -> list[Paragraph]:
        """The text of a block, a paragraph for each of its lines."""
        rows: list[list[Span]] = [[]]
        for child in node.children:
            self._inline(child, look, rows)
        return [Paragraph(tuple(row)) for row in rows]

    def _inline(self, node: SyntaxTreeNode, look: _Look, rows: list[list[Span]]) -> None:
        match node.type:
            case "inline":
                self._inlines(node.children, look, rows)
            case "softbreak" | "hardbreak":
                rows.append([])
            case "strong" | "em" | "s":
                flag = _FLAGS[node.type]
                self._inlines(node.children, replace(look, emphasis=look.emphasis | flag), rows)
            case "code_inline":
                _put(rows, node.content, replace(look, style=_code_style(look.style)))
            case "link":
                self._link(node, look, rows)
            case "image":
                _put(rows, node.content, look)
                _put_url(rows, str(node.attrs.get("src", "")), look, is_alone=not node.content)
            case "citation":
                self._cite(node, look, rows)
            case _:
                _put(rows, node.content, look)

    def _inlines(self, nodes: Iterable[SyntaxTreeNode], look: _Look, rows: list[list[Span]]) -> None:
        for node in nodes:
            self._inline(node, look, rows)

    def _link(self, node: SyntaxTreeNode, look: _Look, rows: list[list[Span]]) -> None:
        url = str(node.attrs.get("href", ""))
        said = "".join(child.content for child in node.walk() if child.type in ("text", "code_inline"))
        is_alone = said in ("", url, url.removeprefix("mailto:"))
        if not is_alone:
            self._inlines(node.children, replace(look, link=url), rows)
        _put_url(rows, url.removeprefix("mailto:") if said else url, look, is_alone=is_alone)

    def _cite(self, node: SyntaxTreeNode, look: _Look, rows: list[list[Span]]) -> None:
        path, number = str(node.meta["path"]), int(node.meta["line"])
        if self._links.scheme:
            look = replace(look, style=Style.LINK, link=self._links.url(path, number))
            _put(rows, f"{path}:{number}", look)
        else:
            _put(rows, node.content, look)


def _put(rows: list[list[Span]], text: str, look: _Look) -> None:
    shown = exact_text(text).replace("\n", " ")
    if shown:
        rows[-1].append(Span(shown, look.style, look.emphasis, look.link))


def _put_url(rows: list[list[Span]], url: str, look: _Look, *, is_alone: bool) -> None:
    if not url:
        return
    if not is_alone:
        _put(rows, " (", look)
    _put(rows, url, replace(look, style=Style.LINK, link=url))
    if not is_alone:
        _put(rows, ")", look)


def _code(code: str, language: str, context: str = "") -> list[Paragraph]:
    return [Paragraph(row, breaks=Breaks.ANYWHERE) for row in code_rows(code, language, context=context)]


def _indented(paragraphs: Iterable[Paragraph], first: Line, rest: Line) -> list[Paragraph]:
    """The paragraphs further in: `first` in front of the first row, `rest` in front of all others."""
    found: list[Paragraph] = []
    for paragraph in paragraphs:
        start = rest if found else first
        found.append(
            Paragraph(paragraph.body, (*start, *paragraph.first), (*rest, *paragraph.rest), paragraph.breaks)
        )
    return found


def _boxed(paragraph: Paragraph) -> Paragraph:
    """A task with a box instead of brackets."""
    if paragraph.first or not paragraph.body:
        return paragraph
    head, *others = paragraph.body
    for brackets, box in _BOXES:
        if head.text.startswith(brackets):
            return replace(paragraph, body=(replace(head, text=box + head.text[4:]), *others))
    return paragraph


def _quoted(paragraph: Paragraph) -> Paragraph:
    def quoted(row: Line) -> Line:
        return tuple(replace(span, style=Style.QUOTE) if span.style is Style.PLAIN else span for span in row)

    return Paragraph(
        quoted(paragraph.body), quoted(paragraph.first), quoted(paragraph.rest), paragraph.breaks
    )

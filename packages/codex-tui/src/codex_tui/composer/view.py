"""The composer as rows: the text behind its edge, the caret's cell, and the rows of a popup below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_line, exact_text
from codex_core.presentation.spans import Emphasis, Span, Style
from codex_tui.composer.clusters import Segmenter, split_line
from codex_tui.composer.file_popup import FilePopup, Wait
from codex_tui.composer.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Container

    from codex_core.presentation.spans import Line
    from codex_tui.composer.composer import Composer
    from codex_tui.composer.layout import LayoutRow
    from codex_tui.composer.popups import CommandPopup
    from codex_tui.composer.slash_commands import Match

EDGE = "▌"
_EDGE_CELLS = 2

PLACEHOLDERS = (
    "Ask what this project does",
    "Describe a change to make",
    "Name a bug, and where it shows: @file",
    "Have tests written for @file",
    "Ask for a review of the last commits",
    "Have @file documented",
)


@dataclass(frozen=True, slots=True)
class ComposerView:
    """What to draw: no row is wider than asked, and the caret is in one of them."""

    rows: tuple[Line, ...]
    caret: tuple[int, int]
    """Row and column, from 0."""
    popup: tuple[Line, ...] = ()
    """Rows below the composer; in place of the footer if there are any."""
    search: Line = ()
    """The history search's prompt, in place of the footer; empty if none is going on."""


def view(
    composer: Composer, width: int, *, max_rows: int | None = None, placeholder: str = ""
) -> ComposerView:
    """The composer at a width in cells.

    With more rows than `max_rows` those around the caret are shown. `placeholder` stands where nothing is
    written.
    """
    text_width = max(width - _EDGE_CELLS, 1)
    composer.editor.set_width(text_width)
    search = composer.search
    if search is None:
        layout, caret = composer.editor.layout, composer.editor.caret
    elif search.match is None:
        layout, caret = Layout(search.before, text_width, Segmenter()), search.caret_before
    else:
        layout = Layout(search.match, text_width, Segmenter())
        caret = max(search.match.text.casefold().find(search.query.casefold()), 0)
        caret = min(caret, len(search.match.text))
    if not layout.rows[0].clusters.shown and len(layout.rows) == 1 and placeholder:
        hint = (*_edge(), Span(_clipped(placeholder, text_width), Style.DIM))
        rows: tuple[Line, ...] = (hint,)
        row = column = 0
    else:
        rows, row, column = _text_rows(layout, caret, max_rows)
    return ComposerView(
        rows,
        (row, min(column + _EDGE_CELLS, max(width - 1, 0))),
        _popup_rows(composer.popups.open, width),
        _search_row(composer, width),
    )


def _text_rows(layout: Layout, caret: int, max_rows: int | None) -> tuple[tuple[Line, ...], int, int]:
    """The rows that are seen, and where in them the caret is: behind a full row it is on an empty one."""
    row, column = layout.locate(caret)
    shown: list[LayoutRow | None] = [*layout.rows]
    if column >= layout.width:
        if layout.rows[row].ends_line:
            row, column = row + 1, 0
            shown.insert(row, None)
        else:
            column = layout.width - 1
    height = len(shown) if max_rows is None else max(min(len(shown), max_rows), 1)
    top = max(min(row - height // 2, len(shown) - height), 0)
    seen = shown[top : top + height]
    spans = ((*_edge(), *(_row_spans(each, layout.width) if each else ())) for each in seen)
    return tuple(spans), row - top, column


def _edge() -> Line:
    return (Span(EDGE, Style.ACCENT), Span(" "))


def _row_spans(row: LayoutRow, width: int) -> Line:
    """A row's text, cut at the width: blanks beyond the edge are not drawn."""
    spans: list[Span] = []
    used = 0
    run: list[str] = []
    for index in range(row.first, row.last):
        shown = row.clusters.shown[index]
        used += row.clusters.widths[index]
        if used > width:
            shown = _clipped(shown, width - used + row.clusters.widths[index])
        if row.clusters.is_element[index]:
            spans += (Span("".join(run)), Span(shown, Style.ACCENT))
            run = []
        else:
            run.append(shown)
        if used > width:
            break
    spans.append(Span("".join(run)))
    return tuple(span for span in spans if span.text)


def _clipped(text: str, width: int) -> str:
    """As much of `text` as fits."""
    clusters = split_line(text)
    used = 0
    for index, cells in enumerate(clusters.widths):
        used += cells
        if used > width:
            return "".join(clusters.shown[:index])
    return text


def _search_row(composer: Composer, width: int) -> Line:
    search = composer.search
    if search is None:
        return ()
    head = "no prompt with: " if search.is_failed else "searching: " if search.is_waiting else "search: "
    query = _clipped(exact_text(search.query), max(width - len(head), 0))
    return (Span(_clipped(head, width), Style.DIM), Span(query, Style.ACCENT))


def _popup_rows(popup: CommandPopup | FilePopup | None, width: int) -> tuple[Line, ...]:
    if popup is None:
        return ()
    if not isinstance(popup, FilePopup):
        return tuple(_command_row(match, selected, width) for match, selected in popup.choices.visible)
    if popup.choices.items:
        return tuple(
            _popup_row(found.path, found.indices, "", selected, width)
            for found, selected in popup.choices.visible
        )
    words = "loading..." if popup.wait is Wait.LOADING else "no matches"
    return ((Span(EDGE, Style.DIM), Span(_clipped(words, width - 1), Style.DIM, Emphasis.ITALIC)),)


def _command_row(match: Match, selected: bool, width: int) -> Line:
    words = exact_line(match.entry.description)
    return _popup_row(
        f"/{match.shown}", [index + 1 for index in match.indices], f"  {words}", selected, width
    )


def _popup_row(text: str, marked: Container[int], words: str, selected: bool, width: int) -> Line:
    """A row with the marked characters bold, all in one colour if it is selected."""
    style = Style.CURRENT if selected else Style.PLAIN
    room = max(width - len(EDGE), 0)
    spans = [Span(EDGE, Style.DIM)]
    clusters = split_line(text)
    used = 0
    for index, shown in enumerate(clusters.shown):
        used += clusters.widths[index]
        if used > room:
            return tuple(spans)
        emphasis = Emphasis.BOLD if clusters.borders[index] in marked else Emphasis.NONE
        if len(spans) > 1 and spans[-1].emphasis is emphasis:
            spans[-1] = Span(spans[-1].text + shown, style, emphasis)
        else:
            spans.append(Span(shown, style, emphasis))
    if words and room > used:
        spans.append(Span(_clipped(words, room - used), style if selected else Style.DIM))
    return tuple(spans)

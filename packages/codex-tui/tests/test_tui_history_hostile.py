"""Whatever a model, a program, a server or a file name says: no cell lets it reach the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from all_events import conversation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transcript_text import transcript_rows

from codex_core.presentation.spans import plain_text
from codex_core.presentation.story import Story
from codex_protocol.events import parse_event_msg
from codex_tui.history.cells import cell_rows
from codex_tui.history.history import History
from codex_tui.history.markdown import Links
from codex_tui.history.notice_cells import NoticeCell, NoticeKind
from codex_tui.history.session_cells import FactsCell, HeaderCell, ModelChangedCell, Section
from codex_tui.history.settings import HistorySettings
from codex_tui.history.speech_cells import PromptCell
from codex_tui.history.themes import DARK, painted
from codex_tui.history.wrapping import line_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.presentation.spans import Line, Style

# What we write ourselves: styles, columns, links.
_OWN = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\d+G|\x1b\]8;;[!-~]*\x1b\\")
# Controls of both kinds, what turns text around, what cannot be seen, halves of characters.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\U000e0041]"
)
HOSTILE = st.lists(
    st.sampled_from(
        [
            "\x1b[2J", "\x1b]0;owned\x07", "\x1b]52;c;aGk=\x1b\\", "\x1b", "\x9b31m", "\x90q\x9c", "\x07", "\x08", "\x00",
            "\r", "\r\n", "\n", "\t", "\x0b", "\x0c", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\u200f", "\ufeff",
            "\u200b", "\U000e0041", "\udc9b", "\x1b[31m", "\x1b[8m", "\x1b[38;5;196m", "\x1b[48;2;1;2;3m", "\x1bP", "\x1bc",
            "a", "word ", "漢字", "👨\u200d👩\u200d👧", "👍🏽", "🇩🇪", "e\u0301", "שלום", "مرحبا", "\u200d", "\ufe0f", " ",
            "**", "`", "```\n", "|", "# ", "- ", "> ", "1. ", "[x](\x1b[2J)", "[y](http://a/\x1b\\b)", "<b>", "【F:\x1b†L1】",
            "&#27;", "&#x9b;", "x" * 70, "$(", "'", '"', "<<E\n", "@@ -1 +1 @@\n", "+", "-", "\\",
        ]
    )
    | st.characters(),
    max_size=8,
).map("".join)  # fmt: skip


def check(rows: Iterable[Line], width: int) -> None:
    rows = list(rows)
    for row in rows:
        assert not _FORBIDDEN.search(plain_text(row)), repr(plain_text(row))
        assert line_width(row) <= width
    for made in painted(rows, DARK, width):
        assert made.width <= width
        assert not _FORBIDDEN.search(_OWN.sub("", made.ansi)), repr(made.ansi)


class Pad:
    def __init__(self) -> None:
        self.written = ""

    def rows(self, rows: Iterable[Line]) -> None:
        self.written += "".join(f"{plain_text(row)}\n" for row in rows)

    def text(self, text: str, style: Style | None = None) -> None:
        self.written += text


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.data(), st.integers(4, 90))
def test_no_event_gets_anything_through(data: st.DataObject, width: int) -> None:
    # One pool of texts for all fields: drawing each for itself would be slow.
    pool = data.draw(st.lists(HOSTILE, min_size=4, max_size=12))
    at = 0

    def text() -> str:
        nonlocal at
        at += 1
        return pool[at * 7 % len(pool)] or str(at)

    links = Links(text(), "vscode")
    history = History(HistorySettings("1.2.3", text(), text(), "m", shows_thoughts=True, links=links))
    pad = Pad()
    story = Story(pad, cwd=text(), home=text(), max_output_rows=None)
    for msg in conversation(text):
        event = parse_event_msg(msg)
        history.feed(event, 0.0)
        story.tell(event)
        check(history.live_rows(width, 1.0), width)
    check(history.rows(width), width)
    check(transcript_rows(history.cells, width), width)
    assert not _FORBIDDEN.search(pad.written.replace("\n", ""))


@settings(deadline=None)
@given(HOSTILE, HOSTILE, st.integers(4, 90))
def test_no_cell_of_the_apps_own_does(text: str, other: str, width: int) -> None:
    for cell in (
        PromptCell(text), NoticeCell(NoticeKind.INFO, text, other), ModelChangedCell(text, other),
        HeaderCell("1.2.3", other, text, other, text), FactsCell(text, [Section(other, [(text, other), (other, "")])]),
    ):  # fmt: skip
        check(cell_rows(cell, width), width)

"""What is said: by the user, by the model, and by the model to itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation import reports
from codex_core.presentation.blocks import text_rows
from codex_core.presentation.spans import Emphasis, Paragraph, Span, Style, line
from codex_tui.history.markdown import NO_LINKS, Links, chunk_paragraphs, markdown_paragraphs

if TYPE_CHECKING:
    from codex_core.presentation.spans import Line
    from codex_tui.history.markdown_stream import Chunk

THINKING, RAW_THINKING = "thinking", "raw thinking"
_HEADER = re.compile(r"\s*\*\*(.+?)\*\*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PromptCell:
    """What the user asked for; images are in it as the words that stand for them."""

    text: str
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        bar = line(Span("▌ ", Style.ACCENT, Emphasis.FAINT))  # less loud than where one types
        return [Paragraph(row, bar, bar) for row in text_rows(self.text.strip(), Style.DIM)]

    def story(self) -> list[Paragraph]:
        return reports.speech("user", self.text.strip())


@dataclass(frozen=True, slots=True)
class AnswerCell:
    """A part of an answer: one that will not change any more, or all that is still coming."""

    chunks: tuple[Chunk, ...]
    is_first: bool
    """Whether it opens the answer."""
    links: Links = NO_LINKS

    @property
    def continues(self) -> bool:
        """Parts of one answer keep the distance that is written between them."""
        return not self.is_first

    def paragraphs(self, width: int, _now: float = 0.0) -> list[Paragraph]:
        """All but the very first row of an answer two columns in."""
        found: list[Paragraph] = []
        indent = line("  ")
        start: Line = line(Span("> ", Style.AGENT)) if self.is_first else indent
        for chunk in self.chunks:
            if chunk.has_gap and (found or not self.is_first):
                found.append(Paragraph(()))
            for paragraph in chunk_paragraphs(chunk, width - 2, self.links):
                first = (*start, *paragraph.first)
                found.append(Paragraph(paragraph.body, first, (*indent, *paragraph.rest), paragraph.breaks))
                start = indent
        return found

    def story(self) -> list[Paragraph]:
        found: list[Paragraph] = []
        for chunk in self.chunks:
            if chunk.has_gap and (found or not self.is_first):
                found.append(Paragraph(()))
            found += reports.note(chunk.said, Style.PLAIN)
        return [*reports.heading("codex"), *found] if self.is_first else found


@dataclass(frozen=True, slots=True)
class LostAnswerCell:
    """The rest of an answer that broke off and is asked for again: the transcript alone has it.

    Where parts of the answer stand in the history already, a word below them says what became of it.
    """

    chunks: tuple[Chunk, ...]
    is_first: bool
    """Whether no part of the answer was finished before."""

    @property
    def continues(self) -> bool:
        return not self.is_first

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        if self.is_first:
            return []
        return [Paragraph(line(Span(f"  {reports.CUT_OFF}", Style.DIM)), (), line("  "))]

    def story(self) -> list[Paragraph]:
        told = AnswerCell(self.chunks, self.is_first).story()
        return [*told, *reports.note(reports.CUT_OFF)]


@dataclass(frozen=True, slots=True)
class ThoughtCell:
    """A part of the model's reasoning; `is_shown`: in the conversation too, not in the transcript alone."""

    text: str
    is_shown: bool = True
    speaker: str = THINKING
    is_first: bool = True
    """Whether a log says who speaks: it does so once for thoughts that stream in one after the other."""
    continues: bool = False

    def paragraphs(self, width: int, _now: float = 0.0) -> list[Paragraph]:
        _, body = split_thought(self.text)
        if not self.is_shown or not body:
            return []
        found = [Paragraph(line(Span("• ", Style.DIM), Span("Thinking", Style.THOUGHT, Emphasis.BOLD)))]
        for paragraph in markdown_paragraphs(body, width - 2):
            first = (Span("  "), *_thought(paragraph.first))
            rest = (Span("  "), *_thought(paragraph.rest))
            found.append(Paragraph(_thought(paragraph.body), first, rest, paragraph.breaks))
        return found

    def story(self) -> list[Paragraph]:
        if self.is_first:
            return reports.speech(self.speaker, self.text, Style.THOUGHT)
        return [Paragraph(()), *reports.note(self.text, Style.THOUGHT)]


def split_thought(text: str) -> tuple[str, str]:
    """The bold header a thought begins with and what follows it; without a header nothing is shown."""
    found = _HEADER.match(text)
    if found is None:
        return "", ""
    return " ".join(found[1].split()), text[found.end() :].strip()


def _thought(row: Line) -> Line:
    return tuple(
        Span(span.text, Style.THOUGHT if span.style is Style.PLAIN else span.style, span.emphasis, span.link)
        for span in row
    )

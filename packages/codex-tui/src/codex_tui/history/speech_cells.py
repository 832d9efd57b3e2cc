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
        bar = line(Span("▌ ", Style.ACCENT))
        return [Paragraph(row, bar, bar) for row in text_rows(self.text.strip(), Style.DIM)]

    def story(self) -> list[Paragraph]:
        return reports.speech("user", self.text.strip())


@dataclass(frozen=True, slots=True)
class AnswerCell:
    """A part of an answer that will not change any more; the first one opens the answer."""

    chunk: Chunk
    is_first: bool
    links: Links = NO_LINKS

    @property
    def continues(self) -> bool:
        """Parts of one answer keep the distance that is written between them."""
        return not self.is_first

    def paragraphs(self, width: int, _now: float = 0.0) -> list[Paragraph]:
        return answer_paragraphs([self.chunk], width, is_first=self.is_first, links=self.links)

    def story(self) -> list[Paragraph]:
        said = reports.note(self.chunk.said, Style.PLAIN)
        if self.is_first:
            return [*reports.heading("codex"), *said]
        return [Paragraph(()), *said] if self.chunk.has_gap else said


@dataclass(frozen=True, slots=True)
class OpenAnswerCell:
    """The end of an answer that is still coming."""

    chunks: tuple[Chunk, ...]
    is_first: bool
    links: Links = NO_LINKS

    @property
    def continues(self) -> bool:
        return not self.is_first

    def paragraphs(self, width: int, _now: float = 0.0) -> list[Paragraph]:
        return answer_paragraphs(self.chunks, width, is_first=self.is_first, links=self.links)

    def story(self) -> list[Paragraph]:
        said = [row for chunk in self.chunks for row in reports.note(chunk.said, Style.PLAIN)]
        return [*reports.heading("codex"), *said] if self.is_first else said


def answer_paragraphs(
    chunks: tuple[Chunk, ...] | list[Chunk], width: int, *, is_first: bool, links: Links
) -> list[Paragraph]:
    """Chunks of an answer, all but its very first row two columns in."""
    found: list[Paragraph] = []
    start: Line = line(Span("> ", Style.AGENT)) if is_first else line("  ")
    indent = line("  ")
    for chunk in chunks:
        if chunk.has_gap and (found or not is_first):
            found.append(Paragraph(()))
        for paragraph in chunk_paragraphs(chunk, width - 2, links):
            first = (*start, *paragraph.first)
            found.append(Paragraph(paragraph.body, first, (*indent, *paragraph.rest), paragraph.breaks))
            start = indent
    return found


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

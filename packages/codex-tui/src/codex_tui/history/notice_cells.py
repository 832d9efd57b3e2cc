"""Errors, warnings, remarks, decisions, reviews (spec: tui.md sections 6.7 and 6.11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core.presentation import blocks, reports
from codex_core.presentation.spans import Paragraph, Span, Style, line
from codex_tui.history.markdown import NO_LINKS, Links, markdown_paragraphs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.review import ReviewOutputEvent

_MAX_SNIPPET = 80

INTERRUPTED = "Conversation interrupted - tell the model what to do differently"
REPLACED = "Turn aborted: replaced by a new task"


class NoticeKind(StrEnum):
    """What a remark is about."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    BACKGROUND = "background"


_MARKS = {
    NoticeKind.ERROR: ("■ ", Style.FAILURE, Style.FAILURE),
    NoticeKind.WARNING: ("⚠ ", Style.WARNING, Style.DIM),
    NoticeKind.INFO: ("> ", Style.ACCENT, Style.PLAIN),
    NoticeKind.BACKGROUND: ("· ", Style.DIM, Style.DIM),
}
_TOLD = {
    NoticeKind.ERROR: Style.FAILURE,
    NoticeKind.WARNING: Style.WARNING,
    NoticeKind.INFO: Style.PLAIN,
    NoticeKind.BACKGROUND: Style.DIM,
}


@dataclass(frozen=True, slots=True)
class NoticeCell:
    """A remark; `hint` follows it, less loud; `told` is what a log says of it, if that is something else.

    An empty `told` is nothing at all: the log has said it already.
    """

    kind: NoticeKind
    text: str
    hint: str = ""
    told: str | None = None
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        mark, mark_style, style = _MARKS[self.kind]
        rows = blocks.text_rows(self.text, style) or [()]
        if self.hint:
            rows[-1] = (
                *rows[-1],
                Span(" "),
                *(span for row in blocks.text_rows(self.hint, Style.DIM) for span in row),
            )
        first = Span(mark, mark_style)
        return [
            Paragraph(row, (first,) if number == 0 else line("  "), line("  "))
            for number, row in enumerate(rows)
        ]

    def story(self) -> list[Paragraph]:
        if self.told == "":
            return []
        return reports.note(self.text if self.told is None else self.told, _TOLD[self.kind])


class Decision(StrEnum):
    """What the user said to a proposed command."""

    APPROVED = "approved"
    APPROVED_FOR_SESSION = "approved for session"
    CANCELED = "canceled"


_DECISIONS = {
    Decision.APPROVED: ("✔ ", Style.SUCCESS, "You approved codex to run", "this time"),
    Decision.APPROVED_FOR_SESSION: (
        "✔ ",
        Style.SUCCESS,
        "You approved codex to run",
        "every time this session",
    ),
    Decision.CANCELED: ("✗ ", Style.FAILURE, "You canceled the request to run", ""),
}


@dataclass(frozen=True, slots=True)
class DecisionCell:
    """What the user decided about a command."""

    decision: Decision
    command: Sequence[str]
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        mark, style, verb, tail = _DECISIONS[self.decision]
        snippet = blocks.first_line(blocks.command_text(self.command), _MAX_SNIPPET)
        body = line(Span(mark, style), Span(verb, Style.STRONG), " ", Span(snippet, Style.DIM))
        if tail:
            body = (*body, Span(" "), Span(tail, Style.STRONG))
        return [Paragraph(body, (), line("  "))]

    def story(self) -> list[Paragraph]:
        return self.paragraphs(0)


@dataclass(frozen=True, slots=True)
class ReviewStartedCell:
    """A review begins."""

    hint: str
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        return self.story()

    def story(self) -> list[Paragraph]:
        return reports.review_started(self.hint)


@dataclass(frozen=True, slots=True)
class ReviewEndedCell:
    """A review has ended: its verdict and what it found, or nothing when it was stopped."""

    output: ReviewOutputEvent | None
    cwd: str
    links: Links = NO_LINKS
    continues: bool = False

    def paragraphs(self, width: int, _now: float = 0.0) -> list[Paragraph]:
        output = self.output
        if output is None:
            return self.story()
        explanation = markdown_paragraphs(output.overall_explanation.strip(), width, self.links)
        found, last = [*explanation], reports.note("<< Code review finished >>", Style.ACCENT)
        if output.overall_correctness:
            found += reports.note(f"verdict: {output.overall_correctness}", Style.STRONG)
        for finding in output.findings:
            title = reports.finding_title(finding, self.cwd)
            found += [Paragraph(()), title]
            for paragraph in markdown_paragraphs(finding.body.strip(), width - 2, self.links):
                first, rest = (Span("  "), *paragraph.first), (Span("  "), *paragraph.rest)
                found.append(Paragraph(paragraph.body, first, rest, paragraph.breaks))
        return [*found, *([Paragraph(())] if found else []), *last]

    def story(self) -> list[Paragraph]:
        return reports.review_ended(self.output, self.cwd)

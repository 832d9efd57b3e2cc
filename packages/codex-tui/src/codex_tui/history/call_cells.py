"""The plan, tools of MCP servers, web searches (spec: tui.md sections 6.9 to 6.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation import blocks, reports
from codex_core.presentation.spans import Breaks, Emphasis, Line, Paragraph, Span, Style, line, under
from codex_tui.history.progress import elapsed_text, spinner

if TYPE_CHECKING:
    from codex_protocol.events import McpInvocation, McpToolCallEndEvent, PlanUpdateEvent

_MAX_TEXT = 395
_MAX_ROWS = 5


@dataclass(frozen=True, slots=True)
class PlanCell:
    """The plan as it stands."""

    plan: PlanUpdateEvent
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        head = Paragraph(line("• ", Span("Updated Plan", Style.STRONG)))
        found = [head]
        for paragraph in blocks.plan_paragraphs(self.plan.explanation, self.plan.plan):
            corner = Span("  └ " if len(found) == 1 else "    ", Style.DIM)
            step_mark = paragraph.first
            if step_mark:  # the corner takes the two columns in front of the mark
                step_mark = (Span(step_mark[0].text[2:], step_mark[0].style), *step_mark[1:])
            indent = line(" " * (4 + sum(len(span.text) for span in step_mark)))
            found.append(Paragraph(paragraph.body, (corner, *step_mark), indent))
        return found

    def story(self) -> list[Paragraph]:
        return reports.plan(self.plan.explanation, self.plan.plan)


@dataclass(frozen=True, slots=True)
class ToolCell:
    """A call of a tool of an MCP server: running while there is no end and nobody stopped it."""

    invocation: McpInvocation
    started_at: float
    end: McpToolCallEndEvent | None = None
    is_interrupted: bool = False
    continues: bool = False

    def paragraphs(self, _width: int, now: float = 0.0) -> list[Paragraph]:
        call = blocks.call_spans(self.invocation)
        end = self.end
        if end is None and not self.is_interrupted:
            seconds = now - self.started_at
            mark, word = Span(f"{spinner(seconds)} "), "Calling"
            remark: Line = line(Span(f" ({elapsed_text(seconds)})", Style.DIM))
        elif end is None:
            mark, word = Span("• ", Style.FAILURE, Emphasis.BOLD), "Called"
            remark = line(Span(" (interrupted)", Style.FAILURE))
        else:
            style = Style.SUCCESS if end.is_success else Style.FAILURE
            mark, word = Span("• ", style, Emphasis.BOLD), "Called"
            told = (
                f"{'success' if end.is_success else 'failed'}, {blocks.format_duration(end.duration.seconds)}"
            )
            remark = line(Span(f" ({told})", style))
        body = line(mark, Span(word, Style.STRONG), " ", *call, *remark)
        return [Paragraph(body, (), line("  "), Breaks.WORDS), *self._answer()]

    def _answer(self) -> list[Paragraph]:
        if self.end is None:
            return []
        rows: list[Line] = []
        for text in blocks.result_texts(self.end.result):
            rows += blocks.text_rows(blocks.clipped(text, _MAX_TEXT), Style.DIM)
        if len(rows) > _MAX_ROWS:
            more = f"… +{len(rows) - _MAX_ROWS} lines"
            rows = [*rows[:_MAX_ROWS], line(Span(more, Style.DIM))]
        return under(rows)

    def story(self) -> list[Paragraph]:
        found = reports.call_started(self.invocation)
        return [*found, *reports.call_ended(self.end)] if self.end is not None else found


@dataclass(frozen=True, slots=True)
class SearchCell:
    """A search of the web by the model itself; without a query it is still searching."""

    query: str | None
    started_at: float = 0.0
    continues: bool = False

    def paragraphs(self, _width: int, now: float = 0.0) -> list[Paragraph]:
        if self.query is None:
            return [
                Paragraph(line(f"{spinner(now - self.started_at)} ", Span("Searching the web", Style.STRONG)))
            ]
        said, *more = blocks.text_rows(self.query) or [()]
        indent = line("   ")
        head = Paragraph((Span("Searched: ", Style.STRONG), *said), line("🌐 "), indent)
        return [head, *(Paragraph(row, indent, indent) for row in more)]

    def story(self) -> list[Paragraph]:
        return reports.search(self.query) if self.query is not None else []

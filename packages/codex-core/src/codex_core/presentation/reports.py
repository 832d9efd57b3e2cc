"""Each thing that happens told in full: what a log, a transcript and `codex exec` show of it.

Functions of an event's fields to paragraphs, so that every front end says the same; how a conversation on
screen sums them up is its own business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation import blocks
from codex_core.presentation.safe_text import exact_line, exact_text
from codex_core.presentation.spans import Breaks, Line, Paragraph, Span, Style, line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from codex_protocol.events import (
        ExecApprovalRequestEvent,
        ExecCommandEndEvent,
        McpInvocation,
        McpToolCallEndEvent,
        PatchApplyEndEvent,
    )
    from codex_protocol.file_change import FileChange
    from codex_protocol.plan import PlanItemArg
    from codex_protocol.review import ReviewFinding, ReviewOutputEvent
    from codex_protocol.tokens import TokenUsage

_NO_EXIT_CODE = -1
CUT_OFF = "(cut off; asked again)"
"""Said of an answer whose stream broke."""


def heading(speaker: str) -> list[Paragraph]:
    """Who or what speaks below."""
    return [Paragraph(line(Span(speaker, Style.HEADING)))]


def note(text: str, style: Style = Style.DIM) -> list[Paragraph]:
    """A remark, in as many rows as it has lines."""
    return _paragraphs(blocks.text_rows(text, style))


def speech(speaker: str, text: str, style: Style = Style.PLAIN) -> list[Paragraph]:
    """What was said, word for word."""
    return [*heading(speaker), *note(text, style)]


def command_started(command: Sequence[str], place: str, cwd: str) -> list[Paragraph]:
    """The whole command, and where it runs if that is not `cwd`."""
    where = "" if place == cwd else f" in {blocks.shorten_path(place, cwd)}"
    rows = blocks.text_rows(f"$ {blocks.command_text(command)}{where}", Style.STRONG)
    return [Paragraph(row, (), line("    "), Breaks.ANYWHERE) for row in rows]


def command_ended(msg: ExecCommandEndEvent, limit: int | None = None) -> list[Paragraph]:
    """What a command printed, at most `limit` rows of it, and how it ended."""
    output = msg.aggregated_output or msg.stdout + msg.stderr
    rows = blocks.output_rows(output, Style.DIM, len(output) if limit is None else limit)
    return [*(_anywhere(row) for row in rows), Paragraph(command_outcome(msg))]


def command_interrupted(output: str, limit: int | None = None) -> list[Paragraph]:
    """What a command printed until it was stopped, at most `limit` rows of it."""
    rows = blocks.output_rows(output, Style.DIM, len(output) if limit is None else limit)
    return [*(_anywhere(row) for row in rows), *note("interrupted", Style.FAILURE)]


def command_outcome(msg: ExecCommandEndEvent) -> Line:
    """`succeeded in 47ms`, `exited 3 in 1.50s`, or `failed` when it never ran."""
    took = blocks.format_duration(msg.duration.seconds)
    if msg.exit_code == 0:
        return line(Span(f"succeeded in {took}", Style.SUCCESS))
    if msg.exit_code == _NO_EXIT_CODE:
        return line(Span("failed", Style.FAILURE))
    return line(Span(f"exited {msg.exit_code} in {took}", Style.FAILURE))


def command_proposed(msg: ExecApprovalRequestEvent, cwd: str) -> list[Paragraph]:
    """What is asked for, and why."""
    asked = [*heading("may this command run?"), *command_started(msg.command, msg.cwd, cwd)]
    return [*asked, *note(msg.reason)] if msg.reason else asked


def patch(changes: Mapping[str, FileChange], cwd: str, home: str = "") -> list[Paragraph]:
    """What is done to each file: a headline per file, then its lines."""
    from codex_core.presentation.diffs import count_spans, diff_paragraphs, file_diffs

    found: list[Paragraph] = []
    for diff in file_diffs(changes, cwd, home):
        name = Span(f"{diff.verb} {diff.name}", Style.STRONG)
        found.append(Paragraph(line(name, " ", *count_spans(diff.added, diff.removed))))
        found += diff_paragraphs(diff)
    return found


def patch_ended(msg: PatchApplyEndEvent) -> list[Paragraph]:
    """Whether it worked, and what was said about it."""
    word, style = ("applied", Style.SUCCESS) if msg.success else ("failed", Style.FAILURE)
    output = msg.stdout if msg.success else msg.stderr or msg.stdout
    return [*note(f"patch {word}", style), *map(_anywhere, blocks.output_rows(output, Style.DIM))]


def plan(explanation: str | None, steps: Sequence[PlanItemArg]) -> list[Paragraph]:
    """The whole plan."""
    return [*heading("plan"), *blocks.plan_paragraphs(explanation, steps)]


def call_started(invocation: McpInvocation) -> list[Paragraph]:
    """Which tool is called with what."""
    return [
        Paragraph(line(Span("tool ", Style.STRONG), *blocks.call_spans(invocation)), breaks=Breaks.ANYWHERE)
    ]


def call_ended(msg: McpToolCallEndEvent) -> list[Paragraph]:
    """What the tool answered, and how long it took."""
    found: list[Paragraph] = []
    for text in blocks.result_texts(msg.result):
        found += note(blocks.clipped(text, blocks.MAX_RESULT_CHARACTERS))
    took = blocks.format_duration(msg.duration.seconds)
    word, style = ("succeeded", Style.SUCCESS) if msg.is_success else ("failed", Style.FAILURE)
    return [*found, Paragraph(line(Span(f"{word} in {took}", style)))]


def search(query: str) -> list[Paragraph]:
    """What was looked for on the web."""
    return note(f"searched the web: {query}")


def review_started(hint: str) -> list[Paragraph]:
    """What is being reviewed."""
    return note(f">> Code review started: {hint} <<", Style.ACCENT)


def review_ended(output: ReviewOutputEvent | None, cwd: str) -> list[Paragraph]:
    """What a review found; without output it was stopped."""
    if output is None:
        return note("<< Code review stopped before it was done >>", Style.WARNING)
    found = note(output.overall_explanation.strip("\n"), Style.PLAIN)
    if output.overall_correctness:
        found += note(f"verdict: {output.overall_correctness}", Style.STRONG)
    for finding in output.findings:
        found += _finding(finding, cwd)
    return [*found, *note("<< Code review finished >>", Style.ACCENT)]


def finding_title(finding: ReviewFinding, cwd: str) -> Paragraph:
    """What was found, and where."""
    lines = finding.code_location.line_range
    place = blocks.shorten_path(finding.code_location.absolute_file_path, cwd)
    title = exact_line(f"- {finding.title} — {place}:{lines.start}-{lines.end}")
    return Paragraph(line(Span(title, Style.STRONG)), (), line("  "))


def _finding(finding: ReviewFinding, cwd: str) -> list[Paragraph]:
    body = blocks.text_rows(finding.body.strip("\n"))
    return [finding_title(finding, cwd), *(Paragraph(row, line("  "), line("  ")) for row in body)]


def usage(total: TokenUsage, session_id: str, locale: str = "en_US") -> list[Paragraph]:
    """What is left to say when a conversation ends: what it used, and how to go on with it."""
    found = [] if total.is_zero else note(total.summary(locale), Style.PLAIN)
    if session_id:
        resume = line(
            "To continue this session, run ", Span(f"codex resume {exact_text(session_id)}", Style.ACCENT)
        )
        found.append(Paragraph(resume))
    return found


def _paragraphs(rows: Iterable[Line]) -> list[Paragraph]:
    return [Paragraph(row) for row in rows]


def _anywhere(row: Line) -> Paragraph:
    return Paragraph(row, breaks=Breaks.ANYWHERE)

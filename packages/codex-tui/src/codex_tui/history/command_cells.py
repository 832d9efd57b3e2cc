"""Commands: what runs, what it printed and how it ended; what only looks around is summed up.

Spec: tui.md sections 6.5 and 6.6. Unlike the reference, output of commands that succeed is shown in brief,
and that of running ones as it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation import blocks, reports
from codex_core.presentation.safe_text import exact_line
from codex_core.presentation.spans import Breaks, Emphasis, Line, Paragraph, Span, Style, line, under
from codex_tui.history.progress import elapsed_text, spinner
from codex_tui.history.shell_script import script_rows
from codex_tui.history.wrapping import line_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_protocol.events import ExecApprovalRequestEvent, ExecCommandBeginEvent, ExecCommandEndEvent
    from codex_protocol.parsed_command import ParsedCommand
    from codex_tui.history.speech_cells import ThoughtCell

_FAILED_ROWS = 5
_SUCCEEDED_ROWS = 2
_LIVE_ROWS = 3


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command from its start (as seconds of the caller's clock) to its end, if there is one yet."""

    begin: ExecCommandBeginEvent
    started_at: float
    end: ExecCommandEndEvent | None = None
    live_output: str = ""
    """The last it printed, while it runs."""
    is_interrupted: bool = False

    @property
    def is_running(self) -> bool:
        return self.end is None and not self.is_interrupted

    @property
    def is_exploring(self) -> bool:
        """Whether it does nothing but read, list or search."""
        kinds = {parsed.type for parsed in self.begin.parsed_cmd}
        return bool(kinds) and kinds <= {"read", "list_files", "search"}

    def story(self, cwd: str) -> list[Paragraph]:
        """The command and all it printed."""
        started = reports.command_started(self.begin.command, self.begin.cwd, cwd)
        if self.end is not None:
            return [*started, *reports.command_ended(self.end)]
        if self.is_interrupted:
            return [*started, *reports.command_interrupted(self.live_output)]
        return started


@dataclass(frozen=True, slots=True)
class CommandCell:
    """One command."""

    call: CommandCall
    cwd: str
    continues: bool = False

    def paragraphs(self, width: int, now: float = 0.0) -> list[Paragraph]:
        call = self.call
        if call.is_running:
            seconds = now - call.started_at
            mark, word = Span(f"{spinner(seconds)} "), "Running"
            remark: Line = line(Span(f" ({elapsed_text(seconds)})", Style.DIM))
            output = _tail(call.live_output)
        else:
            is_good = call.end is not None and call.end.exit_code == 0
            mark = Span("• ", Style.SUCCESS if is_good else Style.FAILURE, Emphasis.BOLD)
            word, remark = "Ran", _remark(call.end)
            output = _shown_output(call)
        return _command_paragraphs(self.call.begin.command, mark, word, remark, output, width)

    def story(self) -> list[Paragraph]:
        return self.call.story(self.cwd)


@dataclass(frozen=True, slots=True)
class ExploringCell:
    """Commands in a row that only looked around, and thoughts between them that only a transcript shows."""

    parts: tuple[CommandCall | ThoughtCell, ...]
    cwd: str
    continues: bool = False

    def paragraphs(self, _width: int, now: float = 0.0) -> list[Paragraph]:
        calls = [part for part in self.parts if isinstance(part, CommandCall)]
        running = [call for call in calls if call.is_running]
        if running:
            mark, word = Span(f"{spinner(now - running[0].started_at)} "), "Exploring"
        else:
            mark, word = Span("• "), "Explored"
        found = [Paragraph(line(mark, Span(word, Style.STRONG)))]
        for verb, what in _exploring_rows(calls):
            corner = line(Span("  └ " if len(found) == 1 else "    ", Style.DIM))
            first = (*corner, Span(f"{verb} ", Style.ACCENT))
            found.append(Paragraph(what, first, line(" " * (5 + len(verb)))))
        return found

    def story(self) -> list[Paragraph]:
        found: list[Paragraph] = []
        for part in self.parts:
            found += [Paragraph(())] if found else []
            found += part.story(self.cwd) if isinstance(part, CommandCall) else part.story()
        return found


@dataclass(frozen=True, slots=True)
class ProposedCommandCell:
    """A command the user is asked about; why, the question itself says, and the transcript."""

    request: ExecApprovalRequestEvent
    cwd: str
    continues: bool = False

    def paragraphs(self, _width: int, _now: float = 0.0) -> list[Paragraph]:
        head = line("• ", Span("Proposed Command", Style.STRONG))
        return [Paragraph(head), *under(_command_lines(self.request.command), hang="    ")]

    def story(self) -> list[Paragraph]:
        return reports.command_proposed(self.request, self.cwd)


def _command_paragraphs(
    command: Sequence[str], mark: Span, word: str, remark: Line, output: list[Line], width: int
) -> list[Paragraph]:
    head = line(mark, Span(word, Style.STRONG))
    lines = _command_lines(command)
    if len(lines) == 1 and line_width(head) + 1 + line_width(lines[0]) + line_width(remark) <= width:
        whole = Paragraph((*head, Span(" "), *lines[0], *remark), (), line("  "))
        return [whole, *under(output, breaks=Breaks.ANYWHERE)]
    if not output:
        return [Paragraph((*head, *remark), (), line("  ")), *under(lines, hang="    ")]
    bar = line(Span("  │ ", Style.DIM))
    rows = [Paragraph(each, bar, (*bar, Span("    "))) for each in lines]
    return [Paragraph((*head, *remark), (), line("  ")), *rows, *under(output, breaks=Breaks.ANYWHERE)]


def _command_lines(command: Sequence[str]) -> list[Line]:
    return script_rows(blocks.command_text(command).strip("\n"))


def _remark(end: ExecCommandEndEvent | None) -> Line:
    """How it ended, where that is worth saying."""
    if end is None:
        return line(Span(" (interrupted)", Style.FAILURE))
    if end.exit_code == -1:
        return line(Span(" (failed)", Style.FAILURE))
    took = blocks.format_duration(end.duration.seconds)
    if end.exit_code != 0:
        return line(Span(f" (exit {end.exit_code}, {took})", Style.FAILURE))
    return line(Span(f" ({took})", Style.DIM)) if end.duration.secs else ()


def _shown_output(call: CommandCall) -> list[Line]:
    if call.end is None:
        return _tail(call.live_output)
    end = call.end
    output = end.aggregated_output or end.stdout + end.stderr
    rows = _SUCCEEDED_ROWS if end.exit_code == 0 else _FAILED_ROWS
    return blocks.head_and_tail(output, Style.DIM, head=rows, tail=rows)


def _tail(output: str) -> list[Line]:
    rows = blocks.head_and_tail(output, Style.DIM, head=0, tail=_LIVE_ROWS)
    return rows[-_LIVE_ROWS:]


def _exploring_rows(calls: Sequence[CommandCall]) -> Iterator[tuple[str, Line]]:
    """(verb, what) per row; reads that follow each other share one."""
    names: list[str] = []
    for parsed in (parsed for call in calls for parsed in call.begin.parsed_cmd):
        if parsed.type == "read":
            if parsed.name not in names:
                names.append(parsed.name)
            continue
        if names:
            yield "Read", _joined_names(names)
            names = []
        yield _looked(parsed)
    if names:
        yield "Read", _joined_names(names)


def _looked(parsed: ParsedCommand) -> tuple[str, Line]:
    match parsed.type:
        case "list_files":
            return "List", line(exact_line(parsed.path or parsed.cmd))
        case "search":
            query, path = parsed.query, parsed.path
            if query and path:
                return "Search", line(exact_line(query), Span(" in ", Style.DIM), exact_line(path))
            return "Search", line(exact_line(query or parsed.cmd))
        case _:
            return "Run", line(exact_line(parsed.cmd))


def _joined_names(names: Sequence[str]) -> Line:
    spans: list[Span] = []
    for name in names:
        if spans:
            spans.append(Span(", ", Style.DIM))
        spans.append(Span(exact_line(name)))
    return tuple(spans)

"""Patches: what is proposed, what was done, what failed (spec: tui.md section 6.8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core.presentation import blocks, reports
from codex_core.presentation.diffs import count_spans, diff_paragraphs, file_diffs
from codex_core.presentation.spans import Breaks, Emphasis, Paragraph, Span, Style, line, under
from codex_tui.history.progress import spinner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.presentation.diffs import FileDiff
    from codex_protocol.events import PatchApplyEndEvent
    from codex_protocol.file_change import FileChange

_FAILED_ROWS = 5


class PatchState(StrEnum):
    """How far a patch is."""

    PROPOSED = "proposed"
    RUNNING = "running"
    APPLIED = "applied"
    APPROVED = "approved"
    """Applied after the user agreed, who has seen the diff then."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"


_VERBS = {"A": "Added", "D": "Deleted", "M": "Edited", "R": "Edited"}


@dataclass(frozen=True, slots=True)
class PatchCell:
    """Changes of files."""

    changes: Mapping[str, FileChange]
    state: PatchState
    cwd: str
    home: str = ""
    end: PatchApplyEndEvent | None = None
    reason: str = ""
    started_at: float = 0.0
    continues: bool = False

    def paragraphs(self, _width: int, now: float = 0.0) -> list[Paragraph]:
        diffs = file_diffs(self.changes, self.cwd, self.home)
        head = [self._headline(diffs, now)]
        match self.state:
            case PatchState.FAILED:
                end = self.end
                text = "" if end is None else end.stderr or end.stdout
                rows = blocks.head_and_tail(text, Style.DIM, head=_FAILED_ROWS, tail=_FAILED_ROWS)
                return [*head, *under(rows, breaks=Breaks.ANYWHERE)]
            case PatchState.APPROVED | PatchState.INTERRUPTED:
                return head
            case PatchState.RUNNING if len(diffs) != 1:
                return head
        found = head
        if len(diffs) == 1:
            found += diff_paragraphs(diffs[0])
        else:
            for number, diff in enumerate(diffs):
                found += [Paragraph(())] if number else []
                corner = line(Span("  └ ", Style.DIM))
                title = line(diff.name, " ", *count_spans(diff.added, diff.removed))
                found += [Paragraph(title, corner, line("    ")), *diff_paragraphs(diff)]
        return found

    def _headline(self, diffs: list[FileDiff], now: float) -> Paragraph:
        counts = count_spans(sum(diff.added for diff in diffs), sum(diff.removed for diff in diffs))
        what = diffs[0].name if len(diffs) == 1 else f"{len(diffs)} files"
        mark, style = Span("• "), Style.STRONG
        match self.state:
            case PatchState.PROPOSED:
                label = "Proposed Change" if len(diffs) == 1 else "Proposed Change to"
            case PatchState.APPROVED:
                label = "Change Approved"
            case PatchState.RUNNING:
                mark, label = Span(f"{spinner(now - self.started_at)} "), "Applying"
            case PatchState.FAILED:
                mark, label, style = Span("✘ ", Style.FAILURE), "Failed to apply patch:", Style.FAILURE
            case PatchState.INTERRUPTED:
                mark, label, style = Span("✘ ", Style.FAILURE), "Interrupted patch:", Style.FAILURE
            case _:
                label = _VERBS[diffs[0].verb] if len(diffs) == 1 else "Edited"
        said = Span(label, style, Emphasis.BOLD)
        return Paragraph(line(mark, said, f" {what} ", *counts), (), line("  "))

    def story(self) -> list[Paragraph]:
        if self.state is PatchState.PROPOSED:
            found = reports.heading("may this patch be applied?")
            return [*found, *reports.patch(self.changes, self.cwd, self.home), *reports.note(self.reason)]
        found = [*reports.heading("patch"), *reports.patch(self.changes, self.cwd, self.home)]
        if self.end is not None:
            found += reports.patch_ended(self.end)
        return found

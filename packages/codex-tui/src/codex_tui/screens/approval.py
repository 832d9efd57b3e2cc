"""May this command run, may this patch be applied: the question, its answers and what each of them means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation import blocks
from codex_core.presentation.diffs import count_spans, file_diffs
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Breaks, Emphasis, Line, Paragraph, Span, Style, line
from codex_protocol.events import ApplyPatchApprovalRequestEvent, ExecApprovalRequestEvent
from codex_protocol.ops import ReviewDecision
from codex_tui.screens.panel import Answer, edged, key_hints, words

if TYPE_CHECKING:
    from codex_tui.term.inputs import Key

    Request = ExecApprovalRequestEvent | ApplyPatchApprovalRequestEvent


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer: its button, the key for it, and what follows from it."""

    label: str
    key: str
    decision: ReviewDecision
    meaning: str


_NO = Choice(
    "No, tell it what to do",
    "n",
    ReviewDecision.ABORT,
    "Do not do it, stop the turn, and say what to do instead",
)
_COMMAND_CHOICES = (
    Choice("Yes", "y", ReviewDecision.APPROVED, "Run this command, this time"),
    Choice(
        "Always",
        "a",
        ReviewDecision.APPROVED_FOR_SESSION,
        "Run it, and run exactly this command without asking until this session ends",
    ),
    _NO,
)
_PATCH_CHOICES = (Choice("Yes", "y", ReviewDecision.APPROVED, "Apply these changes"), _NO)
_MAX_FILES = 8
_COMMAND_SHARE = 3
"""The command may take up this part of the screen; all of it stands in the history above."""


class ApprovalPanel:
    """A question of the agent; the answer is a `ReviewDecision`."""

    def __init__(self, request: Request, *, cwd: str, home: str = "") -> None:
        self.request = request
        self._cwd = cwd
        self._home = home
        self._is_command = isinstance(request, ExecApprovalRequestEvent)
        self._choices = _COMMAND_CHOICES if self._is_command else _PATCH_CHOICES
        self._selected = 0

    def press(self, key: Key) -> Answer | None:
        """Arrows and Enter, or the letter of an answer; modified letters mean nothing here."""
        match key.name:
            case "left" | "shift+tab" | "up":
                self._selected = (self._selected - 1) % len(self._choices)
            case "right" | "tab" | "down":
                self._selected = (self._selected + 1) % len(self._choices)
            case "enter":
                return Answer(self._choices[self._selected].decision)
            case "escape" | "ctrl+c":
                return Answer(ReviewDecision.ABORT)
            case _:
                typed = (key.text or "").lower()
                for choice in self._choices:
                    if typed == choice.key:
                        return Answer(choice.decision)
        return None

    def paste(self, text: str) -> None:
        """Nothing: a paste decides nothing."""

    def rows(self, width: int, max_rows: int) -> list[Line]:
        """What is asked, why, and the answers with the meaning of the one chosen."""
        title = "Allow this command?" if self._is_command else "Apply these changes?"
        head = [Paragraph(line(Span(title, Style.STRONG)))]
        head += self._subject(width, max(max_rows // _COMMAND_SHARE, 3))
        if self.request.reason:
            reason = words(self.request.reason, Style.THOUGHT)
            head += [Paragraph(each.body, (Span("  "),), (Span("  "),)) for each in reason[:4]]
        grant = getattr(self.request, "grant_root", None)
        if grant:
            text = f"Yes also lets it write below {grant} until this session ends."
            head += words(text, Style.WARNING)
        buttons: list[Span] = []
        for number, choice in enumerate(self._choices):
            style = Style.CURRENT if number == self._selected else Style.PLAIN
            mark = "› " if number == self._selected else "  "
            buttons += [
                Span(mark, style),
                Span(choice.label[:1], style, Emphasis.UNDERLINE),
                Span(choice.label[1:], style),
                Span("   "),
            ]
        meaning = Span(self._choices[self._selected].meaning, Style.THOUGHT)
        body = [*head, Paragraph(()), Paragraph(tuple(buttons)), Paragraph(line(meaning))]
        keys = "/".join(choice.key for choice in self._choices)
        hints = key_hints(("←/→", "choose"), ("⏎", "confirm"), (keys, "at once"), ("Esc", "no"))
        return [*edged(body, width), (), hints]

    def _subject(self, width: int, max_rows: int) -> list[Paragraph]:
        request = self.request
        indent = (Span("  "),)
        if isinstance(request, ApplyPatchApprovalRequestEvent):
            diffs = file_diffs(request.changes, self._cwd, self._home)
            found = [
                Paragraph(line(f"{diff.name} ", *count_spans(diff.added, diff.removed)), indent, indent)
                for diff in diffs[:_MAX_FILES]
            ]
            if len(diffs) > _MAX_FILES:
                more = f"… and {len(diffs) - _MAX_FILES} more; all of them stand above"
                found.append(Paragraph(line(Span(more, Style.DIM)), indent))
            return found
        text = exact_text(blocks.command_text(request.command))
        lines = text.split("\n")
        room = max_rows * max(width - 4, 10)
        shown, used = 0, 0
        while shown < len(lines) and shown < max_rows and used + len(lines[shown]) <= room:
            used += len(lines[shown]) + 1
            shown += 1
        prompt, rest = (Span("$ ", Style.AGENT),), (Span("  "),)
        kept = lines[:shown] or [lines[0][:room]]
        found = [
            Paragraph(line(row), rest if number else prompt, rest, Breaks.ANYWHERE)
            for number, row in enumerate(kept)
        ]
        if "\n".join(kept) != text:
            found.append(Paragraph(line(Span("… the whole command stands above", Style.WARNING)), indent))
        if request.cwd != self._cwd:
            found += [Paragraph(line(Span(f"in {exact_text(request.cwd)}", Style.DIM)), indent, indent)]
        return found

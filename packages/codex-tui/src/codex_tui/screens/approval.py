"""May this command run, may this patch be applied: the question, its answers and what each of them means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation import blocks
from codex_core.presentation.diffs import count_spans, diff_paragraphs, file_diffs
from codex_core.presentation.safe_text import exact_line, exact_text
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
_STEPS = {"up": -1, "down": 1, "home": -(10**9), "end": 10**9}
_MAX_REASON_ROWS = 4
_MIN_SEEN = 2
_SMALL_ROWS = 12


class ApprovalPanel:
    """A question of the agent; the answer is a `ReviewDecision`.

    What it asks about can be read from beginning to end, however little room there is: it scrolls.
    """

    def __init__(self, request: Request, *, cwd: str, home: str = "") -> None:
        self.request = request
        self._cwd = cwd
        self._home = home
        self._is_command = isinstance(request, ExecApprovalRequestEvent)
        self._choices = _COMMAND_CHOICES if self._is_command else _PATCH_CHOICES
        self._selected = 0
        self._width = 0
        self._laid_out: list[Line] = []
        """What it is about, for that width."""
        self._top = 0
        self._seen = 1
        """Rows of the subject on the screen when it was drawn last."""

    def press(self, key: Key) -> Answer | None:
        """Arrows and Enter, or the letter of an answer; modified letters mean nothing here."""
        match key.name:
            case "left" | "shift+tab":
                self._selected = (self._selected - 1) % len(self._choices)
            case "right" | "tab":
                self._selected = (self._selected + 1) % len(self._choices)
            case "up" | "down" | "home" | "end" as name:
                self._top += _STEPS[name]
            case "pageup":
                self._top -= self._seen
            case "pagedown":
                self._top += self._seen
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
        """What is asked, why, and the answers with the meaning of the one chosen.

        In little room the question, some of what it is about and the answers stay, and all of it can be
        scrolled to.
        """
        is_small = max_rows < _SMALL_ROWS
        title = "Allow this command?" if self._is_command else "Apply these changes?"
        head = edged([Paragraph(line(Span(title, Style.STRONG)))], width)[:1]
        if width != self._width:
            self._width, self._laid_out = width, edged(self._subject(), width)
        subject = self._laid_out
        reason = edged(self._reason(), width)
        if is_small or len(reason) > _MAX_REASON_ROWS:
            subject, reason = [*subject, *reason], []
        answers = edged(self._answers(is_small=is_small), width)
        hints = [("←/→", "choose"), ("⏎", "confirm"), ("/".join(c.key for c in self._choices), "at once")]
        foot = [*([] if is_small else [()]), key_hints(*hints, ("Esc", "no"))]
        room = max_rows - len(head) - len(reason) - len(answers) - len(foot)
        if not self._is_command:  # all of it stands in the history right above
            room = min(room, max_rows // 3)
        room = max(room, _MIN_SEEN)
        if len(subject) > room:
            self._seen = room - 1
            self._top = max(0, min(self._top, len(subject) - self._seen))
            last = self._top + self._seen
            told = f"… rows {self._top + 1} to {last} of {len(subject)}: ↑/↓ PgUp/PgDn"
            more = edged([Paragraph(line(Span(told, Style.WARNING)))], width)[:1]
            subject = [*subject[self._top : last], *more]
        return [*head, *subject, *reason, *answers, *foot]

    def _answers(self, *, is_small: bool) -> list[Paragraph]:
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
        grant = getattr(self.request, "grant_root", None)
        warning = f"Yes also lets it write below {grant} until this session ends." if grant else ""
        granted = words(warning, Style.WARNING) if warning else []
        if is_small:
            return [*granted, Paragraph(tuple(buttons))]
        return [*granted, Paragraph(()), Paragraph(tuple(buttons)), Paragraph(line(meaning))]

    def _reason(self) -> list[Paragraph]:
        indent = (Span("  "),)
        reason = self.request.reason
        return [Paragraph(each.body, indent, indent) for each in words(reason or "", Style.THOUGHT) if reason]

    def _subject(self) -> list[Paragraph]:
        """The command with the directory it runs in, or the changes with all of their lines."""
        request = self.request
        indent = (Span("  "),)
        if isinstance(request, ApplyPatchApprovalRequestEvent):
            found: list[Paragraph] = []
            for diff in file_diffs(request.changes, self._cwd, self._home):
                counts = count_spans(diff.added, diff.removed)
                found += [Paragraph(line(f"{diff.name} ", *counts), indent, indent), *diff_paragraphs(diff)]
            return found
        prompt, rest = (Span("$ ", Style.AGENT),), (Span("  "),)
        lines = exact_text(blocks.command_text(request.command)).split("\n")
        asked = [
            Paragraph(line(row), rest if number else prompt, rest, Breaks.ANYWHERE)
            for number, row in enumerate(lines)
        ]
        if request.cwd != self._cwd:
            place = exact_line(request.cwd)
            asked.append(Paragraph(line(Span(f"in {place}", Style.DIM)), indent, indent))
        return asked

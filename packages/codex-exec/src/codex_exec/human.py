"""Events for people: what the agent thinks, runs, changes and says, as it happens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.presentation import blocks, reports
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Span, Style, line
from codex_core.presentation.story import Story

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_exec.painter import Painter
    from codex_protocol.events import Event


class HumanPrinter:
    """Prints progress on one stream and, where that is another one, the final answer alone on `answers`.

    With one stream for both, the answer appears in its place in the story, as it streams in.
    """

    def __init__(self, progress: Painter, answers: Painter | None, *, show_reasoning: bool, cwd: str) -> None:
        self._out = progress
        self._answers = answers
        self._story = Story(progress, cwd=cwd, home=os.path.expanduser("~"), show_reasoning=show_reasoning)

    def begin(self, config: Config, prompt: str) -> None:
        """The settings of the run and what was asked."""
        from codex_exec import __version__

        rule = line(Span("-" * 8, Style.DIM))
        self._out.row(line(Span(f"Codex {__version__}", Style.HEADING)))
        self._out.row(rule)
        for name, value in blocks.config_rows(config):
            self._out.row(line(Span(f"{name}: ", Style.STRONG), exact_text(value)))
        for notice in config.notices:
            self._story.note(reports.note(f"note: {notice}", Style.WARNING))
        self._out.row(rule)
        self._story.note(reports.speech("user", prompt.rstrip("\n")))

    def event(self, event: Event) -> None:
        """Prints what people want to know of an event."""
        self._story.tell(event.msg)

    def end(self, last_message: str | None) -> None:
        """The answer for whoever reads the pipe."""
        self._story.finish_line()
        if self._story.tokens_used:
            used = blocks.format_count(self._story.tokens_used)
            self._story.note(reports.note(f"tokens used: {used}"))
        if self._answers is not None and last_message:
            self._answers.text(last_message if last_message.endswith("\n") else last_message + "\n")

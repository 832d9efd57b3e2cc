"""The entry of an API key, for who is not signed in (spec: tui.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.spans import Line, Paragraph, Span, Style, line
from codex_tui.screens.panel import Answer, edged, key_hints, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_tui.term.inputs import Key

_SHOWN = 4
_MIN_HIDDEN = 12


class ApiKeyPanel:
    """A line for a key, which is shown as dots but for its end; the answer is True once it is saved.

    `save` stores it and returns why that failed, None if it did not.
    """

    def __init__(self, save: Callable[[str], str | None], *, found: str = "") -> None:
        self._save = save
        self._key = found.strip()
        self._is_found = bool(self._key)
        self.problem = ""

    def press(self, key: Key) -> Answer | None:
        """Letters type, Enter saves, Esc goes back."""
        match key.name:
            case "escape" | "ctrl+c" | "ctrl+d":
                return Answer(None)
            case "enter":
                return self._finish()
            case "backspace" | "ctrl+h":
                self._key = "" if self._is_found else self._key[:-1]
                self._is_found = False
            case "ctrl+u" | "ctrl+w":
                self._key, self._is_found = "", False
            case _ if key.text and key.text.isprintable():
                self._add(key.text)
        return None

    def paste(self, text: str) -> None:
        """Takes a key from the clipboard."""
        self._add(text.strip())

    def _add(self, text: str) -> None:
        self._key = text if self._is_found else self._key + text
        self._is_found, self.problem = False, ""

    def _finish(self) -> Answer | None:
        if not self._key.strip():
            self.problem = "API key cannot be empty"
            return None
        self.problem = self._save(self._key) or ""
        return None if self.problem else Answer(True)

    def rows(self, width: int, max_rows: int) -> list[Line]:  # noqa: ARG002 - always a few
        """What it is for, the key as dots, and what went wrong."""
        shown = self._key
        if len(shown) > _SHOWN:
            hidden = min(len(shown) - _SHOWN, _MIN_HIDDEN)
            shown = "•" * hidden + (shown[-_SHOWN:] if len(shown) >= _MIN_HIDDEN else "•" * _SHOWN)
        else:
            shown = "•" * len(shown)
        field = Span(shown) if shown else Span("Paste or type your API key", Style.DIM)
        body = [
            Paragraph(line(Span("Sign in with an API key", Style.STRONG))),
            *words(
                "It is stored with the other credentials of Codex, and usage is billed to its owner.",
                Style.DIM,
            ),
            *words(
                "It is shown as dots, and nobody is asked about it before it is used.",
                Style.DIM,
            ),
            Paragraph(()),
            Paragraph((Span("API key: ", Style.ACCENT), field)),
        ]
        if self._is_found:
            body += words("Taken from OPENAI_API_KEY; typing replaces it.", Style.DIM)
        if self.problem:
            body += words(self.problem, Style.FAILURE)
        return [*edged(body, width), (), key_hints(("⏎", "save"), ("Esc", "go back"))]

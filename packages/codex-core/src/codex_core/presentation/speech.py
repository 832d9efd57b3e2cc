"""What of the model's words is new: they come in pieces, and then often once more as a whole."""

from __future__ import annotations


class Speech:
    """Remembers what was streamed of the present answer of the model, speaker by speaker."""

    def __init__(self) -> None:
        self._heard: dict[str, list[str]] = {}

    def hear(self, speaker: str, delta: str) -> None:
        """A piece was said."""
        self._heard.setdefault(speaker, []).append(delta)

    def is_news(self, speaker: str, text: str) -> bool:
        """Whether a finished text has not been streamed before; one that has is not looked for again."""
        _, is_streamed, rest = "".join(self._heard.get(speaker, ())).partition(text or "\0")
        if is_streamed:
            self._heard[speaker] = [rest]
        return not is_streamed

    def has_more(self, speaker: str) -> bool:
        """Whether something was streamed beyond the finished texts."""
        return any(self._heard.get(speaker, ()))

    def forget(self) -> None:
        """An answer is complete, or what was streamed of it is lost."""
        self._heard.clear()

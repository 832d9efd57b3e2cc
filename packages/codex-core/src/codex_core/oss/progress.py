"""Shows a download on one line of the terminal; in a log, a line now and then (spec: auth.md section 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.oss.pull import LayerProgress, Status, Succeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.oss.pull import PullEvent

GIB = 1024**3
MIB = 1024**2
MIN_INTERVAL_S = 0.001
LOG_STEP_PERCENT = 10
_HIDDEN = "pulling manifest"


class PullProgress:
    """Turns events into what is to be written."""

    def __init__(self, model: str, monotonic: Callable[[], float], *, is_terminal: bool) -> None:
        self._model = model
        self._monotonic = monotonic
        self._is_terminal = is_terminal
        self._columns = 0
        self._totals: dict[str, int] = {}
        self._completed: dict[str, int] = {}
        self._has_announced = False
        self._last: tuple[float, int] | None = None
        self._logged_percent = 0

    def begin(self) -> str:
        """The first words."""
        return self._line(f"Pulling model {self._model}...")

    def feed(self, event: PullEvent) -> str:
        """What to write about an event; may be nothing."""
        match event:
            case Status(text) if text.lower() != _HIDDEN:
                return self._status(text)
            case LayerProgress():
                return self._progress(event)
            case Succeeded():
                return self.end()
            case _:
                return ""

    def end(self) -> str:
        """Ends the line, so that what follows has one of its own."""
        open_line, self._columns = self._columns, 0
        return "\n" if open_line else ""

    def _status(self, text: str) -> str:
        from codex_core.presentation.safe_text import exact_text

        shown = exact_text(text).replace("\n", " ")
        return self._line(shown)

    def _progress(self, event: LayerProgress) -> str:
        if event.total is not None:
            self._totals[event.digest] = event.total
        if event.completed is not None:
            self._completed[event.digest] = event.completed
        total, completed = sum(self._totals.values()), sum(self._completed.values())
        if total <= 0:
            return ""
        written = ""
        if not self._has_announced:
            self._has_announced = True
            start = "\r\x1b[2K" if self._is_terminal else ""
            written = f"{start}Downloading model: total {total / GIB:.2f} GB\n"
            self._columns = 0
        return written + self._amount(completed, total)

    def _amount(self, completed: int, total: int) -> str:
        now = self._monotonic()
        before, done = self._last or (now, completed)
        self._last = now, completed
        speed = (completed - done) / MIB / max(now - before, MIN_INTERVAL_S)
        percent = completed / total * 100
        amount = f"{completed / GIB:.2f}/{total / GIB:.2f} GB ({percent:.1f}%)"
        if self._is_terminal:
            return self._line(f"{amount} {max(speed, 0.0):.1f} MB/s")
        if percent < self._logged_percent + LOG_STEP_PERCENT:
            return ""
        self._logged_percent = int(percent) // LOG_STEP_PERCENT * LOG_STEP_PERCENT
        return self._line(amount)

    def _line(self, text: str) -> str:
        if not self._is_terminal:
            return f"{text}\n"
        padding = " " * max(self._columns - len(text), 0)
        self._columns = len(text)
        return f"\r{text}{padding}"

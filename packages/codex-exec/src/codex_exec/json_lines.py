"""Events as JSON lines, in the schema of the reference's 0.36 (spec: servers.md section 7.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.blocks import config_rows
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_exec.output import Sink
    from codex_protocol.events import Event

_SILENT = frozenset(
    {
        "session_configured",
        "agent_message_delta",
        "agent_reasoning_delta",
        "task_complete",
        "shutdown_complete",
    }
)


class JsonPrinter:
    """Prints the settings, the request, then one line per event."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream

    def begin(self, config: Config, prompt: str) -> None:
        """The two lines before the first event."""
        self._print(dumps(dict(config_rows(config))))
        self._print(dumps({"prompt": prompt}))

    def event(self, event: Event) -> None:
        """The event's line, if it has one in this schema."""
        if event.msg.type not in _SILENT:
            self._print(event.to_json())

    def end(self, last_message: str | None) -> None:
        """Nothing: the last event has said it."""

    def _print(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

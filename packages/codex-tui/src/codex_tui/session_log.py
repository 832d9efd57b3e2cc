"""What went to the app and what came from it, line by line in a file, for who looks for a defect.

Off unless `CODEX_TUI_RECORD_SESSION` asks for it (spec: config-cli.md section 15).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from codex_core.config.config import Config
    from codex_protocol.events import Event
    from codex_protocol.ops import Op

SWITCH = "CODEX_TUI_RECORD_SESSION"
PATH = "CODEX_TUI_SESSION_LOG_PATH"
_ON = frozenset({"1", "true", "TRUE", "yes", "YES"})


class SessionLog:
    """The open file; every method does nothing when there is none, and from the first line it cannot take."""

    def __init__(self, file: TextIO | None, now: Callable[[], datetime], tell: Callable[[str], None]) -> None:
        """`tell` is told once why nothing is written any more."""
        self._file = file
        self._now = now
        self._tell = tell

    def begin(self, config: Config) -> None:
        """The first line."""
        self._write(
            "meta",
            "session_start",
            cwd=config.cwd,
            model=config.model,
            model_provider_id=config.model_provider_id,
            model_provider_name=config.model_provider.name,
        )

    def event(self, event: Event) -> None:
        """Something that happened."""
        if self._file is not None:
            self._write("to_tui", "codex_event", payload=event.to_wire())

    def op(self, op: Op) -> None:
        """Something that is asked of the agent."""
        if self._file is not None:
            self._write("from_tui", "op", payload=op.to_wire())

    def cell(self, lines: int) -> None:
        """So many rows were added to the history on the terminal."""
        self._write("to_tui", "insert_history_cell", lines=lines)

    def new_session(self) -> None:
        """Another conversation begins."""
        self._write("to_tui", "new_session")

    def file_search(self, query: str, matches: int | None = None) -> None:
        """Files are looked for; or so many were found."""
        if matches is None:
            self._write("to_tui", "file_search_start", query=query)
        else:
            self._write("to_tui", "file_search_result", query=query, matches=matches)

    def app_event(self, variant: str) -> None:
        """Something else the app does, by its name."""
        self._write("to_tui", "app_event", variant=variant)

    def close(self) -> None:
        """The last line."""
        self._write("meta", "session_end")
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _write(self, direction: str, kind: str, **fields: object) -> None:
        if self._file is None:
            return
        import json

        from codex_core.rollout.recorder import format_timestamp

        record = {"ts": format_timestamp(self._now()), "dir": direction, "kind": kind, **fields}
        try:
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            file, self._file = self._file, None
            _close_quietly(file)
            self._tell(f"The session log ends here: {error.strerror}.")


def _close_quietly(file: TextIO) -> None:
    try:
        file.close()  # which tries once more to write what it could not
    except OSError:
        return


def no_session_log(now: Callable[[], datetime]) -> SessionLog:
    """The log where none is wanted: it does nothing."""
    return SessionLog(None, now, lambda _sentence: None)


def open_session_log(
    environ: Mapping[str, str],
    codex_home: str,
    now: Callable[[], datetime],
    tell: Callable[[str], None],
) -> SessionLog:
    """The log the environment asks for, else one that does nothing; `tell` as for `SessionLog`.

    Raises:
        OSError: its file cannot be made.
    """
    if environ.get(SWITCH) not in _ON:
        return no_session_log(now)
    import stat

    path = environ.get(PATH)
    if not path:
        from datetime import UTC

        directory = os.path.join(codex_home, "log")
        os.makedirs(directory, mode=0o700, exist_ok=True)
        path = os.path.join(directory, f"session-{now().astimezone(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    # Nobody waits for the reader of a pipe; and what others could read before, they cannot any more.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = os.open(path, flags, 0o600)
    os.set_blocking(descriptor, True)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        try:
            os.fchmod(descriptor, 0o600)
        except OSError:
            os.close(descriptor)
            raise
    # A lone half of a character, as a model may send one, is written as what JSON has for it.
    return SessionLog(open(descriptor, "w", encoding="utf-8", errors="backslashreplace"), now, tell)

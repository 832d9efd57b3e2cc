"""Starts the user's `notify` program when a turn has ended (spec: agent.md section 22)."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_PAYLOAD_CHARS = 30_000
_MAX_MESSAGE_CHARS = 25_000

_log = logging.getLogger(__name__)


def notify_turn_complete(
    program: Sequence[str],
    environ: Mapping[str, str],
    *,
    turn_id: str,
    input_messages: Sequence[str],
    last_message: str | None,
) -> None:
    """Starts `program` with one JSON argument more and does not wait; a failure is only logged.

    `input_messages` are the user's texts of the turn (the reference sends something else, D23).
    """
    from codex_protocol.jsonio import dumps

    payload = {
        "type": "agent-turn-complete",
        "turn-id": turn_id,
        "input-messages": list(input_messages),
        "last-assistant-message": last_message,
    }
    if len(dumps(payload)) > _MAX_PAYLOAD_CHARS:
        # An argument may not be longer than 128 KiB on Linux.
        payload["input-messages"] = []
        payload["last-assistant-message"] = (last_message or "")[:_MAX_MESSAGE_CHARS] + "…"
    arguments = [*map(os.fsencode, program), dumps(payload).encode()]
    try:
        pid = os.posix_spawnp(
            arguments[0],
            arguments,
            environ,
            # Our stdout is the answer's alone, and must not stay open as long as the program runs.
            file_actions=((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, 2, 1)),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # which CPython ignores
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the configured words
        _log.error("the notify program %s cannot be started: %s", program[0], error)
        return
    # Takes its exit status, or every turn of a long session would leave a zombie.
    threading.Thread(target=os.waitpid, args=(pid, 0), name="notify", daemon=True).start()

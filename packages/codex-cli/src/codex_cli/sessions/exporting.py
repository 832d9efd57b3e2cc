"""`codex sessions export`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_cli.sessions.naming import codex_home, named_session, run_told

if TYPE_CHECKING:
    from codex_core.command_line.parser import Invocation

_BY_SUFFIX = {".html": "html", ".htm": "html", ".jsonl": "jsonl"}


def export_session(invocation: Invocation) -> int:
    """Runs `codex sessions export`; returns the exit code."""
    return run_told(lambda: _export(invocation))


def _export(invocation: Invocation) -> int:
    from codex_core.errors import SessionError
    from codex_core.rollout.export import Format, exported
    from codex_core.rollout.replay import read_rollout

    given = invocation.inner
    target = given.text("output")
    form = "jsonl" if given.is_on("json") else given.text("format")
    if form is None:
        form = _BY_SUFFIX.get(os.path.splitext(target or "")[1].lower(), "markdown")
    recorded = read_rollout(named_session(invocation, codex_home()).path)
    pieces = exported(recorded, Format(form))
    if target is None or target == "-":
        sys.stdout.writelines(pieces)
        return 0
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.writelines(pieces)
    except OSError as error:
        raise SessionError(f"{target} cannot be written: {error.strerror}.") from error
    print(f"Wrote {target}; read it before you give it away.", file=sys.stderr)
    return 0

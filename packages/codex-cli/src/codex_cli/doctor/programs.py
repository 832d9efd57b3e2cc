"""Runs a program for a check and never hangs on it."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GRACE_S = 3.0


class ProgramError(Exception):
    """The program could not be run to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    exit_code: int
    output: str
    complaint: str
    """What it wrote to stderr."""


def run(
    arguments: Sequence[str], *, environ: Mapping[str, str], timeout_s: float, cwd: str | None = None
) -> Done:
    """Runs it without input. On time-out it is interrupted, so that it can clear up, and then killed.

    It stays in our process group: Ctrl-C is for both.

    Raises: ProgramError.
    """
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError:
        raise ProgramError(f"there is no program {os.path.basename(arguments[0])}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ProgramError(f"{os.path.basename(arguments[0])} cannot be started: {reason}") from None
    try:
        output, complaint = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        raise ProgramError(
            f"{os.path.basename(arguments[0])} did not end within {timeout_s:g} seconds"
        ) from None
    return Done(process.returncode, output, complaint)


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        process.send_signal(number)
        try:
            process.wait(_GRACE_S)
            break
        except subprocess.TimeoutExpired:
            continue
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()

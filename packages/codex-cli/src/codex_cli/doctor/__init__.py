"""`codex doctor`: what is installed, configured and possible here, and what to do about the rest."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def run_doctor_command(
    arguments: Sequence[str], *, program: str = "codex", overrides: Sequence[str] = ()
) -> int:
    """Examines and reports; returns the exit code: 0 nothing failed, 1 something did, 2 wrong usage."""
    from codex_cli.doctor.command import run

    return run(arguments, program=f"{program} doctor", overrides=overrides)

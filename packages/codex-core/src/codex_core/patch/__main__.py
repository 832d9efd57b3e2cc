"""The program `apply_patch`: one patch, as the argument or from standard input, applied in this directory.

Texts and exit codes: spec: exec-sandbox.md section E.5.
"""

from __future__ import annotations

import io
import os
import sys

from codex_core.errors import PatchError
from codex_core.patch.apply import apply_patch
from codex_core.patch.files import NOT_UTF8
from codex_core.patch.grammar import PatchSyntaxError, parse_patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO, TextIO

FLAG = "--codex-run-as-apply-patch"
"""As the first argument of `codex`, makes it behave as this program."""

USAGE = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply-patch\n"


def main() -> int:
    """Runs on the arguments and streams of the process; gives the exit code."""
    return _on_process_streams(run)


def main_of_flag() -> int:
    """The same for `codex --codex-run-as-apply-patch PATCH`."""
    return _on_process_streams(run_flag)


def run(argv: Sequence[str], stdin: BinaryIO, stdout: TextIO, stderr: TextIO) -> int:
    """Exit code 0 when the patch was applied, 1 when not, 2 for wrong usage. `argv[0]` is the program."""
    match argv[1:]:
        case [argument]:
            try:
                patch = _read_as_utf8(argument)
            except UnicodeError:
                stderr.write("Error: apply_patch requires a UTF-8 PATCH argument.\n")
                return 1
        case []:
            try:
                patch = stdin.read().decode("utf-8")
            except (UnicodeError, OSError) as error:
                reason = NOT_UTF8 if isinstance(error, UnicodeError) else error
                stderr.write(f"Error: Failed to read PATCH from stdin.\n{reason}\n")
                return 1
            if not patch:
                stderr.write(USAGE)
                return 2
        case _:
            stderr.write("Error: apply_patch accepts exactly one argument.\n")
            return 2
    return _apply(patch, stdout, stderr)


def run_flag(argv: Sequence[str], _stdin: BinaryIO, stdout: TextIO, stderr: TextIO) -> int:
    """Exit code of `codex FLAG PATCH`; further arguments are ignored, standard input is not read."""
    try:
        patch = _read_as_utf8(argv[2])
    except (IndexError, UnicodeError):
        stderr.write(f"Error: {FLAG} requires a UTF-8 PATCH argument.\n")
        return 1
    return _apply(patch, stdout, stderr)


def _apply(text: str, stdout: TextIO, stderr: TextIO) -> int:
    try:
        summary = apply_patch(parse_patch(text), os.getcwd())
    except PatchSyntaxError as error:
        stderr.write(f"{error.report}\n")
        return 1
    except (PatchError, OSError) as error:
        stderr.write(f"{error}\n")
        return 1
    stdout.write(str(summary))
    return 0


def _read_as_utf8(argument: str) -> str:
    """The argument as the bytes it came as, read as UTF-8 whatever the locale says."""
    return os.fsencode(argument).decode("utf-8")


def _on_process_streams(program: _Program) -> int:
    stdin = io.BytesIO() if sys.stdin is None else sys.stdin.buffer
    try:
        with _utf8(sys.stdout) as stdout, _utf8(sys.stderr) as stderr:
            return program(sys.argv, stdin, stdout, stderr)
    except KeyboardInterrupt:
        return 130
    except OSError:
        return 1  # nobody reads what we have to say


def _utf8(stream: TextIO | None) -> TextIO:
    """The stream writing UTF-8 whatever the locale says; one that swallows all where there is none."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    return io.StringIO() if stream is None else stream


if TYPE_CHECKING:
    from collections.abc import Callable

    _Program = Callable[[Sequence[str], BinaryIO, TextIO, TextIO], int]

if __name__ == "__main__":
    sys.exit(main())

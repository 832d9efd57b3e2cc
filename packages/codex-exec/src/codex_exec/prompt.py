"""Where the request comes from: the argument, or standard input (spec: servers.md section 7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO


class RunError(CodexError):
    """A run that cannot begin; its sentence is printed as it is."""


def read_prompt(argument: str | None, stdin: BinaryIO, stderr: TextIO) -> str:
    """The request as given, trailing newline and all.

    Raises:
        RunError: there is none, it is blank, or it is not UTF-8.
    """
    if argument is not None and argument != "-":
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise RunError(
                f"The prompt is not valid UTF-8 (byte {error.start}); check the encoding of your terminal."
            ) from error
        return argument
    if argument is None:
        if stdin.isatty():
            raise RunError(
                "No prompt provided. Either specify one as an argument or pipe the prompt into stdin."
            )
        print("Reading prompt from stdin...", file=stderr)
    try:
        text = stdin.read().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"Failed to read prompt from stdin: {error}") from error
    text = text.removeprefix("\N{BYTE ORDER MARK}")
    if not text.strip():
        raise RunError("No prompt provided via stdin.")
    return text

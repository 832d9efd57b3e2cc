"""Where the request comes from: the argument, or standard input (spec: servers.md section 7.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO


MAX_PROMPT_BYTES = 16 * 1024 * 1024
"""No model reads more than that; a stdin that never ends must not fill the memory."""


class RunError(CodexError):
    """A run that cannot begin; its sentence is printed as it is."""


def read_prompt(argument: str | None, stdin: BinaryIO, stderr: TextIO) -> str:
    """The request as given, trailing newline and all.

    Raises:
        RunError: there is none, it is blank, too long, or in no encoding we know.
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
        data = stdin.read(MAX_PROMPT_BYTES + 1)
        if len(data) > MAX_PROMPT_BYTES:
            raise RunError(
                f"The prompt on stdin is longer than {MAX_PROMPT_BYTES >> 20} MiB. "
                "Put what is long into a file and name that file in the prompt."
            )
        text = _decoded(data)
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"Failed to read prompt from stdin: {error}") from error
    if not text.strip():
        raise RunError("No prompt provided via stdin.")
    return text


def _decoded(data: bytes) -> str:
    """UTF-8, or what a byte order mark says; the mark itself is no part of the text."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise RunError("Failed to read prompt from stdin: it is UTF-32; UTF-8 and UTF-16 can be read")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    return data.decode().removeprefix("\N{BYTE ORDER MARK}")

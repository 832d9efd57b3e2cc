"""Where the request comes from (spec: servers.md section 7.2)."""

from __future__ import annotations

import io
import os

import pytest

from codex_exec.prompt import RunError, read_prompt


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


class Unread(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("stdin must not be read")


class Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise IsADirectoryError(21, os.strerror(21))


def read(argument: str | None, stdin: io.BytesIO) -> tuple[str, str]:
    """The request and what was said on stderr."""
    stderr = io.StringIO()
    return read_prompt(argument, stdin, stderr), stderr.getvalue()


@pytest.mark.parametrize("argument", ["do it", "", " ", "--", "a\nb\n", "üñ☃"])
def test_an_argument_is_used_as_it_is(argument: str) -> None:
    assert read(argument, Unread()) == (argument, "")


@pytest.mark.parametrize("stdin", [io.BytesIO, Terminal])
def test_a_dash_reads_stdin_without_a_word(stdin: type[io.BytesIO]) -> None:
    assert read("-", stdin(b"from stdin\n")) == ("from stdin\n", "")


def test_no_argument_reads_a_pipe_and_says_so() -> None:
    assert read(None, io.BytesIO("  ü\r\n\n".encode())) == ("  ü\r\n\n", "Reading prompt from stdin...\n")


def test_no_argument_on_a_terminal_is_a_mistake() -> None:
    with pytest.raises(RunError) as caught:
        read(None, Terminal(b"ignored"))
    assert str(caught.value) == (
        "No prompt provided. Either specify one as an argument or pipe the prompt into stdin."
    )


@pytest.mark.parametrize("argument", [None, "-"])
@pytest.mark.parametrize("content", [b"", b" \n\t\r\n", "\N{BYTE ORDER MARK} ".encode()])
def test_a_blank_stdin_is_a_mistake(argument: str | None, content: bytes) -> None:
    with pytest.raises(RunError) as caught:
        read(argument, io.BytesIO(content))
    assert str(caught.value) == "No prompt provided via stdin."


@pytest.mark.parametrize("stdin", [io.BytesIO(b"ok \xff"), Broken()])
def test_what_cannot_be_read_is_told(stdin: io.BytesIO) -> None:
    with pytest.raises(RunError, match=r"^Failed to read prompt from stdin: "):
        read("-", stdin)


def test_a_byte_order_mark_is_no_part_of_the_request() -> None:
    assert read("-", io.BytesIO("\N{BYTE ORDER MARK}hi".encode()))[0] == "hi"


def test_an_argument_of_another_encoding_is_told() -> None:
    with pytest.raises(RunError, match="not valid UTF-8"):
        read(os.fsdecode(b"caf\xe9"), Unread())

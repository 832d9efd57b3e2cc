"""What a command does, as far as a reader of the screen is concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from codex_protocol.base import WireModel
from codex_protocol.unions import Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReadCommand(WireModel):
    """`cmd` shows the file `name`."""

    type: Literal["read"] = "read"
    cmd: str
    name: str


class ListFilesCommand(WireModel):
    """`cmd` lists the files at `path`."""

    type: Literal["list_files"] = "list_files"
    cmd: str
    path: str | None = None


class SearchCommand(WireModel):
    """`cmd` looks for `query` in `path`."""

    type: Literal["search"] = "search"
    cmd: str
    query: str | None = None
    path: str | None = None


class UnknownCommand(WireModel):
    """`cmd` does something else."""

    type: Literal["unknown"] = "unknown"
    cmd: str


ParsedCommand: TypeAlias = ReadCommand | ListFilesCommand | SearchCommand | UnknownCommand

PARSED_COMMAND = Tagged(
    lambda: {
        "read": ReadCommand,
        "list_files": ListFilesCommand,
        "search": SearchCommand,
        "unknown": UnknownCommand,
    }
)
"""Tells the kinds apart."""


def parse_parsed_command(data: Mapping[str, object]) -> ParsedCommand:
    """The description a decoded JSON object stands for.

    Raises:
        ProtocolError: when its type is unknown or it has not the shape of its type.
    """
    return cast("ParsedCommand", PARSED_COMMAND.parse(data))

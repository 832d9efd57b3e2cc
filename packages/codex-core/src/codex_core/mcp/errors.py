"""What can go wrong between us and an MCP server.

McpError
├── ServerUnreachable   it cannot be started or reached
├── ServerGone          it was there and is not any more
├── SessionEnded        it is there, but has forgotten us
├── NoAnswer            it did not answer in time
├── UnreadableAnswer    it answered something that is no answer
└── RefusedByServer     it answered with an error of its own
"""

from __future__ import annotations

from codex_core.errors import CodexError


class McpError(CodexError):
    """An MCP server did not do what was asked of it; the sentence does not name the server."""


class ServerUnreachable(McpError):  # noqa: N818 - says what happened, as the other leaves do
    """It could not be started or reached."""


class ServerGone(McpError):  # noqa: N818
    """It ended, or the connection to it did; nothing more comes from it."""


class SessionEnded(McpError):  # noqa: N818
    """It does not know our session any more, as after a restart; a new one can be begun."""


class NoAnswer(McpError):  # noqa: N818
    """Its time for an answer was up."""


class UnreadableAnswer(McpError):  # noqa: N818
    """Its answer is not of the shape the protocol asks for, or too large."""


class RefusedByServer(McpError):  # noqa: N818
    """It answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

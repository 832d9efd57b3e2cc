"""What carries messages between us and a server: the seam between `peer.py` and the transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.mcp.errors import McpError

Message: TypeAlias = "dict[str, object]"
"""One decoded JSON-RPC frame."""

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""A longer message of a server is not kept; nothing that large could be shown to a model."""


_MAX_ID_DIGITS = 18
"""Our ids count up; what is longer is none of them."""


def own_id(identifier: object) -> int | None:
    """The number of a request of ours as an answer names it: some peers make text or a float of every id.

    Only what they would make of it: neither `"007"` nor `"+7"` is 7.
    """
    if isinstance(identifier, str) and len(identifier) <= _MAX_ID_DIGITS and identifier.isdecimal():
        number = int(identifier)
        return number if str(number) == identifier else None
    if isinstance(identifier, float) and identifier.is_integer():
        return int(identifier)
    return identifier if isinstance(identifier, int) and not isinstance(identifier, bool) else None


class Receiver(Protocol):
    """Who gets what a server sends. All of it is called on the event loop and may not wait."""

    def receive(self, message: Message) -> None:
        """Takes a frame."""
        ...

    def fail(self, request_id: object, error: McpError) -> None:
        """The answer to that request cannot be read; None: to one of the requests, nobody knows which."""
        ...

    def close(self, why: str) -> None:
        """Nothing more will come, for that reason."""
        ...


class Wire(Protocol):
    """A connection to one server."""

    async def prepare(self) -> None:
        """Does what takes us time, before the server's own begins. Raises: ServerUnreachable."""
        ...

    async def open(self, receiver: Receiver) -> None:
        """Starts or reaches the server. Raises: ServerUnreachable."""
        ...

    async def reopen(self) -> None:
        """Begins a new session for the same receiver, after `SessionEnded`. Raises: McpError."""
        ...

    def post(self, message: Mapping[str, object]) -> None:
        """Sends a frame, now or as soon as there is room. Raises: McpError when it cannot be sent."""
        ...

    def use_version(self, version: str) -> None:
        """Takes note of the protocol version both sides agreed on."""
        ...

    def explain(self, sentence: str) -> str:
        """The sentence, and what the server last had to say of itself, if anything."""
        ...

    async def aclose(self) -> None:
        """Ends the connection, and the server if it is ours, within a bounded time."""
        ...

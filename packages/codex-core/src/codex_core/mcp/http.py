"""A server that runs somewhere and speaks streamable HTTP, through the transport of the MCP SDK.

The SDK costs more than a second to import and is imported for these servers only, in a thread. Our own
client does the sending, see `http_bridge.py`: proxies, certificate authorities and the care for credentials
are those of every other request.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

from codex_core.mcp.errors import ServerGone, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from codex_core.config.mcp_servers import McpHttpTransport
    from codex_core.mcp.http_session import HttpSession
    from codex_core.mcp.wire import Receiver
    from codex_core.services import Services

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_FOREIGN_LOGGERS = ("mcp", "client", "httpx2", "httpcore2")


class HttpWire:
    """A connection over HTTP as a `Wire`: one session with the server, and a new one when it forgets us."""

    def __init__(self, name: str, transport: McpHttpTransport, *, services: Services) -> None:
        """Raises: ServerUnreachable when the address, a header or the token cannot be used."""
        self._name = name
        self._url = _checked_url(transport.url)
        self._headers = _headers(transport, services.environ)
        self._token_variable = transport.bearer_token_env_var
        self._services = services
        self._receiver: Receiver | None = None
        self._session: HttpSession | None = None
        self._retired: list[HttpSession] = []

    async def prepare(self) -> None:
        """Imports what speaks the protocol, beside the event loop."""
        from codex_login.http import import_httpx

        import_httpx()  # before anything else imports it the slow way
        try:
            await asyncio.to_thread(_import_sdk)
        except ImportError as error:
            sentence = (
                f"servers with a `url` need the Python package `mcp`, which cannot be imported: {error}"
            )
            raise ServerUnreachable(sentence) from error

    async def open(self, receiver: Receiver) -> None:
        """Begins to serve; the first message makes the connection."""
        self._receiver = receiver
        await self._begin()

    async def reopen(self) -> None:
        """Begins a new session; answers that still come in the old one are taken."""
        if self._session is not None:
            self._retired.append(self._session)
        await self._begin()

    def post(self, message: Mapping[str, object]) -> None:
        """Queues the message."""
        if self._session is None:
            raise ServerGone("the connection is closed")
        self._session.post(dict(message))

    def use_version(self, version: str) -> None:
        """Names the version in every request from now on."""
        if self._session is not None:
            self._session.version = version

    def explain(self, sentence: str) -> str:
        """The sentence, and where the server is."""
        from codex_login.shown_url import shown_url

        return f"{sentence} ({shown_url(self._url)})"

    async def aclose(self) -> None:
        """Says goodbye if the server listens, and closes every connection to it."""
        sessions = [*self._retired, *([] if self._session is None else [self._session])]
        self._session = None
        self._retired.clear()
        await asyncio.gather(*(session.aclose() for session in sessions))

    async def _begin(self) -> None:
        from codex_core.mcp.http_session import HttpSession

        assert self._receiver is not None
        session = HttpSession(
            self._url,
            self._headers,
            self._receiver,
            token_variable=self._token_variable,
            transport=self._services.http_transport,
            explain=self.explain,
            on_end=self._ended,
        )
        self._session = session
        await session.start(f"MCP server {self._name} over HTTP")

    def _ended(self, session: HttpSession, why: str) -> None:
        if session is self._session and self._receiver is not None:
            self._receiver.close(self.explain(why))


def _import_sdk() -> ModuleType:
    """The SDK's transport. Its loggers stay silent unless a program wants them: they quote messages."""
    import mcp.client.streamable_http as transport

    for name in _FOREIGN_LOGGERS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    return transport


def _checked_url(url: str) -> str:
    from codex_login.shown_url import shown_url

    if not url.lower().startswith(("http://", "https://")):
        raise ServerUnreachable(f"its `url` {shown_url(url)} is not an http or https address")
    return url


def _headers(transport: McpHttpTransport, environ: Mapping[str, str]) -> dict[str, str]:
    """What every request carries. Raises: ServerUnreachable; never quotes a value."""
    headers = dict(transport.http_headers)
    for name, variable in transport.env_http_headers.items():
        if value := environ.get(variable, "").strip():
            headers[name] = value
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ServerUnreachable(f"`{name}` cannot be the name of an HTTP header")
        if not _HEADER_VALUE.fullmatch(value):
            raise ServerUnreachable(
                f"the value of the HTTP header `{name}` has characters that cannot be sent"
            )
    token_variable = transport.bearer_token_env_var
    if token_variable is None:
        return headers
    token = environ.get(token_variable, "").strip()
    if not token:
        raise ServerUnreachable(
            f"the environment variable {token_variable} (`bearer_token_env_var`) is not set or empty"
        )
    if not _HEADER_VALUE.fullmatch(token):
        raise ServerUnreachable(
            f"the token in the environment variable {token_variable} has characters that cannot be sent"
        )
    headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    return {**headers, "authorization": f"Bearer {token}"}

"""The SDK's HTTP client on top of ours: requests made with one library are sent by the other.

Whatever keeps a request from being answered becomes an answer, a JSON-RPC error with a sentence, because the
SDK ends the whole connection on an exception and says nothing of a refusal but that it is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import httpx2

from codex_core.mcp.wire import MAX_MESSAGE_BYTES
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TRANSPORT_PROBLEM = -32098
"""The code of errors made here, from the range JSON-RPC leaves to implementations."""
SESSION_ENDED = -32097
"""The same for a session the server has ended, which the protocol tells by status 404."""
BAD_GATEWAY = 502
NOT_FOUND = 404
UNAUTHORIZED = (401, 403)
MAX_SHOWN_BODY = 300

_NOT_PASSED_ON = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "user-agent",
}
_OF_THE_WAY = {b"content-length", b"transfer-encoding", b"content-encoding"}
_JSON = {"content-type": "application/json"}


class Bridge(httpx2.AsyncBaseTransport):
    """Sends through a client of ours, which stays its owner's to close."""

    def __init__(self, client: httpx.AsyncClient, *, token_variable: str | None) -> None:
        self._client = client
        self._token_variable = token_variable

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The server's answer, or one that says why there is none."""
        headers = [
            (name, value)
            for name, value in request.headers.multi_items()
            if name.lower() not in _NOT_PASSED_ON
        ]
        try:
            ours = self._client.build_request(
                request.method, str(request.url), headers=headers, content=await request.aread()
            )
            response = await self._client.send(ours, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _problem(f"it cannot be reached: {_words(error)}")
        if response.is_redirect:
            return await _whole(response)  # the SDK follows it on the same server only
        if response.status_code == NOT_FOUND and "mcp-session-id" in request.headers:
            await response.aclose()
            return _problem("it does not know our session any more", code=SESSION_ENDED)
        if response.is_error:
            return await self._refusal(response)
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            return httpx2.Response(
                response.status_code, headers=_plain_headers(response), stream=_Stream(response)
            )
        return await _whole(response)

    async def _refusal(self, response: httpx.Response) -> httpx2.Response:
        """An error the server explains in JSON-RPC stays as it is, others get a sentence."""
        whole = await _whole(response)
        if (
            whole.headers.get("content-type", "").lower().startswith("application/json")
            and b'"error"' in whole.content
        ):
            try:
                is_explained = isinstance(whole.json().get("error"), dict)
            except (ValueError, AttributeError):
                is_explained = False
            if is_explained:
                return whole
        sentence = f"it answered with HTTP status {response.status_code}"
        if response.status_code in UNAUTHORIZED:
            sentence += (
                f"; the token in the environment variable {self._token_variable} is not accepted"
                if self._token_variable is not None
                else "; it wants a token: name the variable that has it in `bearer_token_env_var`"
            )
        elif body := " ".join(whole.text.split())[:MAX_SHOWN_BODY]:
            sentence += f": {body}"
        return _problem(sentence)


class _Stream(httpx2.AsyncByteStream):
    """The rest of a response, as it comes."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except httpx.HTTPError as error:
            raise httpx2.ReadError(_words(error)) from error

    async def aclose(self) -> None:
        await self._response.aclose()


async def _whole(response: httpx.Response) -> httpx2.Response:
    """The response with its body read, so that nothing of it can fail later."""
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_MESSAGE_BYTES:
                return _problem(f"it sent a message of more than {MAX_MESSAGE_BYTES} bytes")
    except httpx.HTTPError as error:
        return _problem(f"its answer broke off: {_words(error)}")
    finally:
        await response.aclose()
    return httpx2.Response(response.status_code, headers=_plain_headers(response), content=bytes(body))


def _plain_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """The headers without what was true of the body on its way only."""
    return [(name, value) for name, value in response.headers.raw if name.lower() not in _OF_THE_WAY]


def _problem(sentence: str, *, code: int = TRANSPORT_PROBLEM) -> httpx2.Response:
    error = {"code": code, "message": sentence}
    body = dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    return httpx2.Response(BAD_GATEWAY, headers=_JSON, content=body)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__

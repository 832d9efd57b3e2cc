"""Requests to whoever gives out tokens (spec: auth.md sections 8 and 15)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_login.destination import check_destination
from codex_login.errors import LoginError, SignInError
from codex_login.oauth import (
    Issuer,
    SignInRequest,
    code_fields,
    form,
    issuer_of,
    key_fields,
    read_api_key,
    read_tokens,
)
from codex_login.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from codex_login.storage import Tokens

EXCHANGE_TIMEOUT_S = 60.0
KEY_TIMEOUT_S = 15.0
"""The sign-in is good without a key, so nobody waits long for it."""
REVOKE_TIMEOUT_S = 10.0
REVOKE_URL_VARIABLE = "CODEX_REVOKE_TOKEN_URL_OVERRIDE"
MAX_ANSWER_BYTES = 1024 * 1024

_FORM_HEADERS = {"content-type": "application/x-www-form-urlencoded"}
_JSON_HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an issuer answered."""

    status: int
    reason: str
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def status_text(self) -> str:
        """Status and reason, e.g. `400 Bad Request`."""
        return f"{self.status} {self.reason}".rstrip()


async def exchange_code(
    request: SignInRequest, code: str, transport: httpx.AsyncBaseTransport | None = None
) -> Tokens:
    """The tokens that a code stands for.

    Raises: SignInError, whose text is the reason alone; ConnectionSetupError.
    """
    answer = await post_form(
        request.issuer.token_url, code_fields(request, code), transport, timeout_s=EXCHANGE_TIMEOUT_S
    )
    if not answer.is_success:
        raise SignInError(f"token endpoint returned status {answer.status_text}")
    return read_tokens(answer.content, request.issuer)


async def exchange_for_key(
    issuer: Issuer, id_token: str, transport: httpx.AsyncBaseTransport | None = None
) -> str | None:
    """An API key of the account, if the issuer gives one."""
    try:
        answer = await post_form(
            issuer.token_url, key_fields(issuer, id_token), transport, timeout_s=KEY_TIMEOUT_S
        )
    except SignInError:
        return None
    return read_api_key(answer.content) if answer.is_success else None


async def revoke(
    tokens: Tokens,
    transport: httpx.AsyncBaseTransport | None = None,
    environ: Mapping[str, str] | None = None,
) -> bool:
    """Gives the tokens back to who gave them out; whether that worked. Nothing is raised."""
    import os

    try:
        issuer = issuer_of(tokens)
        fields = {"token": tokens.refresh_token or tokens.access_token}
        if tokens.refresh_token:
            fields |= {"token_type_hint": "refresh_token", "client_id": issuer.client_id}
        else:
            fields |= {"token_type_hint": "access_token"}
        url = (os.environ if environ is None else environ).get(REVOKE_URL_VARIABLE) or issuer.revoke_url
        answer = await post_json(url, fields, transport, timeout_s=REVOKE_TIMEOUT_S)
    except LoginError:
        return False
    return answer.is_success


async def post_form(
    url: str,
    fields: list[tuple[str, str]],
    transport: httpx.AsyncBaseTransport | None,
    *,
    timeout_s: float,
) -> Answer:
    """The answer to a form. Raises: SignInError when there is none in time; ConnectionSetupError."""
    return await _post(url, form(fields).encode(), _FORM_HEADERS, transport, timeout_s)


async def post_json(
    url: str,
    fields: Mapping[str, str],
    transport: httpx.AsyncBaseTransport | None,
    *,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a JSON object. Raises: SignInError when there is none in time; ConnectionSetupError."""
    import json

    content = json.dumps(fields, separators=(",", ":")).encode()
    return await _post(url, content, {**_JSON_HEADERS, **(headers or {})}, transport, timeout_s)


async def _post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    transport: httpx.AsyncBaseTransport | None,
    timeout_s: float,
) -> Answer:
    from codex_login.http import import_httpx, make_client

    import_httpx()
    import httpx

    check_destination(url, "the address")
    failed = f"error sending request for url ({shown_url(url)})"
    try:
        async with (
            asyncio.timeout(timeout_s),
            make_client(url, transport=transport) as client,
            client.stream("POST", url, content=content, headers=headers) as response,
        ):
            received = bytearray()
            async for chunk in response.aiter_bytes():
                received += chunk
                if len(received) > MAX_ANSWER_BYTES:
                    raise SignInError(f"the answer of {shown_url(url)} is too long")
            # As the standard names it: what a server says itself may be empty, or anything.
            reason = httpx.codes.get_reason_phrase(response.status_code)
            return Answer(response.status_code, reason, bytes(received))
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise SignInError(f"{failed}{_why(error)}") from None  # httpx quotes what was sent
    except TimeoutError:
        raise SignInError(f"{failed}: no answer within {timeout_s:.0f} seconds") from None


def _why(error: Exception) -> str:
    """What the operating system or TLS said, if it was one of them."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    if cause is None:
        return ""
    return f": {cause.strerror}" if cause.strerror else f": {cause}"

"""Signs in on another device: the user types a code into a page there, and we ask until that is done.

(spec: auth.md section 15, device code login)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_login.browser_login import check_storable, check_workspace, store_sign_in
from codex_login.errors import SignInError
from codex_login.issuer import exchange_code, post_json
from codex_login.oauth import SignInRequest, challenge_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from codex_login.browser_login import SignInSettings
    from codex_login.issuer import Answer
    from codex_login.storage import Tokens

CODE_LIFETIME_S = 15 * 60.0
DEFAULT_INTERVAL_S = 5.0
MAX_INTERVAL_S = 60.0
ASK_TIMEOUT_S = 30.0
MAX_FAILURES = 5
"""So many questions in a row may remain without an answer, or be put off."""
_PENDING = (403, 404)
_TOO_MANY = 429
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What the user is shown, and what we ask with."""

    page: str
    """Where to type the code."""
    user_code: str
    interval_s: float
    """How long to wait between two questions."""
    device_auth_id: str = field(repr=False)


async def request_device_code(settings: SignInSettings) -> DeviceCode:
    """A fresh code.

    Raises: SignInError; CredentialsError when nothing could be stored; ConnectionSetupError.
    """
    check_storable(settings)
    issuer = settings.issuer
    answer = await post_json(
        f"{issuer.url}/api/accounts/deviceauth/usercode",
        {"client_id": issuer.client_id},
        settings.transport,
        timeout_s=ASK_TIMEOUT_S,
    )
    if answer.status == 404:
        raise SignInError(
            "device code login is not enabled for this Codex server. "
            "Use the browser login or verify the server URL."
        )
    if not answer.is_success:
        raise SignInError(f"device code request failed with status {answer.status_text}")
    fields = _fields(answer)
    device_auth_id = fields.get("device_auth_id")
    user_code = fields.get("user_code") or fields.get("usercode")
    if not device_auth_id or not user_code or not (user_code.isascii() and user_code.isprintable()):
        raise SignInError("device code request failed: error decoding response body")
    return DeviceCode(
        f"{issuer.url}/codex/device", user_code, _interval(fields.get("interval")), device_auth_id
    )


async def wait_for_device(
    settings: SignInSettings,
    code: DeviceCode,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Tokens:
    """Asks until the user has typed the code, then stores the sign-in and gives its tokens.

    Raises: SignInError when that does not happen in time, or is refused; CredentialsError when the
    sign-in cannot be stored; ConnectionSetupError.
    """
    try:
        async with asyncio.timeout(CODE_LIFETIME_S):
            granted = await _granted(settings, code, sleep)
    except TimeoutError:
        raise SignInError("device auth timed out after 15 minutes") from None
    request = SignInRequest(
        issuer=settings.issuer,
        redirect_uri=f"{settings.issuer.url}/deviceauth/callback",
        originator="",
        verifier=granted["code_verifier"],
        state="",
    )
    try:
        tokens = await exchange_code(request, granted["authorization_code"], settings.transport)
    except SignInError as error:
        raise SignInError(f"Token exchange failed: {error}") from error
    check_workspace(tokens, settings.workspace_id)
    store_sign_in(settings, tokens, None)
    return tokens


async def _granted(
    settings: SignInSettings, code: DeviceCode, sleep: Callable[[float], Awaitable[None]]
) -> Mapping[str, str]:
    """What the issuer gives out once the user has agreed."""
    failures = 0
    while True:
        failure: SignInError | None = None
        try:
            answer = await post_json(
                f"{settings.issuer.url}/api/accounts/deviceauth/token",
                {"device_auth_id": code.device_auth_id, "user_code": code.user_code},
                settings.transport,
                timeout_s=ASK_TIMEOUT_S,
            )
        except SignInError as error:
            failure = error
        else:
            if answer.is_success:
                return _grant(answer)
            if answer.status not in _PENDING:
                failure = SignInError(f"device auth failed with status {answer.status_text}")
                if answer.status != _TOO_MANY and answer.status < _SERVER_ERRORS:
                    raise failure
        # Laptops change networks within a quarter of an hour, and servers restart; what stays is an error.
        failures = 0 if failure is None else failures + 1
        if failure is not None and failures >= MAX_FAILURES:
            raise failure
        await sleep(code.interval_s)


def _grant(answer: Answer) -> Mapping[str, str]:
    fields = _fields(answer)
    code, verifier = fields.get("authorization_code"), fields.get("code_verifier")
    challenge = fields.get("code_challenge")
    if not code or not verifier or (challenge and challenge != challenge_of(verifier)):
        raise SignInError("device auth failed: error decoding response body")
    return fields


def _fields(answer: Answer) -> dict[str, str]:
    """The texts and numbers in a JSON object, as text."""
    import json

    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: str(value) for name, value in found.items() if isinstance(value, str | int | float)}


def _interval(text: str | None) -> float:
    """Seconds, which the server gives as text; within reason."""
    try:
        seconds = float(text or DEFAULT_INTERVAL_S)
    except ValueError:
        return DEFAULT_INTERVAL_S
    return min(max(seconds, 1.0), MAX_INTERVAL_S) if seconds == seconds else DEFAULT_INTERVAL_S

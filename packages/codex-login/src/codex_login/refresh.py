"""Renews the tokens of a ChatGPT sign-in (spec: auth.md sections 3 and 4).

Several processes may share one auth.json and the issuer accepts each refresh token once. So whoever
renews holds a lock file, looks at the file again first, and takes what another process has put there.
Once the issuer has been asked, its answer is waited for and stored even if the caller is cancelled.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from codex_login.errors import AddressError, CredentialsError, RefreshError, SignInError
from codex_login.id_token import InvalidTokenError, read_claims, read_id_token
from codex_login.oauth import Issuer, issuer_of
from codex_login.storage import FileStore, auth_file, changing_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from codex_login.issuer import Answer
    from codex_login.storage import AuthStore, StoredAuth, Tokens

URL_VARIABLE = "CODEX_REFRESH_TOKEN_URL_OVERRIDE"
MAX_AGE = timedelta(days=28)
"""Tokens older than this are renewed before they are used."""
MIN_AGE = timedelta(minutes=5)
"""Younger ones are not: if they seem to have run out it is the clock of this machine that is fast."""
TIMEOUT_S = 60.0
LOCK_TIMEOUT_S = 90.0
"""Longer than a renewal by another process can take."""
_LOCK_POLL_S = 0.1
CANCEL_GRACE_S = 5.0
"""A cancelled caller waits this long for an answer that is on its way: lost, it would end the sign-in."""

_SIGNED_OUT = (
    "Your access token could not be refreshed because you have since logged out or signed in to another "
    "account. Please sign in again."
)
_REFUSED = "Your access token could not be refreshed{reason}. Please log out and sign in again."
_REASONS = {
    "refresh_token_expired": " because your refresh token has expired",
    "refresh_token_reused": " because your refresh token was already used",
    "refresh_token_invalidated": " because your refresh token was revoked",
}


def _now() -> datetime:
    return datetime.now(UTC)


def is_stale(stored: StoredAuth, now: datetime) -> bool:
    """Whether the tokens should be renewed before use: too old, of unknown age, or run out by their word."""
    if stored.tokens is None:
        return False
    if stored.last_refresh is None or now - stored.last_refresh > MAX_AGE:
        return True
    if timedelta(0) <= now - stored.last_refresh < MIN_AGE:
        return False
    try:
        expires = read_claims(stored.tokens.access_token).get("exp")
    except InvalidTokenError:
        return False  # an access token need not be one we can read
    return isinstance(expires, int | float) and expires <= now.timestamp()


@dataclass(frozen=True, slots=True)
class TokenRefresher:
    """Knows the issuer and renews the tokens of one CODEX_HOME there."""

    codex_home: str
    issuer: str | None = None
    """Whom to ask, whoever gave out the tokens; None is who did."""
    transport: httpx.AsyncBaseTransport | None = None
    """Replaces the network; None is the real one."""
    environ: Mapping[str, str] | None = None
    """Names the originator and may move the token endpoint; None is the process's own."""
    now: Callable[[], datetime] = _now
    store: AuthStore | None = None
    """Keeps the credentials; None is auth.json."""
    _running: set[asyncio.Task[StoredAuth]] = field(
        default_factory=set, init=False, repr=False, compare=False
    )
    """Renewals on their way; usually at most one. The set keeps them alive when nobody waits any more."""

    def is_due(self, stored: StoredAuth) -> bool:
        """Whether the tokens should be renewed before they are used again."""
        return is_stale(stored, self.now())

    async def refresh(self, cached: StoredAuth) -> StoredAuth:
        """Tokens newer than `cached`: from the file if another process renewed, else from the issuer.

        What the issuer gives is stored before it is returned.

        Raises: RefreshError; CredentialsError when auth.json cannot be read or written.
        """
        if cached.tokens is None:
            raise RefreshError("Token data is not available.", retryable=False)
        lock = await _locked(auth_file(self.codex_home) + ".lock")
        # The task owns the lock from here on: it may outlast the caller.
        task = asyncio.create_task(self._renew(cached.tokens))
        self._running.add(task)

        def ended(task: asyncio.Task[StoredAuth]) -> None:
            os.close(lock)
            self._running.discard(task)
            if not task.cancelled():
                task.exception()  # nobody may be left to look at it

        task.add_done_callback(ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # Programs that are interrupted close their loop soon, and all its tasks with it.
            await asyncio.wait([task], timeout=CANCEL_GRACE_S)
            raise

    async def _renew(self, cached: Tokens) -> StoredAuth:
        """What `refresh` gives, under its lock."""
        with changing_auth(self.codex_home):
            stored = self._same_account(cached)
            tokens = stored.tokens
            if tokens is None or tokens.access_token != cached.access_token:
                return stored
            # A refresh token is good once: on a full disk it is better kept than exchanged.
            self._store.write(stored)
        fresh = _renewed(tokens, await self._ask(tokens))
        with changing_auth(self.codex_home):
            # Somebody may have signed out or in meanwhile, and that is what counts.
            stored = self._same_account(cached)
            if stored.tokens != tokens:
                return stored
            renewed = replace(stored, tokens=fresh, last_refresh=self.now())
            self._store.write(renewed)
        return renewed

    def _same_account(self, cached: Tokens) -> StoredAuth:
        """What is stored, as long as it is about the account of the cached tokens.

        Raises: RefreshError when it is not; CredentialsError when it cannot be read.
        """
        stored = self._store.read()
        if stored is None or stored.tokens is None or stored.tokens.account_id != cached.account_id:
            raise RefreshError(_SIGNED_OUT, retryable=False)
        return stored

    @property
    def _store(self) -> AuthStore:
        return FileStore(self.codex_home) if self.store is None else self.store

    def _issuer(self, tokens: Tokens) -> Issuer:
        """Who gets the refresh token: nobody but who gave it out."""
        if self.issuer is not None:
            return Issuer(self.issuer)
        try:
            return issuer_of(tokens)
        except AddressError as error:
            raise RefreshError(f"Failed to refresh token: {error}", retryable=False) from error

    async def _ask(self, tokens: Tokens) -> dict[str, object]:
        from codex_login.issuer import post_json
        from codex_login.user_agent import originator, user_agent

        environ = os.environ if self.environ is None else self.environ
        issuer = self._issuer(tokens)
        url = environ.get(URL_VARIABLE) or issuer.token_url
        body = {
            "client_id": issuer.client_id,
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh_token,
            "scope": "openid profile email",
        }
        headers = {"originator": originator(environ), "user-agent": user_agent(environ)}
        try:
            answer = await post_json(url, body, self.transport, headers=headers, timeout_s=TIMEOUT_S)
        except SignInError as error:
            raise RefreshError(f"Failed to refresh token: {error}", retryable=True) from None
        except AddressError as error:
            raise RefreshError(f"Failed to refresh token: {error}", retryable=False) from error
        found = _object(answer.content)
        if not answer.is_success:
            raise _refusal(answer, found or {})
        if found is None:
            raise RefreshError("Failed to refresh token: error decoding response body", retryable=True)
        return found


def _object(content: bytes) -> dict[str, object] | None:
    import json

    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refusal(answer: Answer, body: Mapping[str, object]) -> RefreshError:
    if answer.status == 401:
        return RefreshError(_REFUSED.format(reason=_REASONS.get(_error_code(body), "")), retryable=False)
    return RefreshError(f"Failed to refresh token: {answer.status_text}", retryable=True)


def _error_code(body: Mapping[str, object]) -> str:
    """The code in a refusal: `error.code`, `error` or `code`; empty if there is none."""
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else error or body.get("code")
    return code if isinstance(code, str) else ""


def _renewed(old: Tokens, answer: Mapping[str, object]) -> Tokens:
    """The old tokens with those the issuer sent in their place; the account stays."""

    def given(name: str, otherwise: str) -> str:
        value = answer.get(name)
        return value if isinstance(value, str) and value else otherwise

    id_token = given("id_token", old.id_token)
    try:
        claims = read_id_token(id_token)
    except InvalidTokenError:
        raise RefreshError("Failed to refresh token: error decoding response body", retryable=True) from None
    return replace(
        old,
        id_token=id_token,
        access_token=given("access_token", old.access_token),
        refresh_token=given("refresh_token", old.refresh_token),
        claims=claims,
    )


async def _locked(path: str) -> int:
    """Locks the lock file against other processes, until the descriptor that this gives is closed.

    The file stays: removing it would let two in.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CredentialsError(
            f"{path} cannot be locked: {error.strerror} (os error {error.errno})"
        ) from error
    try:
        await _lock(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


async def _lock(descriptor: int, path: str) -> None:
    import fcntl

    try:
        async with asyncio.timeout(LOCK_TIMEOUT_S):
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    await asyncio.sleep(_LOCK_POLL_S)
                except OSError:
                    return  # some network file systems know no locks: nobody is kept out there
    except TimeoutError:
        raise RefreshError(f"another process has been holding {path} for too long", retryable=True) from None

"""Signs in through a browser: the URL to open, the server it comes back to, and the tokens stored.

    async with BrowserLogin(SignInSettings(codex_home)) as login:
        show(login.auth_url)
        await login.wait()

(spec: auth.md section 8)
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from codex_login.callback_server import CANCEL_PATH, CallbackServer
from codex_login.errors import CredentialsError, LoginError, SignInCancelled, SignInError
from codex_login.issuer import exchange_code, exchange_for_key
from codex_login.oauth import (
    CALLBACK_PATH,
    DEFAULT_PORT,
    Issuer,
    SignInRequest,
    new_state,
    new_verifier,
    read_callback,
    setup_url,
    signed_in,
)
from codex_login.pages import failure_page, redirect, success_page, text_page
from codex_login.storage import changing_auth, unknown_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    import httpx

    from codex_login.callback_server import PageRequest
    from codex_login.oauth import Callback
    from codex_login.pages import Page
    from codex_login.storage import AuthStore, Tokens

SUCCESS_PATH = "/success"
SUCCESS_GRACE_S = 5.0
"""A browser that does not fetch the last page within this time is not waited for: the login is stored."""
CANCELLED = "Login cancelled"
NOT_COMPLETED = "Login was not completed"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How to sign in, and where to keep the result."""

    codex_home: str
    issuer: Issuer = field(default_factory=Issuer)
    port: int = DEFAULT_PORT
    """Where the browser comes back to; 0 is any free port."""
    store: AuthStore | None = None
    """Keeps the credentials; None is auth.json of the codex home."""
    workspace_id: str | None = None
    """The only ChatGPT workspace that may be signed in to."""
    transport: httpx.AsyncBaseTransport | None = None
    """Replaces the network towards the issuer; None is the real one."""
    environ: Mapping[str, str] | None = None
    """Names the originator; None is the process's own."""
    now: Callable[[], datetime] = _now


class BrowserLogin:
    """One attempt to sign in. It ends by itself when the browser has come back; closing it stops it."""

    def __init__(self, settings: SignInSettings) -> None:
        self._settings = settings
        self._server = CallbackServer(self._answer, self._served)
        self._request: SignInRequest | None = None
        self._exchanging = asyncio.Lock()
        self._stored: Tokens | None = None
        self._failure: LoginError | None = None
        self._ended = asyncio.Event()
        self._grace: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Binds the port; a sign-in of somebody else that holds it is cancelled.

        Raises: SignInError when the port cannot be had; CredentialsError when nothing could be stored.
        """
        from codex_login.user_agent import originator

        check_storable(self._settings)
        await self._server.open(self._settings.port)
        self._request = SignInRequest(
            issuer=self._settings.issuer,
            redirect_uri=f"http://localhost:{self._server.port}{CALLBACK_PATH}",
            originator=originator(os.environ if self._settings.environ is None else self._settings.environ),
            verifier=new_verifier(),
            state=new_state(),
            workspace_id=self._settings.workspace_id,
        )

    @property
    def port(self) -> int:
        """Where the browser comes back to."""
        return self._server.port

    @property
    def auth_url(self) -> str:
        """What to open in a browser."""
        return self._started.url

    @property
    def email(self) -> str | None:
        """Who has signed in, as far as the issuer says."""
        return None if self._stored is None else self._stored.claims.email

    async def wait(self) -> None:
        """Returns when the user is signed in and that is stored.

        Raises: SignInCancelled; SignInError; CredentialsError when it cannot be stored.
        """
        await self._ended.wait()
        if self._stored is None and self._failure is not None:
            raise self._failure

    def cancel(self) -> None:
        """Stops waiting for the browser; `wait` raises."""
        self._end(SignInCancelled(NOT_COMPLETED))

    async def paste(self, text: str) -> str | None:
        """Takes the address a browser on another machine ended up at.

        Gives what is wrong with it if it can be corrected; None when the sign-in is over, however that went.
        """
        from urllib.parse import urlsplit

        try:
            address = urlsplit(text.strip())
        except ValueError:
            return "That is no address."
        if address.path != CALLBACK_PATH or not address.query:
            return (
                f"That is not the address of the page after signing in: it begins with "
                f"http://localhost:{self.port}{CALLBACK_PATH}?"
            )
        callback = read_callback(address.query, self._started.state)
        if not callback.is_ours:
            return "That address belongs to another attempt to sign in. Open the link above and paste again."
        if callback.code is None and callback.refusal is None:
            return "There is no code in that address. Copy all of it."
        if self._stored is None and not self._ended.is_set():
            await self._finish(callback)
        self._end(None)
        return None

    async def aclose(self) -> None:
        """Frees the port; a `wait` that is still going on raises."""
        self._end(SignInCancelled(NOT_COMPLETED))
        await self._server.aclose()

    @property
    def _started(self) -> SignInRequest:
        if self._request is None:
            raise RuntimeError("the sign-in has not been started")
        return self._request

    async def _answer(self, request: PageRequest) -> Page:
        match request.path:
            case "/auth/callback":
                return await self._called_back(request.query)
            case "/success":
                return self._success(request.query)
            case "/cancel" if request.is_from_page:
                return text_page(403, "Only programs may cancel a login")
            case "/cancel":
                self._failure = self._failure or SignInCancelled(CANCELLED)
                return text_page(200, CANCELLED)
            case _:
                return text_page(404, "Not Found")

    async def _called_back(self, query: str) -> Page:
        callback = read_callback(query, self._started.state)
        if not callback.is_ours:
            return text_page(400, "State mismatch")
        if callback.code is None and callback.refusal is None:
            return text_page(400, "Missing authorization code")
        page = await self._finish(callback)
        return page or redirect(f"http://localhost:{self.port}{SUCCESS_PATH}?state={self._started.state}")

    async def _finish(self, callback: Callback) -> Page | None:
        """Exchanges the code and stores what it gives, once; the page that says so if that fails."""
        async with self._exchanging:
            if self._stored is not None:
                return None  # the browser asked twice
            if self._failure is not None:
                return failure_page(400, str(self._failure))
            try:
                if callback.code is None:
                    raise SignInError(f"Sign-in failed: {callback.refusal}")
                await self._exchange(callback.code)
            except LoginError as error:
                self._failure = error
                # The status of a refusal is not ours to judge: the page itself is what was asked for.
                return failure_page(200 if callback.code is None else 500, str(error))
            loop = asyncio.get_running_loop()
            self._grace = loop.call_later(SUCCESS_GRACE_S, self._end, None)
            return None

    async def _exchange(self, code: str) -> None:
        settings, request = self._settings, self._started
        try:
            tokens = await exchange_code(request, code, settings.transport)
        except LoginError as error:
            raise SignInError(f"Token exchange failed: {error}") from error
        check_workspace(tokens, settings.workspace_id)
        key = await exchange_for_key(request.issuer, tokens.id_token, settings.transport)
        store_sign_in(settings, tokens, key)
        self._stored = tokens

    def _success(self, query: str) -> Page:
        import hmac
        from urllib.parse import parse_qsl

        state = dict(parse_qsl(query)).get("state", "")
        if self._stored is None or not hmac.compare_digest(state.encode(), self._started.state.encode()):
            return text_page(400, "State mismatch")
        return success_page(self._stored.claims.email, setup_url(self._stored, self._settings.issuer))

    def _served(self, path: str) -> None:
        """Ends the sign-in once the browser has its last page."""
        is_refused = self._failure is not None and path in (CALLBACK_PATH, CANCEL_PATH)
        is_signed_in = self._stored is not None and path == SUCCESS_PATH
        if is_refused or is_signed_in:
            self._end(None)

    def _end(self, failure: LoginError | None) -> None:
        if self._grace is not None:
            self._grace.cancel()
        if self._ended.is_set():
            return
        if self._stored is None:
            self._failure = self._failure or failure
        self._ended.set()


def check_workspace(tokens: Tokens, workspace_id: str | None) -> None:
    """Refuses tokens of another workspace than the one that is asked for. Raises: SignInError."""
    if workspace_id is not None and tokens.account_id != workspace_id:
        raise SignInError(f"Login is restricted to workspace id {workspace_id}.")


def check_storable(settings: SignInSettings) -> None:
    """Finds out before the user signs in whether there is a place to keep that.

    Raises: CredentialsError.
    """
    from codex_login.storage import FileStore

    home = settings.codex_home
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
    except OSError as error:
        raise CredentialsError(f"{home} cannot be made: {error.strerror}") from error
    is_file = settings.store is None or isinstance(settings.store, FileStore)
    if is_file and not os.access(home, os.W_OK | os.X_OK):
        raise CredentialsError(f"credentials cannot be stored in {home}: it is not writable")


def store_sign_in(settings: SignInSettings, tokens: Tokens, api_key: str | None) -> None:
    """Stores a sign-in in place of the one that was stored before.

    Raises: CredentialsError.
    """
    from codex_login.storage import FileStore

    store = settings.store or FileStore(settings.codex_home)
    try:
        with changing_auth(settings.codex_home):
            others = unknown_fields(store)
            store.write(signed_in(tokens, api_key=api_key, now=settings.now(), others=others))
    except CredentialsError as error:
        raise CredentialsError(f"Unable to persist auth file: {error}") from error

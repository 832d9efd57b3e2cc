"""Signing in and out for editors, and who is signed in (spec: servers.md section 5.2, auth.md section 11)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_login.errors import LoginError
from codex_mcp_server.errors import INTERNAL_ERROR, INVALID_REQUEST, RpcError
from codex_mcp_server.peer import Later

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from codex_core.config.config import Config
    from codex_login.auth import AuthManager
    from codex_login.browser_login import BrowserLogin
    from codex_login.storage import AuthStore
    from codex_mcp_server.peer import Peer
    from codex_protocol import ide
    from codex_protocol.jsonio import JSON

LOGIN_SECONDS = 600.0
"""How long a sign-in may take (spec: auth.md section 11)."""
REPLACED = "Login cancelled"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PendingLogin:
    """A sign-in whose browser has not come back yet."""

    login_id: str
    login: BrowserLogin
    waiting: asyncio.Task[None] | None = None
    ended_because: str | None = None
    """Why we gave it up, where that is not the usual reason."""
    may_be_told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client may hear of its end: behind the answer to the request that ended it."""


class EditorAccount:
    """Serves the methods about the account. All conversations share the one `AuthManager`."""

    def __init__(
        self,
        peer: Peer,
        auth: Callable[[], AuthManager],
        config: Config,
        *,
        store: AuthStore,
        new_id: Callable[[], str],
        environ: Mapping[str, str],
        login: Callable[[], BrowserLogin] | None = None,
    ) -> None:
        """`store` keeps the credentials; `login` replaces the sign-in through the real issuer."""
        self._peer = peer
        self._auth = auth
        self._config = config
        self._store = store
        self._new_id = new_id
        self._environ = environ
        self._make_login = login or self._real_login
        self._pending: PendingLogin | None = None

    def methods(self) -> dict[str, Callable[..., Awaitable[object]]]:
        """The methods by name."""
        return {
            "loginApiKey": self.login_api_key,
            "loginChatGpt": self.login_chatgpt,
            "cancelLoginChatGpt": self.cancel_login,
            "logoutChatGpt": self.logout,
            "getAuthStatus": self.status,
            "userInfo": self.user_info,
        }

    async def aclose(self) -> None:
        """Gives up a sign-in that is going on."""
        pending = self._pending
        with self._given_up():
            pass
        if pending is not None and pending.waiting is not None:
            await asyncio.wait([pending.waiting])

    # -- in and out -------------------------------------------------------------------------------

    async def login_api_key(self, params: ide.LoginApiKeyParams) -> JSON:
        """Stores a key."""
        from codex_login.auth import login_with_api_key

        with self._given_up():
            try:
                await asyncio.to_thread(
                    login_with_api_key, self._config.codex_home, params.api_key, store=self._store
                )
            except (LoginError, OSError) as error:
                raise RpcError(INTERNAL_ERROR, f"failed to save api key: {error}") from error
            self._auth().reload()
            self._soon(self._tell_change)
        return {}

    async def login_chatgpt(self) -> JSON:
        """Begins a sign-in through the browser; the client opens the page."""
        if self._pending is not None:
            await self._replace(self._pending)
        pending = PendingLogin(self._new_id(), self._make_login())
        try:
            await pending.login.start()
        except (LoginError, OSError) as error:
            await pending.login.aclose()
            raise RpcError(INTERNAL_ERROR, f"failed to start login server: {error}") from error
        self._pending = pending
        pending.waiting = asyncio.create_task(self._follow(pending), name="browser login")
        return {"loginId": pending.login_id, "authUrl": pending.login.auth_url}

    async def cancel_login(self, params: ide.CancelLoginChatGptParams) -> JSON:
        """Gives up the sign-in of that id."""
        if self._pending is None or self._pending.login_id != params.login_id.lower():
            raise RpcError(INVALID_REQUEST, f"login id not found: {params.login_id}")
        with self._given_up():
            return {}

    async def logout(self) -> JSON:
        """Forgets the sign-in."""
        with self._given_up():
            try:
                await asyncio.to_thread(self._auth().logout)
            except (LoginError, OSError) as error:
                raise RpcError(INTERNAL_ERROR, f"logout failed: {error}") from error
            self._soon(self._tell_change)
        return {}

    @contextlib.contextmanager
    def _given_up(self) -> Iterator[None]:
        """Stops a sign-in that is going on; the client hears of it behind the answer to its request."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.login.cancel()
        try:
            yield
        finally:
            if pending is not None:
                self._soon(pending.may_be_told.set)

    async def _replace(self, pending: PendingLogin) -> None:
        """Ends a sign-in for the sake of another, and waits until the client has been told."""
        self._pending = None
        pending.ended_because = REPLACED
        pending.may_be_told.set()
        pending.login.cancel()
        if pending.waiting is not None:
            await asyncio.wait([pending.waiting])

    async def _follow(self, pending: PendingLogin) -> None:
        """Waits for the end of a sign-in and tells it."""
        problem: str | None = None
        try:
            async with asyncio.timeout(LOGIN_SECONDS):
                await pending.login.wait()
        except TimeoutError:
            problem = "Login timed out"
        except LoginError as error:
            problem = f"Login server error: {pending.ended_because or error}"
        finally:
            await pending.login.aclose()
        if self._pending is pending:
            self._pending = None
        else:
            await pending.may_be_told.wait()
        told: dict[str, JSON] = {"loginId": pending.login_id, "success": problem is None}
        if problem is not None:
            told["error"] = problem
        self._peer.notify("loginChatGptComplete", told)
        if problem is None:
            self._auth().reload()
            self._tell_change()

    def _tell_change(self) -> None:
        mode = self._auth().mode
        self._peer.notify("authStatusChange", {} if mode is None else {"authMethod": mode.value})

    def _soon(self, tell: Callable[[], None]) -> None:
        """Tells something right behind the answer to the request that is being served."""
        asyncio.get_running_loop().call_soon(tell)

    def _real_login(self) -> BrowserLogin:
        from codex_login.browser_login import BrowserLogin, SignInSettings

        return BrowserLogin(SignInSettings(self._config.codex_home, store=self._store, environ=self._environ))

    # -- who --------------------------------------------------------------------------------------

    async def status(self, params: ide.GetAuthStatusParams) -> Later:
        """How the user is signed in; renewing a token may take its time."""
        return Later(self._status(params))

    async def _status(self, params: ide.GetAuthStatusParams) -> JSON:
        auth = self._auth()
        if params.refresh_token:
            try:
                await auth.refresh_token()
            except LoginError as error:
                _log.warning("the token cannot be renewed: %s", error)
        if not self._config.model_provider.requires_openai_auth:
            return {"requiresOpenaiAuth": False}
        status: dict[str, JSON] = {}
        try:
            token = await auth.bearer_token()
        except LoginError as error:
            _log.warning("there is no token: %s", error)
            token = None
        if token and auth.mode is not None:
            status["authMethod"] = auth.mode.value
            if params.include_token:
                status["authToken"] = token
        status["requiresOpenaiAuth"] = True
        return status

    async def user_info(self) -> JSON:
        """Whose token is stored, as the token says."""
        try:
            stored = self._store.read()
            tokens = None if stored is None else stored.tokens
            email = None if tokens is None else tokens.claims.email
        except LoginError as error:
            _log.warning("the stored sign-in cannot be read: %s", error)
            email = None
        return {"allegedUserEmail": email}

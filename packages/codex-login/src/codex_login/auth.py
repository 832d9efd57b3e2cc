"""Who is signed in, and the credential a request carries (spec: auth.md sections 2 and 3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_login.errors import CredentialsError, LoginError, RefreshError
from codex_login.storage import FileStore, StoredAuth, Tokens, changing_auth, read_auth, unknown_fields
from codex_protocol.config_types import AuthMode

if TYPE_CHECKING:
    import asyncio

    import httpx

    from codex_login.refresh import TokenRefresher
    from codex_login.storage import AuthStore

_CHATGPT_MODES = ("chatgpt", "chatgptAuthTokens")


@dataclass(frozen=True, slots=True)
class CodexAuth:
    """One sign-in, as it was when it was read. Never printed: its representation shows no secret."""

    mode: AuthMode
    api_key: str | None = field(default=None, repr=False)
    """Set in mode `apikey` only."""
    stored: StoredAuth | None = field(default=None, repr=False)
    """The file it came from."""

    @classmethod
    def from_api_key(cls, key: str) -> CodexAuth:
        """A sign-in with a key that is stored nowhere."""
        return cls(AuthMode.API_KEY, api_key=clean_key(key))

    @classmethod
    def from_codex_home(cls, codex_home: str) -> CodexAuth | None:
        """The sign-in stored in auth.json; None when there is no file.

        `auth_mode` in the file decides; without it a key, even an empty one, goes before tokens. A file
        with neither means ChatGPT without tokens.

        Raises: CredentialsError when the file cannot be read or understood.
        """
        stored = read_auth(codex_home)
        return None if stored is None else cls.from_stored(stored)

    @classmethod
    def from_stored(cls, stored: StoredAuth) -> CodexAuth:
        """The sign-in that the content of an auth.json means."""
        chosen_tokens = stored.auth_mode in _CHATGPT_MODES and stored.tokens is not None
        if stored.api_key is not None and not chosen_tokens:
            return cls(AuthMode.API_KEY, api_key=clean_key(stored.api_key), stored=stored)
        return cls(AuthMode.CHATGPT, stored=stored)

    @property
    def tokens(self) -> Tokens | None:
        """The ChatGPT tokens; None in mode `apikey`."""
        return self.stored.tokens if self.mode is AuthMode.CHATGPT and self.stored is not None else None

    @property
    def token(self) -> str | None:
        """What goes behind `Bearer`, as it is now; None when the sign-in holds none."""
        if self.mode is AuthMode.API_KEY:
            return self.api_key
        return self.tokens.access_token if self.tokens is not None else None

    @property
    def account_id(self) -> str | None:
        """The ChatGPT account (workspace); None in mode `apikey`."""
        return self.tokens.account_id if self.tokens is not None else None

    @property
    def plan_type(self) -> str | None:
        """The ChatGPT plan; None in mode `apikey`."""
        return self.tokens.claims.plan_type if self.tokens is not None else None


class AuthManager:
    """The sign-in of this process, read once and shared by all its conversations.

    Changes on disk are seen by `reload()` only. A file that cannot be used counts as no sign-in; `problem`
    then says why.
    """

    def __init__(
        self,
        codex_home: str | None,
        *,
        auth: CodexAuth | None = None,
        refresher: TokenRefresher | None = None,
        store: AuthStore | None = None,
    ) -> None:
        """Reads what is stored for `codex_home`, or keeps to `auth` where there is no such directory.

        `store` keeps the credentials, auth.json if it is None; `refresher` replaces the one that asks the
        real issuer.
        """
        self._codex_home = codex_home
        self._store: AuthStore | None = FileStore(codex_home) if store is None and codex_home else store
        self._refresher = refresher
        self._refreshing: asyncio.Lock | None = None
        self._refused: tuple[Tokens, RefreshError] | None = None
        self.problem: LoginError | None = None
        """Why auth.json could not be used, or why its tokens could not be renewed."""
        self._auth = auth if self._store is None else self._read(self._store)

    @classmethod
    def from_api_key(cls, key: str) -> AuthManager:
        """A manager with this key and no file: for CODEX_API_KEY and for programs with their own storage."""
        return cls(None, auth=CodexAuth.from_api_key(key))

    def __repr__(self) -> str:
        return f"AuthManager(mode={self.mode})"

    def auth(self) -> CodexAuth | None:
        """The sign-in as it was read last."""
        return self._auth

    @property
    def mode(self) -> AuthMode | None:
        """How the user is signed in; None when not at all."""
        return None if self._auth is None else self._auth.mode

    @property
    def is_chatgpt(self) -> bool:
        """Whether the user is signed in with a ChatGPT account rather than an API key."""
        return self.mode is AuthMode.CHATGPT

    @property
    def account_id(self) -> str | None:
        """The ChatGPT account, for the header `chatgpt-account-id`."""
        return None if self._auth is None else self._auth.account_id

    @property
    def plan_type(self) -> str | None:
        """The ChatGPT plan, which some messages depend on."""
        return None if self._auth is None else self._auth.plan_type

    async def bearer_token(self) -> str | None:
        """The API key, or an access token that was renewed first if it is too old; None without a sign-in.

        Where renewing fails the old token is given: the server has the last word on it, and `problem`
        says what went wrong.
        """
        auth = self._auth
        if auth is None:
            return None
        if (
            auth.mode is AuthMode.CHATGPT
            and auth.stored is not None
            and self._refresh_source().is_due(auth.stored)
        ):
            try:
                return await self.refresh_token()
            except LoginError as error:
                self._note(error)
        return auth.token

    async def recover_from_unauthorized(self, refused: str | None = None) -> bool:
        """To be called when the server refused the token: whether it is worth asking again.

        First takes what another conversation or process may have got since, then renews the token. A key is
        never worth trying twice. `refused` is the token that the request carried: conversations that are
        refused at different times renew it only once.
        """
        auth = self._auth
        if auth is None or auth.tokens is None:
            return False
        if refused is None:
            refused = auth.tokens.access_token
        if auth.tokens.access_token != refused or self._adopt_stored(auth.tokens):
            return True
        try:
            return await self._renewed(refused) != refused
        except LoginError as error:
            self._note(error)
            return False

    async def refresh_token(self) -> str | None:
        """Renews the tokens and gives the new access token; the key in mode `apikey`, None without a sign-in.

        Conversations that call at the same time share one renewal. A refusal that cannot change is
        remembered until the tokens do.

        Raises: RefreshError; CredentialsError when auth.json cannot be read or written.
        """
        return await self._renewed(None if self._auth is None else self._auth.token)

    async def _renewed(self, old: str | None) -> str | None:
        """A token other than `old`."""
        if self._refreshing is None:
            import asyncio

            self._refreshing = asyncio.Lock()
        async with self._refreshing:
            auth = self._auth
            if auth is None or auth.stored is None or auth.tokens is None:
                return None if auth is None else auth.token
            if auth.token != old:
                return auth.token  # another conversation has just renewed it
            if self._refused is not None and self._refused[0] == auth.tokens:
                raise self._refused[1]
            try:
                renewed = await self._refresh_source().refresh(auth.stored)
            except RefreshError as error:
                if not error.retryable:
                    self._refused = auth.tokens, error
                raise
            if self._auth is auth:  # else somebody has signed out or in here since, and that is what counts
                self._auth = CodexAuth.from_stored(renewed)
                self.problem = None
            return None if self._auth is None else self._auth.token

    def reload(self) -> bool:
        """Reads auth.json again; whether the user is now signed in another way, or no longer, or newly."""
        before = self.mode
        if self._store is not None:
            self._auth = self._read(self._store)
        return self.mode is not before

    def logout(self) -> bool:
        """Removes what is stored and forgets the sign-in; whether anything was stored.

        Raises: CredentialsError when it cannot be removed.
        """
        return self._forget()[0]

    async def sign_out(self, *, transport: httpx.AsyncBaseTransport | None = None) -> bool:
        """As `logout`; then gives ChatGPT tokens back to their issuer, which may fail without a word.

        `transport` replaces the network towards the issuer.

        Raises: CredentialsError when what is stored cannot be removed.
        """
        removed, tokens = self._forget()
        if removed and tokens is not None:
            from codex_login.issuer import revoke

            await revoke(tokens, transport)
        return removed

    def _forget(self) -> tuple[bool, Tokens | None]:
        """Whether anything was stored, and the tokens in it."""
        removed, stored = False, None
        if self._store is not None:
            with changing_auth(self._codex_home or ""):
                with suppress(CredentialsError):
                    stored = self._store.read()
                removed = self._store.delete()
        self._auth = None
        self.problem = None
        return removed, None if stored is None else stored.tokens

    def _read(self, store: AuthStore) -> CodexAuth | None:
        self.problem = None
        try:
            stored = store.read()
        except CredentialsError as error:
            self._note(error)
            return None
        return None if stored is None else CodexAuth.from_stored(stored)

    def _adopt_stored(self, cached: Tokens) -> bool:
        """Takes newer tokens of the same account from the file, if there are any."""
        if self._store is None:
            return False
        try:
            stored = self._store.read()
        except CredentialsError:
            return False
        found = None if stored is None else CodexAuth.from_stored(stored)
        tokens = None if found is None else found.tokens
        if (
            tokens is None
            or tokens.account_id != cached.account_id
            or tokens.access_token == cached.access_token
        ):
            return False
        self._auth = found
        return True

    def _refresh_source(self) -> TokenRefresher:
        if self._refresher is None:
            from codex_login.refresh import TokenRefresher

            self._refresher = TokenRefresher(self._codex_home or "", store=self._store)
        return self._refresher

    def _note(self, error: LoginError) -> None:
        self.problem = error
        import logging

        # The texts of our errors hold no secrets (see codex_login.errors).
        logging.getLogger(__name__).info("%s", error)


def login_with_api_key(codex_home: str, key: str, *, store: AuthStore | None = None) -> None:
    """Stores the key as the sign-in, in place of the one that was stored before; no server is asked about it.

    `store` keeps it, auth.json if that is None.

    Raises: CredentialsError when the key could never be sent, or cannot be written.
    """
    key = clean_key(key)
    if not can_be_sent(key) or " " in key:
        raise CredentialsError(
            "this is no API key: there is white space, a control character or a character other than ASCII "
            "in it"
        )
    store = store or FileStore(codex_home)
    with changing_auth(codex_home):
        store.write(StoredAuth(api_key=key, others=unknown_fields(store)))


def clean_key(key: str) -> str:
    """The key without what comes with it from files and variables: white space and a byte order mark."""
    return key.strip().removeprefix("\ufeff").strip()


def can_be_sent(credential: str) -> bool:
    """Whether it can stand in a header: printable ASCII only."""
    return credential.isascii() and credential.isprintable()


def masked_key(key: str) -> str:
    """The key as it may be shown: its first 8 and last 5 characters, or none of it when it is short."""
    return f"{key[:8]}***{key[-5:]}" if len(key) > 13 else "***"

"""Watches all requests of the suite: what belongs to a login goes to its own issuer and API hosts only.

Which secrets there are, and where each of them is at home, is learned from what a test sets up: tokens that
issuers give out and files hold, providers, base addresses, the configuration of scratch homes. Looked at is
what really goes out: every request that httpx sends in this process, and every request that a mock issuer or
a mock model receives from this process or another one. `conftest.py` of the workspace turns it on for every
test; a test that wants a leak takes it back with `Watch.take_findings`.
"""

from __future__ import annotations

import copy
import functools
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from codex_login.http import import_httpx

import_httpx()

import httpx  # noqa: E402 - the import above is about how this one is made

from codex_chatgpt.backend import Backend  # noqa: E402
from codex_core.config.providers import OPENAI_ID, ModelProvider  # noqa: E402
from codex_core.services import Services  # noqa: E402
from codex_core.testing.home import ScratchHome  # noqa: E402
from codex_core.testing.model_server import ModelServer  # noqa: E402
from codex_login import issuer as issuer_requests  # noqa: E402
from codex_login import refresh  # noqa: E402
from codex_login.auth import CodexAuth  # noqa: E402
from codex_login.errors import AddressError, CredentialsError  # noqa: E402
from codex_login.oauth import issuer_of  # noqa: E402
from codex_login.refresh import TokenRefresher  # noqa: E402
from codex_login.storage import StoredAuth, Tokens, parse_auth  # noqa: E402
from codex_login.testing import MockIssuer  # noqa: E402

MIN_SEARCHED = 6
"""Shorter secrets, which some tests have, are looked for behind `Bearer` only."""
OPENAI_HOSTS = ("https://api.openai.com", "https://chatgpt.com")
EXCHANGED_KEY = "sk-exchanged-0123456789"
"""The key that mock issuers give out."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> str:
    """Scheme, host and port; `localhost` is 127.0.0.1."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{'127.0.0.1' if host == 'localhost' else host}:{port}"


@dataclass
class Secret:
    """A key or token, and where it may be shown."""

    kind: str
    homes: set[str] = field(default_factory=set)
    is_login: bool = False
    """Whether it may also go wherever the configuration sends a stored login."""
    is_given_out: bool = False
    """Whether a mock issuer gave it out: then it is not asked what a file says of where it came from."""


@dataclass(repr=False)
class Watch:
    """What is known in one test, and what went wrong in it."""

    secrets: dict[str, Secret] = field(default_factory=dict)
    login_homes: set[str] = field(default_factory=lambda: {origin(url) for url in OPENAI_HOSTS})
    stand_ins: dict[str, str] = field(default_factory=dict)
    """Mock issuers by whom they stand in for."""
    token_homes: set[str] = field(default_factory=set)
    """Where a test has renewals and revocations sent, whoever gave out the tokens."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Variables with a key for one origin."""
    environs: list[Mapping[str, str]] = field(default_factory=lambda: [os.environ])
    homes: set[Path] = field(default_factory=set)
    """CODEX_HOMEs that other processes may look into."""
    findings: list[str] = field(default_factory=list)
    looked_at: int = 0
    """How many requests."""

    def learn_issuers(self, value: str, kind: str, *urls: str, is_login: bool = False) -> None:
        """A token of these issuers; with `is_login` it is what requests to the API carry."""
        secret = self.secrets.setdefault(value, Secret(kind))
        secret.homes.update(origin(url) for url in urls)
        secret.is_login |= is_login

    def learn_given_out(self, issuer: str, tokens: Mapping[str, str]) -> None:
        """What a mock issuer gives out."""
        self.learn_issuers(tokens["refresh_token"], "refresh token", issuer)
        self.learn_issuers(tokens["id_token"], "id_token", issuer)
        self.learn_issuers(tokens["access_token"], "access token", issuer, is_login=True)
        for name in ("refresh_token", "id_token", "access_token"):
            self.secrets[tokens[name]].is_given_out = True
        self.learn_issuers(EXCHANGED_KEY, "API key", is_login=True)

    def learn_stand_in(self, mock_url: str, issuer_url: str) -> None:
        """A mock issuer that requests to another address are led to."""
        self.stand_ins[origin(issuer_url)] = origin(mock_url)

    def learn_stored(self, api_key: str | None, tokens: Tokens | None) -> None:
        """What lies in an auth.json."""
        if api_key:
            self.learn_issuers(api_key, "API key", is_login=True)
        if tokens is None:
            return
        try:
            urls = [issuer_of(tokens).url]
        except AddressError:
            urls = []
        for value, kind in (
            (tokens.refresh_token, "refresh token"),
            (tokens.id_token, "id_token"),
            (tokens.access_token, "access token"),
        ):
            if value not in self.secrets or not self.secrets[value].is_given_out:
                self.learn_issuers(value, kind, *urls, is_login=kind == "access token")

    def learn_provider(self, base_url: str | None, env_key: str | None, *, takes_login: bool) -> None:
        """A provider of a configuration."""
        if base_url is not None and takes_login:
            self.login_homes.add(origin(base_url))
        if base_url is not None and env_key is not None:
            self.keys.append((env_key, origin(base_url)))

    def learn_environ(self, environ: Mapping[str, str]) -> None:
        """The variables of this process or of another one."""
        self.environs.append(environ)
        self.learn_provider(environ.get("OPENAI_BASE_URL"), None, takes_login=True)
        for name in (refresh.URL_VARIABLE, issuer_requests.REVOKE_URL_VARIABLE):
            if url := environ.get(name):
                self.token_homes.add(origin(url))
        if key := environ.get("CODEX_API_KEY"):
            self.learn_issuers(key, "API key", is_login=True)

    def check(self, url: str, head: str, body: bytes) -> None:
        """Notes every secret in a request that its receiver must not see.

        Raises: nothing; the sender must behave as if nobody looked.
        """
        self.looked_at += 1
        self._look_into_homes()
        receiver = self.stand_ins.get(origin(url), origin(url))
        sent = unquote_to_bytes(f"{urlsplit(url).path}?{urlsplit(url).query}\n{head}".encode()) + b"\n" + body
        bearers = re.findall(r"(?i)bearer (\S+)", head)
        for value, secret in self._all():
            is_home = receiver in secret.homes or (secret.is_login and receiver in self.login_homes)
            is_home |= not secret.is_login and receiver in self.token_homes and "key" not in secret.kind
            if is_home or not value:
                continue
            is_long = len(value) >= MIN_SEARCHED
            if value in bearers or (
                is_long and (value.encode() in sent or value.encode() in unquote_to_bytes(body))
            ):
                self.findings.append(f"{secret.kind} at {receiver}, which is none of {sorted(secret.homes)}")

    def take_findings(self) -> list[str]:
        """What was found until now, which then no longer counts."""
        found, self.findings = self.findings, []
        return found

    def _all(self) -> Iterator[tuple[str, Secret]]:
        by_value: dict[str, Secret] = {}
        for name, home in self.keys:
            for environ in self.environs:
                if value := environ.get(name, "").strip():
                    by_value.setdefault(value, Secret(f"key in {name}")).homes.add(home)
        for value, secret in by_value.items():
            if value not in self.secrets:
                yield value, secret
            else:  # the same text is stored as well: both may have it
                stored = self.secrets[value]
                yield value, Secret(stored.kind, stored.homes | secret.homes, stored.is_login)
        yield from ((value, secret) for value, secret in list(self.secrets.items()) if value not in by_value)

    def _look_into_homes(self) -> None:
        for home in self.homes:
            try:
                config = tomllib.loads((home / "config.toml").read_text())
            except (OSError, ValueError):
                config = {}
            for key in ("openai_base_url", "chatgpt_base_url"):
                self.learn_provider(config.get(key), None, takes_login=True)
            for entry in _tables(config.get("model_providers")):
                takes_login = entry.get("requires_openai_auth") is True
                self.learn_provider(entry.get("base_url"), entry.get("env_key"), takes_login=takes_login)
            for entry in _tables(config.get("mcp_servers")):
                self.learn_provider(entry.get("url"), entry.get("bearer_token_env_var"), takes_login=False)
            try:
                parse_auth((home / "auth.json").read_bytes())  # the tokens in it are noted as they are made
            except (OSError, CredentialsError):
                pass


def _tables(found: object) -> Iterable[dict[str, Any]]:
    return [each for each in found.values() if isinstance(each, dict)] if isinstance(found, dict) else []


_outside = Watch()
"""What is set up while test files are imported, and so known in every test."""
_current: list[Watch] = [_outside]


@contextmanager
def watching() -> Iterator[Watch]:
    """A fresh watch for the block."""
    watch = Watch(
        secrets=copy.deepcopy(_outside.secrets),
        login_homes=set(_outside.login_homes),
        keys=list(_outside.keys),
    )  # fmt: skip
    watch.learn_environ(os.environ)
    _current.append(watch)
    try:
        yield watch
    finally:
        _current.remove(watch)


def install() -> None:
    """Begins to look at what is set up and sent in this process."""
    _after(StoredAuth, "__init__", lambda self: _current[-1].learn_stored(self.api_key, self.tokens))
    _after(CodexAuth, "__init__", lambda self: _current[-1].learn_stored(self.api_key, None))
    _after(
        ModelProvider,
        "__init__",
        lambda self: _current[-1].learn_provider(
            self.base_url, self.env_key, takes_login=self.requires_openai_auth or self.id == OPENAI_ID
        ),
    )
    _after(Services, "__init__", lambda self: _current[-1].learn_environ(self.environ))
    _after(
        Backend, "__init__", lambda self: _current[-1].learn_provider(self.base_url, None, takes_login=True)
    )
    _after(TokenRefresher, "__init__", _learn_refresher)
    _after(httpx.AsyncClient, "__init__", lambda self: self.event_hooks["request"].append(_sent))
    _around(MockIssuer, "new_tokens", _learn_tokens)
    _around(ScratchHome, "environ", _learn_home)
    _before(
        MockIssuer, "_reply", lambda self, request: _arrived(self.url, request.path, request.query, request)
    )
    _before(ModelServer, "note_request", _asked)


def _learn_refresher(refresher: TokenRefresher) -> None:
    watch = _current[-1]
    if refresher.issuer is not None:
        watch.token_homes.add(origin(refresher.issuer))
    if refresher.environ is not None:
        watch.learn_environ(refresher.environ)


def _learn_tokens(issuer: MockIssuer, tokens: dict[str, str]) -> None:
    _current[-1].learn_given_out(issuer.url, tokens)


def _learn_home(home: ScratchHome, environ: dict[str, str]) -> None:
    _current[-1].homes.add(Path(environ["CODEX_HOME"]))
    _current[-1].learn_environ(environ)


async def _sent(request: httpx.Request) -> None:
    try:
        body = request.content
    except httpx.RequestNotRead:
        body = b""
    head = "\n".join(f"{name}: {value}" for name, value in request.headers.multi_items())
    _current[-1].check(str(request.url), head, body)


def _asked(server: ModelServer, request: Any) -> None:
    _arrived(f"http://127.0.0.1:{server.port}", request.path, {}, request)


def _arrived(url: str, path: str, query: Mapping[str, str], request: Any) -> None:
    pairs = request.headers.items() if isinstance(request.headers, Mapping) else request.headers
    head = "\n".join(f"{name}: {value}" for name, value in [*pairs, *query.items()])
    _current[-1].check(f"{url}{path}", head, request.body)


def _after(owner: type, name: str, look: Callable[[Any], None]) -> None:
    _around(owner, name, lambda self, _result: look(self))


def _around(owner: type, name: str, look: Callable[[Any, Any], None]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        result = original(self, *arguments, **named)
        look(self, result)
        return result

    setattr(owner, name, wrapped)


def _before(owner: type, name: str, look: Callable[[Any, Any], None]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(self: Any, request: Any) -> Any:
        look(self, request)
        return original(self, request)

    setattr(owner, name, wrapped)

"""Which secret goes to which host: every request of logins, renewals and models is looked at, whole.

Each secret has a mark in it. A mark at a host that is not its own fails the test, and so does one that is not
seen where it belongs. (`secret_watch.py` looks at all other tests, for the first of these.)
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest

from codex_chatgpt.backend import Backend
from codex_chatgpt.errors import TaskError
from codex_core.config.providers import ModelProvider, WireApi, built_in_providers
from codex_core.errors import ModelError
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.oss.errors import LocalModelError
from codex_core.oss.ollama import Ollama
from codex_core.services import Services
from codex_login.auth import AuthManager, login_with_api_key
from codex_login.browser_login import BrowserLogin, SignInSettings
from codex_login.device_login import request_device_code, wait_for_device
from codex_login.direct import DirectTransport
from codex_login.errors import AddressError
from codex_login.http import make_client
from codex_login.id_token import AUTH_CLAIMS
from codex_login.oauth import Issuer, challenge_of
from codex_login.refresh import TokenRefresher

MARKS = re.compile(r"mark-[a-z]+-[a-z]+")
OPENAI, CHATGPT, DEFAULT, OTHER = "api.openai.com", "chatgpt.com", "auth.openai.com", "issuer.test"
MOVED, PLAIN, OWN_KEY, AUTHED, CHAT, LOCAL = (
    "moved.test",
    "plain.test",
    "key.test",
    "authed.test",
    "chat.test",
    "local.test",
)
BACKEND, EVIL, CLEAR = "backend.test", "evil.test", "clear.test"

PROVIDERS = [
    ModelProvider("plain", "Plain", f"https://{PLAIN}/v1", wire_api=WireApi.RESPONSES),
    ModelProvider("key", "Key", f"https://{OWN_KEY}/v1", env_key="P_KEY", wire_api=WireApi.RESPONSES),
    ModelProvider("authed", "Authed", f"https://{AUTHED}/v1", wire_api=WireApi.RESPONSES, requires_openai_auth=True),
    ModelProvider("chat", "Chat", f"https://{CHAT}/v1", wire_api=WireApi.CHAT),
    ModelProvider("clear", "Clear", f"http://{CLEAR}/v1", wire_api=WireApi.RESPONSES, requires_openai_auth=True),
]  # fmt: skip


@dataclass
class World(httpx.AsyncBaseTransport):
    """All servers there are; it notes which marks each of them is shown."""

    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    refuses: bool = False
    """Whether the next request to a model is answered 401."""
    redirects: bool = False
    """Whether requests to models are sent on to somebody else."""
    count: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = (await request.aread()).decode("utf-8", "replace")
        text = f"{request.url}\n{request.headers.multi_items()}\n{unquote(body)}"
        for mark in MARKS.findall(text):
            self.seen[mark].add(request.url.host)
        self.seen.setdefault(f"host {request.url.host}", set())
        if request.url.host in (DEFAULT, OTHER):
            return self._issuer(request, body)
        if self.redirects:
            return httpx.Response(307, headers={"location": f"https://{EVIL}/v1/responses"})
        if self.refuses:
            self.refuses = False
            return httpx.Response(401)
        return httpx.Response(404)

    def _issuer(self, request: httpx.Request, body: str) -> httpx.Response:
        who = "default" if request.url.host == DEFAULT else "other"
        match request.url.path:
            case "/api/accounts/deviceauth/usercode":
                return httpx.Response(200, json={"device_auth_id": "d", "user_code": "U", "interval": "1"})
            case "/api/accounts/deviceauth/token":
                verifier = f"mark-verifier-{who}"
                granted = {"authorization_code": f"mark-code-{who}", "code_verifier": verifier}
                return httpx.Response(200, json={**granted, "code_challenge": challenge_of(verifier)})
            case "/oauth/token" if "token-exchange" in body:
                return httpx.Response(200, json={"access_token": f"mark-exchanged-{who}"})
            case _:
                return httpx.Response(200, json=self.tokens(who))

    def tokens(self, who: str) -> dict[str, str]:
        self.count += 1
        claims = json.dumps({AUTH_CLAIMS: {"chatgpt_account_id": f"mark-account-{who}"}})
        payload = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
        return {
            "id_token": f"eyJ9.{payload}.mark-id-{who}",
            "access_token": f"mark-access-{who}.{self.count}",
            "refresh_token": f"mark-refresh-{who}.{self.count}",
        }

    def hosts(self) -> dict[str, set[str]]:
        """Where each mark was shown."""
        return {mark: hosts for mark, hosts in self.seen.items() if mark.startswith("mark-")}

    def settings(self, home: Path, who: str) -> SignInSettings:
        issuer = Issuer() if who == "default" else Issuer(f"https://{OTHER}")
        return SignInSettings(str(home), issuer=issuer, port=0, transport=self, environ={})

    def manager(self, home: Path) -> AuthManager:
        return AuthManager(
            str(home), refresher=TokenRefresher(str(home), transport=self, environ={"TERM": "xterm"})
        )

    async def sign_in(self, home: Path, who: str) -> AuthManager:
        """Signs in with a code that the browser brings back."""
        async with BrowserLogin(self.settings(home, who)) as login:
            state = dict(parse_qsl(urlsplit(login.auth_url).query))["state"]
            callback = f"http://localhost:{login.port}/auth/callback?code=mark-code-{who}&state={state}"
            assert await login.paste(callback) is None
            await login.wait()
        return self.manager(home)

    async def ask_all(self, login: AuthManager | None) -> None:
        """Asks each provider: one that refuses at first, one that sends elsewhere."""
        environ = {"P_KEY": "mark-key-provider", "CODEX_OSS_BASE_URL": f"http://{LOCAL}/v1"}
        built_in = built_in_providers(environ)
        moved, in_clear = (
            built_in_providers({"OPENAI_BASE_URL": f"{scheme}://{host}/v1"})["openai"]
            for scheme, host in (("https", MOVED), ("http", CLEAR))
        )
        services = Services(http_transport=self, environ=environ, sleep=_no_sleep)
        for provider in (built_in["openai"], moved, in_clear, built_in["oss"], *PROVIDERS):
            client = ModelClient(
                provider=replace(provider, request_max_retries=1),
                model="m",
                family=family_for("m"),
                conversation_id="c",
                auth=login,
                services=services,
                user_agent="ua",
                originator="o",
            )
            for redirects in (False, True):
                self.refuses, self.redirects = True, redirects
                with pytest.raises(ModelError):
                    await _read(client)
            self.redirects = False
            await client.aclose()


async def _read(client: ModelClient) -> None:
    async with aclosing(client.stream(Prompt("i", ()))) as events:
        async for _ in events:
            pass


async def _no_sleep(_seconds: float) -> None:
    return


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Servers that are nowhere; a request that goes around them fails."""

    async def refuse(_self: DirectTransport, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"a request went out to {request.url.host}")

    monkeypatch.setattr(DirectTransport, "handle_async_request", refuse)
    for name in ("CODEX_REFRESH_TOKEN_URL_OVERRIDE", "CODEX_REVOKE_TOKEN_URL_OVERRIDE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    found = World()
    yield found
    assert f"host {EVIL}" not in found.seen, "a redirect was followed"


async def test_an_api_key(world: World, tmp_path: Path) -> None:
    login_with_api_key(str(tmp_path), "mark-key-stored")
    manager = world.manager(tmp_path)
    await world.ask_all(manager)
    await manager.sign_out(transport=world)
    assert world.hosts() == {
        "mark-key-stored": {OPENAI, MOVED, AUTHED},
        "mark-key-provider": {OWN_KEY},
    }


@pytest.mark.parametrize(("who", "issuer"), [("default", DEFAULT), ("other", OTHER)])
async def test_a_chatgpt_login(world: World, tmp_path: Path, who: str, issuer: str) -> None:
    manager = await world.sign_in(tmp_path, who)
    await world.ask_all(manager)
    await manager.sign_out(transport=world)
    models = {CHATGPT, MOVED, AUTHED}
    assert world.hosts() == {
        f"mark-code-{who}": {issuer},
        f"mark-id-{who}": {issuer},
        f"mark-refresh-{who}": {issuer},
        f"mark-access-{who}": models,
        f"mark-account-{who}": models,
        "mark-key-provider": {OWN_KEY},
    }


async def test_two_logins_of_different_issuers_do_not_mix(world: World, tmp_path: Path) -> None:
    one, other = await world.sign_in(tmp_path / "a", "default"), await world.sign_in(tmp_path / "b", "other")
    for _ in range(2):
        await one.refresh_token()
        await other.refresh_token()
    assert {mark for mark, hosts in world.hosts().items() if DEFAULT in hosts} == {
        "mark-code-default", "mark-id-default", "mark-refresh-default",
    }  # fmt: skip
    assert {mark for mark, hosts in world.hosts().items() if OTHER in hosts} == {
        "mark-code-other", "mark-id-other", "mark-refresh-other",
    }  # fmt: skip


async def test_a_login_on_another_device(world: World, tmp_path: Path) -> None:
    settings = world.settings(tmp_path, "other")
    await wait_for_device(settings, await request_device_code(settings), sleep=_no_sleep)
    assert world.hosts() == {"mark-code-other": {OTHER}, "mark-verifier-other": {OTHER}}


async def test_nobody_logged_in(world: World) -> None:
    await world.ask_all(None)
    assert world.hosts() == {"mark-key-provider": {OWN_KEY}}


async def test_tasks_of_the_backend(world: World, tmp_path: Path) -> None:
    manager = await world.sign_in(tmp_path, "default")
    world.seen.clear()
    for redirects in (False, True):
        world.refuses, world.redirects = True, redirects
        with pytest.raises(TaskError):
            await Backend(f"https://{BACKEND}/x", manager, {}, world).task("t")
    with pytest.raises(AddressError):
        await Backend(f"http://{CLEAR}/x", manager, {}, world).task("t")
    assert world.hosts() == {
        "mark-access-default": {BACKEND},
        "mark-account-default": {BACKEND},
        "mark-refresh-default": {DEFAULT},
    }


async def test_a_local_server_is_shown_nothing(world: World, tmp_path: Path) -> None:
    await world.sign_in(tmp_path, "default")
    world.seen.clear()
    with pytest.raises(LocalModelError):
        await Ollama(f"http://{LOCAL}/v1", world).check()
    assert set(world.seen) == {f"host {LOCAL}"}


async def test_the_recorder_sees_what_it_should(world: World) -> None:
    async with make_client(f"https://{EVIL}", transport=world) as client:
        await client.get(f"https://{PLAIN}/?x=mark-a-url", headers={"x": "mark-a-header"})
        await client.post(f"https://{PLAIN}/", content="a%20b=mark%2Da%2Dbody")
    assert world.hosts() == {"mark-a-url": {PLAIN}, "mark-a-header": {PLAIN}, "mark-a-body": {PLAIN}}

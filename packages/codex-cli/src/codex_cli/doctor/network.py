"""Proxies and certificates of the environment, and, when asked, whether the model providers answer.

A provider gets one small GET request, for its list of models, with the credential that its requests carry and
no other. No token is renewed, no redirect followed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Check, Result, Status, ok, skipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from codex_cli.doctor.result import Patient, Value
    from codex_core.config.config import Config
    from codex_core.config.providers import ModelProvider
    from codex_core.model.credentials import Credential
    from codex_login.auth import CodexAuth

GROUP = "Network"
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
REQUEST_TIMEOUT_S = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the request to a provider."""

    url: str
    """As it may be shown."""
    seconds: float
    status: int | None = None
    """None when there was no answer."""
    content_type: str = ""
    location: str | None = None
    """Where a redirect points to, as it may be shown."""
    problem: str | None = None
    """Why there was no answer."""
    carried_credential: bool = False
    is_by_proxy: bool = False
    """Whether it went, or was to go, through a proxy."""
    is_unencrypted: bool = False
    """Whether it went over plain HTTP to another machine."""


def judge_proxies(environ: Mapping[str, str], problem: str | None) -> Result:
    """Which proxies are set, without user names and passwords, and whether they can be used."""
    from codex_login.shown_url import shown_url

    shown = []
    data: dict[str, Value] = {}
    for name in (*PROXY_VARIABLES, *map(str.lower, PROXY_VARIABLES)):
        value = environ.get(name, "")
        if value:
            data[name] = shown_url(value)
            shown.append(f"{name}={data[name]}")
    for name in ("NO_PROXY", "no_proxy"):
        if environ.get(name):
            data[name] = environ[name]
            shown.append(f"{name}={environ[name]}")
    if problem is not None:
        return Result(Status.FAIL, problem, tuple(shown), advice="correct or unset the variable", data=data)
    if not shown:
        return ok("no proxy is set")
    return Result(Status.OK, "proxies: " + ", ".join(shown), data=data)


def judge_certificates(environ: Mapping[str, str], problem: str | None) -> Result:
    """Which further certificate authorities are trusted, and whether all can be read."""
    from codex_login.http import EXTRA_CA_DIR_VARIABLE, EXTRA_CA_FILE_VARIABLES

    variables = (*EXTRA_CA_FILE_VARIABLES, EXTRA_CA_DIR_VARIABLE)
    named: dict[str, Value] = {name: environ[name] for name in variables if environ.get(name)}
    if problem is not None:
        return Result(Status.FAIL, problem, advice="correct or unset the variable", data=named)
    if not named:
        return ok("certificate authorities: those of the system")
    shown = ", ".join(f"{name}={value}" for name, value in named.items())
    return Result(Status.OK, f"certificate authorities: those of the system, and {shown}", data=named)


def judge_answer(provider: ModelProvider, answer: Answer, *, is_active: bool) -> Result:
    """What an answer, or none, says of a provider. Only the one in use can fail."""
    failed = Status.FAIL if is_active else Status.WARN
    data: dict[str, Value] = {
        "provider": provider.id,
        "url": answer.url,
        "status": answer.status,
        "milliseconds": round(answer.seconds * 1000),
        "credential_sent": answer.carried_credential,
    }
    where = f"{provider.id} at {answer.url}{' through the proxy' if answer.is_by_proxy else ''}"
    status = answer.status
    if status is None:
        return Result(failed, f"{where}: {answer.problem}", data=data)
    took = f"{status} in {answer.seconds * 1000:.0f} ms"
    if status == 401 and answer.carried_credential:
        advice = (
            f"check the key in {provider.env_key}" if provider.env_key else "log in again with `codex login`"
        )
        return Result(failed, f"{where} does not accept the credential ({took})", advice=advice, data=data)
    if status == 407:
        return Result(failed, f"{where}: the proxy wants a password ({took})", data=data)
    if 300 <= status < 400:
        to = f" to {answer.location}" if answer.location else ""
        return Result(
            Status.WARN,
            f"{where} redirects{to} ({took}); redirects are not followed",
            advice=f"set base_url of provider {provider.id} to where it points",
            data=data,
        )
    if status >= 500:
        return Result(Status.WARN, f"{where} is there, but in trouble ({took})", data=data)
    if status == 403 and answer.carried_credential:
        return Result(Status.WARN, f"{where} answers, but refuses its list of models ({took})", data=data)
    if 200 <= status < 300 and "html" in answer.content_type:
        advice = f"check base_url of provider {provider.id}"
        return Result(Status.WARN, f"{where} answers with a web page ({took})", advice=advice, data=data)
    if answer.is_unencrypted and answer.carried_credential:
        advice = "use https: anybody on the way can read the key"
        return Result(
            Status.WARN, f"{where} answers ({took}), over an unencrypted connection", advice=advice, data=data
        )
    return Result(Status.OK, f"{where} answers ({took})", data=data)


def judge_providers(results: Sequence[Result]) -> Result:
    """The results of all providers as one."""
    order = (Status.FAIL, Status.WARN, Status.OK)
    worst = min(results, key=lambda result: order.index(result.status))
    details = tuple(f"{result.status}: {result.summary}" for result in results if result is not worst)
    data: dict[str, Value] = {"providers": [{"state": r.status.value, **r.data} for r in results]}
    return Result(worst.status, worst.summary, details, advice=worst.advice, data=data)


def providers_to_ask(config: Config) -> list[ModelProvider]:
    """The one in use and those that the user configured; the offline model is none."""
    from codex_core.config.providers import DEMO_ID, built_in_providers

    built_in = built_in_providers({})
    chosen = {config.model_provider_id: config.model_provider}
    chosen |= {name: each for name, each in config.model_providers.items() if name not in built_in}
    return [provider for name, provider in chosen.items() if name != DEMO_ID]


class Snapshot:
    """A stored login that is used as it is: nothing is renewed for an examination."""

    problem: Exception | None = None

    def __init__(self, auth: CodexAuth) -> None:
        from codex_protocol.config_types import AuthMode

        self._auth = auth
        self.is_chatgpt = auth.mode is AuthMode.CHATGPT
        self.account_id = auth.account_id
        self.plan_type = auth.plan_type

    async def bearer_token(self) -> str | None:
        """The key or token, which may have expired."""
        return self._auth.token

    async def recover_from_unauthorized(self, refused: str | None = None) -> bool:  # noqa: ARG002
        """Never."""
        return False


async def ask(
    provider: ModelProvider,
    auth: CodexAuth | None,
    environ: Mapping[str, str],
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Answer:
    """Asks a provider for its list of models."""
    from codex_core.errors import CodexError
    from codex_core.model.credentials import base_url, choose_credential
    from codex_core.model.errors import MissingApiKey
    from codex_login.errors import LoginError
    from codex_login.shown_url import shown_url

    login = None if auth is None else Snapshot(auth)
    url = f"{base_url(provider, login).rstrip('/')}/models"
    shown = shown_url(url)
    begin = time.monotonic()
    credential: Credential | None = None
    try:
        try:
            credential = await choose_credential(provider, login, environ)
        except MissingApiKey:
            pass  # told by another check; whether the server is there can be seen without
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            return await _get(provider, credential, url, shown, environ, transport)
    except (CodexError, LoginError) as error:
        problem = str(error)
    except TimeoutError:
        problem = f"no answer within {REQUEST_TIMEOUT_S:g} seconds"
    return Answer(shown, time.monotonic() - begin, problem=problem)


async def _get(
    provider: ModelProvider,
    credential: Credential | None,
    url: str,
    shown: str,
    environ: Mapping[str, str],
    transport: httpx.AsyncBaseTransport | None,
) -> Answer:
    from codex_login.http import import_httpx, make_client
    from codex_login.shown_url import shown_url
    from codex_login.user_agent import originator, user_agent

    import_httpx()
    import httpx

    name = originator(environ)
    headers = {"accept": "application/json", "user-agent": user_agent(environ=environ), "originator": name}
    headers |= provider.headers(environ)
    carried = credential is not None and credential.bearer is not None
    if credential is not None and credential.bearer is not None:
        headers["authorization"] = f"Bearer {credential.bearer}"
        if credential.account_id is not None:
            headers["chatgpt-account-id"] = credential.account_id
    is_by_proxy = transport is None and goes_by_proxy(url)
    begin = time.monotonic()
    try:
        async with make_client(url, transport=transport) as client:
            params = dict(provider.query_params) or None
            request = client.build_request("GET", url, params=params, headers=headers)
            response = await client.send(request, stream=True)
            await response.aclose()
    except httpx.TimeoutException:
        seconds = time.monotonic() - begin
        return Answer(shown, seconds, problem="the connection timed out", is_by_proxy=is_by_proxy)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
        problem = "its base_url is no URL that begins with http:// or https://"
        return Answer(shown, 0.0, problem=problem)
    except httpx.LocalProtocolError:
        return Answer(shown, 0.0, problem="HTTP does not allow the headers that are configured")
    except httpx.TransportError as error:
        problem = describe_failure(error)
        return Answer(shown, time.monotonic() - begin, problem=problem, is_by_proxy=is_by_proxy)
    location = response.headers.get("location")
    return Answer(
        shown,
        time.monotonic() - begin,
        status=response.status_code,
        content_type=response.headers.get("content-type", ""),
        location=None if location is None else shown_url(location),
        carried_credential=carried,
        is_by_proxy=is_by_proxy,
        is_unencrypted=request.url.scheme == "http" and request.url.host not in _LOOPBACK,
    )


def goes_by_proxy(url: str) -> bool:
    """Whether a proxy stands between us and the server, be it one that cannot be used."""
    from codex_login.errors import ProxySetupError
    from codex_login.proxies import proxy_for

    try:
        return proxy_for(url) is not None
    except ProxySetupError:
        return True


def describe_failure(error: BaseException) -> str:
    """Why there was no connection, in plain words. The libraries' own may quote headers: not used."""
    import socket
    import ssl

    import httpx

    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case socket.gaierror():
                return "the host name is not known (no such host, or no name server answers)"
            case ssl.SSLCertVerificationError():
                return "its certificate is not trusted; a company's authority goes into SSL_CERT_FILE"
            case ssl.SSLError():
                return "no encrypted connection: is it really https, and is nothing in between?"
            case ConnectionRefusedError():
                return "the connection was refused: nothing listens there"
            case ConnectionResetError():
                return "the connection was cut"
            case httpx.ProxyError():
                return "the proxy did not make the connection"
            case OSError() if seen.strerror:
                return f"no connection: {seen.strerror}"
        seen = seen.__cause__ or seen.__context__
    return "the connection failed"


def _check_proxies(patient: Patient) -> Result:
    from codex_login.errors import ProxySetupError
    from codex_login.http import import_httpx
    from codex_login.proxies import check_proxies

    import_httpx()
    try:
        check_proxies()
    except ProxySetupError as error:
        return judge_proxies(patient.environ, str(error))
    return judge_proxies(patient.environ, None)


def _check_certificates(patient: Patient) -> Result:
    from codex_login.errors import TlsSetupError
    from codex_login.http import tls_context

    try:
        tls_context(patient.environ)
    except TlsSetupError as error:
        return judge_certificates(patient.environ, str(error))
    return judge_certificates(patient.environ, None)


def _check_providers(patient: Patient) -> Result:
    if not patient.network:
        return skipped("no request was made; `codex doctor --network` asks the model providers")
    if patient.config is None:
        return skipped("the configuration cannot be used")
    providers = providers_to_ask(patient.config)
    if not providers:
        return ok("the offline model needs no network")
    return asyncio.run(_ask_all(patient, patient.config, providers))


async def _ask_all(patient: Patient, config: Config, providers: Sequence[ModelProvider]) -> Result:
    auth = _stored_login(config.codex_home, patient.environ)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(provider, auth, patient.environ)) for provider in providers]
    results = [
        judge_answer(provider, task.result(), is_active=provider.id == config.model_provider_id)
        for provider, task in zip(providers, tasks, strict=True)
    ]
    return judge_providers(results)


def _stored_login(codex_home: str, environ: Mapping[str, str]) -> CodexAuth | None:
    """What `codex exec` would use; a file that cannot be used is another check's finding."""
    from codex_login.auth import CodexAuth
    from codex_login.errors import LoginError

    key = environ.get("CODEX_API_KEY")
    if key:
        return CodexAuth.from_api_key(key)
    try:
        return CodexAuth.from_codex_home(codex_home)
    except LoginError:
        return None


CHECKS: tuple[Check, ...] = (
    Check("proxies", GROUP, _check_proxies),
    Check("certificates", GROUP, _check_certificates),
    Check("providers", GROUP, _check_providers, 2.5 * REQUEST_TIMEOUT_S),
)

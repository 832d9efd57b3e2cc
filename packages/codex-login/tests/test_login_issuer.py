"""Requests to the issuer: proxies, authorities of one's own, and answers that are too much (spec: auth.md 8)."""

from __future__ import annotations

import ssl

import pytest

from codex_login import issuer as issuer_module
from codex_login.errors import AddressError, ProxySetupError, SignInError, TlsSetupError
from codex_login.id_token import read_id_token
from codex_login.issuer import REVOKE_URL_VARIABLE, exchange_code, exchange_for_key, revoke
from codex_login.oauth import Issuer, SignInRequest
from codex_login.storage import Tokens

TOKENS = b'{"id_token":"a.e30.c","access_token":"at","refresh_token":"rt"}'


def request_to(url: str) -> SignInRequest:
    return SignInRequest(Issuer(url), "http://localhost:1/auth/callback", "o", verifier="v", state="s")


async def test_the_proxy_of_the_environment_is_asked(serving, text_answer, monkeypatch):
    async with serving(text_answer(b"", status="403 Forbidden")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url(""))
        with pytest.raises(SignInError, match="error sending request for url"):
            await exchange_code(request_to("https://issuer.test"), "c0de")
    assert proxy.requests[0].startswith(b"CONNECT issuer.test:443 HTTP/1.1\r\n")
    assert b"c0de" not in proxy.requests[0]


async def test_a_loopback_issuer_is_asked_past_the_proxy(serving, text_answer, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with serving(text_answer(TOKENS)) as server:
        tokens = await exchange_code(request_to(server.url("")), "c0de")
    assert tokens.access_token == "at"


async def test_nothing_is_sent_in_clear(serving, text_answer, monkeypatch):
    async with serving(text_answer(TOKENS)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        with pytest.raises(
            AddressError, match=r"^the address http://issuer\.test/oauth/token must be reached by"
        ):
            await exchange_code(request_to("http://issuer.test"), "c0de")
        tokens = Tokens("a.e30.c", "at", "rt", None, read_id_token("a.e30.c"))
        assert not await revoke(tokens, environ={REVOKE_URL_VARIABLE: "http://issuer.test/revoke"})
    assert proxy.connections == 0


async def test_an_authority_of_ones_own_is_trusted(serving, text_answer, monkeypatch, data):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{data}/server.pem")
    async with serving(text_answer(TOKENS), context) as server:
        url = f"https://localhost:{server.port}"
        with pytest.raises(SignInError, match="error sending request for url"):
            await exchange_code(request_to(url), "c0de")
        monkeypatch.setenv("CODEX_CA_CERTIFICATE", f"{data}/authority.pem")
        assert (await exchange_code(request_to(url), "c0de")).refresh_token == "rt"


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("HTTPS_PROXY", "ftp://proxy.test", ProxySetupError),
        ("SSL_CERT_FILE", "/nowhere.pem", TlsSetupError),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(
    serving, text_answer, monkeypatch, variable, value, error
):
    async with serving(text_answer()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url())
        monkeypatch.setenv(variable, value)
        with pytest.raises(error, match=variable):
            await exchange_code(request_to("https://issuer.test"), "c0de")


async def test_an_answer_without_end_is_given_up(serving, text_answer, monkeypatch):
    monkeypatch.setattr(issuer_module, "MAX_ANSWER_BYTES", 1000)
    async with serving(text_answer(b"x" * 2000)) as server:
        with pytest.raises(SignInError, match="is too long"):
            await exchange_code(request_to(server.url("")), "c0de")
        assert await exchange_for_key(Issuer(server.url("")), "a.e30.c") is None


async def test_an_issuer_that_does_not_answer_is_given_up(serving, monkeypatch):
    async def silent(request, reader, writer):
        return bool(await reader.read())

    monkeypatch.setattr(issuer_module, "EXCHANGE_TIMEOUT_S", 0.05)
    async with serving(silent) as server:
        with pytest.raises(SignInError, match="no answer within"):
            await exchange_code(request_to(server.url("")), "c0de")


async def test_redirects_are_not_followed(serving, text_answer):
    answer = text_answer(b"", status="307 Temporary Redirect", headers="location: http://evil.test/\r\n")
    async with serving(answer) as server:
        with pytest.raises(SignInError, match=r"^token endpoint returned status 307 Temporary Redirect$"):
            await exchange_code(request_to(server.url("")), "c0de")
        assert server.connections == 1

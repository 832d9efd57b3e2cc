"""`make_client`: what every request of ours has in common."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import textwrap

import httpx
import pytest

from codex_login.errors import AddressError, ProxySetupError, TlsSetupError
from codex_login.http import CONNECT_TIMEOUT_S, make_client, tls_context
from codex_login.proxies import check_proxies

AUTHORITY_HASH = "4952b612"
"""What `openssl x509 -hash` says of data/authority.pem; OpenSSL looks certificates up by it."""


async def test_redirects_are_not_followed(serving, text_answer):
    answer = text_answer(status="302 Found", headers="location: http://127.0.0.1:1/\r\n")
    async with serving(answer) as server, make_client(server.url()) as client:
        response = await client.get(server.url(), headers={"authorization": "Bearer secret"})
    assert response.status_code == 302
    assert len(server.requests) == 1


async def test_only_the_callers_user_agent_and_no_compression(serving, text_answer):
    async with serving(text_answer()) as server:
        async with make_client(server.url()) as client:
            await client.get(server.url())
        async with make_client(server.url(), headers={"user-agent": "me/1", "originator": "o"}) as client:
            await client.get(server.url())
    bare, named = (request.lower() for request in server.requests)
    assert b"user-agent" not in bare
    assert b"accept-encoding" not in bare
    assert b"user-agent: me/1\r\n" in named
    assert b"originator: o\r\n" in named


async def test_given_transport_answers_even_where_a_proxy_is_configured(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=request.url.host))
    async with make_client("http://demo.invalid/v1", transport=transport) as client:
        assert (await client.get("http://demo.invalid/v1")).text == "demo.invalid"


async def test_there_is_a_time_limit_for_connecting_only():
    async with make_client("http://x") as client:
        limits = client.timeout
    assert (limits.connect, limits.read, limits.write, limits.pool) == (CONNECT_TIMEOUT_S, None, None, None)


async def test_http_proxy_of_the_environment_is_used(serving, text_answer, monkeypatch):
    async with serving(text_answer(b"from the proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        async with make_client("http://server.invalid/x") as client:
            response = await client.get("http://server.invalid/x")
    assert response.text == "from the proxy"
    assert proxy.requests[0].startswith(b"GET http://server.invalid/x HTTP/1.1\r\n")


async def test_no_proxy_is_respected(serving, text_answer, monkeypatch):
    async with serving(text_answer(status="502 Bad Gateway")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        monkeypatch.setenv("NO_PROXY", "other.invalid, .server.invalid")
        async with make_client("http://a.server.invalid/") as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("http://a.server.invalid/")
    assert proxy.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "all_proxy"])
async def test_this_machine_is_never_asked_through_a_proxy(serving, text_answer, monkeypatch, host, variable):
    async with serving(text_answer(status="502 Bad Gateway")) as proxy, serving(text_answer()) as server:
        monkeypatch.setenv(variable, proxy.url())
        url = server.url().replace("127.0.0.1", host)
        async with make_client(url) as client:
            assert (await client.get(url)).text == "ok"
    assert proxy.connections == 0


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
async def test_https_goes_through_the_proxy_as_a_tunnel(serving, monkeypatch, variable):
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        return True

    async with serving(answer) as proxy:
        monkeypatch.setenv(variable, proxy.url())
        async with make_client("https://server.invalid/") as client:
            with pytest.raises(httpx.ProxyError):
                await client.get("https://server.invalid/")
    assert proxy.requests[0].startswith(b"CONNECT server.invalid:443 HTTP/1.1\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_with_a_certificate_of_the_company_is_trusted(serving, monkeypatch, data, scheme):
    async def refuse(request, reader, writer):
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        return True

    monkeypatch.setenv("CODEX_CA_CERTIFICATE", os.path.join(data, "authority.pem"))
    async with serving(refuse, _server_tls(data)) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url())
        async with make_client(f"{scheme}://server.invalid/") as client:
            if scheme == "http":
                assert (await client.get("http://server.invalid/")).status_code == 407
            else:
                with pytest.raises(httpx.ProxyError, match="407"):
                    await client.get("https://server.invalid/")
    assert len(proxy.requests) == 1


async def test_client_of_a_proxied_http_url_trusts_nobody(serving, text_answer, monkeypatch, data):
    async def tunnel(request, reader, writer):
        ours, theirs = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            theirs.write(await reader.read(65536))  # the greeting of TLS; its answer is refused
            writer.write(await ours.read(65536))
            await reader.read()
        finally:
            theirs.transport.abort()
        return False

    monkeypatch.setenv("SSL_CERT_FILE", os.path.join(data, "authority.pem"))
    async with serving(text_answer(), _server_tls(data)) as server, serving(tunnel) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        async with make_client("http://x") as client:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await client.get(server.url())


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CODEX_CA_CERTIFICATE"])
async def test_named_certificate_file_is_trusted(serving, text_answer, monkeypatch, data, variable):
    monkeypatch.setenv(variable, os.path.join(data, "authority.pem"))
    async with serving(text_answer(), _server_tls(data)) as server, make_client(server.url()) as client:
        assert (await client.get(server.url())).text == "ok"


async def test_named_certificate_directory_is_trusted(serving, text_answer, monkeypatch, data, tmp_path):
    authority = os.path.join(data, "authority.pem")
    os.symlink(authority, tmp_path / f"{AUTHORITY_HASH}.0")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    async with serving(text_answer(), _server_tls(data)) as server, make_client(server.url()) as client:
        assert (await client.get(server.url())).text == "ok"


async def test_unknown_authority_is_refused(serving, text_answer, data):
    async with serving(text_answer(), _server_tls(data)) as server, make_client(server.url()) as client:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await client.get(server.url())


async def test_name_of_the_server_is_checked(serving, text_answer, monkeypatch, data):
    monkeypatch.setenv("SSL_CERT_FILE", os.path.join(data, "authority.pem"))
    async with serving(text_answer(), _server_tls(data)) as server:
        url = server.url().replace("127.0.0.1", "127.0.0.2")
        async with make_client(url) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("SSL_CERT_FILE", "cannot be used as a certificate file: No such file or directory"),
        ("CODEX_CA_CERTIFICATE", "cannot be used as a certificate file: No such file or directory"),
        ("SSL_CERT_DIR", "cannot be used as a certificate directory: No such file or directory"),
    ],
)
def test_missing_certificates_are_one_sentence(tmp_path, variable, reason):
    path = str(tmp_path / "nope")
    with pytest.raises(TlsSetupError) as raised:
        tls_context({variable: path})
    assert str(raised.value) == f"{path}, named by {variable}, {reason}"


def test_file_without_certificates_is_one_sentence(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("hello\n")
    with pytest.raises(TlsSetupError) as raised:
        tls_context({"CODEX_CA_CERTIFICATE": str(path)})
    assert str(raised.value) == (
        f"{path}, named by CODEX_CA_CERTIFICATE, cannot be used as a certificate file: "
        "it holds no certificate in PEM form"
    )


async def test_bad_certificate_file_shows_at_the_first_request(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nope"))
    async with make_client("https://127.0.0.1:1/") as client:
        with pytest.raises(TlsSetupError):
            await client.get("https://127.0.0.1:1/")


def test_context_verifies_certificates_and_names():
    context = tls_context({})
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_certifi_stands_in_where_the_system_has_no_authorities(monkeypatch):
    empty = ssl.DefaultVerifyPaths(
        None, None, "SSL_CERT_FILE", "/nonexistent", "SSL_CERT_DIR", "/nonexistent"
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: empty)
    assert tls_context({}).cert_store_stats()["x509_ca"] > 50


def test_client_loads_no_command_line_no_httpcore_and_no_anyio():
    # What httpx would bring along by itself; see import_httpx and the direct transport.
    loaded = _modules_after(
        """
        import asyncio
        from codex_login.http import make_client
        async def ask():
            async with make_client("http://127.0.0.1:1/") as client:
                try:
                    await client.get("http://127.0.0.1:1/")
                except __import__("httpx").ConnectError:
                    pass
        asyncio.run(ask())
        """
    )
    assert "httpx" in loaded
    assert loaded.isdisjoint(
        {"click", "rich", "pygments", "httpcore", "anyio", "trio", "certifi", "httpx._main"}
    )


def test_blocking_the_command_line_leaves_no_trace():
    loaded = _modules_after(
        """
        from codex_login.http import import_httpx
        import_httpx()
        import_httpx()
        import importlib.util
        assert importlib.util.find_spec("httpx._main") is not None
        """
    )
    assert "httpx" in loaded
    assert "httpx._main" not in loaded


def test_module_itself_is_light():
    loaded = _modules_after("import codex_login.http, codex_login.user_agent, codex_login.errors")
    assert loaded.isdisjoint({"httpx", "ssl", "asyncio", "pydantic", "json", "urllib.request"})


def _modules_after(code: str) -> set[str]:
    script = textwrap.dedent(code) + "\nimport sys\nprint(*sys.modules)"
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environ
    )
    return set(done.stdout.split())


def _server_tls(data: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(data, "server.pem"))
    return context


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"http://{'a' * 64}.test/", "a part of the host name is empty or longer than 63 characters"),
        ("http://a..b/", "a part of the host name"),
        ("http://.test/", "a part of the host name"),
        ("http://127.0.0.1:99999/", "there is no port 99999"),
        ("http://127.0.0.1:0/", "there is no port 0"),
        ("http:///v1", "there is no host name in it"),
        ("http://xn--/", "it is not a valid URL"),
        ("http://[::1/", "it is not a valid URL"),
        ("http://h:1\n/", "it is not a valid URL"),
    ],
)
@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
def test_url_that_names_no_server_is_one_sentence(monkeypatch, url, problem, proxy):
    if proxy is not None:
        monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(AddressError, match=f"^a request to .* cannot be sent: {problem}"):
        make_client(url)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ALL_PROXY", "foo://bar", "its scheme must be http, https or socks5, not `foo`"),
        ("HTTP_PROXY", "http://[::1", "it is not a valid URL"),
        ("https_proxy", "http://user:SECRET@127.0.0.1:9\n", "it is not a valid URL"),
        ("HTTPS_PROXY", "http://user:SECRET@a..b", "it is not a valid URL"),
        ("HTTP_PROXY", "http://user:SECRET@h:99999", "there is no port 99999"),
        ("HTTP_PROXY", "http://", "there is no host name in it"),
    ],
)
def test_proxy_that_cannot_be_used_is_named_by_its_variable(monkeypatch, variable, value, problem):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ProxySetupError) as caught:
        make_client("https://x/" if "HTTPS" in variable.upper() else "http://x/")
    with pytest.raises(ProxySetupError) as checked:
        check_proxies()
    assert str(checked.value) == str(caught.value)
    assert str(caught.value) == f"{variable} names no proxy that can be used: {problem}"


def test_socks_proxy_without_its_package_is_one_sentence(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ProxySetupError, match=r"^ALL_PROXY .* `socksio` must be installed"):
        make_client("http://x/")


def test_no_proxy_that_cannot_be_understood_is_one_sentence(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "[::1")
    with pytest.raises(ProxySetupError, match="NO_PROXY has an entry"):
        make_client("http://x/")
    with pytest.raises(ProxySetupError, match="NO_PROXY has an entry"):
        check_proxies()


async def test_proxy_that_no_request_takes_does_not_matter(serving, text_answer, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://")
    monkeypatch.setenv("NO_PROXY", "[::1")
    async with serving(text_answer()) as server, make_client(server.url()) as client:
        assert (await client.get(server.url())).text == "ok"

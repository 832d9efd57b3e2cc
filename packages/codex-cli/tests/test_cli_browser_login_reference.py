"""Our browser login beside the reference's, both sent to the real issuer's name by a proxy of ours.

The proxy ends TLS with a certificate of its own and passes everything on to a mock issuer, so both programs run
as they would on a user's machine; the fixed port of the sign-in must be free (spec: auth.md sections 8 and 16).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from codex_core.testing import ScratchHome, make_home, script_path, start_script
from codex_login.oauth import DEFAULT_ISSUER, DEFAULT_PORT
from codex_login.testing import MockIssuer

pytestmark = pytest.mark.reference

ISSUER_NAME = "auth.openai.com"
RANDOM = ("code", "code_challenge", "code_verifier", "state", "subject_token")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority, and with the certificate it has given to the issuer's name."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl")
    place = tmp_path_factory.mktemp("certificates")
    (place / "names").write_text(f"subjectAltName=DNS:{ISSUER_NAME}\nbasicConstraints=CA:FALSE\n")
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Test -keyout ca.key -out ca.pem",
        f"req -new -newkey rsa:2048 -nodes -subj /CN={ISSUER_NAME} -keyout key.pem -out request.pem",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem",
    ):
        subprocess.run([openssl, *command.split()], cwd=place, check=True, capture_output=True)
    return place


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def _relay(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Passes connections on to a port: those with TLS without it, those without it as a proxy does."""
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if tls is None:
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(f"CONNECT {ISSUER_NAME}:443 ".encode())
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            theirs, ours = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pump(reader, ours), _pump(theirs, writer))

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(pass_on(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@dataclass
class SignedIn:
    """What a login did."""

    url: str
    requests: list[tuple[str, str, set[str], list[tuple[str, str]]]]
    """Method, path, names of headers, fields."""
    stored: dict[str, object]
    said: str


async def sign_in(program: str, home: ScratchHome, certificates: Path, *, gives_key: bool) -> SignedIn:
    opened, browser = home.path / "opened", home.path / "browser"
    os.mkfifo(opened)
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n')
    browser.chmod(0o755)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    async with (
        MockIssuer(gives_key=gives_key, mark="the-same-for-both") as issuer,
        _relay(int(issuer.url.rpartition(":")[2]), context) as tls_port,
        _relay(tls_port) as proxy_port,
    ):
        environ = home.environ(
            BROWSER=str(browser),
            HTTPS_PROXY=f"http://127.0.0.1:{proxy_port}",
            SSL_CERT_FILE=str(certificates / "ca.pem"),
        )
        async with start_script([program, "login"], env=environ, cwd=home.path) as process:
            url = await asyncio.wait_for(asyncio.to_thread(opened.read_text), 30)
            assert url.startswith(f"{DEFAULT_ISSUER}/oauth/authorize?")
            await asyncio.to_thread(_browse, url.replace(DEFAULT_ISSUER, issuer.url, 1))
            done = (await process.finish()).check()
        requests = [
            (each.method, each.path, set(each.headers), parse_qsl(each.body.decode()))
            for each in issuer.requests
            if each.method == "POST"
        ]
    return SignedIn(url, requests, json.loads((home.codex_home / "auth.json").read_text()), done.stderr)


def _browse(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as page:
        assert page.status == 200
        page.read()


def fixed(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Fields in their order; those that are another one each time by their length."""
    return [(name, str(len(value)) if name in RANDOM else value) for name, value in pairs]


@pytest.mark.parametrize("gives_key", [True, False])
async def test_both_ask_the_same_and_store_the_same(
    reference: str, tmp_path: Path, certificates: Path, gives_key: bool
) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            pytest.skip(f"port {DEFAULT_PORT} is in use")
    theirs = await sign_in(reference, make_home(tmp_path / "theirs"), certificates, gives_key=gives_key)
    ours = await sign_in(
        script_path("codex"), make_home(tmp_path / "ours"), certificates, gives_key=gives_key
    )
    assert fixed(parse_qsl(urlsplit(ours.url).query)) == fixed(parse_qsl(urlsplit(theirs.url).query))
    assert ours.url.count("%20") == theirs.url.count("%20")
    assert [each[:2] for each in ours.requests] == [each[:2] for each in theirs.requests]
    assert [fixed(each[3]) for each in ours.requests] == [fixed(each[3]) for each in theirs.requests]
    # `connection: keep-alive` says what holds without it.
    assert [each[2] - {"connection"} for each in ours.requests] == [each[2] for each in theirs.requests]
    assert ours.stored.pop("auth_mode") == "chatgpt"
    assert list(ours.stored) == list(theirs.stored)
    tokens, their_tokens = ours.stored["tokens"], theirs.stored["tokens"]
    assert isinstance(tokens, dict)
    assert isinstance(their_tokens, dict)
    assert tokens == their_tokens
    assert ours.stored["OPENAI_API_KEY"] == theirs.stored["OPENAI_API_KEY"]
    for said in (ours.said, theirs.said):
        assert said.startswith(f"Starting local login server on http://localhost:{DEFAULT_PORT}.\n")
        assert said.endswith("Successfully logged in\n")

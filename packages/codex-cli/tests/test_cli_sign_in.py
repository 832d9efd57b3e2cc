"""`codex login` with ChatGPT: what it says, what is typed, and how it stops (spec: auth.md sections 8, 9, 15)."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest

from codex_cli.typed_line import Escape, LineReader
from codex_core.testing import ScratchHome, script_path, start_script
from codex_core.testing.scripts import RunningScript, run_script_async
from codex_login.http import make_client
from codex_login.testing import MockIssuer

LOGIN = """
import os, sys
os.dup2(1, 2)
from codex_cli.sign_in import sign_in_with_browser
from codex_core.startup import run_program
from codex_login.browser_login import SignInSettings
from codex_login.oauth import issuer_at
settings = SignInSettings(sys.argv[1], issuer=issuer_at(sys.argv[2]), port=int(sys.argv[3]))
sys.exit(run_program(lambda: sign_in_with_browser(settings)))
"""
"""`codex login --experimental_issuer URL`, but on a port that the test names, and all it says on stdout."""


ON_STDOUT = ("/bin/sh", "-c", 'exec "$@" 2>&1', "sh")
"""Before a command: what it says is all on stdout."""

TAKE_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
"""Makes the terminal the one that Ctrl-C on it is sent to."""


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def logging_in(
    home: ScratchHome, issuer: str, port: int = 0
) -> AsyncIterator[tuple[RunningScript, str]]:
    """The login, without a terminal, and the URL it shows."""
    command = [sys.executable, "-c", LOGIN, str(home.codex_home), issuer, str(port)]
    async with start_script(command, env=home.environ(), cwd=home.path) as process:
        line = await process.wait_for_line(f"{issuer}/oauth/authorize?")
        await process.wait_for_line("--device-auth")
        yield process, line.strip()


async def browse(url: str) -> int:
    async with make_client(url) as client:
        return (await client.get(url, follow_redirects=True)).status_code


def port_of(url: str) -> int:
    query = dict(parse_qsl(urlsplit(url).query))
    return urlsplit(query["redirect_uri"]).port or 0


def stored(home: ScratchHome) -> object:
    path = home.codex_home / "auth.json"
    return json.loads(path.read_text()) if path.exists() else None


async def test_a_login_says_what_the_contract_says(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    async with logging_in(scratch_home, issuer.url) as (process, url):
        assert await browse(url) == 200
        done = (await process.finish()).check()
    assert done.stdout == (
        f"Starting local login server on http://localhost:{port_of(url)}.\n"
        "If your browser did not open, navigate to this URL to authenticate:\n\n"
        f"{url}\n\n"
        "On a remote or headless machine? Use `codex login --device-auth` instead.\n"
        "Successfully logged in\n"
    )
    done.assert_no_processes_left()
    tokens = stored(scratch_home)
    assert isinstance(tokens, dict)
    assert not any(str(token) in done.stdout for token in tokens["tokens"].values() if token)


async def test_a_second_login_cancels_the_first(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    async with AsyncExitStack() as logins:
        first, url = await logins.enter_async_context(logging_in(scratch_home, issuer.url))
        again = logging_in(scratch_home, issuer.url, port_of(url))
        second, second_url = await logins.enter_async_context(again)
        done = (await first.finish()).check(1)
        assert done.stdout.endswith("\nError logging in: Login cancelled\n")
        assert await browse(second_url) == 200
        (await second.finish()).check()


async def test_a_port_that_stays_busy(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(stay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = [sys.executable, "-c", LOGIN, str(scratch_home.codex_home), issuer.url, str(port)]
    done = await run_script_async(command, env=scratch_home.environ(), cwd=scratch_home.path)
    server.close()
    await server.wait_closed()
    done.check(1)
    assert done.stdout == (
        f"Error logging in: Port 127.0.0.1:{port} is already in use\n"
        "End the program that uses it, or use `codex login --device-auth`, which needs no port.\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signals_end_it_in_order(
    scratch_home: ScratchHome, issuer: MockIssuer, number: signal.Signals
) -> None:
    async with logging_in(scratch_home, issuer.url) as (process, url):
        process.send_signal(number)
        done = (await process.finish()).check(128 + number)
        assert done.stdout.endswith("\nLogin cancelled\n")
    assert "Traceback" not in done.stdout
    async with logging_in(scratch_home, issuer.url, port_of(url)) as (process, url):
        process.send_signal(signal.SIGTERM)
        await process.finish()


async def test_an_exchange_that_fails_is_told(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    issuer.failing["authorization_code"] = (500, {}, b"")
    async with logging_in(scratch_home, issuer.url) as (process, url):
        assert await browse(url) == 500
        done = (await process.finish()).check(1)
    assert done.stdout.endswith(
        "\nError logging in: Token exchange failed: token endpoint returned status 500 Internal Server Error\n"
    )
    assert stored(scratch_home) is None


class Terminal:
    """A login on a terminal of its own."""

    def __init__(self, home: ScratchHome, issuer: str) -> None:
        self.descriptor, other = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL + LOGIN, str(home.codex_home), issuer, "0"],
            env=home.environ(TERM="xterm"),
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self.seen = b""
        self.before = termios.tcgetattr(self.descriptor)

    def read_until(self, text: bytes) -> None:
        while text not in self.seen:
            self.seen += os.read(self.descriptor, 65536)

    def read_rest(self) -> int:
        """The exit code."""
        try:
            while data := os.read(self.descriptor, 65536):
                self.seen += data
        except OSError:  # how Linux says that the other end is gone
            pass
        return self._process.wait()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self.descriptor)

    def type(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    @property
    def url(self) -> str:
        return next(line.strip() for line in self.seen.decode().splitlines() if "/oauth/authorize?" in line)


@pytest.fixture
async def terminal(scratch_home: ScratchHome, issuer: MockIssuer) -> AsyncIterator[Terminal]:
    """A login on a terminal, when it is ready for keys."""
    found = Terminal(scratch_home, issuer.url)
    try:
        await asyncio.wait_for(asyncio.to_thread(found.read_until, b"Esc cancels."), 30)
        yield found
    finally:
        found.close()


async def ended(terminal: Terminal) -> int:
    return await asyncio.wait_for(asyncio.to_thread(terminal.read_rest), 30)


async def test_esc_cancels_and_the_terminal_is_as_before(terminal: Terminal) -> None:
    assert not termios.tcgetattr(terminal.descriptor)[3] & termios.ICANON
    terminal.type(b"\x1b")
    assert await ended(terminal) == 1
    assert b"Error logging in: Login cancelled" in terminal.seen
    assert termios.tcgetattr(terminal.descriptor)[3] == terminal.before[3]


async def test_ctrl_c_cancels_and_the_terminal_is_as_before(terminal: Terminal) -> None:
    terminal.type(b"\x03")
    assert await ended(terminal) == 130
    assert b"Login cancelled" in terminal.seen
    assert b"Traceback" not in terminal.seen
    assert termios.tcgetattr(terminal.descriptor)[3] == terminal.before[3]


async def test_the_address_of_another_machines_browser_can_be_pasted(
    terminal: Terminal, scratch_home: ScratchHome
) -> None:
    async with make_client(terminal.url) as client:
        answer = await client.get(terminal.url)
    terminal.type(b"nonsense\r")
    await asyncio.to_thread(terminal.read_until, b"That is not the address")
    address = answer.headers["location"]
    terminal.type(b"\x1b[200~" + address.encode() + b"\x1b[201~\r")
    assert await ended(terminal) == 0
    assert b"Successfully logged in" in terminal.seen
    code = dict(parse_qsl(urlsplit(address).query))["code"]
    assert code.encode() not in terminal.seen, "what is pasted is not shown"
    assert isinstance(stored(scratch_home), dict)


def test_keys_become_lines() -> None:
    reader = LineReader()
    assert reader.feed(b"ab\x7fc") == []
    assert reader.feed(b"\r") == ["ac"]
    assert reader.feed(b"junk\x15one\n\n  \ntwo\n") == ["one", "two"]
    assert reader.feed(b"\x1b[A\x1bOBx\x1b[1;5C\x1b[20") == []
    assert reader.feed(b"\n") == ["x"]
    assert reader.feed("grüße\n".encode()) == ["grüße"]
    assert reader.feed(b"half\x1b") == []
    assert reader.feed(b"\x1b") == [Escape()]
    assert reader.feed(b"\n") == []
    assert reader.feed(b"x\x04\x7f\x04") == [Escape()]
    assert reader.feed(b"y" * 100_000 + b"\n") == ["y" * 65536]


async def test_a_code_for_another_device(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    command = ("codex", "login", "--device-auth", "--experimental_issuer", issuer.url)
    new_home = scratch_home.path / "new"
    environ = scratch_home.environ(CODEX_HOME=str(new_home))
    done = (await run_script_async(*command, env=environ, cwd=scratch_home.path)).check()
    assert f"   {issuer.url}/codex/device\n" in done.stderr
    assert "   ABCD-12345\n" in done.stderr
    assert done.stderr.endswith("\nSuccessfully logged in\n")
    assert json.loads((new_home / "auth.json").read_text())["auth_mode"] == "chatgpt"
    done = (await run_script_async("codex", "login", "status", env=environ, cwd=scratch_home.path)).check()
    assert done.stderr == "Logged in using ChatGPT\n"
    done = (await run_script_async("codex", "logout", env=environ, cwd=scratch_home.path)).check()
    assert done.stderr == "Successfully logged out\n"
    assert [request.path for request in issuer.requests][-1] == "/oauth/revoke"
    assert not (new_home / "auth.json").exists()


async def test_a_device_login_that_is_refused(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    issuer.failing["/api/accounts/deviceauth/token"] = (400, {}, b"")
    command = ("codex", "login", "--device-auth", "--experimental_issuer", issuer.url)
    done = (await run_script_async(*command, env=scratch_home.environ(), cwd=scratch_home.path)).check(1)
    assert done.stderr.endswith("\nError logging in: device auth failed with status 400 Bad Request\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_signals_end_a_device_login_in_order(
    scratch_home: ScratchHome, issuer: MockIssuer, number: signal.Signals
) -> None:
    issuer.device_answers = [403] * 1000
    command = [
        *ON_STDOUT,
        script_path("codex"),
        "login",
        "--device-auth",
        "--experimental_issuer",
        issuer.url,
    ]
    async with start_script(command, env=scratch_home.environ(), cwd=scratch_home.path) as process:
        await process.wait_for_line("Never enter a code")
        process.send_signal(number)
        done = (await process.finish()).check(128 + number)
    assert done.stdout.endswith("\nLogin cancelled\n")
    assert "Traceback" not in done.stdout
    assert stored(scratch_home) is None
    done.assert_no_processes_left()


async def test_a_device_login_can_be_stopped_while_the_issuer_is_silent(scratch_home: ScratchHome) -> None:
    asked = asyncio.Event()
    hold = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await hold.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    command = ("codex", "login", "--device-auth", "--experimental_issuer", url)
    async with start_script(*command, env=scratch_home.environ(), cwd=scratch_home.path) as process:
        await asyncio.wait_for(asked.wait(), 30)
        process.send_signal(signal.SIGTERM)
        done = (await process.finish()).check(143)
    hold.set()
    server.close()
    await server.wait_closed()
    assert done.stderr == "Login cancelled\n"


async def test_a_hang_up_that_is_ignored_stays_ignored(scratch_home: ScratchHome, issuer: MockIssuer) -> None:
    issuer.device_answers = [403]
    issuer.device_interval = "1"
    ignoring = ["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
    command = [*ignoring, *ON_STDOUT, script_path("codex"), "login", "--device-auth"]
    command += ["--experimental_issuer", issuer.url]
    async with start_script(command, env=scratch_home.environ(), cwd=scratch_home.path) as process:
        await process.wait_for_line("Never enter a code")
        process.send_signal(signal.SIGHUP)
        done = (await process.finish()).check()
    assert done.stdout.endswith("\nSuccessfully logged in\n")


async def test_an_issuer_in_clear_is_refused(scratch_home: ScratchHome) -> None:
    for way in ([], ["--device-auth"]):
        command = ("codex", "login", *way, "--experimental_issuer", "http://issuer.test")
        done = await run_script_async(*command, env=scratch_home.environ(), cwd=scratch_home.path)
        assert done.check(1).stderr.startswith(
            "Error logging in: the issuer http://issuer.test must be reached"
        )


async def test_the_options_of_the_issuer_are_hidden(scratch_home: ScratchHome) -> None:
    done = await run_script_async(
        "codex", "login", "--help", env=scratch_home.environ(), cwd=scratch_home.path
    )
    assert "--device-auth" in done.check().stdout
    assert "experimental" not in done.stdout

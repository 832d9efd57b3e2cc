"""One sign-in, many conversations and processes: renewed once, never lost (spec: auth.md sections 1, 3, 4)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from codex_login.auth import AuthManager, login_with_api_key
from codex_login.errors import CredentialsError, RefreshError
from codex_login.issuer import revoke
from codex_login.oauth import PROVENANCE_FIELD, Issuer, issuer_of
from codex_login.storage import FileStore, parse_auth
from codex_login.stores import KeyringStore
from codex_login.testing import MockIssuer

OLD = "2020-01-01T00:00:00Z"
RECENT = "2999-01-01T00:00:00Z"

RENEW = """
import asyncio, sys
from codex_login.auth import AuthManager
manager = AuthManager(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(asyncio.run(manager.bearer_token()), manager.problem, sep="|")
"""
"""A process that takes the token when it is told to; it is too old by then."""

WRITE = """
import sys
from codex_login.storage import Tokens, StoredAuth, parse_auth, write_auth
auth = parse_auth(open(sys.argv[1] + "/auth.json").read())
print("ready", flush=True)
while True:
    write_auth(sys.argv[1], auth)
"""


@pytest.fixture
async def issuer() -> AsyncIterator[MockIssuer]:
    async with MockIssuer() as mock:
        yield mock


def store(home: Path, issuer: MockIssuer, *, last: str = RECENT, **others: object) -> dict[str, str]:
    """Tokens of the issuer, in auth.json."""
    tokens = issuer.new_tokens()
    provenance = {"issuer": issuer.url, "client_id": "me"}
    document = {
        "OPENAI_API_KEY": None,
        "tokens": {**tokens, "account_id": "acc-123", PROVENANCE_FIELD: provenance},
        "last_refresh": last,
        **others,
    }
    home.mkdir(exist_ok=True)
    (home / "auth.json").write_text(json.dumps(document))
    return tokens


def stored(home: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((home / "auth.json").read_text())
    return found


async def start(source: str, home: Path, **environ: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, str(home),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.defpath, "TERM": "xterm", **environ},
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_two_conversations_that_are_refused_one_after_the_other_renew_once(tmp_path, issuer):
    tokens = store(tmp_path, issuer)
    manager = AuthManager(str(tmp_path))
    refused = tokens["access_token"]
    assert await manager.recover_from_unauthorized(refused) is True
    renewed = await manager.bearer_token()
    assert renewed != refused
    assert await manager.recover_from_unauthorized(refused) is True
    assert await manager.bearer_token() == renewed
    assert len(issuer.asked("/oauth/token")) == 1
    assert await manager.recover_from_unauthorized(renewed) is True
    assert len(issuer.asked("/oauth/token")) == 2


async def test_conversations_that_are_refused_at_once_renew_once(tmp_path, issuer):
    tokens = store(tmp_path, issuer)
    manager = AuthManager(str(tmp_path))
    outcomes = await asyncio.gather(
        *(manager.recover_from_unauthorized(tokens["access_token"]) for _ in range(5))
    )
    assert outcomes == [True] * 5
    assert len(issuer.asked("/oauth/token")) == 1


async def test_two_processes_that_renew_at_once_ask_once(tmp_path, issuer):
    store(tmp_path, issuer, last=OLD, kept="as it is")
    processes = [await start(RENEW, tmp_path) for _ in range(2)]
    said = await asyncio.gather(*(process.communicate(b"\n") for process in processes))
    assert len(issuer.asked("/oauth/token")) == 1
    [expected] = {output for output, _ in said}
    token = stored(tmp_path)["tokens"]["access_token"]
    assert expected.decode() == f"{token}|None\n"
    assert stored(tmp_path)["kept"] == "as it is"
    assert stored(tmp_path)["tokens"]["refresh_token"] in issuer.refresh_tokens


async def test_a_process_killed_while_it_writes_leaves_the_file_whole(tmp_path, issuer):
    store(tmp_path, issuer)
    before = parse_auth((tmp_path / "auth.json").read_bytes())
    for _ in range(5):
        process = await start(WRITE, tmp_path)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert parse_auth((tmp_path / "auth.json").read_bytes()) == before
    assert await asyncio.to_thread(_age_leftovers, tmp_path) == 1
    login_with_api_key(str(tmp_path), "sk-after")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".auth.json.1.new", "auth.json"]
    assert AuthManager(str(tmp_path)).auth().token == "sk-after"


def _age_leftovers(home: Path) -> int:
    """Makes what killed processes left behind old, and adds a file that one is writing now."""
    (home / ".auth.json.1.old").write_text("secret")
    found = [path for path in home.iterdir() if path.name.startswith(".auth.json.")]
    for path in found:
        os.utime(path, (0, 0))
    (home / ".auth.json.1.new").write_text("secret")
    return len([path for path in found if path.name.endswith(".old")])


def test_logging_out_leaves_no_credentials_behind(tmp_path):
    login_with_api_key(str(tmp_path), "sk-1")
    (tmp_path / ".auth.json.1.new").write_text("secret")
    assert AuthManager(str(tmp_path)).logout() is True
    assert os.listdir(tmp_path) == []


async def test_logging_out_gives_back_what_another_process_has_renewed_meanwhile(tmp_path, issuer):
    store(tmp_path, issuer)
    manager = AuthManager(str(tmp_path))
    await AuthManager(str(tmp_path)).refresh_token()
    newest = stored(tmp_path)["tokens"]["refresh_token"]
    assert await manager.sign_out() is True
    assert [request.fields["token"] for request in issuer.asked("/oauth/revoke")] == [newest]


async def test_a_process_killed_while_it_renews_blocks_nobody(tmp_path, issuer):
    tokens = store(tmp_path, issuer, last=OLD)
    hanging = asyncio.Event()
    connected = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await hanging.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    process = await start(RENEW, tmp_path, CODEX_REFRESH_TOKEN_URL_OVERRIDE=url)
    assert process.stdin is not None
    process.stdin.write(b"\n")
    await connected.wait()
    process.kill()
    await process.wait()
    hanging.set()
    server.close()
    await server.wait_closed()
    assert await AuthManager(str(tmp_path)).bearer_token() not in (None, tokens["access_token"])
    assert len(issuer.asked("/oauth/token")) == 1


async def test_a_full_disk_loses_nothing_and_is_told(tmp_path, issuer, monkeypatch):
    store(tmp_path, issuer, last=OLD)
    before = (tmp_path / "auth.json").read_bytes()
    manager = AuthManager(str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(CredentialsError, match="No space left on device"):
            await manager.refresh_token()
    assert (tmp_path / "auth.json").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["auth.json", "auth.json.lock"]
    assert issuer.requests == []  # a refresh token is good once
    assert await manager.refresh_token() == stored(tmp_path)["tokens"]["access_token"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
async def test_a_home_that_cannot_be_written_is_told_in_one_sentence(tmp_path, issuer):
    store(tmp_path, issuer, last=OLD)
    tmp_path.chmod(0o500)
    try:
        manager = AuthManager(str(tmp_path))
        with pytest.raises(
            CredentialsError, match=r"auth\.json.* cannot be (locked|written): Permission denied"
        ):
            await manager.refresh_token()
        assert issuer.requests == []
    finally:
        tmp_path.chmod(stat.S_IRWXU)


async def test_nothing_is_asked_when_the_answer_could_not_be_stored(tmp_path, issuer, monkeypatch):
    store(tmp_path, issuer, last=OLD)
    manager = AuthManager(str(tmp_path))
    original = os.open

    def refuse(path: str, flags: int, *more: int, **others: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return original(path, flags, *more, **others)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with pytest.raises(
            CredentialsError, match=r"auth\.json\.lock cannot be locked: Read-only file system"
        ):
            await manager.refresh_token()
    assert issuer.requests == []


async def test_tokens_are_renewed_and_revoked_where_they_came_from_and_nowhere_else(tmp_path, issuer):
    store(tmp_path, issuer)
    async with MockIssuer() as other:
        store(tmp_path / "b", other)
        await AuthManager(str(tmp_path)).refresh_token()
        manager = AuthManager(str(tmp_path / "b"))
        await manager.refresh_token()
        [renewed] = other.refresh_tokens
        assert await manager.sign_out() is True
        assert [request.path for request in other.requests] == ["/oauth/token", "/oauth/revoke"]
        assert other.requests[1].fields == {
            "token": renewed,
            "token_type_hint": "refresh_token",
            "client_id": "me",
        }
        assert other.refresh_tokens == set()
    assert [request.path for request in issuer.requests] == ["/oauth/token"]
    assert issuer.requests[0].fields["client_id"] == "me"


@pytest.mark.parametrize("issuer_url", ["http://evil.test", "nonsense", "file:///etc/passwd"])
async def test_a_file_that_names_an_impossible_issuer_sends_nothing(tmp_path, issuer, issuer_url):
    store(tmp_path, issuer)
    document = stored(tmp_path)
    document["tokens"][PROVENANCE_FIELD]["issuer"] = issuer_url
    (tmp_path / "auth.json").write_text(json.dumps(document))
    with pytest.raises(RefreshError, match="Failed to refresh token: the issuer"):
        await AuthManager(str(tmp_path)).refresh_token()
    assert await AuthManager(str(tmp_path)).sign_out() is True
    assert issuer.requests == []


@pytest.mark.parametrize("provenance", [None, [], {"issuer": 1, "client_id": {}}])
def test_a_provenance_that_says_nothing_is_the_default(tmp_path, provenance):
    tokens = {"id_token": "a.e30.c", "access_token": "a", "refresh_token": "r", PROVENANCE_FIELD: provenance}
    found = parse_auth(json.dumps({"tokens": tokens})).tokens
    assert found is not None
    assert issuer_of(found) == Issuer()


async def test_logging_out_works_without_the_issuer(tmp_path, issuer):
    store(tmp_path, issuer)
    issuer.failing["/oauth/revoke"] = (500, {}, b"")
    assert await AuthManager(str(tmp_path)).sign_out() is True
    assert not (tmp_path / "auth.json").exists()
    assert await AuthManager(str(tmp_path)).sign_out() is False
    assert len(issuer.requests) == 1


async def test_a_key_is_not_given_back_to_anybody(tmp_path):
    def asked(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    login_with_api_key(str(tmp_path), "sk-1")
    assert await AuthManager(str(tmp_path)).sign_out(transport=httpx.MockTransport(asked)) is True


async def test_tokens_without_a_refresh_token_are_given_back_themselves(tmp_path, issuer):
    store(tmp_path, issuer)
    document = stored(tmp_path)
    document["tokens"]["refresh_token"] = ""
    (tmp_path / "auth.json").write_text(json.dumps(document))
    tokens = FileStore(str(tmp_path)).read().tokens
    assert await revoke(tokens) is True
    assert issuer.requests[0].fields == {"token": tokens.access_token, "token_type_hint": "access_token"}


async def test_tokens_in_a_keyring_are_renewed_there(tmp_path, issuer):
    entries: dict[tuple[str, str], str] = {}

    class Ring:
        def get_password(self, service, username, /):
            return entries.get((service, username))

        def set_password(self, service, username, password, /):
            entries[service, username] = password

        def delete_password(self, service, username, /):
            del entries[service, username]

    store(tmp_path, issuer)
    kept = KeyringStore(str(tmp_path), Ring())
    kept.write(FileStore(str(tmp_path)).read())
    manager = AuthManager(str(tmp_path), store=kept)
    renewed = await manager.refresh_token()
    assert kept.read().tokens.access_token == renewed
    assert not (tmp_path / "auth.json").exists()

"""Who is signed in, and what a request carries (spec: auth.md sections 2 and 3)."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time

import pytest

from codex_login import storage
from codex_login.auth import AuthManager, CodexAuth, login_with_api_key, masked_key
from codex_login.errors import CredentialsError
from codex_protocol.config_types import AuthMode

ID_TOKEN = "aGVhZA.eyJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9wbGFuX3R5cGUiOiJwcm8ifX0.c2ln"
TOKENS = {"id_token": ID_TOKEN, "access_token": "at", "refresh_token": "rt", "account_id": "acc"}
RECENT = "2999-01-01T00:00:00Z"


def store(home, **fields) -> None:
    (home / "auth.json").write_text(json.dumps(fields))


async def test_without_a_file_nobody_is_signed_in(tmp_path):
    manager = AuthManager(str(tmp_path))
    assert manager.auth() is None
    assert (manager.mode, manager.account_id, manager.plan_type, manager.problem) == (None, None, None, None)
    assert await manager.bearer_token() is None
    assert await manager.recover_from_unauthorized() is False


async def test_stored_key(tmp_path):
    login_with_api_key(str(tmp_path), "sk-1")
    manager = AuthManager(str(tmp_path))
    assert manager.mode is AuthMode.API_KEY
    assert not manager.is_chatgpt
    assert await manager.bearer_token() == "sk-1"
    assert manager.account_id is None
    assert await manager.recover_from_unauthorized() is False


async def test_stored_tokens(tmp_path):
    store(tmp_path, OPENAI_API_KEY=None, tokens=TOKENS, last_refresh=RECENT)
    manager = AuthManager(str(tmp_path))
    assert manager.is_chatgpt
    assert await manager.bearer_token() == "at"
    assert (manager.account_id, manager.plan_type) == ("acc", "pro")


async def test_key_of_the_caller_needs_no_file():
    manager = AuthManager.from_api_key("sk-env")
    assert manager.mode is AuthMode.API_KEY
    assert await manager.bearer_token() == "sk-env"
    assert await manager.refresh_token() == "sk-env"
    assert manager.reload() is False
    assert manager.logout() is False
    assert manager.auth() is None


@pytest.mark.parametrize(
    ("fields", "mode", "token"),
    [
        ({"OPENAI_API_KEY": "k"}, AuthMode.API_KEY, "k"),
        ({"OPENAI_API_KEY": ""}, AuthMode.API_KEY, ""),
        ({"OPENAI_API_KEY": "k", "tokens": TOKENS}, AuthMode.API_KEY, "k"),
        ({"OPENAI_API_KEY": "k", "tokens": TOKENS, "auth_mode": "chatgpt"}, AuthMode.CHATGPT, "at"),
        ({"OPENAI_API_KEY": "k", "tokens": TOKENS, "auth_mode": "apikey"}, AuthMode.API_KEY, "k"),
        ({"OPENAI_API_KEY": "k", "auth_mode": "chatgpt"}, AuthMode.API_KEY, "k"),
        ({"tokens": TOKENS, "auth_mode": "apikey"}, AuthMode.CHATGPT, "at"),
        ({"OPENAI_API_KEY": "k", "tokens": TOKENS, "auth_mode": "future"}, AuthMode.API_KEY, "k"),
        ({}, AuthMode.CHATGPT, None),
        ({"OPENAI_API_KEY": None}, AuthMode.CHATGPT, None),
    ],
)
def test_mode_of_a_file(tmp_path, fields, mode, token):
    store(tmp_path, **fields)
    auth = CodexAuth.from_codex_home(str(tmp_path))
    assert auth is not None
    assert (auth.mode, auth.token) == (mode, token)


def test_unusable_file_counts_as_no_sign_in_and_says_why(tmp_path, caplog):
    (tmp_path / "auth.json").write_text('{"OPENAI_API_KEY": ["sk-SECRET"]}')
    with caplog.at_level(logging.DEBUG):
        manager = AuthManager(str(tmp_path))
    assert manager.auth() is None
    assert str(manager.problem) == f"{tmp_path}/auth.json cannot be used: `OPENAI_API_KEY` is not a string"
    assert "SECRET" not in caplog.text


def test_changes_on_disk_are_seen_by_reload_only(tmp_path):
    manager = AuthManager(str(tmp_path))
    login_with_api_key(str(tmp_path), "sk-1")
    assert manager.auth() is None
    assert manager.reload() is True
    assert manager.auth() == CodexAuth.from_codex_home(str(tmp_path))
    assert manager.reload() is False
    login_with_api_key(str(tmp_path), "sk-2")
    assert manager.reload() is False
    assert manager.auth().token == "sk-2"
    store(tmp_path, tokens=TOKENS)
    assert manager.reload() is True


def test_logout_removes_the_file(tmp_path):
    login_with_api_key(str(tmp_path), "sk-1")
    manager = AuthManager(str(tmp_path))
    assert manager.logout() is True
    assert manager.auth() is None
    assert os.listdir(tmp_path) == []
    assert manager.logout() is False


def test_logout_also_removes_a_file_that_cannot_be_used(tmp_path):
    (tmp_path / "auth.json").write_text("rubbish")
    manager = AuthManager(str(tmp_path))
    assert manager.logout() is True
    assert manager.problem is None


def test_login_replaces_what_was_stored_but_for_fields_of_newer_programs(tmp_path):
    newer = {"agent": {"id": 7}, "Ünknown": None}
    store(tmp_path, auth_mode="chatgpt", tokens=TOKENS, last_refresh=RECENT, **newer)
    login_with_api_key(str(tmp_path), "sk-1")
    assert json.loads((tmp_path / "auth.json").read_text()) == {"OPENAI_API_KEY": "sk-1", **newer}


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"tokens": 1, "x": 2}'])
def test_login_mends_a_file_that_cannot_be_read(tmp_path, content):
    (tmp_path / "auth.json").write_text(content)
    login_with_api_key(str(tmp_path), "sk-1")
    assert json.loads((tmp_path / "auth.json").read_text()) == {"OPENAI_API_KEY": "sk-1"}


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("", "***"),
        ("sk-1234567890", "***"),
        ("sk-12345678901", "sk-12345***78901"),
        ("sk-proj-1234567890ABCDE", "sk-proj-***ABCDE"),
        ("schlüssel-é-und-mehr-ü", "schlüsse***ehr-ü"),
    ],
)
def test_masked_key(key, shown):
    assert masked_key(key) == shown


def test_representations_show_no_secret(tmp_path):
    store(tmp_path, OPENAI_API_KEY="sk-SECRET")
    manager = AuthManager(str(tmp_path))
    assert "SECRET" not in repr(manager) + repr(manager.auth()) + repr(CodexAuth.from_api_key("SECRET"))


def test_reading_credentials_loads_nothing_heavy(tmp_path):
    store(tmp_path, OPENAI_API_KEY=None, tokens=TOKENS, last_refresh=RECENT)
    code = (
        "import sys; from codex_login.auth import AuthManager; AuthManager(sys.argv[1]); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()).isdisjoint({"httpx", "pydantic", "asyncio", "ssl", "codex_login.refresh"})


async def test_keys_are_freed_from_what_surrounds_them(tmp_path):
    assert await AuthManager.from_api_key("\ufeff sk-1\r\n").bearer_token() == "sk-1"
    (tmp_path / "auth.json").write_text(json.dumps({"OPENAI_API_KEY": "sk-2\n"}))
    assert await AuthManager(str(tmp_path)).bearer_token() == "sk-2"


@pytest.mark.parametrize("key", ["sk 1", "sk\t1", "sk\n1", "sk\x7f", "sk\u00e9", "sk\udcff"])
def test_key_that_could_not_be_sent_is_not_stored(tmp_path, key):
    with pytest.raises(CredentialsError, match="this is no API key") as caught:
        login_with_api_key(str(tmp_path), key)
    assert "sk" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_login_goes_ahead_when_the_directory_stays_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "CHANGE_TIMEOUT_S", 0.0)
    with storage.changing_auth(str(tmp_path)):
        login_with_api_key(str(tmp_path), "sk-1")
    assert AuthManager(str(tmp_path)).logout() is True


def test_login_waits_for_a_change_that_is_under_way(tmp_path, monkeypatch):
    changing = storage.changing_auth(str(tmp_path))
    changing.__enter__()
    waits = []

    def end_it(seconds):
        waits.append(seconds)
        changing.__exit__(None, None, None)

    monkeypatch.setattr(time, "sleep", end_it)
    login_with_api_key(str(tmp_path), "sk-1")
    assert len(waits) == 1

"""Where credentials are kept: file, keyring, or whichever works (spec: auth.md section 15)."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import types

import pytest

from codex_login.auth import AuthManager, login_with_api_key
from codex_login.errors import CredentialsError
from codex_login.storage import FileStore, StoredAuth
from codex_login.stores import AutoStore, KeyringStore, KeyringUnavailableError, open_store

SECRET = "sk-0123456789-secret"


class MemoryKeyring:
    """A keyring that works."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str, /) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str, /) -> None:
        del self.entries[service, username]


class LockedError(Exception):
    """Not of any family we know."""


class LockedKeyring:
    """A keyring that lets nobody in."""

    def get_password(self, service: str, username: str, /) -> str | None:
        raise LockedError("The collection is locked\nand more")

    def set_password(self, service: str, username: str, password: str, /) -> None:
        raise LockedError(f"could not store {password[:0]}")

    def delete_password(self, service: str, username: str, /) -> None:
        raise LockedError


class ForgetfulKeyring(MemoryKeyring):
    """Takes everything and keeps nothing, as the backend `null` of the library does."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        pass


@pytest.fixture
def ring() -> MemoryKeyring:
    return MemoryKeyring()


def test_kinds(tmp_path):
    home = str(tmp_path)
    assert open_store(home) == FileStore(home)
    assert open_store(home, "keyring") == KeyringStore(home)
    assert open_store(home, "auto") == AutoStore(home)
    with pytest.raises(CredentialsError, match="must be one of file, keyring, auto, ephemeral, not `safe`"):
        open_store(home, "safe")


def test_the_entry_has_the_name_and_form_of_the_contract(tmp_path, ring):
    link = tmp_path / "link"
    (tmp_path / "home").mkdir()
    link.symlink_to(tmp_path / "home")
    KeyringStore(str(link), ring).write(StoredAuth(api_key=SECRET))
    digest = hashlib.sha256(os.fsencode(tmp_path / "home")).hexdigest()
    assert ring.entries == {("Codex Auth", f"cli|{digest[:16]}"): f'{{"OPENAI_API_KEY":"{SECRET}"}}'}


@pytest.mark.parametrize("kind", [KeyringStore, AutoStore])
def test_what_is_in_the_keyring_is_no_longer_in_the_file(tmp_path, ring, kind):
    login_with_api_key(str(tmp_path), "sk-old")
    store = kind(str(tmp_path), ring)
    login_with_api_key(str(tmp_path), SECRET, store=store)
    assert os.listdir(tmp_path) == []
    manager = AuthManager(str(tmp_path), store=store)
    assert manager.auth().token == SECRET
    assert manager.logout() is True
    assert ring.entries == {}
    assert store.read() is None
    assert manager.logout() is False


def test_memory_is_shared_by_who_has_it_and_nobody_else(tmp_path):
    store = open_store(str(tmp_path), "ephemeral")
    login_with_api_key(str(tmp_path), SECRET, store=store)
    assert os.listdir(tmp_path) == []
    manager = AuthManager(str(tmp_path), store=store)
    assert manager.auth().token == SECRET
    assert open_store(str(tmp_path), "ephemeral").read() is None
    assert manager.logout() is True
    assert manager.logout() is False


def test_logging_out_of_the_keyring_also_removes_the_file(tmp_path, ring):
    login_with_api_key(str(tmp_path), "sk-file")
    assert KeyringStore(str(tmp_path), ring).delete() is True
    assert os.listdir(tmp_path) == []


def test_auto_reads_the_file_of_before(tmp_path, ring):
    login_with_api_key(str(tmp_path), "sk-file")
    assert AutoStore(str(tmp_path), ring).read().api_key == "sk-file"


def test_auto_keeps_to_the_file_where_there_is_no_keyring(tmp_path):
    store = AutoStore(str(tmp_path), LockedKeyring())
    login_with_api_key(str(tmp_path), SECRET, store=store)
    assert json.loads((tmp_path / "auth.json").read_text()) == {"OPENAI_API_KEY": SECRET}
    assert store.read().api_key == SECRET
    assert store.delete() is True
    assert store.delete() is False


def test_a_keyring_that_keeps_nothing_loses_nothing(tmp_path):
    login_with_api_key(str(tmp_path), "sk-before")
    with pytest.raises(KeyringUnavailableError, match="cannot be written: the keyring does not keep them"):
        KeyringStore(str(tmp_path), ForgetfulKeyring()).write(StoredAuth(api_key=SECRET))
    assert FileStore(str(tmp_path)).read().api_key == "sk-before"
    store = AutoStore(str(tmp_path), ForgetfulKeyring())
    login_with_api_key(str(tmp_path), SECRET, store=store)
    assert store.read().api_key == SECRET


def test_a_locked_keyring_is_told_in_one_line(tmp_path):
    store = KeyringStore(str(tmp_path), LockedKeyring())
    with pytest.raises(KeyringUnavailableError) as caught:
        store.read()
    assert str(caught.value) == "the credentials in the keyring cannot be read: The collection is locked"
    with pytest.raises(KeyringUnavailableError, match="cannot be written: could not store"):
        store.write(StoredAuth(api_key=SECRET))
    with pytest.raises(KeyringUnavailableError, match="cannot be removed: The collection is locked"):
        store.delete()
    manager = AuthManager(str(tmp_path), store=store)
    assert manager.auth() is None
    assert isinstance(manager.problem, KeyringUnavailableError)


def test_an_entry_that_cannot_be_understood_is_told_without_its_content(tmp_path, ring):
    store = KeyringStore(str(tmp_path), ring)
    ring.set_password("Codex Auth", store.account, f'{{"OPENAI_API_KEY": ["{SECRET}"]}}')
    with pytest.raises(CredentialsError, match="`OPENAI_API_KEY` is not a string") as caught:
        store.read()
    assert SECRET not in str(caught.value)


def test_the_library_is_asked_for_when_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyringUnavailableError, match=r"pip install 'codex-login\[keyring\]'"):
        KeyringStore(str(tmp_path)).read()
    assert AutoStore(str(tmp_path)).read() is None


def test_the_library_is_used_where_it_is_installed(tmp_path, monkeypatch, ring):
    library = types.ModuleType("keyring")
    for name in ("get_password", "set_password", "delete_password"):
        setattr(library, name, getattr(ring, name))
    monkeypatch.setitem(sys.modules, "keyring", library)
    KeyringStore(str(tmp_path)).write(StoredAuth(api_key=SECRET))
    assert KeyringStore(str(tmp_path)).read().api_key == SECRET


def test_the_real_library_with_a_backend_of_ours(tmp_path, ring):
    keyring = pytest.importorskip("keyring", reason="the library `keyring` is not installed")
    from keyring.backend import KeyringBackend

    class Backend(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return ring.get_password(service, username)

        def set_password(self, service, username, password):
            ring.set_password(service, username, password)

        def delete_password(self, service, username):
            ring.delete_password(service, username)

    before = keyring.get_keyring()
    keyring.set_keyring(Backend())
    try:
        store = KeyringStore(str(tmp_path))
        store.write(StoredAuth(api_key=SECRET))
        assert store.read().api_key == SECRET
        assert store.delete() is True
    finally:
        keyring.set_keyring(before)

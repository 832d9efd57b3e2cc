"""Where credentials are kept: auth.json, the keyring of the system, whichever works (`auto`), or nowhere.

The keyring is reached through the library `keyring` (`pip install 'codex-login[keyring]'`), which knows
those of Linux desktops, macOS and others (spec: auth.md section 15).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from codex_login.errors import CredentialsError
from codex_login.storage import AuthStore, FileStore, delete_auth, format_auth, parse_auth, read_auth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_login.storage import StoredAuth

SERVICE = "Codex Auth"
_ACCOUNT_DIGITS = 16


class StoreKind(StrEnum):
    """The values of `cli_auth_credentials_store`."""

    FILE = "file"
    KEYRING = "keyring"
    AUTO = "auto"
    EPHEMERAL = "ephemeral"
    """In the memory of the process, and gone with it."""


class KeyringUnavailableError(CredentialsError):
    """There is no keyring on this machine, or it does not let us in."""


class Keyring(Protocol):
    """As much of the library `keyring` as is used."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """The stored text."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Stores a text."""

    def delete_password(self, service: str, username: str, /) -> None:
        """Removes it; raises if it is not there."""


def open_store(codex_home: str, kind: StoreKind | str = StoreKind.FILE) -> AuthStore:
    """The store of that kind.

    Raises: CredentialsError for a word that names none.
    """
    match kind:
        case StoreKind.FILE:
            return FileStore(codex_home)
        case StoreKind.KEYRING:
            return KeyringStore(codex_home)
        case StoreKind.AUTO:
            return AutoStore(codex_home)
        case StoreKind.EPHEMERAL:
            return MemoryStore()
        case _:
            known = ", ".join(each.value for each in StoreKind)
            raise CredentialsError(f"cli_auth_credentials_store must be one of {known}, not `{kind}`")


@dataclass(frozen=True, slots=True)
class KeyringStore:
    """Keeps the credentials in the keyring. What is written there is no longer in auth.json."""

    codex_home: str
    keyring: Keyring | None = None
    """Replaces the one of the system."""

    @property
    def account(self) -> str:
        """Under which name: it stands for this CODEX_HOME."""
        import hashlib

        canonical = os.path.realpath(self.codex_home)
        digest = hashlib.sha256(canonical.encode(errors="surrogateescape")).hexdigest()
        return f"cli|{digest[:_ACCOUNT_DIGITS]}"

    def read(self) -> StoredAuth | None:
        """The credentials in the keyring; None when there are none.

        Raises: KeyringUnavailableError; CredentialsError when they cannot be understood.
        """
        with _telling("read"):
            text = self._ring().get_password(SERVICE, self.account)
        if text is None:
            return None
        try:
            return parse_auth(text)
        except CredentialsError as error:
            raise CredentialsError(f"the credentials in the keyring cannot be used: {error}") from None

    def write(self, auth: StoredAuth) -> None:
        """Stores the credentials, then removes auth.json.

        Raises: KeyringUnavailableError; CredentialsError when auth.json cannot be removed.
        """
        text = format_auth(auth, is_compact=True)
        with _telling("written"):
            ring = self._ring()
            ring.set_password(SERVICE, self.account, text)
            if ring.get_password(SERVICE, self.account) != text:  # some backends keep nothing, on purpose
                raise OSError("the keyring does not keep them")
        delete_auth(self.codex_home)

    def delete(self) -> bool:
        """Removes the credentials, and auth.json if there is one.

        Raises: KeyringUnavailableError; CredentialsError when auth.json cannot be removed.
        """
        in_file = delete_auth(self.codex_home)
        with _telling("removed"):
            ring = self._ring()
            if ring.get_password(SERVICE, self.account) is None:
                return in_file
            ring.delete_password(SERVICE, self.account)
        return True

    def _ring(self) -> Keyring:
        if self.keyring is not None:
            return self.keyring
        from importlib import import_module

        try:
            found: Keyring = import_module("keyring")
        except ImportError as error:
            raise KeyringUnavailableError(
                "the keyring cannot be used: the Python package `keyring` is not installed "
                "(pip install 'codex-login[keyring]')"
            ) from error
        return found


@dataclass(slots=True)
class MemoryStore:
    """Keeps the credentials in memory: whoever shares this object shares them."""

    stored: StoredAuth | None = None

    def read(self) -> StoredAuth | None:
        """What was written last."""
        return self.stored

    def write(self, auth: StoredAuth) -> None:
        """Keeps it."""
        self.stored = auth

    def delete(self) -> bool:
        """Forgets it; whether there was any."""
        was_stored, self.stored = self.stored is not None, None
        return was_stored


@dataclass(frozen=True, slots=True)
class AutoStore:
    """Keeps the credentials in the keyring where there is one, else in auth.json."""

    codex_home: str
    keyring: Keyring | None = None
    """Replaces the one of the system."""

    def read(self) -> StoredAuth | None:
        """Those in the keyring, else those in auth.json. Raises: CredentialsError."""
        try:
            found = self._in_keyring.read()
        except KeyringUnavailableError:
            found = None
        return read_auth(self.codex_home) if found is None else found

    def write(self, auth: StoredAuth) -> None:
        """To the keyring; to auth.json if that is not to be had. Raises: CredentialsError."""
        try:
            self._in_keyring.write(auth)
        except KeyringUnavailableError:
            FileStore(self.codex_home).write(auth)

    def delete(self) -> bool:
        """From both. Raises: CredentialsError."""
        in_file = delete_auth(self.codex_home)
        try:
            return self._in_keyring.delete() or in_file
        except KeyringUnavailableError:
            return in_file

    @property
    def _in_keyring(self) -> KeyringStore:
        return KeyringStore(self.codex_home, self.keyring)


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Turns what keyrings raise into one sentence; they do not share a base class."""
    try:
        yield
    except CredentialsError:
        raise
    except Exception as error:
        # Backends raise whatever their desktop does: the library's own errors, D-Bus's, the system's.
        kind = type(error).__name__
        raise KeyringUnavailableError(
            f"the credentials in the keyring cannot be {what}: {_first_line(error) or kind}"
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0].strip() if lines else ""

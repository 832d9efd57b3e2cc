"""auth.json: the stored credentials and how they get on and off the disk (spec: auth.md section 1).

A write is atomic (temporary file, fsync, rename), leaves the file readable by its owner only and keeps
the fields it does not know.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from codex_login.errors import CredentialsError
from codex_login.id_token import IdTokenClaims, InvalidTokenError, read_id_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

AUTH_FILE_NAME = "auth.json"
CHANGE_TIMEOUT_S = 2.0
"""A change takes milliseconds; whoever is kept waiting for longer goes ahead."""
_CHANGE_POLL_S = 0.01
LEFTOVER_AGE_S = 60.0
"""A temporary file that old belongs to a process that was killed while it wrote."""

_TEMPORARY_PREFIX = f".{AUTH_FILE_NAME}."

_KNOWN_FIELDS = ("auth_mode", "OPENAI_API_KEY", "tokens", "last_refresh")
_KNOWN_TOKEN_FIELDS = ("id_token", "access_token", "refresh_token", "account_id")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a ChatGPT sign-in. Never printed: its representation shows none of them."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    account_id: str | None
    claims: IdTokenClaims
    """What the id_token says."""
    others: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Fields of newer programs, kept as they are."""


@dataclass(frozen=True, slots=True)
class StoredAuth:
    """The content of auth.json."""

    api_key: str | None = field(default=None, repr=False)
    tokens: Tokens | None = None
    last_refresh: datetime | None = None
    """When the tokens were last renewed; None counts as long ago."""
    auth_mode: str | None = None
    """Which of the credentials counts, where a newer program wrote that down."""
    others: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Fields of newer programs, kept as they are."""


def auth_file(codex_home: str) -> str:
    """Path of auth.json."""
    return os.path.join(codex_home, AUTH_FILE_NAME)


def read_auth(codex_home: str) -> StoredAuth | None:
    """The stored credentials; None when there is no file.

    Raises: CredentialsError when the file cannot be read or understood.
    """
    path = auth_file(codex_home)
    try:
        content = _content(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {_reason(error)}") from error
    try:
        return parse_auth(content)
    except CredentialsError as error:
        raise CredentialsError(f"{path} cannot be used: {error}") from None


def _content(path: str) -> bytes:
    import stat

    # Without O_NONBLOCK a pipe in the place of the file would be waited for.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a regular file")
        return file.read()


def parse_auth(content: str | bytes) -> StoredAuth:
    """The credentials in the text of an auth.json.

    Raises: CredentialsError; its text never holds any of the content.
    """
    import json

    try:
        data = json.loads(content)
    except json.JSONDecodeError as error:
        message = f"it is not JSON: {error.msg.lower()} at line {error.lineno} column {error.colno}"
        raise CredentialsError(message) from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise CredentialsError("it is not JSON") from None
    if not isinstance(data, dict):
        raise CredentialsError("it is not a JSON object")
    return StoredAuth(
        api_key=_optional_text(data, "OPENAI_API_KEY"),
        tokens=_tokens(data.get("tokens")),
        last_refresh=_time(_optional_text(data, "last_refresh")),
        auth_mode=_optional_text(data, "auth_mode"),
        others={name: value for name, value in data.items() if name not in _KNOWN_FIELDS},
    )


def format_auth(auth: StoredAuth, *, is_compact: bool = False) -> str:
    """The text of auth.json: two spaces of indentation, fields in the contract's order, no final newline.

    A compact one is a single line without spaces, for keyrings.
    """
    import json

    data: dict[str, object] = {}
    if auth.auth_mode is not None:
        data["auth_mode"] = auth.auth_mode
    data["OPENAI_API_KEY"] = auth.api_key
    if auth.tokens is not None:
        tokens = auth.tokens
        data["tokens"] = {
            "id_token": tokens.id_token,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "account_id": tokens.account_id,
            **tokens.others,
        }
    if auth.last_refresh is not None:
        time = auth.last_refresh.replace(tzinfo=None)
        data["last_refresh"] = f"{time.isoformat(timespec='microseconds')}Z"
    data.update(auth.others)
    if is_compact:
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(data, indent=2, ensure_ascii=False)


class AuthStore(Protocol):
    """Where the credentials of one CODEX_HOME are kept. Everything raises CredentialsError when it fails."""

    def read(self) -> StoredAuth | None:
        """The stored credentials; None when there are none."""

    def write(self, auth: StoredAuth) -> None:
        """Replaces them; what was stored stays if that fails."""

    def delete(self) -> bool:
        """Removes them; whether there were any."""


@dataclass(frozen=True, slots=True)
class FileStore:
    """Keeps the credentials in auth.json."""

    codex_home: str

    def read(self) -> StoredAuth | None:
        """As `read_auth`."""
        return read_auth(self.codex_home)

    def write(self, auth: StoredAuth) -> None:
        """As `write_auth`."""
        write_auth(self.codex_home, auth)

    def delete(self) -> bool:
        """As `delete_auth`."""
        return delete_auth(self.codex_home)


def unknown_fields(store: AuthStore) -> Mapping[str, object]:
    """What newer programs keep beside a sign-in, for the next one to keep it too.

    None of it where the store cannot be read: signing in anew is how that is mended. What lies inside
    `tokens` belongs to those tokens and goes with them.
    """
    try:
        stored = store.read()
    except CredentialsError:
        return {}
    return {} if stored is None else stored.others


@contextlib.contextmanager
def changing_auth(codex_home: str) -> Iterator[None]:
    """Keeps other processes from changing auth.json while this one looks at it and changes it.

    The directory itself is locked, so nothing is left behind, and for so short a time that a login or
    logout never waits for a renewal on its way to the issuer and back. Where the directory is not there or
    cannot be locked (some network file systems) nobody is kept out.
    """
    descriptor: int | None = None
    with contextlib.suppress(OSError):
        descriptor = os.open(codex_home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        _lock_briefly(descriptor)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock_briefly(descriptor: int) -> None:
    import fcntl
    import time

    give_up = time.monotonic() + CHANGE_TIMEOUT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return
            time.sleep(_CHANGE_POLL_S)


def write_auth(codex_home: str, auth: StoredAuth) -> None:
    """Replaces auth.json; CODEX_HOME is made (0700) if it is not there. A symbolic link stays a link.

    Raises: CredentialsError when it cannot be written; the old file is then untouched.
    """
    path = auth_file(codex_home)
    try:
        os.makedirs(codex_home, mode=0o700, exist_ok=True)
        _replace(os.path.realpath(path), format_auth(auth).encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise CredentialsError(f"{path} cannot be written: {_reason(error)}") from error


def delete_auth(codex_home: str) -> bool:
    """Removes auth.json; whether there was one. Of a symbolic link what it leads to: there are the secrets.

    Raises: CredentialsError when it cannot be removed.
    """
    path = auth_file(codex_home)
    target = os.path.realpath(path)
    _sweep(os.path.dirname(target), min_age_s=None)
    try:
        os.remove(target)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CredentialsError(f"{path} cannot be removed: {_reason(error)}") from error
    return True


def _sweep(directory: str, *, min_age_s: float | None) -> None:
    """Removes what killed processes have left behind, for there are credentials in it; None: all of it."""
    import time

    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith(_TEMPORARY_PREFIX):
                continue
            with contextlib.suppress(OSError):
                is_old = min_age_s is None or time.time() - entry.stat().st_mtime > min_age_s
                if is_old and entry.is_file(follow_symlinks=False):
                    os.remove(entry.path)


def _replace(path: str, content: bytes) -> None:
    directory = os.path.dirname(path)
    _sweep(directory, min_age_s=LEFTOVER_AGE_S)
    temporary = os.path.join(directory, f"{_TEMPORARY_PREFIX}{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise
    # The rename itself is on disk only when the directory is.
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _tokens(data: object) -> Tokens | None:
    if data is None:
        return None
    if not isinstance(data, dict):
        raise CredentialsError("`tokens` is not an object")
    id_token = _required_text(data, "id_token")
    try:
        claims = read_id_token(id_token)
    except InvalidTokenError as error:
        raise CredentialsError(f"{error} in `tokens.id_token`") from None
    return Tokens(
        id_token=id_token,
        access_token=_required_text(data, "access_token"),
        refresh_token=_required_text(data, "refresh_token"),
        account_id=_optional_text(data, "account_id"),
        claims=claims,
        others={name: value for name, value in data.items() if name not in _KNOWN_TOKEN_FIELDS},
    )


def _required_text(data: Mapping[str, object], name: str) -> str:
    value = _optional_text(data, name)
    if value is None:
        raise CredentialsError(f"missing field `{name}` in `tokens`")
    return value


def _optional_text(data: Mapping[str, object], name: str) -> str | None:
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value
    raise CredentialsError(f"`{name}` is not a string")


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CredentialsError("`last_refresh` is not a time") from None


def _reason(error: OSError) -> str:
    return f"{error.strerror} (os error {error.errno})" if error.errno else str(error)

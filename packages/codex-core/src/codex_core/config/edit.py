"""Changes to config.toml on disk (spec: config-cli.md section 11).

A change touches what it is about and nothing else. It is atomic (temporary file, fsync, rename), keeps the
file's mode and a symbolic link a link, and two processes that change the file at once lose nothing.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from codex_core.config.config import TRUSTED
from codex_core.config.document import read_document
from codex_core.config.problems import InvalidConfigError, os_error_text
from codex_core.config.sources import CONFIG_FILE_NAME, PROFILE_FILE_SUFFIX
from codex_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from codex_core.config.rewriting import TomlText

LOCK_TIMEOUT_S = 5.0
"""A change takes milliseconds; whoever holds the lock for longer hangs."""
_LOCK_POLL_S = 0.01
_BYTE_ORDER_MARK = "\ufeff"


class ConfigEditError(ConfigError):
    """config.toml could not be changed; it is as it was."""


class UnreadableConfigError(ConfigEditError):
    """config.toml cannot be read, or is not TOML."""


def edit_config(home: str, change: Callable[[TomlText], None], *, file_name: str = CONFIG_FILE_NAME) -> bool:
    """Applies `change` to the file in the directory `home`; whether that made a difference.

    File and directory are made (0600, 0700) if they are not there. It may wait for another process, so an
    event loop calls it in a thread.

    Raises:
        UnreadableConfigError: when the file cannot be read or is not TOML.
        ConfigEditError: when it cannot be written, or is locked for too long.
        UneditableTomlError: when it is not of the shape the change needs.
    """
    from codex_core.config.rewriting import TomlText

    path = os.path.join(home, file_name)
    try:
        os.makedirs(home, mode=0o700, exist_ok=True)
        target = os.path.realpath(path)
        with _locked(os.path.dirname(target), path):
            text, mark = _read(target)
            document = TomlText(text)
            change(document)
            if document.text == text:
                return False
            _replace(target, (mark + document.text).encode())
    except UnicodeEncodeError as error:
        raise ConfigEditError(
            f"{path} was not changed: a value for it holds characters that are not valid Unicode"
        ) from error
    except OSError as error:
        raise ConfigEditError(f"{path} cannot be changed: {os_error_text(error)}") from error
    return True


def set_trust(home: str, directory: str) -> bool:
    """Marks the directory, an absolute path, as trusted; whether it was not before.

    Raises: as `edit_config`.
    """
    return edit_config(home, lambda text: text.set(("projects", directory, "trust_level"), TRUSTED))


def set_default_model(
    home: str, *, model: str | None, effort: str | None, profile: str | None = None
) -> bool:
    """Makes model and reasoning effort the defaults of new sessions; None removes the key.

    They go where they take effect: into the profile given, or else the one config.toml names, or else to the
    top level. A profile that lives in a file of its own is changed there.

    Raises: as `edit_config`.
    """

    def change(text: TomlText) -> None:
        # Read under the lock: the profile may have been changed since this process started.
        active = profile if profile is not None else text.get(("profile",))
        table: tuple[str, ...] = ()
        if isinstance(active, str) and active:
            if text.get(("profiles", active)) is None and _has_profile_file(home, active):
                own_file.append(active + PROFILE_FILE_SUFFIX)
                return
            table = ("profiles", active)
        _set_model(text, table, model, effort)

    own_file: list[str] = []
    changed = edit_config(home, change)
    for file_name in own_file:
        changed = edit_config(home, lambda text: _set_model(text, (), model, effort), file_name=file_name)
    return changed


def set_mcp_server(home: str, name: str, entry: Mapping[str, object]) -> bool:
    """Makes `[mcp_servers.NAME]` hold these keys and no others; whether it did not before.

    Raises: as `edit_config`.
    """
    return edit_config(home, lambda text: text.replace_table(("mcp_servers", name), entry))


def remove_mcp_server(home: str, name: str) -> bool:
    """Takes the server out; whether there was one of that name.

    Raises: as `edit_config`.
    """
    if not os.path.lexists(os.path.join(home, CONFIG_FILE_NAME)):
        return False
    return edit_config(home, lambda text: _remove_mcp_server(text, name))


def _remove_mcp_server(text: TomlText, name: str) -> None:
    text.remove(("mcp_servers", name))


def _set_model(text: TomlText, table: tuple[str, ...], model: str | None, effort: str | None) -> None:
    for key, value in (("model", model), ("model_reasoning_effort", effort)):
        if value is None:
            text.remove((*table, key))
        else:
            text.set((*table, key), value)


def _has_profile_file(home: str, profile: str) -> bool:
    return (
        os.sep not in profile
        and "\0" not in profile
        and os.path.isfile(os.path.join(home, profile + PROFILE_FILE_SUFFIX))
    )


def _read(target: str) -> tuple[str, str]:
    """The text and the byte order mark in front of it, if any."""
    try:
        document = read_document(target)
    except InvalidConfigError as error:
        problem = error.problems[0]
        raise UnreadableConfigError(f"{problem}; correct that first, the file was not changed") from error
    if document is None:
        return "", ""
    with open(target, "rb") as file:
        has_mark = file.read(3) == _BYTE_ORDER_MARK.encode()
    return document.text, _BYTE_ORDER_MARK if has_mark else ""


@contextlib.contextmanager
def _locked(directory: str, path: str) -> Iterator[None]:
    """Keeps other processes from changing the file. The directory is locked, so nothing is left behind.

    Where directories cannot be locked (some network file systems) nobody is kept out.
    """
    import errno
    import fcntl
    import time

    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        give_up = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    message = f"{path} was not changed, because another process has been changing it for long"
                    raise ConfigEditError(message) from None
                time.sleep(_LOCK_POLL_S)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
                    raise
                break
        yield
    finally:
        os.close(descriptor)


def _replace(target: str, content: bytes) -> None:
    """Puts the content in the place of the file, whole or not at all."""
    before = _writable_file(target)
    directory = os.path.dirname(target)
    temporary = os.path.join(directory, f".{os.path.basename(target)}.{os.getpid()}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            if before is not None:
                # Somebody else's file stays theirs where we are allowed to say so.
                with contextlib.suppress(OSError):
                    os.fchown(descriptor, before.st_uid, before.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise
    # The rename itself is on disk only when the directory is.
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _writable_file(target: str) -> os.stat_result | None:
    """What is known of the file, None if there is none; a file made read-only is meant to stay as it is."""
    import errno

    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return status

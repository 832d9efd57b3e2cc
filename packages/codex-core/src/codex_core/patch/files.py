"""Files as a patch touches them: whole texts in, whole texts out, and no link followed out of the workspace.

A file is replaced by renaming a finished copy over it, so that whoever looks sees the old text or the new.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from codex_core.errors import PatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_UTF8 = "stream did not contain valid UTF-8"
NUL_IN_NAME = "file name contained an unexpected NUL byte"

_NO_COPY_BESIDE = frozenset((errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.ENOENT))
"""Why a copy beside a file may be impossible although the file itself can be written."""

_NAMES_ARE_UTF8 = sys.getfilesystemencoding() == "utf-8"

_NEW_FILE_MODE = 0o666  # less the umask


class FileError(Exception):
    """A file cannot be read or written; `str()` is the reason alone, without a path."""


class LinkError(PatchError):
    """A symbolic link would lead a change out of the workspace."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Refused to follow a symbolic link out of the workspace: {path}")


class Workspace:
    """Turns the paths of a patch into the places they mean, and holds links to the directories they are in.

    A link may lead anywhere below `directory` or one of the other `roots`. A path that is outside by its own
    spelling was allowed by whoever allowed the patch; there a link may not lead out of the directory named.
    """

    __slots__ = ("_directory", "_real_roots")

    def __init__(self, directory: str, roots: Iterable[str] = ()) -> None:
        self._directory = os.path.join(os.getcwd(), directory)
        self._real_roots = tuple(os.path.realpath(root) for root in (directory, *roots))

    def locate(self, path: str) -> str:
        """`path` made absolute, and nothing else changed."""
        if not _NAMES_ARE_UTF8:
            # Under such a locale Python would give the file a name of other bytes than the patch has.
            path = os.fsdecode(path.encode("utf-8", "surrogatepass"))
        return os.path.join(self._directory, path)

    def target(self, path: str) -> str:
        """The place that is written when `path` is: links followed.

        Raises: LinkError, FileError when it cannot be the name of a file.
        """
        with _Reasons():
            located = self.locate(path)
            if os.path.basename(located) in ("", ".", ".."):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
            return self._checked(path, os.path.realpath(located))

    def entry(self, path: str) -> str:
        """The place that is removed when `path` is: links in its directory followed, itself not.

        Raises: LinkError, FileError.
        """
        with _Reasons():
            directory, name = os.path.split(self.locate(path))
            return self._checked(path, os.path.join(os.path.realpath(directory), name))

    def _checked(self, path: str, place: str) -> str:
        if any(_is_below(place, root) for root in self._real_roots):
            return place
        plain = os.path.normpath(self.locate(path))
        is_inside = _is_below(plain, os.path.normpath(self._directory))
        if is_inside or not _is_below(place, os.path.realpath(os.path.dirname(plain))):
            raise LinkError(path)
        return place


def _is_below(path: str, root: str) -> bool:
    return path.startswith(root if root.endswith("/") else root + "/")


class _Reasons:
    """Turns what the operating system raises into FileError, worded as scripts know it (spec: E.4)."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, UnicodeError):
            raise FileError(NOT_UTF8) from error
        if isinstance(error, ValueError):
            raise FileError(NUL_IN_NAME) from error
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise FileError(f"{reason} (os error {error.errno})" if error.errno else reason) from error


def read_text(path: str) -> str:
    """The text of a regular file, links followed, line ends untouched.

    Raises: FileError.
    """
    return read_text_and_mode(path)[0]


def read_text_and_mode(path: str) -> tuple[str, int]:
    """The same with the file's permission bits."""
    with _Reasons(), open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        _require_regular(status)
        return file.read().decode("utf-8"), stat.S_IMODE(status.st_mode)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe would make us wait for its writer


def make_parents(path: str) -> None:
    """Creates the directories above `path` that are missing.

    Raises: FileError.
    """
    with _Reasons():
        os.makedirs(os.path.dirname(path), exist_ok=True)


def write_text(target: str, text: str, *, mode: int | None = None) -> None:
    """Makes `text` the content of `target`, at once; `target` is a place without links.

    The file keeps its permissions and owner unless `mode` says otherwise; a new one gets the usual ones.

    Raises: FileError; then the old content is still there.
    """
    with _Reasons():
        content = text.encode("utf-8")
        try:
            before = os.lstat(target)
        except FileNotFoundError:
            before = None
        if before is not None:
            _require_regular(before)
            if not os.access(target, os.W_OK):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            if mode is None:
                mode = stat.S_IMODE(before.st_mode)
        try:
            _replace(target, content, before, mode)
        except OSError as error:
            if before is None or error.errno not in _NO_COPY_BESIDE:
                raise
            _overwrite(target, content, mode)


def remove(entry: str) -> None:
    """Removes a file or a link.

    Raises: FileError.
    """
    with _Reasons():
        os.unlink(entry)


def finish_move(source: str, target: str) -> None:
    """Removes `source` after its text was written to `target`, unless both are one file.

    Raises: FileError.
    """
    with _Reasons():
        if not os.path.samestat(os.lstat(source), os.lstat(target)):
            os.unlink(source)
        elif source != target:
            os.rename(source, target)  # one file by two spellings, as on disks that ignore case


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file")


def _replace(target: str, content: bytes, before: os.stat_result | None, mode: int | None) -> None:
    directory, _ = os.path.split(target)
    copy = os.path.join(directory, f".apply_patch-{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    # Never readable by more people than the file itself, not even while it is empty.
    handle = os.open(copy, flags, _NEW_FILE_MODE if mode is None else mode & 0o700)
    try:
        with open(handle, "wb") as file:
            if before is not None:
                _adopt(handle, target, before)
            if mode is not None:
                os.fchmod(handle, mode)
            file.write(content)
        os.replace(copy, target)
    except BaseException:
        try:
            os.unlink(copy)
        except OSError:
            pass
        raise


def _adopt(handle: int, target: str, before: os.stat_result) -> None:
    """Gives the copy the owner and extended attributes of the file, as far as we may."""
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.fchown(handle, before.st_uid, before.st_gid)
        except OSError:
            pass
    if hasattr(os, "listxattr"):
        try:
            for name in os.listxattr(target):
                os.setxattr(handle, name, os.getxattr(target, name))
        except OSError:
            pass


def _overwrite(target: str, content: bytes, mode: int | None) -> None:
    """Writes into the file itself, where it cannot be replaced: a mount point, a closed directory."""
    handle = os.open(target, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.ftruncate(handle, len(content))
        if mode is not None and stat.S_IMODE(os.fstat(handle).st_mode) != mode:
            os.fchmod(handle, mode)

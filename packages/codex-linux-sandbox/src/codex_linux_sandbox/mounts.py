"""The file system as the command sees it: read-only but for the writable roots, with a /dev of its own.

Works inside a mount namespace this process alone has. Everything is opened and attached by descriptor, so
that nothing can be exchanged for a symbolic link between the check and the use.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

from . import libc
from .landlock import DEVICES, open_exactly

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_FROM_DESCRIPTOR, _MOVE_TO_DESCRIPTOR = 0x4, 0x40
_ATTRIBUTES = struct.Struct("=QQQQ")  # set, clear, propagation, user namespace
_READ_ONLY, _NO_SUID, _NO_DEVICES = 0x1, 0x2, 0x4
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 0x4000, 1 << 18

SHARED_MEMORY, TERMINALS = "/dev/shm", "/dev/pts"  # noqa: S108 -- private to the command
_DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}


def arrange(
    writable: list[str], protected: list[str], vacant: list[str], held: dict[str, int] | None = None
) -> list[str]:
    """Changes the mounts; the paths that are writable afterwards.

    `writable` are canonical and none is below another. `protected` are canonical paths that stay read-only
    although they may be below one of those, and so do the open directories `held` at their paths. `vacant`
    are places that will be covered later. The working directory stays what it was by name.

    Raises: OSError.
    """
    here = os.getcwd()
    libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    trees = [(path, _clone(path)) for path in writable if path != "/"]
    if "/" not in writable:
        _set_attributes(_AT_FDCWD, b"/", _READ_ONLY | _NO_SUID, recursive=True)
    private = [] if any(_is_at_or_below(path, "/dev") for path in writable) else _make_devices()
    libc.mount(b"proc", b"/proc", b"proc", _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)
    attached = [path for path, tree in trees if tree is not None and _attach(tree, path)]
    if "/" in writable:
        attached.append("/")
    held = held or {}
    for path in _ways([*protected, *vacant, *held], attached):
        tree = _clone(path)
        if tree is None or not _attach(tree, path):
            raise OSError(errno.ENOENT, f"cannot keep {path} in its place")
    for path in protected:
        cover(path)
    for path, descriptor in held.items():
        # By a descriptor of this namespace; the other one leads to the mounts outside.
        place = open_exactly(path, link=True)
        if place is None:
            raise OSError(errno.ENOENT, f"cannot keep {path} from being created")
        try:
            if not os.path.samestat(os.fstat(place), os.fstat(descriptor)):
                raise OSError(errno.EEXIST, f"cannot keep {path} from being created")
            cover_directory(place)
        finally:
            os.close(place)
    os.chdir(here)  # by name, or it would stay below the mounts made since
    return attached + private


def cover(path: str) -> None:
    """Makes what is at canonical `path` read-only and impossible to move; nothing is done if it is missing.

    Raises: OSError.
    """
    tree = _clone(path, link=True)
    if tree is not None:
        _set_attributes(tree, b"", _READ_ONLY, recursive=True)
        if not _attach(tree, path, link=True):
            raise OSError(errno.ENOENT, f"cannot protect {path}")


def cover_directory(descriptor: int) -> None:
    """As `cover`, for an open directory. Raises: OSError."""
    tree = _clone_open(descriptor)
    try:
        _set_attributes(tree, b"", _READ_ONLY, recursive=True)
        _move(tree, descriptor)
    finally:
        os.close(tree)


def uncover(path: str) -> None:
    """Undoes `cover`. Raises: OSError."""
    libc.unmount(path.encode("utf-8", "surrogateescape"))


def empty_shared_memory() -> bool:
    """Puts a new file system in the place of a private /dev/shm that is not empty; false if it is empty.

    Raises: OSError.
    """
    if not os.listdir(SHARED_MEMORY):
        return False
    libc.unmount(SHARED_MEMORY.encode())
    _mount_shared_memory()
    return True


def _mount_shared_memory() -> None:
    libc.mount(b"tmpfs", SHARED_MEMORY.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, b"mode=1777")


def _ways(paths: list[str], roots: list[str]) -> list[str]:
    """The directories between `roots` and `paths`, outer ones first.

    Each becomes a mount of its own, because a mount cannot be renamed: else a whole directory with a
    protected one in it could be moved aside, and another put in its place.
    """
    ways: dict[str, None] = {}
    for path in paths:
        for root in roots:
            way = os.path.dirname(path)
            while way != root and _is_at_or_below(way, root):
                ways[way] = None
                way = os.path.dirname(way)
    return sorted(ways)


def _is_at_or_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _clone(path: str, *, link: bool = False) -> int | None:
    """A detached copy of the mounts at and below `path`; None when it cannot be opened.

    With `link`, a symbolic link at the end of `path` is copied as such: it can then not be exchanged.
    """
    descriptor = open_exactly(path, link=link)
    if descriptor is None:
        return None
    try:
        return _clone_open(descriptor)
    finally:
        os.close(descriptor)


def _clone_open(descriptor: int) -> int:
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_EMPTY_PATH | _AT_RECURSIVE
    return libc.syscall(_OPEN_TREE, descriptor, b"", flags)


def _attach(tree: int, path: str, *, link: bool = False) -> bool:
    descriptor = open_exactly(path, link=link)
    if descriptor is None:
        os.close(tree)
        return False
    try:
        _move(tree, descriptor)
    finally:
        os.close(descriptor)
        os.close(tree)
    return True


def _move(tree: int, place: int) -> None:
    libc.syscall(_MOVE_MOUNT, tree, b"", place, b"", _MOVE_FROM_DESCRIPTOR | _MOVE_TO_DESCRIPTOR)


def _set_attributes(place: int, path: bytes, attributes: int, *, recursive: bool) -> None:
    flags = (0 if path else _AT_EMPTY_PATH) | (_AT_RECURSIVE if recursive else 0)
    packed = _ATTRIBUTES.pack(attributes, 0, 0, 0)
    libc.syscall(_MOUNT_SETATTR, place, path, flags, packed, _ATTRIBUTES.size)


def _make_devices() -> list[str]:
    """Puts a new /dev in place: harmless devices, terminals and shared memory of its own."""
    trees = [(device, _clone(device)) for device in DEVICES]
    libc.mount(b"tmpfs", b"/dev", b"tmpfs", _MS_NOSUID | _MS_NOEXEC, b"mode=755,size=64k")
    for device, tree in trees:
        if tree is not None:
            os.mknod(device, stat.S_IFREG | 0o666)
            _attach(tree, device)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir(SHARED_MEMORY)
    _mount_shared_memory()
    os.mkdir(TERMINALS)
    options = b"newinstance,ptmxmode=0666,mode=620"
    libc.mount(b"devpts", TERMINALS.encode(), b"devpts", _MS_NOSUID | _MS_NOEXEC, options)
    _set_attributes(_AT_FDCWD, b"/dev", _READ_ONLY, recursive=False)
    return [SHARED_MEMORY, TERMINALS]

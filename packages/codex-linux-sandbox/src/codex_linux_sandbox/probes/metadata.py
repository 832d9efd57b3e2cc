"""Probes of file metadata. Landlock has no rights for it: only read-only mounts refuse changes by place."""

from __future__ import annotations

import fcntl
import os

from .catalog import NETWORK, NEVER, WHERE_WRITABLE, WORKSPACE, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

CATALOG = Catalog("metadata", furnished=True)

_WRITABLE_MODES = (WORKSPACE, NETWORK)
_FS_IOC_GETFLAGS, _FS_IOC_SETFLAGS = 0x80086601, 0x40086602
_NO_DUMP_FLAG = 0x40


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def chmod_outside(props: Props) -> None:
    """change the mode of a file outside."""
    os.chmod(props.target, 0o600)


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def fchmod_outside(props: Props) -> None:
    """change the mode of a file outside that is open for reading."""
    descriptor = os.open(props.target, os.O_RDONLY)
    os.fchmod(descriptor, 0o600)


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def chown_outside(props: Props) -> None:
    """change the owner of a file outside (to the same one)."""
    os.chown(props.target, os.getuid(), -1)


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def utime_outside(props: Props) -> None:
    """change the times of a file outside."""
    os.utime(props.target, (0, 0))


@CATALOG.probe(NEVER, beyond_landlock=_WRITABLE_MODES)
def setxattr_outside(props: Props) -> None:
    """set an extended attribute of a file outside."""
    os.setxattr(props.target, "user.probe", b"x")


@CATALOG.probe(NEVER)
def flags_outside(props: Props) -> None:
    """change the attribute flags of a file outside (chattr)."""
    descriptor = os.open(props.target, os.O_RDONLY)
    flags = int.from_bytes(fcntl.ioctl(descriptor, _FS_IOC_GETFLAGS, bytes(8))[:4], "little")
    fcntl.ioctl(descriptor, _FS_IOC_SETFLAGS, (flags | _NO_DUMP_FLAG).to_bytes(8, "little"))


@CATALOG.probe(WHERE_WRITABLE)
def chmod_inside(props: Props) -> None:
    """change the mode of a file in the workspace."""
    os.chmod(os.path.join(props.inside, "target"), 0o700)


@CATALOG.probe(WHERE_WRITABLE)
def utime_inside(props: Props) -> None:
    """change the times of a file in the workspace."""
    os.utime(os.path.join(props.inside, "target"), (0, 0))


@CATALOG.probe(WHERE_WRITABLE)
def setxattr_inside(props: Props) -> None:
    """set an extended attribute of a file in the workspace."""
    os.setxattr(os.path.join(props.inside, "target"), "user.probe", b"x")

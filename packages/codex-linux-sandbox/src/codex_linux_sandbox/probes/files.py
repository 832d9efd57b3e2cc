"""Probes of file contents and directory entries outside the writable roots, and of device nodes inside."""

from __future__ import annotations

import ctypes
import os
import platform
import stat

from .calls import syscall
from .catalog import NEVER, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

CATALOG = Catalog("files outside", furnished=True)

_RENAMEAT2 = {"x86_64": 316, "aarch64": 276}
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_AT_SYMLINK_FOLLOW = 0x400


def _write(path: str, flags: int = os.O_WRONLY) -> None:
    descriptor = os.open(path, flags, 0o644)
    try:
        os.write(descriptor, b"changed")
    finally:
        os.close(descriptor)


@CATALOG.probe(NEVER)
def create_outside(props: Props) -> None:
    """create a file outside."""
    _write(os.path.join(props.outside, "new"), os.O_WRONLY | os.O_CREAT | os.O_EXCL)


@CATALOG.probe(NEVER)
def overwrite_outside(props: Props) -> None:
    """overwrite a file outside."""
    _write(props.target)


@CATALOG.probe(NEVER)
def overwrite_read_write_outside(props: Props) -> None:
    """open a file outside for reading and writing."""
    _write(props.target, os.O_RDWR)


@CATALOG.probe(NEVER)
def append_outside(props: Props) -> None:
    """append to a file outside."""
    _write(props.target, os.O_WRONLY | os.O_APPEND)


@CATALOG.probe(NEVER)
def truncate_on_open_outside(props: Props) -> None:
    """truncate a file outside while opening it."""
    _write(props.target, os.O_WRONLY | os.O_TRUNC)


@CATALOG.probe(NEVER)
def truncate_read_only_outside(props: Props) -> None:
    """truncate a file outside while opening it for reading only."""
    os.close(os.open(props.target, os.O_RDONLY | os.O_TRUNC))


@CATALOG.probe(NEVER)
def truncate_by_path_outside(props: Props) -> None:
    """truncate a file outside by its path."""
    os.truncate(props.target, 0)


@CATALOG.probe(NEVER)
def unlink_outside(props: Props) -> None:
    """delete a file outside."""
    os.unlink(props.target)


@CATALOG.probe(NEVER)
def mkdir_outside(props: Props) -> None:
    """make a directory outside."""
    os.mkdir(os.path.join(props.outside, "new"))


@CATALOG.probe(NEVER)
def rmdir_outside(props: Props) -> None:
    """remove a directory outside."""
    os.rmdir(os.path.join(props.outside, "empty"))


@CATALOG.probe(NEVER)
def symlink_outside(props: Props) -> None:
    """make a symbolic link outside."""
    os.symlink("target", os.path.join(props.outside, "new"))


@CATALOG.probe(NEVER)
def fifo_outside(props: Props) -> None:
    """make a named pipe outside."""
    os.mkfifo(os.path.join(props.outside, "new"))


@CATALOG.probe(NEVER)
def regular_node_outside(props: Props) -> None:
    """make an empty file outside without opening it."""
    os.mknod(os.path.join(props.outside, "new"), stat.S_IFREG | 0o600)


@CATALOG.probe(NEVER)
def socket_node_outside(props: Props) -> None:
    """make a socket node outside."""
    os.mknod(os.path.join(props.outside, "new"), stat.S_IFSOCK | 0o600)


@CATALOG.probe(NEVER)
def unnamed_file_outside(props: Props) -> None:
    """make an unnamed temporary file outside and give it a name."""
    descriptor = os.open(props.outside, os.O_TMPFILE | os.O_WRONLY, 0o600)
    source = f"/proc/self/fd/{descriptor}".encode()
    new = os.fsencode(os.path.join(props.outside, "new"))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.linkat(_AT_FDCWD, source, _AT_FDCWD, new, _AT_SYMLINK_FOLLOW) < 0:
        raise OSError(ctypes.get_errno(), "linkat")


@CATALOG.probe(NEVER)
def rename_outside(props: Props) -> None:
    """rename a file outside."""
    os.rename(props.target, os.path.join(props.outside, "new"))


@CATALOG.probe(NEVER)
def rename_to_outside(props: Props) -> None:
    """move a file from inside to outside."""
    os.rename(os.path.join(props.inside, "target"), os.path.join(props.outside, "new"))


@CATALOG.probe(NEVER)
def rename_from_outside(props: Props) -> None:
    """move a file from outside to inside."""
    os.rename(props.target, os.path.join(props.inside, "new"))


@CATALOG.probe(NEVER)
def exchange_with_outside(props: Props) -> None:
    """exchange a file inside with one outside."""
    inner = os.fsencode(os.path.join(props.inside, "target"))
    outer = os.fsencode(props.target)
    number = _RENAMEAT2[platform.machine()]
    syscall(number, _AT_FDCWD, inner, _AT_FDCWD, outer, _RENAME_EXCHANGE)


@CATALOG.probe(NEVER)
def link_to_outside(props: Props) -> None:
    """hard-link a file inside to a name outside."""
    os.link(os.path.join(props.inside, "target"), os.path.join(props.outside, "new"))


@CATALOG.probe(NEVER)
def link_from_outside(props: Props) -> None:
    """hard-link a file outside to a name inside and write through it."""
    name = os.path.join(props.inside, "new")
    os.link(props.target, name)
    _write(name)


@CATALOG.probe(NEVER)
def write_through_symlink(props: Props) -> None:
    """write outside through a symbolic link."""
    link = os.path.join(props.inside, "link")
    if os.access(props.inside, os.W_OK):
        os.symlink(props.target, link)
    _write(link)


@CATALOG.probe(NEVER)
def write_through_directory_symlink(props: Props) -> None:
    """create a file outside through a symbolic link to its directory."""
    link = os.path.join(props.inside, "link")
    os.symlink(props.outside, link)
    _write(os.path.join(link, "new"), os.O_WRONLY | os.O_CREAT)


@CATALOG.probe(NEVER)
def write_through_dot_dot(props: Props) -> None:
    """write outside by a path that climbs out of the workspace."""
    os.chdir(props.inside)
    _write(os.path.relpath(props.target))


@CATALOG.probe(NEVER)
def write_through_directory_descriptor(props: Props) -> None:
    """create a file outside relative to an open directory."""
    directory = os.open(props.outside, os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=directory))


@CATALOG.probe(NEVER)
def reopen_descriptor_for_writing(props: Props) -> None:
    """open a file outside for reading, then again for writing through /proc/self/fd."""
    descriptor = os.open(props.target, os.O_RDONLY)
    _write(f"/proc/self/fd/{descriptor}")


@CATALOG.probe(NEVER)
def write_through_process_root(props: Props) -> None:
    """write outside through the root directory of another process."""
    _write(f"/proc/{props.victim_pid}/root{props.target}")


@CATALOG.probe(NEVER)
def write_through_process_cwd(props: Props) -> None:
    """write outside through /proc/self/cwd."""
    os.chdir(props.outside)
    _write("/proc/self/cwd/target")


@CATALOG.probe(NEVER, root_only=True)
def write_by_file_handle(props: Props) -> None:
    """write outside by a file handle instead of a path."""
    handle = ctypes.create_string_buffer((128).to_bytes(4, "little"), 8 + 128)
    mount_id = ctypes.create_string_buffer(4)
    numbers = {"x86_64": (303, 304), "aarch64": (264, 265)}[platform.machine()]
    syscall(numbers[0], _AT_FDCWD, os.fsencode(props.target), handle, mount_id, 0)
    mount = os.open(props.outside, os.O_RDONLY)
    descriptor = syscall(numbers[1], mount, handle, os.O_WRONLY)
    os.write(descriptor, b"changed")


@CATALOG.probe(NEVER, root_only=True)
def write_after_chroot(props: Props) -> None:
    """write outside after changing the root directory."""
    os.chroot(props.outside)
    _write("/target")


@CATALOG.probe(NEVER, root_only=True)
def character_device_inside(props: Props) -> None:
    """make a character device node in the workspace."""
    os.mknod(os.path.join(props.inside, "new"), stat.S_IFCHR | 0o600, os.makedev(1, 3))


@CATALOG.probe(NEVER)
def whiteout_inside(props: Props) -> None:
    """make a whiteout, the one character device an ordinary user may make, in the workspace."""
    os.mknod(os.path.join(props.inside, "new"), stat.S_IFCHR | 0o600, os.makedev(0, 0))


@CATALOG.probe(NEVER, root_only=True)
def block_device_inside(props: Props) -> None:
    """make a block device node in the workspace."""
    os.mknod(os.path.join(props.inside, "new"), stat.S_IFBLK | 0o600, os.makedev(7, 0))


@CATALOG.probe(NEVER, root_only=True)
def open_kernel_setting(_props: Props) -> None:
    """open a kernel setting below /proc/sys for writing."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))


@CATALOG.probe(NEVER, root_only=True)
def open_hostname_setting(_props: Props) -> None:
    """open the host name below /proc/sys for writing."""
    os.close(os.open("/proc/sys/kernel/hostname", os.O_WRONLY))


@CATALOG.probe(NEVER, root_only=True)
def open_sysrq_trigger(_props: Props) -> None:
    """open /proc/sysrq-trigger for writing."""
    os.close(os.open("/proc/sysrq-trigger", os.O_WRONLY))


@CATALOG.probe(NEVER, root_only=True)
def open_sys_setting(_props: Props) -> None:
    """open a setting below /sys for writing."""
    os.close(os.open("/sys/kernel/profiling", os.O_WRONLY))


@CATALOG.probe(NEVER, root_only=True)
def open_kernel_messages(_props: Props) -> None:
    """open /dev/kmsg for writing."""
    os.close(os.open("/dev/kmsg", os.O_WRONLY))

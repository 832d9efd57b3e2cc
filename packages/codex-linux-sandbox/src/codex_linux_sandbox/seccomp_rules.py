"""Which system calls are refused, and why: tables without behaviour. `seccomp` turns them into a filter.

Everything not listed is allowed. A rule without conditions refuses the call; with conditions, only calls that
meet all of them. `int` arguments are compared by their low 32 bits, because the kernel drops the others and a
program can put anything there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # (index of the argument, mask, value): the condition is `argument & mask == value`, or, where the mask is
    # ANY_BUT, `argument != value` at full width
    Condition: TypeAlias = tuple[int, int, int]
    Rule: TypeAlias = tuple[str, tuple[Condition, ...]]

ANY_BUT = 0

_LOW = 0xFFFFFFFF

# Numbers of calls that the libseccomp in use may be too old to know by name; the same on both architectures.
NUMBERS = {
    "pidfd_getfd": 438,
    "clone3": 435,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "openat2": 437,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}

# Ways round the other layers, other processes' memory and secrets, and wide kernel surfaces no build needs.
ALWAYS = (  # noqa: SIM905 -- fifty words read better as text
    # io_uring does file and socket work without any system call this filter could see
    "io_uring_setup io_uring_enter io_uring_register "
    # other processes
    "ptrace process_vm_readv process_vm_writev pidfd_getfd "
    # kernel keyrings are shared with every process of the user
    "add_key request_key keyctl "
    "bpf perf_event_open userfaultfd lookup_dcookie fanotify_init open_by_handle_at "
    # mounts and roots
    "mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick "
    "mount_setattr setns swapon swapoff quotactl quotactl_fd acct "
    # the machine: refused to ordinary users anyway, and to root here
    "kexec_load kexec_file_load init_module finit_module delete_module reboot sethostname setdomainname "
    "settimeofday clock_settime clock_adjtime adjtimex iopl ioperm vhangup syslog"
).split()

# What only changes metadata. Landlock cannot tell where; with nothing writable the answer is "nowhere".
METADATA = (  # noqa: SIM905
    "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat "
    "setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr"
).split()

# Without network access: sockets that reach another process. socketpair() stays, with send and receive on it.
NETWORK = ("connect", "accept", "accept4", "bind", "listen")

NAMESPACE_FLAGS = {
    "CLONE_NEWTIME": 0x80,
    "CLONE_NEWNS": 0x20000,
    "CLONE_NEWCGROUP": 0x2000000,
    "CLONE_NEWUTS": 0x4000000,
    "CLONE_NEWIPC": 0x8000000,
    "CLONE_NEWUSER": 0x10000000,
    "CLONE_NEWPID": 0x20000000,
    "CLONE_NEWNET": 0x40000000,
}

IOCTL_REQUESTS = {
    "TIOCSTI": 0x5412,  # types into a terminal, also one we only inherited
    "TIOCLINUX": 0x541C,  # pastes into a console
    "TIOCCONS": 0x541D,
    "TIOCSETD": 0x5423,  # loads line disciplines
    # These change a file or its file system through a descriptor that is only open for reading.
    "FS_IOC_SETFLAGS": 0x40086602,
    "FS_IOC32_SETFLAGS": 0x40046602,
    "FS_IOC_SETVERSION": 0x40087602,
    "FS_IOC_FSSETXATTR": 0x401C5820,
    "FIFREEZE": 0xC0045877,
    "FITHAW": 0xC0045878,
    "FITRIM": 0xC0185879,
    "BTRFS_IOC_SNAP_CREATE": 0x50009401,
    "BTRFS_IOC_SUBVOL_CREATE": 0x5000940E,
    "BTRFS_IOC_SNAP_DESTROY": 0x5000940F,
    "BTRFS_IOC_SNAP_CREATE_V2": 0x50009417,
    "BTRFS_IOC_SUBVOL_CREATE_V2": 0x50009418,
    "BTRFS_IOC_SUBVOL_SETFLAGS": 0x4008941A,
    "BTRFS_IOC_SNAP_DESTROY_V2": 0x5000943F,
}

_AF_UNIX = 1
_DATAGRAM_BIT = 0x2  # set in SOCK_DGRAM and SOCK_RAW, not in SOCK_STREAM and SOCK_SEQPACKET
_O_ACCMODE, _O_TRUNC = 0o3, 0o1000


def refusals(*, network: bool, writes: bool, truncate_covered: bool) -> list[Rule]:
    """The calls to answer with EPERM.

    `writes`: whether anything at all may be written. `truncate_covered`: whether Landlock knows truncation
    (ABI 3); if not, the ways to truncate a file without opening it for writing are refused here.
    """
    rules: list[Rule] = [(name, ()) for name in ALWAYS]
    for flag in NAMESPACE_FLAGS.values():
        rules.append(("unshare", ((0, flag, flag),)))
        if flag > 0xFF:  # the low byte of clone's flags is the exit signal
            rules.append(("clone", ((0, flag, flag),)))
    # Limits of another process; one's own are process 0.
    rules.append(("prlimit64", ((0, ANY_BUT, 0), (2, ANY_BUT, 0))))
    rules += [("ioctl", ((1, _LOW, request),)) for request in IOCTL_REQUESTS.values()]
    if not writes:
        rules += [(name, ()) for name in METADATA]
    if not truncate_covered:
        rules += [("truncate", ()), ("open", ((1, _O_ACCMODE | _O_TRUNC, _O_TRUNC),))]
        rules += [("openat", ((2, _O_ACCMODE | _O_TRUNC, _O_TRUNC),))]
    if not network:
        rules += [(name, ()) for name in NETWORK]
        for name in ("socket", "socketpair"):
            rules.append((name, ((0, ANY_BUT, _AF_UNIX),)))
            # A datagram socket can name any receiver in sendmsg(), inside memory a filter cannot see.
            rules.append((name, ((1, _DATAGRAM_BIT, _DATAGRAM_BIT),)))
    return rules


def unavailable(*, openat2: bool) -> list[str]:
    """The calls to answer with ENOSYS: their flags are in memory, and every caller has an older way to go."""
    return ["clone3", "openat2"] if openat2 else ["clone3"]

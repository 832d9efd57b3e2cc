"""Probes of namespaces, mounts, kernel settings and the parts of the kernel no build needs."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import socket

from .calls import IS_X86_64, by_machine, reaches_kernel, syscall
from .catalog import NEVER, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

CATALOG = Catalog("namespaces and kernel")

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWUSER = 0x20000, 0x4000000, 0x10000000
_CLONE_NEWPID, _CLONE_NEWNET, _CLONE_NEWIPC = 0x20000000, 0x40000000, 0x8000000
_SIGCHLD = 17
_MS_BIND = 4096
_TIOCSTI = 0x5412
_PR_GET_NO_NEW_PRIVS = 39

_UNSHARE = by_machine(272, 97)
_MOUNT, _UMOUNT, _PIVOT_ROOT = by_machine(165, 40), by_machine(166, 39), by_machine(155, 41)


@CATALOG.probe(NEVER)
def user_namespace(_props: Props) -> None:
    """make a user namespace."""
    syscall(_UNSHARE, _CLONE_NEWUSER)


@CATALOG.probe(NEVER)
def user_namespace_by_clone(_props: Props) -> None:
    """make a user namespace with a new process."""
    _clone(_CLONE_NEWUSER)


@CATALOG.probe(NEVER)
def user_namespace_by_clone3(_props: Props) -> None:
    """make a user namespace with a new process, flags in memory."""
    arguments = (ctypes.c_uint64 * 8)(_CLONE_NEWUSER, 0, 0, 0, _SIGCHLD, 0, 0, 0)
    _child(syscall(435, arguments, ctypes.sizeof(arguments)))


@CATALOG.probe(NEVER, root_only=True)
def mount_namespace(_props: Props) -> None:
    """make a mount namespace."""
    syscall(_UNSHARE, _CLONE_NEWNS)


@CATALOG.probe(NEVER, root_only=True)
def process_namespace(_props: Props) -> None:
    """make a process namespace."""
    _clone(_CLONE_NEWPID)


@CATALOG.probe(NEVER, root_only=True)
def network_namespace(_props: Props) -> None:
    """make a network namespace."""
    syscall(_UNSHARE, _CLONE_NEWNET)


@CATALOG.probe(NEVER, root_only=True)
def name_namespace(_props: Props) -> None:
    """make a host name namespace."""
    syscall(_UNSHARE, _CLONE_NEWUTS)


@CATALOG.probe(NEVER, root_only=True)
def ipc_namespace(_props: Props) -> None:
    """make an IPC namespace."""
    syscall(_UNSHARE, _CLONE_NEWIPC)


@CATALOG.probe(NEVER, root_only=True)
def enter_namespace(_props: Props) -> None:
    """enter a namespace (the one it is in)."""
    descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
    syscall(by_machine(308, 268), descriptor, 0)


def _clone(flags: int) -> None:
    _child(syscall(by_machine(56, 220), flags | _SIGCHLD, 0, 0, 0, 0))


def _child(pid: int) -> None:
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


@CATALOG.probe(NEVER, root_only=True, furnished=True)
def bind_mount(props: Props) -> None:
    """mount a directory of its own on another."""
    source = os.fsencode(os.path.join(props.inside, "empty"))
    syscall(_MOUNT, source, source, 0, _MS_BIND, 0)
    syscall(_UMOUNT, source, 0)


@CATALOG.probe(NEVER, root_only=True)
def unmount(_props: Props) -> None:
    """call umount."""
    reaches_kernel(_UMOUNT, b"/nonexistent", 0)


@CATALOG.probe(NEVER, root_only=True)
def change_root_mount(_props: Props) -> None:
    """call pivot_root."""
    reaches_kernel(_PIVOT_ROOT, b"/nonexistent", b"/nonexistent")


@CATALOG.probe(NEVER, root_only=True, furnished=True)
def clone_mount(props: Props) -> None:
    """clone a mount as a detached one."""
    open_tree_clone, at_fdcwd = 1, -100
    os.close(syscall(428, at_fdcwd, os.fsencode(props.outside), open_tree_clone))


@CATALOG.probe(NEVER, root_only=True)
def move_mount(_props: Props) -> None:
    """call move_mount."""
    reaches_kernel(429, -1, b"", -1, b"", 0)


@CATALOG.probe(NEVER, root_only=True)
def open_file_system(_props: Props) -> None:
    """open a file system for mounting."""
    os.close(syscall(430, b"tmpfs", 0))


@CATALOG.probe(NEVER)
def change_mount_attributes(_props: Props) -> None:
    """call mount_setattr."""
    reaches_kernel(442, -1, b"", 0, 0, 0)


@CATALOG.probe(NEVER, root_only=True)
def set_host_name(_props: Props) -> None:
    """set the host name (to what it is)."""
    socket.sethostname(socket.gethostname())


@CATALOG.probe(NEVER, root_only=True)
def set_domain_name(_props: Props) -> None:
    """call setdomainname."""
    reaches_kernel(by_machine(171, 162), 0, 1 << 20)


@CATALOG.probe(NEVER, root_only=True)
def set_clock(_props: Props) -> None:
    """call clock_settime."""
    reaches_kernel(by_machine(227, 112), 0, 0)


@CATALOG.probe(NEVER, root_only=True)
def load_module(_props: Props) -> None:
    """call finit_module."""
    reaches_kernel(by_machine(313, 273), -1, b"", 0)


@CATALOG.probe(NEVER, root_only=True)
def unload_module(_props: Props) -> None:
    """call delete_module."""
    reaches_kernel(by_machine(176, 106), b"no_such_module_here", 0)


@CATALOG.probe(NEVER, root_only=True)
def load_kernel(_props: Props) -> None:
    """call kexec_load."""
    reaches_kernel(by_machine(246, 104), 0, 1 << 20, 0, 1 << 15)


@CATALOG.probe(NEVER, root_only=True)
def reboot(_props: Props) -> None:
    """call reboot (with a wrong magic number)."""
    reaches_kernel(by_machine(169, 142), 1, 1, 0, 0)


@CATALOG.probe(NEVER, root_only=True)
def swap_on(_props: Props) -> None:
    """call swapon."""
    reaches_kernel(by_machine(167, 224), b"/nonexistent", 0)


@CATALOG.probe(NEVER, root_only=True)
def accounting(_props: Props) -> None:
    """call acct."""
    reaches_kernel(by_machine(163, 89), b"/nonexistent")


@CATALOG.probe(NEVER, root_only=True)
def kernel_log(_props: Props) -> None:
    """call syslog."""
    reaches_kernel(by_machine(103, 116), 10, 0, 0)


@CATALOG.probe(NEVER, root_only=True)
def port_access(_props: Props) -> None:
    """get access to hardware ports."""
    if not IS_X86_64:
        raise FileNotFoundError(2, "there are no ports on this machine")
    syscall(173, 0x80, 1, 1)


@CATALOG.probe(NEVER, root_only=True)
def watch_file_system(_props: Props) -> None:
    """watch and hold up the file accesses of others (fanotify)."""
    permission_events = 4
    os.close(syscall(by_machine(300, 262), permission_events, 0))


@CATALOG.probe(NEVER, root_only=True)
def load_bpf(_props: Props) -> None:
    """make a BPF map."""
    array_of_one = (ctypes.c_uint32 * 32)(2, 4, 4, 1)
    os.close(syscall(by_machine(321, 280), 0, array_of_one, ctypes.sizeof(array_of_one)))


@CATALOG.probe(NEVER)
def performance_events(_props: Props) -> None:
    """measure performance events."""
    attributes = (ctypes.c_uint64 * 16)()
    attributes[0] = 1 | ctypes.sizeof(attributes) << 32  # software events
    attributes[5] = 0b1100000  # without the kernel and the hypervisor
    os.close(syscall(by_machine(298, 241), attributes, 0, -1, -1, 0))


@CATALOG.probe(NEVER)
def user_fault_handling(_props: Props) -> None:
    """handle page faults (userfaultfd)."""
    user_mode_only = 1
    os.close(syscall(by_machine(323, 282), user_mode_only))


@CATALOG.probe(NEVER)
def add_key(_props: Props) -> None:
    """put a key into a kernel keyring."""
    process_keyring = -2
    syscall(by_machine(248, 217), b"user", b"codex-probe", b"x", 1, process_keyring)


@CATALOG.probe(NEVER)
def read_keyring(_props: Props) -> None:
    """look at a kernel keyring."""
    get_keyring_id, session_keyring = 0, -3
    syscall(by_machine(250, 219), get_keyring_id, session_keyring, 1, 0, 0)


@CATALOG.probe(NEVER)
def request_key(_props: Props) -> None:
    """request a key from the kernel."""
    reaches_kernel(by_machine(249, 218), b"user", b"codex-no-such-key", 0, 0)


@CATALOG.probe(NEVER)
def type_into_terminal(_props: Props) -> None:
    """type into an inherited terminal (TIOCSTI)."""
    reaches_kernel(by_machine(16, 29), 0, _TIOCSTI, b"x")


@CATALOG.probe(NEVER)
def type_into_terminal_high_bits(_props: Props) -> None:
    """type into an inherited terminal, with bits set that the kernel ignores."""
    reaches_kernel(by_machine(16, 29), 0, _TIOCSTI | 1 << 32, b"x")


@CATALOG.probe(NEVER)
def gain_privileges(_props: Props) -> None:
    """gain privileges by running a set-user-ID program."""
    if ctypes.CDLL(None).prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1:
        raise PermissionError(1, "no_new_privs is set")


@CATALOG.probe(NEVER)
def foreign_architecture(_props: Props) -> None:
    """make a 32-bit system call."""
    _run_code(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret


@CATALOG.probe(NEVER)
def x32_system_call(_props: Props) -> None:
    """make a system call with an x32 number."""
    if not IS_X86_64:
        raise FileNotFoundError(2, "there is no x32 on this machine")
    reaches_kernel(0x40000000 | 39)


def _run_code(code: bytes) -> None:
    if not IS_X86_64:
        raise FileNotFoundError(2, "the code is for x86_64")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    ctypes.CFUNCTYPE(ctypes.c_int)(address)()


@CATALOG.probe(NEVER, root_only=True)
def freeze_file_system(_props: Props) -> None:
    """freeze a file system (asks with a descriptor of /proc, which cannot be frozen)."""
    descriptor = os.open("/proc", os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, 0xC0045877, 0)
    except OSError as error:
        if error.errno == 1:
            raise

"""Probes of what one process can do to another: signals, memory, descriptors, limits, shared memory."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

from .calls import by_machine, syscall
from .catalog import ALWAYS, NEVER, POLICIES, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

CATALOG = Catalog("other processes")

_PTRACE_TRACEME, _PTRACE_SEIZE = 0, 0x4206
_PIDFD_OPEN, _PIDFD_GETFD, _PIDFD_SEND_SIGNAL = 434, 438, 424
_SIGNAL_0 = 0  # checked like any other signal, and harmless


@CATALOG.probe(NEVER)
def signal_process(props: Props) -> None:
    """send a signal to another process."""
    os.kill(props.victim_pid, _SIGNAL_0)


@CATALOG.probe(NEVER)
def signal_outer_process(props: Props) -> None:
    """send a signal to the process that started the sandbox."""
    os.kill(props.outer_pid, _SIGNAL_0)


@CATALOG.probe(NEVER)
def signal_process_group(props: Props) -> None:
    """send a signal to another process group."""
    os.killpg(props.victim_pid, _SIGNAL_0)


@CATALOG.probe(NEVER)
def signal_thread(props: Props) -> None:
    """send a signal to a thread of another process."""
    syscall(by_machine(234, 131), props.victim_pid, props.victim_pid, _SIGNAL_0)


@CATALOG.probe(NEVER)
def signal_by_pidfd(props: Props) -> None:
    """send a signal to another process by a process descriptor."""
    descriptor = syscall(_PIDFD_OPEN, props.victim_pid, 0)
    syscall(_PIDFD_SEND_SIGNAL, descriptor, _SIGNAL_0, 0, 0)


@CATALOG.probe(ALWAYS)
def signal_own_child(_props: Props) -> None:
    """send a signal to a child of its own."""
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@CATALOG.probe(NEVER)
def trace_process(props: Props) -> None:
    """trace another process."""
    syscall(by_machine(101, 117), _PTRACE_SEIZE, props.victim_pid, 0, 0)


@CATALOG.probe(NEVER)
def be_traced(_props: Props) -> None:
    """ask to be traced by the parent."""
    child = os.fork()
    if child == 0:
        try:
            syscall(by_machine(101, 117), _PTRACE_TRACEME, 0, 0, 0)
        except OSError:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise PermissionError(1, "ptrace")


@CATALOG.probe(NEVER)
def read_process_memory(props: Props) -> None:
    """read the memory of another process by a system call."""
    _transfer_memory(props, by_machine(310, 270))


@CATALOG.probe(NEVER)
def write_process_memory(props: Props) -> None:
    """write the memory of another process by a system call."""
    _transfer_memory(props, by_machine(311, 271))


def _transfer_memory(props: Props, number: int) -> None:
    """Reads or writes eight bytes at the unused end of the stack of the victim."""
    with open(f"/proc/{props.victim_pid}/maps", encoding="utf-8") as file:
        line = next(line for line in file if "[stack]" in line)
    address = int(line.split("-")[0], 16)
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_uint64 * 2)(address, 8)
    syscall(number, props.victim_pid, local, 1, remote, 1, 0)


@CATALOG.probe(NEVER)
def open_process_memory(props: Props) -> None:
    """open the memory file of another process."""
    os.close(os.open(f"/proc/{props.victim_pid}/mem", os.O_RDONLY))


@CATALOG.probe(NEVER)
def take_descriptor(props: Props) -> None:
    """take a descriptor out of another process."""
    descriptor = syscall(_PIDFD_OPEN, props.victim_pid, 0)
    os.close(syscall(_PIDFD_GETFD, descriptor, 0, 0))


@CATALOG.probe(NEVER)
def read_process_environment(props: Props) -> None:
    """read the environment of another process."""
    with open(f"/proc/{props.victim_pid}/environ", "rb") as file:
        file.read()


@CATALOG.probe(NEVER, beyond_landlock=POLICIES)
def list_process_descriptors(props: Props) -> None:
    """list the open files of another process."""
    os.listdir(f"/proc/{props.victim_pid}/fd")


@CATALOG.probe(NEVER)
def open_process_descriptor(props: Props) -> None:
    """open an open file of another process."""
    os.close(os.open(f"/proc/{props.victim_pid}/fd/0", os.O_RDONLY))


@CATALOG.probe(NEVER, beyond_landlock=POLICIES)
def see_process(props: Props) -> None:
    """see the command line of another process."""
    with open(f"/proc/{props.victim_pid}/cmdline", "rb") as file:
        file.read()


@CATALOG.probe(NEVER)
def write_process_score(props: Props) -> None:
    """change how likely another process is to be killed for memory."""
    with open(f"/proc/{props.victim_pid}/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


@CATALOG.probe(NEVER)
def limit_process(props: Props) -> None:
    """change a resource limit of another process."""
    soft, hard = resource.prlimit(props.victim_pid, resource.RLIMIT_CORE)
    resource.prlimit(props.victim_pid, resource.RLIMIT_CORE, (soft, hard))


@CATALOG.probe(NEVER, beyond_landlock=POLICIES)
def slow_process(props: Props) -> None:
    """change the priority of another process."""
    os.setpriority(os.PRIO_PROCESS, props.victim_pid, 1)


@CATALOG.probe(NEVER, beyond_landlock=POLICIES)
def pin_process(props: Props) -> None:
    """change the processors another process may use."""
    os.sched_setaffinity(props.victim_pid, os.sched_getaffinity(props.victim_pid))


@CATALOG.probe(NEVER, beyond_landlock=POLICIES)
def attach_shared_memory(props: Props) -> None:
    """attach the shared memory of another process (System V)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_ssize_t
    if libc.shmat(props.shared_memory_id, None, 0) == -1:
        raise OSError(ctypes.get_errno(), "shmat")

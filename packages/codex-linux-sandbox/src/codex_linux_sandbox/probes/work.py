"""Probes of ordinary work, which must go on inside."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import subprocess
import sys
import tempfile

from .catalog import ALWAYS, NEVER, READ_ONLY, WHERE_WRITABLE, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

_TIOCGPTN = 0x80045430

CATALOG = Catalog("ordinary work", furnished=True)


@CATALOG.probe(ALWAYS)
def read_anything(props: Props) -> None:
    """read a file outside and list a directory."""
    with open(props.target, encoding="utf-8") as file:
        file.read()
    os.listdir(props.outside)
    os.listdir("/")


@CATALOG.probe(ALWAYS)
def run_program(_props: Props) -> None:
    """run a program and read its output through a pipe."""
    if subprocess.run(["sh", "-c", "echo x | cat"], capture_output=True, check=True).stdout != b"x\n":
        raise RuntimeError("nothing arrived")


@CATALOG.probe(ALWAYS)
def write_null_device(_props: Props) -> None:
    """write to the devices that keep nothing."""
    for name in ("/dev/null", "/dev/zero"):
        with open(name, "r+b", buffering=0) as file:
            file.write(b"x")
    with open("/dev/urandom", "rb", buffering=0) as file:
        file.read(1)


@CATALOG.probe(ALWAYS)
def reopen_pipe(_props: Props) -> None:
    """open an inherited pipe again by its name in /dev."""
    subprocess.run(["sh", "-c", "echo x > /dev/stdout"], capture_output=True, check=True)


@CATALOG.probe(ALWAYS)
def start_thread(_props: Props) -> None:
    """start a thread."""
    import threading

    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


@CATALOG.probe(WHERE_WRITABLE)
def create_and_delete(props: Props) -> None:
    """create, overwrite, truncate and delete a file in the workspace."""
    path = os.path.join(props.inside, "new")
    with open(path, "w", encoding="utf-8") as file:
        file.write("x")
    os.truncate(path, 0)
    os.unlink(path)


@CATALOG.probe(WHERE_WRITABLE)
def move_between_directories(props: Props) -> None:
    """move and hard-link a file from one directory of the workspace to another."""
    moved = os.path.join(props.inside, "empty", "moved")
    os.rename(os.path.join(props.inside, "target"), moved)
    os.link(moved, os.path.join(props.inside, "linked"))


@CATALOG.probe(WHERE_WRITABLE)
def make_every_kind(props: Props) -> None:
    """make a directory, a symbolic link and a named pipe in the workspace."""
    os.mkdir(os.path.join(props.inside, "directory"))
    os.symlink("directory", os.path.join(props.inside, "link"))
    os.mkfifo(os.path.join(props.inside, "pipe"))
    os.rmdir(os.path.join(props.inside, "directory"))


@CATALOG.probe(WHERE_WRITABLE)
def write_second_root(props: Props) -> None:
    """write in a second writable root."""
    descriptor, path = tempfile.mkstemp(dir=props.second_root)
    os.close(descriptor)
    os.unlink(path)


@CATALOG.probe(WHERE_WRITABLE, private=(READ_ONLY,))
def share_memory(_props: Props) -> None:
    """use a lock between processes (POSIX semaphore in /dev/shm)."""
    with multiprocessing.get_context("fork").Lock():
        pass


@CATALOG.probe(WHERE_WRITABLE, private=(READ_ONLY,))
def pool_of_processes(_props: Props) -> None:
    """use a pool of worker processes."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        if pool.map(abs, [-1, 2]) != [1, 2]:
            raise RuntimeError("wrong result")


@CATALOG.probe(NEVER, private=ALWAYS)
def ask_device(_props: Props) -> None:
    """open a device for reading and make a device request (the number of a new terminal)."""
    descriptor = os.open("/dev/ptmx", os.O_RDONLY | os.O_NOCTTY)
    try:
        fcntl.ioctl(descriptor, _TIOCGPTN, bytes(4))
    finally:
        os.close(descriptor)


@CATALOG.probe(NEVER, private=ALWAYS)
def open_terminal(_props: Props) -> None:
    """open a pseudo-terminal."""
    for descriptor in os.openpty():
        os.close(descriptor)


@CATALOG.probe(WHERE_WRITABLE)
def sort_with_temporary_files(props: Props) -> None:
    """sort with temporary files."""
    lines = "".join(f"{number}\n" for number in range(20000, 0, -1)).encode()
    command = ["sort", "-n", "-S", "64k", "-T", props.inside]
    done = subprocess.run(command, input=lines, capture_output=True, check=False)
    if done.returncode == 2:
        raise PermissionError(errno.EACCES, "sort")
    if not done.stdout.startswith(b"1\n2\n"):
        raise RuntimeError("not sorted")


@CATALOG.probe(ALWAYS)
def job_control(_props: Props) -> None:
    """stop and kill a background job from a shell."""
    script = "set -m; sleep 60 & kill -TERM %1; wait %1; test $? -eq 143"
    subprocess.run(["bash", "-c", script], stderr=subprocess.DEVNULL, check=True)


@CATALOG.probe(ALWAYS)
def python_starts(_props: Props) -> None:
    """start another Python."""
    subprocess.run([sys.executable, "-c", "import ssl, subprocess"], check=True)

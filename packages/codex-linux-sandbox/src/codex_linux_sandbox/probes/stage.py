"""The place the probes play on: directories inside and outside the writable roots, peers, a victim process.

Everything is made by the test itself in a scratch directory, so that a probe that succeeds does no harm.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

TARGET_TEXT = "untouched\n"
INSIDE_TEXT = "inside\n"

_IPC_PRIVATE, _IPC_RMID = 0, 0


class Stage:
    """A context manager around one scratch directory; `facts` is what `Props` is made from.

    `furnished` are the names of the probes that get directories of their own.

    `directory` must exist, be empty, and be writable under the policy under test only where that names it;
    `owner` is the user and group id the probes run as.
    """

    def __init__(self, directory: str, *, furnished: list[str], owner: int | None = None) -> None:
        self._directory = directory
        self._furnished = furnished
        self._owner = owner
        self._sockets: list[socket.socket] = []
        self._shared_memory_id = -1
        self._victim: subprocess.Popen[bytes] | None = None
        self.outside = os.path.join(directory, "outside")
        self.inside = os.path.join(directory, "inside")
        self.second_root = os.path.join(directory, "second")
        self.facts: dict[str, str | int] = {}

    def __enter__(self) -> Self:
        for directory in (self.outside, self.inside, self.second_root):
            os.mkdir(directory)
        for name in self._furnished:
            self._furnish(os.path.join(self.outside, name), TARGET_TEXT)
            self._furnish(os.path.join(self.inside, name), INSIDE_TEXT)
        self._furnish_roots()
        tcp = self._listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        udp = self._listener(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
        # Not below `outside`: the names of unix sockets are short.
        unix_path = os.path.join(self._directory, "s")
        datagram_path = os.path.join(self._directory, "d")
        abstract_name = f"codex-linux-sandbox-probe-{os.getpid()}-{id(self)}"
        self._listener(socket.AF_UNIX, socket.SOCK_STREAM, unix_path)
        self._listener(socket.AF_UNIX, socket.SOCK_DGRAM, datagram_path)
        self._listener(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + abstract_name)
        self._shared_memory_id = self._make_shared_memory()
        self._give_away()
        self._victim = subprocess.Popen(
            ["sleep", "600"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._owner,
            group=self._owner,
            extra_groups=None if self._owner is None else [],
            start_new_session=True,
        )
        self.facts = {
            "outside": self.outside,
            "inside": self.inside,
            "second_root": self.second_root,
            "tcp_port": tcp.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "unix_path": unix_path,
            "unix_datagram_path": datagram_path,
            "abstract_name": abstract_name,
            "victim_pid": self._victim.pid,
            "outer_pid": os.getpid(),
            "shared_memory_id": self._shared_memory_id,
        }
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._victim is not None:
            self._victim.kill()
            self._victim.wait()
        if self._shared_memory_id >= 0:
            ctypes.CDLL(None).shmctl(self._shared_memory_id, _IPC_RMID, None)
        for endpoint in self._sockets:
            endpoint.close()
        for name in os.listdir(self._directory):
            path = os.path.join(self._directory, name)
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)

    def changed_outside(self) -> list[str]:
        """The probes whose directory outside is no longer as it was made: contents, entries or modes."""
        return [name for name in self._furnished if not self._is_as_made(os.path.join(self.outside, name))]

    def _is_as_made(self, directory: str) -> bool:
        try:
            with open(os.path.join(directory, "target"), encoding="utf-8") as file:
                text = file.read()
            mode = os.stat(os.path.join(directory, "target")).st_mode & 0o7777
            entries = sorted(os.listdir(directory))
            inner = os.listdir(os.path.join(directory, "empty"))
        except OSError:
            return False
        return (text, mode, entries, inner) == (TARGET_TEXT, 0o644, ["empty", "target"], [])

    def _furnish_roots(self) -> None:
        """A repository and settings in the workspace; in the second root, a repository that is elsewhere."""
        for directory in (".git", ".git/hooks", ".codex"):
            os.mkdir(os.path.join(self.inside, directory))
        linked = os.path.join(self.second_root, "linked-git")
        os.mkdir(linked)
        texts = {
            os.path.join(self.inside, ".git", "config"): INSIDE_TEXT,
            os.path.join(self.inside, ".codex", "config.toml"): INSIDE_TEXT,
            os.path.join(linked, "config"): INSIDE_TEXT,
            os.path.join(self.second_root, ".git"): f"gitdir: {linked}\n",
        }
        for path, text in texts.items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def _furnish(self, directory: str, text: str) -> None:
        os.mkdir(directory)
        os.mkdir(os.path.join(directory, "empty"))
        target = os.path.join(directory, "target")
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(target, 0o644)

    def _listener(self, family: int, kind: int, address: str | tuple[str, int]) -> socket.socket:
        endpoint = socket.socket(family, kind)
        self._sockets.append(endpoint)
        endpoint.bind(address)
        if kind == socket.SOCK_STREAM:
            endpoint.listen(64)
        return endpoint

    def _make_shared_memory(self) -> int:
        """A System V segment everybody may use; -1 where the kernel has none."""
        return int(ctypes.CDLL(None).shmget(_IPC_PRIVATE, 4096, 0o666))

    def _give_away(self) -> None:
        if self._owner is None:
            return
        for directory, names, files in os.walk(self._directory):
            for name in (".", *names, *files):
                os.chown(os.path.join(directory, name), self._owner, self._owner, follow_symlinks=False)


class Outcome(SimpleNamespace):
    """How one probe ended: `succeeded`, and `detail` such as `EPERM`, `SIGSYS` or the text of a fault."""

    name: str
    succeeded: bool
    detail: str


def runner_command(facts: dict[str, str | int], names: list[str], *, python: str | None = None) -> list[str]:
    """The command that tries the probes `names` one after another, each in a process of its own."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner.py")
    return [python or sys.executable, "-IS", script, json.dumps(facts), *names]


def outcomes(output: str) -> dict[str, Outcome]:
    """What the runner printed, by name of the probe."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return {line["name"]: Outcome(**line) for line in lines}

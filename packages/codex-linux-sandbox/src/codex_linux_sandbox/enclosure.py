"""A policy made ready for many commands, so that confining one costs next to nothing.

Where there are namespaces, a process of its own, the first in its process namespace, arranges the mounts once
and goes on from there; between commands, shared memory and System V objects are made new. Before each command
it is found out whether everything this was made from is as it was; if not, it is of no use any more.
"""

from __future__ import annotations

import os
import select

from . import landlock, mounts, namespaces
from .confinement import Restriction, writable_paths
from .layout import Layout, survey
from .protected import Placeholders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .policy import SandboxPolicy

_MOUNTS = "/proc/self/mountinfo"


class Enclosure:
    """With namespaces, it exists in two processes: the one that made it, and the one inside.

    `process` is the process id of the latter in the former, and 0 where commands are to be forked. There,
    `life` is a descriptor that ends with the former; None where there is no such process.
    """

    def __init__(
        self,
        policy: SandboxPolicy,
        *,
        cwd: str,
        tmpdir: str,
        settings: tuple[str, ...],
        in_namespaces: bool,
    ) -> None:
        """Raises: NamespacesError, ConfinementError, OSError."""
        landlock.kernel_abi()  # fail before anything is set up
        self._policy = policy
        self._cwd = cwd
        self._tmpdir = tmpdir
        self._settings = settings
        self._in_namespaces = in_namespaces
        # Of the mounts outside, also when it is looked at from inside.
        self._mounts = os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        layout = self._survey()
        self._identity = layout.identity()
        self._granted = layout.writable
        self._placeholders = Placeholders()
        self._vacant = layout.vacant
        self.process = 0
        self.life: int | None = None
        if in_namespaces:
            self.process, self.life, self._granted = namespaces.settle(
                layout.writable, layout.protected, layout.vacant
            )
        if self.process == 0:
            self._restriction = self._make_restriction()

    def outlast(self) -> None:
        """In the process that made it: waits for the one inside, and tidies up if that was killed."""
        namespaces.outlast(self.process, self._vacant)

    def confine(self) -> None:
        """Confines a process forked here, which is to become a command. Raises: ConfinementError."""
        self._restriction.apply()

    def wait_for(self, descriptor: int) -> bool:
        """Waits until there is something to read; False when mounts have been made or taken away outside."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._mounts, select.POLLPRI)
        return [number for number, _ in poll.poll()] == [descriptor]

    def vacant(self) -> list[str] | None:
        """The places to `hold` for the next command; None when nothing here fits what is there any more."""
        layout = self._survey()
        return layout.vacant if layout.identity() == self._identity else None

    def hold(self, vacant: list[str]) -> None:
        """Makes it impossible to create anything in these places. Raises: OSError, with all of it undone."""
        self._placeholders.hold(vacant)
        try:
            for descriptor in self._placeholders.held.values():
                mounts.cover_directory(descriptor)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Undoes `hold` when the command is over."""
        for path in self._placeholders.paths:
            try:
                mounts.uncover(path)
            except OSError:
                pass  # somebody has removed it outside, and with it what was mounted there
        self._placeholders.release()

    def renew(self) -> None:
        """Takes away what a command has left for others to see, when nothing runs.

        Raises: OSError, ConfinementError.
        """
        if not self._in_namespaces:
            return
        if mounts.SHARED_MEMORY in self._granted and mounts.empty_shared_memory():
            self._restriction.close()
            self._restriction = self._make_restriction()
        namespaces.renew_ipc()

    def _survey(self) -> Layout:
        if self._in_namespaces:
            return survey(self._policy, cwd=self._cwd, tmpdir=self._tmpdir, settings=self._settings)
        return Layout(writable_paths(self._policy, self._cwd, self._tmpdir), [], [])

    def _make_restriction(self) -> Restriction:
        return Restriction(self._policy, self._granted, in_namespaces=self._in_namespaces, terminals=False)

"""Namespaces that are kept for many commands of one policy, so that they cost next to nothing per command.

A process of its own, the first in its process namespace, arranges the mounts once and runs the command server
from there on. Before each command it is found out whether everything the mounts were made from is as it was;
if not, the server ends, and whoever wants commands run starts another. Between commands, shared memory and
System V objects are made new.
"""

from __future__ import annotations

import os
import select

from . import landlock, mounts, namespaces
from .layout import survey
from .protected import Placeholders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import Layout
    from .policy import SandboxPolicy
    from .seccomp import Programs

_MOUNTS = "/proc/self/mountinfo"


class Enclosure:
    """Made, it exists in two processes: the one that made it, and the one inside (`process` is 0 there)."""

    def __init__(self, policy: SandboxPolicy, *, cwd: str, tmpdir: str, settings: tuple[str, ...]) -> None:
        """Raises: NamespacesError, ConfinementError, in the process that makes it."""
        landlock.kernel_abi()  # fail before anything is set up
        self._policy = policy
        self._cwd = cwd
        self._tmpdir = tmpdir
        self._settings = settings
        # Of the mounts outside, also when it is looked at from inside.
        self._mounts = os.open(_MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        layout = self._survey()
        self._identity = layout.identity()
        self.process, self._granted = namespaces.settle(layout.writable, layout.protected, layout.vacant)
        if self.process == 0:
            self._ruleset = self._make_ruleset()

    def placeholders(self) -> Placeholders | None:
        """Makes it impossible to create what is missing and must stay so, for one command.

        None when the mounts do not fit what is there any more. Raises: OSError, with everything undone.
        """
        layout = self._survey()
        if layout.identity() != self._identity:
            return None
        placeholders = Placeholders()
        placeholders.hold(layout.vacant)
        try:
            for path in placeholders.paths:
                mounts.cover(path)
        except OSError:
            self.release(placeholders)
            raise
        return placeholders

    def confine(self, programs: Programs) -> None:
        """Confines a process forked inside, which is to become a command. Raises: ConfinementError."""
        from .confinement import confine_in_namespaces

        confine_in_namespaces(self._policy, self._ruleset, self._granted, programs)

    def release(self, placeholders: Placeholders) -> None:
        """Undoes `placeholders` when the command is over."""
        for path in placeholders.paths:
            try:
                mounts.uncover(path)
            except OSError:
                pass  # somebody has removed it outside, and with it what was mounted there
        placeholders.release()

    def renew(self) -> None:
        """Takes away what a command has left for others to see, when nothing runs.

        Raises: OSError, ConfinementError.
        """
        if mounts.SHARED_MEMORY in self._granted and mounts.empty_shared_memory():
            self._ruleset.close()
            self._ruleset = self._make_ruleset()
        namespaces.renew_ipc()

    def _make_ruleset(self) -> landlock.Ruleset:
        network = self._policy.allows_network
        return landlock.Ruleset(self._granted, network=network, abi=landlock.kernel_abi(), terminals=False)

    def _survey(self) -> Layout:
        return survey(self._policy, cwd=self._cwd, tmpdir=self._tmpdir, settings=self._settings)

    def wait_for(self, descriptor: int) -> bool:
        """Waits until there is something to read; False when mounts have been made or taken away outside."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._mounts, select.POLLPRI)
        return [number for number, _ in poll.poll()] == [descriptor]

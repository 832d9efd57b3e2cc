"""What can go wrong before the command runs. Each error carries the sentence the user reads."""

from __future__ import annotations


class PolicyError(ValueError):
    """The policy cannot be understood; nothing was confined and nothing may run."""


class ConfinementError(RuntimeError):
    """The kernel or a library cannot give what the policy asks for; the command must not run.

    The process may be partly confined when this is raised.
    """

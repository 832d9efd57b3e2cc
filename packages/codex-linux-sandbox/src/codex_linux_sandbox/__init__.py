"""Run one command, or the rest of this process, confined by the Linux kernel: Landlock and seccomp.

Importing the package imports nothing else; the names below are loaded when they are first used. The
modules avoid `typing`, `dataclasses`, `enum`, `re` and `json` on purpose: the helper starts once per
command, and each of those costs as much as the confinement itself.
"""

from __future__ import annotations

__version__ = "0.36.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .confinement import Confinement, confine
    from .errors import ConfinementError, PolicyError
    from .launcher import helper_command, write_launcher
    from .policy import SandboxPolicy, parse_policy

_HOMES = {
    "Confinement": "confinement",
    "ConfinementError": "errors",
    "PolicyError": "errors",
    "SandboxPolicy": "policy",
    "confine": "confinement",
    "helper_command": "launcher",
    "parse_policy": "policy",
    "write_launcher": "launcher",
}

__all__ = [
    "Confinement",
    "ConfinementError",
    "PolicyError",
    "SandboxPolicy",
    "confine",
    "helper_command",
    "parse_policy",
    "write_launcher",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

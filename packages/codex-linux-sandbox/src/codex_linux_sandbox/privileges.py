"""Gives up what a confined command must not have: new privileges by exec, root's power over the system."""

from __future__ import annotations

from . import libc
from .errors import ConfinementError

_CHOWN, _DAC_OVERRIDE, _FOWNER, _FSETID, _KILL, _SETGID, _SETUID, _SETPCAP = 0, 1, 3, 4, 5, 6, 7, 8
_NET_BIND_SERVICE, _NET_RAW, _AUDIT_WRITE, _SETFCAP = 10, 13, 29, 31

# What container runtimes leave to root by default, less device nodes, chroot and raw sockets: enough for
# package builds and tests that run as root, nothing that reaches the system beyond files and processes.
KEPT_CAPABILITIES = (
    _CHOWN,
    _DAC_OVERRIDE,
    _FOWNER,
    _FSETID,
    _KILL,
    _SETGID,
    _SETUID,
    _SETPCAP,
    _NET_BIND_SERVICE,
    _AUDIT_WRITE,
    _SETFCAP,
)


def forbid_new_privileges() -> None:
    """No program run from here on gains privileges by set-user-ID bits or file capabilities.

    Raises: ConfinementError.
    """
    try:
        libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise ConfinementError(f"cannot set no_new_privs: {error.strerror}") from error


def drop_capabilities(*, network: bool) -> None:
    """Keeps `KEPT_CAPABILITIES` at most (raw sockets too where there is `network`).

    With no_new_privs a later exec cannot bring the others back, so the bounding set needs no change.

    Raises: ConfinementError.
    """
    kept = (*KEPT_CAPABILITIES, _NET_RAW) if network else KEPT_CAPABILITIES
    mask = sum(1 << number for number in kept)
    try:
        effective, permitted, inheritable = libc.capabilities()
        if (effective | permitted | inheritable) & ~mask:
            libc.set_capabilities(effective & mask, permitted & mask, inheritable & mask)
    except OSError as error:
        raise ConfinementError(f"cannot drop capabilities: {error.strerror}") from error

"""Finds what runs a command, when it runs; and says so where this version does not have it yet."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MISSING_EXIT_CODE = 1


def find_room(target: str) -> Callable[..., int] | None:
    """The function `module:function` names; None if the module is not there, or not with that function."""
    from importlib import import_module

    module, _, name = target.partition(":")
    try:
        room = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        return None
    found: Callable[..., int] | None = getattr(room, name, None)
    return found


def run_room(target: str, *arguments: object, what: str, **options: object) -> int:
    """Calls `module:function`, which returns an exit code.

    Where there is none, this version does not have `what`, and one sentence says so. Adding the module is all
    it takes to change that.
    """
    run = find_room(target)
    return not_built(what) if run is None else run(*arguments, **options)


def not_built(what: str) -> int:
    """Says that this version does not have `what`; returns the exit code."""
    if sys.stderr is not None:
        sys.stderr.write(
            f'{what} is not part of this version. For one request: codex exec "…"; without a key: '
            'codex exec --demo "show me around".\n'
        )
    return MISSING_EXIT_CODE

"""Running commands through the user's login shell: `shell_environment_policy.experimental_use_profile`.

Done after a command has been judged and before it is confined (spec: exec-sandbox.md A.1), so that what the
user's profile sets is there, and what is asked about and shown stays what the model wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROFILES = {"bash": ".bashrc", "zsh": ".zshrc"}
_NEEDS_A_LINE_END = ("#", "<<", "\\")
"""A comment, a here-document or a last backslash would take the closing bracket for its own."""


def through_login_shell(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """`argv` for the login shell of this user, or as it is where that is neither bash nor zsh.

    `environ` says where the home directory is.
    """
    shell = _login_shell()
    if shell is None or not argv or any("\0" in word for word in argv):
        return tuple(argv)
    from codex_core.config.home import user_home

    rc = os.path.join(user_home(environ), _PROFILES[os.path.basename(shell)])
    return login_command(argv, shell, rc if os.path.exists(rc) else None)


def login_command(argv: Sequence[str], shell: str, rc: str | None) -> tuple[str, ...]:
    """What runs `argv`, or the script of a `bash -lc`, in `shell`, after the commands of file `rc`."""
    from codex_core.approval.words import shlex_join

    match list(argv):
        case ["bash", "-lc", script]:
            pass
        case words:
            script = shlex_join(words)
    if rc is None:
        return shell, "-lc", script
    end = "\n" if any(sign in script for sign in _NEEDS_A_LINE_END) else ""
    return shell, "-lc", f"source {shlex_join([rc])} && ({script}{end})"


def _login_shell() -> str | None:
    """The user's shell by the password database, if it is one of `_PROFILES`."""
    import pwd

    try:
        shell = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        return None
    return shell if "/" in shell and os.path.basename(shell) in _PROFILES else None

"""Which sessions a command line means, and how the commands that work on them end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from codex_core.command_line.parser import usage_line
from codex_core.command_line.usage import UsageError
from codex_core.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.command_line.parser import Invocation
    from codex_core.rollout.catalog import SessionFile

FAILED = 1


def run_told(work: Callable[[], int]) -> int:
    """The exit code of `work`; what we know can go wrong is one sentence on stderr."""
    from codex_exec.streams import mend_standard_streams

    mend_standard_streams()
    try:
        return work()
    except CodexError as error:
        print(f"Error: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if error.name not in ("sqlite3", "_sqlite3"):
            raise
        print(
            "Error: this Python was built without sqlite3, which lists and finds sessions.", file=sys.stderr
        )
    return FAILED


def codex_home() -> str:
    """Where sessions are kept.

    Raises:
        InvalidConfigError: CODEX_HOME names nothing that is there.
    """
    from codex_core.config.home import find_codex_home
    from codex_core.startup import user_environ

    return find_codex_home(user_environ())


def named_session(invocation: Invocation, home: str) -> SessionFile:
    """The one session a command line means.

    Raises:
        UsageError: it names none, or two.
        SessionError: there is no such session.
    """
    from codex_core.errors import SessionError
    from codex_core.rollout.index import all_sessions

    given = invocation.inner
    text, is_archived = given.text("session_id"), given.is_on("archived")
    usage = usage_line(invocation.path)
    if given.is_on("last"):
        if text is not None:
            raise UsageError("the argument '[SESSION_ID]' cannot be used with '--last'", usage=usage)
        newest = next(iter(all_sessions(home, archived=is_archived)), None)
        if newest is None:
            raise SessionError("There is no session yet.")
        text = newest.conversation_id
    if text is None:
        raise UsageError("no session is named: give its id, or --last for the newest one", usage=usage)
    return find_file(home, text, is_archived=is_archived)


def find_file(home: str, text: str, *, is_archived: bool) -> SessionFile:
    """The session with this id, or whose id alone begins so.

    Raises:
        SessionError: there is none, or there are several.
    """
    from codex_core.rollout.archive import find_archived
    from codex_core.rollout.catalog import find_among, session_files, sessions_directory

    if is_archived:
        return find_archived(home, text)
    return find_among(session_files(home), text, sessions_directory(home))

"""`codex sessions archive`, `unarchive`, `delete` and `prune` (spec: config-cli.md section 17)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.sessions.naming import FAILED, codex_home, find_file, run_told
from codex_core.command_line.parser import usage_line
from codex_core.command_line.usage import UsageError
from codex_core.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_core.command_line.parser import Invocation
    from codex_core.rollout.catalog import SessionFile

_DAY_S = 86_400
_UUID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is done to sessions."""

    act: Callable[[SessionFile], object]
    done: str
    """What is said of each: `Deleted`."""
    infinitive: str


def archive(invocation: Invocation) -> int:
    """Runs `codex sessions archive`; returns the exit code."""
    return run_told(lambda: _move(invocation, is_archived=False))


def unarchive(invocation: Invocation) -> int:
    """Runs `codex sessions unarchive`; returns the exit code."""
    return run_told(lambda: _move(invocation, is_archived=True))


def delete(invocation: Invocation) -> int:
    """Runs `codex sessions delete`; returns the exit code."""
    return run_told(lambda: _delete(invocation))


def prune(invocation: Invocation) -> int:
    """Runs `codex sessions prune`; returns the exit code."""
    return run_told(lambda: _prune(invocation))


def _archiving(home: str) -> _Deed:
    from codex_core.rollout.archive import archive_session

    return _Deed(lambda file: archive_session(home, file), "Archived", "archive")


def _deleting() -> _Deed:
    from codex_core.rollout.archive import delete_session

    return _Deed(delete_session, "Deleted", "delete")


def _move(invocation: Invocation, *, is_archived: bool) -> int:
    home = codex_home()
    deed = _archiving(home)
    if is_archived:
        from codex_core.rollout.archive import unarchive_session

        deed = _Deed(lambda file: unarchive_session(home, file), "Unarchived", "unarchive")
    return _carry_out(invocation, deed, _named(invocation, home, (is_archived,)))


def _named(invocation: Invocation, home: str, places: Sequence[bool]) -> list[SessionFile]:
    """The sessions the command line names, each once.

    Raises:
        SessionError: one of them is not there.
    """
    files = [_find(home, text, places) for text in invocation.inner.texts("session_ids")]
    return list({file.path: file for file in files}.values())


def _find(home: str, text: str, places: Sequence[bool]) -> SessionFile:
    from codex_core.rollout.catalog import NoSuchSessionError

    for is_archived in places:
        try:
            return find_file(home, text, is_archived=is_archived)
        except NoSuchSessionError:
            continue
    kinds = " or ".join("archived" if is_archived else "active" for is_archived in places)
    raise SessionError(f"No {kinds} session found matching '{text}'.")


def _delete(invocation: Invocation) -> int:
    given = invocation.inner
    if not given.is_on("dry_run"):
        is_exact = all(len(text) == _UUID_LENGTH for text in given.texts("session_ids"))
        if not (given.is_on("force") and is_exact) and not _is_interactive():
            raise SessionError(
                "cannot confirm session deletion without an interactive terminal; "
                "rerun with --force and a session UUID"
            )
    files = _named(invocation, codex_home(), (False, True))
    return _carry_out(invocation, _deleting(), files, asks=not given.is_on("force"))


def _prune(invocation: Invocation) -> int:
    from codex_core.rollout.archive import archived_files
    from codex_core.rollout.catalog import session_files

    given = invocation.inner
    days, wants_empty = given.text("older_than"), given.is_on("empty")
    usage = usage_line(invocation.path)
    if days is None and not wants_empty:
        raise UsageError("nothing to prune is named: give --older-than <DAYS>, --empty or both", usage=usage)
    if given.is_on("archive") and given.is_on("archived"):
        raise UsageError("the argument '--archive' cannot be used with '--archived'", usage=usage)
    home = codex_home()
    files = archived_files(home) if given.is_on("archived") else list(session_files(home))
    spared = files[int(given.text("keep") or 0) :]
    chosen = [file for file in spared if _is_prunable(file, days, wants_empty=wants_empty)]
    deed = _archiving(home) if given.is_on("archive") else _deleting()
    asks = deed.infinitive == "delete" and not given.is_on("force")
    if chosen and asks and not given.is_on("dry_run") and not _is_interactive():
        raise SessionError(
            "cannot confirm session deletion without an interactive terminal; rerun with --force, "
            "or with --dry-run to see what would go"
        )
    return _carry_out(invocation, deed, chosen, asks=asks)


def _is_prunable(file: SessionFile, days: str | None, *, wants_empty: bool) -> bool:
    import os
    import time

    from codex_core.rollout.summary import is_empty_session

    try:
        age = time.time() - os.stat(file.path).st_mtime
        if days is not None and age <= int(days) * _DAY_S:
            return False
        return not wants_empty or is_empty_session(file.path)
    except OSError:  # nobody knows what is in it
        return False


def _is_interactive() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def _carry_out(
    invocation: Invocation, deed: _Deed, files: Sequence[SessionFile], *, asks: bool = False
) -> int:
    """Does it to each, asked for once; one that resists does not stop the others."""
    is_dry, as_json = invocation.inner.is_on("dry_run"), invocation.inner.is_on("json")
    if asks and files and not is_dry and not _is_confirmed(deed, files):
        print("Nothing was done.", file=sys.stderr)
        return FAILED
    results: list[dict[str, object]] = []
    failures = 0
    for file in files:
        error = None
        if not is_dry:
            try:
                deed.act(file)
            except SessionError as problem:
                error = str(problem)
                failures += 1
                print(f"Error: {error}", file=sys.stderr)
        results.append({"session_id": file.conversation_id, "path": file.path, "error": error})
        if not as_json and error is None:
            word = f"Would {deed.infinitive}" if is_dry else deed.done
            print(f"{word} session {file.conversation_id}.")
    if as_json:
        from codex_cli.sessions.reading import print_json

        print_json({"action": deed.infinitive, "dry_run": is_dry, "sessions": results})
    elif not files:
        print("No session to " + deed.infinitive + ".")
    return FAILED if failures else 0


def _is_confirmed(deed: _Deed, files: Sequence[SessionFile]) -> bool:
    for file in files[:10]:
        print(f"  {file.conversation_id}  {file.place.timestamp}", file=sys.stderr)
    if len(files) > 10:
        print(f"  and {len(files) - 10} more", file=sys.stderr)
    sessions = "this session" if len(files) == 1 else f"these {len(files)} sessions"
    print(f"{deed.infinitive.capitalize()} {sessions}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

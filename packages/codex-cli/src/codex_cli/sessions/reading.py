"""`codex sessions list`, `show` and `search`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_cli.sessions.naming import codex_home, named_session, run_told
from codex_cli.sessions_options import DEFAULT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from codex_core.command_line.parser import Invocation
    from codex_core.rollout.summary import SessionSummary
    from codex_protocol.events import EventMsg

_AROUND = 60
"""Characters shown on either side of what was found."""


def list_sessions(invocation: Invocation) -> int:
    """Runs `codex sessions list`; returns the exit code."""
    return run_told(lambda: _list(invocation))


def show_session(invocation: Invocation) -> int:
    """Runs `codex sessions show`; returns the exit code."""
    return run_told(lambda: _show(invocation))


def search_sessions(invocation: Invocation) -> int:
    """Runs `codex sessions search`; returns the exit code."""
    return run_told(lambda: _search(invocation))


# -- list ---------------------------------------------------------------------------------------


def _list(invocation: Invocation) -> int:
    from codex_core.errors import SessionError
    from codex_core.rollout.catalog import Cursor
    from codex_core.rollout.index import all_sessions

    given = invocation.inner
    found = all_sessions(codex_home(), archived=given.is_on("archived"))
    if (directory := given.text("directory")) is not None:
        found = [summary for summary in found if _is_below(summary.cwd, os.path.realpath(directory))]
    if (text := given.text("cursor")) is not None:
        cursor = Cursor.parse(text)
        if cursor is None:
            raise SessionError(f"`{text}` is no cursor; the page before has named one.")
        found = [each for each in found if Cursor(each.started, each.conversation_id) < cursor]
    page, has_more = _page(found, given.text("limit"))
    _print_sessions(page, has_more=has_more, as_json=given.is_on("json"))
    return 0


def _is_below(path: str | None, directory: str) -> bool:
    return path is not None and (path == directory or path.startswith(directory.rstrip("/") + "/"))


def _page(found: Sequence[SessionSummary], limit: str | None) -> tuple[Sequence[SessionSummary], bool]:
    count = DEFAULT_LIMIT if limit is None else int(limit)
    return (found[:count], len(found) > count) if count else (found, False)


def _print_sessions(page: Sequence[SessionSummary], *, has_more: bool, as_json: bool) -> None:
    from codex_cli.sessions.listing import cursor_of, json_object, table
    from codex_core.command_line.help_page import terminal_columns

    cursor = cursor_of(page[-1]) if page and has_more else None
    if as_json:
        print_json({"sessions": [json_object(summary) for summary in page], "next_cursor": cursor})
        return
    if not page:
        print("No sessions.")
        return
    print(table(page, home=os.path.expanduser("~"), columns=terminal_columns()))
    if cursor is not None:
        print(f"There are more: --cursor '{cursor}', or -n 0 for all.", file=sys.stderr)


def print_json(value: object) -> None:
    """Writes one indented JSON document."""
    import json

    # A lone surrogate in a path cannot be written as UTF-8; as an escape it can.
    text = json.dumps(value, indent=2, ensure_ascii=False)
    print(text.encode("utf-8", "replace").decode())


# -- show ---------------------------------------------------------------------------------------


def _show(invocation: Invocation) -> int:
    from codex_core.rollout.replay import read_rollout
    from codex_core.rollout.story import recorded_story

    given = invocation.inner
    recorded = read_rollout(named_session(invocation, codex_home()).path)
    story = recorded_story(recorded.lines)
    if given.is_on("json"):
        events = [msg.to_wire() for msg in story]
        print_json({"session_id": recorded.conversation_id, "path": recorded.path, "events": events})
        return 0
    meta = recorded.lines[0].payload
    cwd = meta.get("cwd")
    print_story(story, cwd=cwd if isinstance(cwd, str) else "/", color=given.text("color") or "auto")
    return 0


def print_story(told: Iterable[EventMsg], *, cwd: str, color: str) -> None:
    """Prints events on stdout, as a run prints them."""
    from codex_core.presentation.story import Story
    from codex_exec.options import Color
    from codex_exec.painter import Painter, is_colored

    painter = Painter(_Unhurried(sys.stdout), colored=is_colored(Color(color), sys.stdout))
    story = Story(painter, cwd=cwd, home=os.path.expanduser("~"))
    for msg in told:
        story.tell(msg)
    story.finish_line()


class _Unhurried:
    """A stream that is not flushed for each row: nobody waits for the next one to happen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> None:
        self._stream.write(text)

    def flush(self) -> None:
        """Nothing: the end of the program does it."""


# -- search -------------------------------------------------------------------------------------


def _search(invocation: Invocation) -> int:
    from codex_core.rollout import index

    given = invocation.inner
    words = given.texts("words")
    found = index.search_sessions(codex_home(), words, archived=given.is_on("archived"))
    page, has_more = _page(found, given.text("limit"))
    if given.is_on("json"):
        from codex_cli.sessions.listing import json_object

        sessions = [{**json_object(summary), "matches": _matches(summary, words)} for summary in page]
        print_json({"sessions": sessions, "total": len(found)})
        return 0 if found else 1
    if not found:
        print("Nothing found.", file=sys.stderr)
        return 1
    _print_sessions(page, has_more=False, as_json=False)
    for summary in page:
        print(f"\n{summary.conversation_id}")
        for match in _matches(summary, words):
            print(f"  {match}")
    if has_more:
        print(f"{len(found)} sessions in all: -n 0 shows them.", file=sys.stderr)
    return 0


def _matches(summary: SessionSummary, words: Sequence[str]) -> list[str]:
    """For each word the place where it was said first, in one line."""
    from codex_core.presentation.safe_text import exact_text
    from codex_core.rollout.replay import RolloutError, read_rollout
    from codex_core.rollout.story import recorded_story

    try:
        recorded = read_rollout(summary.path)
    except RolloutError:  # it has gone meanwhile
        return []
    said = [
        text
        for msg in recorded_story(recorded.lines)
        if msg.type in ("user_message", "agent_message")
        and isinstance(text := getattr(msg, "message", None), str)
    ]
    found = []
    for word in words:
        place = next(
            ((text, at) for text in said if (at := text.casefold().find(word.casefold())) >= 0), None
        )
        if place is not None:
            text, at = place
            begin, end = max(0, at - _AROUND), at + len(word) + _AROUND
            piece = f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"
            found.append(exact_text(" ".join(piece.split())))
    return list(dict.fromkeys(found))

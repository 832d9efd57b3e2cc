"""Which recorded session goes on: named on the command line, or picked from all there are."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from codex_core.command_line.resume import ResumeRequest
    from codex_core.rollout.catalog import Cursor, SessionEntry, SessionPage
    from codex_tui.controller import Controller
    from codex_tui.screens.session_picker import ListedSession, SessionPicker

PAGE_SIZE = 25
"""Sessions that are read at once (spec: tui.md section 15)."""


async def pick_session(controller: Controller) -> ResumeRequest | None:
    """The session to go on with, which the user picks if the command line names none; None for a new one.

    Who wants none at all leaves the app.
    """
    from codex_core.command_line.resume import ResumeRequest
    from codex_tui.screens.session_picker import LEAVING, SessionPicker

    options = controller.launch.options
    resume = options.resume
    if resume is None or resume.session_id is not None or resume.last:
        return resume
    page = await _page(controller, None)
    if not page.entries:
        controller.notice(NoticeKind.INFO, "No sessions found: this is a new one.")
        return None
    wanted = asyncio.Event()
    picker = SessionPicker(
        "Go on in a copy of a previous session" if options.is_fork else "Resume a previous session",
        wanted.set,
        now=controller.launch.services.now,
        home=controller.launch.home,
    )
    reading = asyncio.create_task(_read_pages(controller, picker, wanted, page))
    try:
        picked = await controller.ask(picker)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    if picked is LEAVING:
        controller.leave()
    return ResumeRequest(session_id=picked) if isinstance(picked, str) else None


async def _read_pages(
    controller: Controller, picker: SessionPicker, wanted: asyncio.Event, page: SessionPage
) -> None:
    """Reads one page after the other as they are wanted."""
    while True:
        picker.add(map(listed, page.entries), is_last=len(page.entries) < PAGE_SIZE)
        controller.stage.changed()
        await wanted.wait()
        wanted.clear()
        page = await _page(controller, page.next_cursor)


async def _page(controller: Controller, cursor: Cursor | None) -> SessionPage:
    from codex_core.rollout.catalog import list_sessions

    return await asyncio.to_thread(list_sessions, controller.state.config.codex_home, PAGE_SIZE, cursor)


def listed(entry: SessionEntry) -> ListedSession:
    """What the picker shows of a session."""
    from codex_tui.screens.session_picker import ListedSession

    cwd = entry.meta.get("cwd")
    return ListedSession(
        entry.file.conversation_id,
        entry.preview or "",
        _began(entry),
        cwd if isinstance(cwd, str) else "",
    )


def _began(entry: SessionEntry) -> datetime:
    """By its first line; else by its name, which has the local time."""
    stated = entry.meta.get("timestamp")
    if isinstance(stated, str):
        try:
            found = datetime.fromisoformat(stated)
        except ValueError:
            found = None
        if found is not None and found.tzinfo is not None:
            return found
    return _by_name(entry.file.place.timestamp)


def _by_name(stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, "%Y-%m-%dT%H-%M-%S").astimezone()
    except (ValueError, OverflowError, OSError):  # 2026-99-99 has the form of a time, too
        return datetime.fromtimestamp(0).astimezone()

"""What a session says of `history.jsonl` when it starts (spec: protocol.md section 10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from codex_core.message_history import history_metadata
from codex_core.testing import answer, message


def test_no_log_has_no_id_and_no_entries(tmp_path: Path) -> None:
    assert history_metadata(str(tmp_path)) == (0, 0)
    (tmp_path / "history.jsonl").mkdir()
    assert history_metadata(str(tmp_path)) == (0, 0)


@pytest.mark.parametrize(
    ("content", "entries"),
    [(b"", 0), (b"{}\n", 1), (b"{}\n{}\nhalf", 2), (b"x" * 70_000 + b"\n" + b"\n" * 70_000, 70_001)],
)
def test_entries_are_counted_by_their_line_ends(content: bytes, entries: int, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(content)
    assert history_metadata(str(tmp_path)) == (path.stat().st_ino, entries)


async def test_the_first_event_tells_them(talk: Any) -> None:
    path = talk.home.write("history.jsonl", '{"session_id":"x","ts":1,"text":"hi"}\n')
    await talk.start([answer(message("ok"))])
    configured = await talk.until("session_configured")
    assert configured["history_log_id"] == path.stat().st_ino
    assert configured["history_entry_count"] == 1

"""One remembered prompt: as a line of history.jsonl, and as events carry it under another name for its id."""

from __future__ import annotations

from codex_protocol.base import WireModel
from codex_protocol.fields import Uint


class HistoryLine(WireModel):
    """A line of history.jsonl; `ts` is in Unix seconds."""

    session_id: str
    ts: Uint
    text: str


class HistoryEntry(WireModel):
    """A prompt in `get_history_entry_response`; `ts` is in Unix seconds."""

    conversation_id: str
    ts: Uint
    text: str

    @classmethod
    def from_line(cls, line: HistoryLine) -> HistoryEntry:
        """The entry a line of the file makes."""
        return cls(conversation_id=line.session_id, ts=line.ts, text=line.text)

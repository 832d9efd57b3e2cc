"""`history.jsonl`: the prompts a user typed, shared by every session (spec: protocol.md section 10)."""

from __future__ import annotations

import os

FILE_NAME = "history.jsonl"


def history_metadata(codex_home: str) -> tuple[int, int]:
    """The log's id (its inode number) and how many entries it holds; (0, 0) when there is none."""
    try:
        with open(os.path.join(codex_home, FILE_NAME), "rb") as file:
            log_id = os.fstat(file.fileno()).st_ino
            entries = 0
            while chunk := file.read(1 << 16):
                entries += chunk.count(b"\n")
    except OSError:
        return 0, 0
    return log_id, entries

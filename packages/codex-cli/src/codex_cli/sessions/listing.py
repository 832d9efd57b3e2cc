"""Summaries of sessions as rows for people and as objects for scripts."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.rollout.summary import SessionSummary

_ID_DIGITS = 8
_MIN_COLUMNS = 10
_GAP = 2
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"


def json_object(summary: SessionSummary) -> dict[str, object]:
    """A session for scripts; times are UTC."""
    fields = asdict(summary)
    modified = datetime.fromtimestamp(summary.modified, UTC)
    fields["modified"] = f"{modified:%Y-%m-%dT%H:%M:%S}.{modified.microsecond // 1000:03d}Z"
    fields["cursor"] = cursor_of(summary)
    return fields


def cursor_of(summary: SessionSummary) -> str:
    """The place behind this session, as the listing takes it."""
    return f"{summary.started}|{summary.conversation_id}"


def table(summaries: Sequence[SessionSummary], *, home: str, columns: int) -> str:
    """One row each: id, when it was last written, where, and what it began with."""
    ids = _short_ids([summary.conversation_id for summary in summaries])
    rows = [
        (
            short,
            _when(summary.modified),
            str(summary.turns),
            _place(summary, home),
            _one_line(summary.preview),
        )
        for short, summary in zip(ids, summaries, strict=True)
    ]
    heads = ("id", "last change", "turns", "where", "began with")
    widths = [max(_cells(row[at]) for row in (heads, *rows)) for at in range(4)]
    left = columns - sum(widths[:3]) - _GAP * 4
    widths[3] = min(widths[3], max(_MIN_COLUMNS, left // 2))
    left = max(_MIN_COLUMNS, left - widths[3])
    return "\n".join(
        (" " * _GAP)
        .join(
            [
                f"{row[0]:<{widths[0]}}",
                f"{row[1]:<{widths[1]}}",
                f"{row[2]:>{widths[2]}}",
                _padded(_end_of(row[3], widths[3]), widths[3]),
                _cut(row[4], left),
            ]
        )
        .rstrip()
        for row in (heads, *rows)
    )


def _short_ids(ids: Sequence[str]) -> list[str]:
    """The ids as far as they tell these sessions apart."""
    length = _ID_DIGITS
    while length < 36 and len({text[:length] for text in ids}) < len(set(ids)):
        length += 1
    return [text[:length].rstrip("-") for text in ids]


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M}"


def _place(summary: SessionSummary, home: str) -> str:
    path = summary.cwd or "?"
    if home and (path == home or path.startswith(home + os.sep)):
        path = "~" + path[len(home) :]
    return _one_line(f"{path} ({summary.branch})" if summary.branch else path)


def _one_line(text: str) -> str:
    return exact_text(" ".join(text.split()))


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(each) or each in _JOINERS else 2 if east_asian_width(each) in "WF" else 1
        for each in text
    )


def _cut(text: str, width: int) -> str:
    if _cells(text) <= width:
        return text
    while text and _cells(text) >= width:
        text = text[:-1]
    return f"{text}…"


def _end_of(path: str, width: int) -> str:
    """A path that is too long without its beginning, which many have in common."""
    if _cells(path) <= width:
        return path
    while path and _cells(path) >= width:
        path = path[1:]
    return f"…{path}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))

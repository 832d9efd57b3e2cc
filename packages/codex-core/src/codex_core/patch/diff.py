"""Unified diffs of texts, hunk for hunk as the reference's clients know them (spec: exec-sandbox.md E.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.patch.line_changes import Change, changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NO_NEWLINE = "\\ No newline at end of file\n"


def unified_diff(old: str, new: str, context: int) -> str:
    """The hunks that turn `old` into `new`, with that many lines around each change; no file header.

    Empty when the texts are equal. Only LF ends a line.
    """
    if old == new:
        return ""
    old_lines, new_lines = _lines(old), _lines(new)
    out: list[str] = []
    for group in _groups(changes(old_lines, new_lines), context):
        _print_hunk(out, group, old_lines, new_lines, context)
    return "".join(out)


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _groups(all_changes: Sequence[Change], context: int) -> Iterator[list[Change]]:
    """Changes so close to each other that their context would touch or overlap go into one hunk."""
    group: list[Change] = []
    for change in all_changes:
        if group and change.old_start - group[-1].old_end > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _print_hunk(
    out: list[str], group: Sequence[Change], old: Sequence[str], new: Sequence[str], context: int
) -> None:
    first, last = group[0], group[-1]
    before = min(context, first.old_start)
    after = min(context, len(old) - last.old_end)
    old_range = _range(first.old_start - before, last.old_end + after)
    new_range = _range(first.new_start - before, last.new_end + after)
    out.append(f"@@ -{old_range} +{new_range} @@\n")
    at = first.old_start - before
    for change in group:
        _print_lines(out, " ", old[at : change.old_start])
        _print_lines(out, "-", old[change.old_start : change.old_end])
        _print_lines(out, "+", new[change.new_start : change.new_end])
        at = change.old_end
    _print_lines(out, " ", old[at : at + after])


def _range(start: int, end: int) -> str:
    match end - start:
        case 0:
            return f"{start},0"
        case 1:
            return f"{start + 1}"
        case count:
            return f"{start + 1},{count}"


def _print_lines(out: list[str], mark: str, lines: Sequence[str]) -> None:
    for line in lines:
        out.append(mark + line)
        if not line.endswith("\n"):
            out.append("\n" + NO_NEWLINE)

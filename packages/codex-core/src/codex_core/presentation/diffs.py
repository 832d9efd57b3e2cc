"""What a patch does to each file, as rows with line numbers (spec: tui.md section 6.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Breaks, Line, Paragraph, Span, Style, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_protocol.file_change import FileChange

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_NUMBER_COLUMNS = 6
_STYLES = {"+": Style.ADDED, "-": Style.REMOVED, " ": Style.PLAIN}


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One line of a file as it was or is: `sign` is `+`, `-` or a blank, `⋮` between hunks, else empty."""

    sign: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What happens to one file: `verb` is `A`, `D`, `M` or `R`, `name` what people call it."""

    verb: str
    name: str
    added: int
    removed: int
    rows: tuple[DiffRow, ...]


def file_diffs(changes: Mapping[str, FileChange], cwd: str, home: str = "") -> list[FileDiff]:
    """The changes sorted by path; names are relative to `cwd` or, as `~/…`, to `home` where they can be."""
    return [_file_diff(path, changes[path], cwd, home) for path in sorted(changes)]


def _file_diff(path: str, change: FileChange, cwd: str, home: str) -> FileDiff:
    from codex_protocol.file_change import AddChange, DeleteChange

    name = shown_path(path, cwd, home)
    match change:
        case AddChange(content=content):
            rows = [DiffRow("+", number, text) for number, text in enumerate(_lines(content), 1)]
            return FileDiff("A", name, len(rows), 0, tuple(rows))
        case DeleteChange(content=content):
            rows = [DiffRow("-", number, text) for number, text in enumerate(_lines(content), 1)]
            return FileDiff("D", name, 0, len(rows), tuple(rows))
    target = change.move_path
    rows = list(_hunk_rows(change.unified_diff))
    signs = [row.sign for row in rows]
    if target:
        name = f"{name} → {shown_path(target, cwd, home)}"
    return FileDiff("R" if target else "M", name, signs.count("+"), signs.count("-"), tuple(rows))


def shown_path(path: str, cwd: str, home: str = "") -> str:
    """The path as seen from `cwd` if it lies below it, else from `home`, all of it readable."""
    below = path.removeprefix(cwd.rstrip("/") + "/")
    if below == path and home.rstrip("/") and path.startswith(home.rstrip("/") + "/"):
        below = "~" + path[len(home.rstrip("/")) :]
    return exact_text(below).replace("\n", "␊")


def diff_paragraphs(diff: FileDiff, indent: str = "    ") -> list[Paragraph]:
    """The changed lines: number, sign, text, a long line going on below its own text."""
    found: list[Paragraph] = []
    blank = " " * (_NUMBER_COLUMNS + 1)
    for row in diff.rows:
        style = _STYLES.get(row.sign, Style.DIM)
        if row.sign == "⋮":
            found.append(Paragraph(line(Span("⋮", Style.DIM)), line(indent)))
            continue
        number = f"{row.number or '':<{_NUMBER_COLUMNS}}"
        first = line(indent, Span(number, Style.DIM), Span(row.sign or " ", style))
        rest = line(indent + blank)
        found.append(Paragraph(line(Span(exact_text(row.text), style)), first, rest, Breaks.ANYWHERE))
    return found


def count_spans(added: int, removed: int) -> Line:
    """`(+3 -2)`."""
    return line(
        Span("(", Style.DIM), Span(f"+{added}", Style.ADDED), " ",
        Span(f"-{removed}", Style.REMOVED), Span(")", Style.DIM),
    )  # fmt: skip


def _lines(content: str) -> list[str]:
    lines = content.replace("\r\n", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _hunk_rows(diff: str) -> Iterator[DiffRow]:
    """The lines of a unified diff with or without file headers; what is neither is shown as it is."""
    old = new = old_left = new_left = 0
    is_in_hunk = False
    for text in _lines(diff):
        sign = text[:1]
        if sign == "+" and new_left:
            yield DiffRow("+", new, text[1:])
            new, new_left = new + 1, new_left - 1
        elif sign == "-" and old_left:
            yield DiffRow("-", old, text[1:])
            old, old_left = old + 1, old_left - 1
        elif sign in (" ", "") and old_left and new_left:
            yield DiffRow(" ", new, text[1:])
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        elif found := _HUNK.match(text):
            if is_in_hunk:
                yield DiffRow("⋮", 0, "")
            is_in_hunk = True
            old, new = int(found[1]), int(found[3])
            old_left = 1 if found[2] is None else int(found[2])
            new_left = 1 if found[4] is None else int(found[4])
        elif is_in_hunk or not text.startswith(("--- ", "+++ ", "diff ", "index ")):
            yield DiffRow("", 0, text)

"""What a patch does to each file, as rows with line numbers (spec: tui.md section 6.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_line, exact_text
from codex_core.presentation.spans import Breaks, Line, Paragraph, Span, Style, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from codex_protocol.file_change import FileChange

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
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
            rows = _with_line_ends(
                [DiffRow("+", number, text) for number, text in enumerate(_lines(content), 1)]
            )
            return FileDiff("A", name, len(rows), 0, tuple(rows))
        case DeleteChange(content=content):
            rows = _with_line_ends(
                [DiffRow("-", number, text) for number, text in enumerate(_lines(content), 1)]
            )
            return FileDiff("D", name, 0, len(rows), tuple(rows))
    target = change.move_path
    rows = _with_line_ends([*_hunk_rows(change.unified_diff)])
    signs = [row.sign for row in rows]
    if target:
        name = f"{name} → {shown_path(target, cwd, home)}"
    return FileDiff("R" if target else "M", name, signs.count("+"), signs.count("-"), tuple(rows))


def shown_path(path: str, cwd: str, home: str = "") -> str:
    """The path as seen from `cwd` if it lies below it, else from `home`, all of it readable."""
    below = path.removeprefix(cwd.rstrip("/") + "/")
    if below == path and home.rstrip("/") and path.startswith(home.rstrip("/") + "/"):
        below = "~" + path[len(home.rstrip("/")) :]
    return exact_line(below)


def diff_paragraphs(diff: FileDiff, indent: str = "    ") -> list[Paragraph]:
    """The changed lines: number, sign, text, a long line going on below its own text."""
    columns = len(str(max((row.number for row in diff.rows), default=0)))
    rest = line(indent + " " * (columns + 2))
    found: list[Paragraph] = []
    if not diff.rows and diff.verb == "M":
        return [Paragraph(line(Span("nothing in it changes", Style.DIM)), line(indent))]
    for row in diff.rows:
        if row.sign == "⋮":
            found.append(Paragraph(line(Span(f"{'⋮':>{columns}}", Style.DIM)), line(indent)))
            continue
        style = _STYLES.get(row.sign, Style.DIM)
        number = Span(f"{row.number or '':>{columns}} ", Style.DIM)
        first = line(indent, number, Span(row.sign or " ", style))
        found.append(Paragraph(line(Span(exact_text(row.text), style)), first, rest, Breaks.ANYWHERE))
    return found


def count_spans(added: int, removed: int) -> Line:
    """`(+3 -2)`."""
    return line(
        Span("(", Style.DIM), Span(f"+{added}", Style.ADDED), " ",
        Span(f"-{removed}", Style.REMOVED), Span(")", Style.DIM),
    )  # fmt: skip


def _lines(content: str) -> list[str]:
    lines = content.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _with_line_ends(rows: list[DiffRow]) -> list[DiffRow]:
    """The rows without the carriage returns of a DOS file; where only some lines have one, it is seen."""
    lines = [row for row in rows if row.sign in _STYLES]
    if not lines or not all(row.text.endswith("\r") for row in lines):
        return rows
    return [DiffRow(row.sign, row.number, row.text.removesuffix("\r")) for row in rows]


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

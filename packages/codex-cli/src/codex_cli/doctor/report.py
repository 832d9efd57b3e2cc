"""The findings as people read them, and as programs do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Status, worst
from codex_core.logs import redacted
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Line, Span, Style, line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_cli.doctor.result import Finding, Result, Value

SCHEMA = 1
"""Of the JSON object; a number up when a field changes its meaning or goes away, not when one is added."""

_MARKS = {
    Status.OK: Span("ok  ", Style.SUCCESS),
    Status.WARN: Span("warn", Style.WARNING),
    Status.FAIL: Span("FAIL", Style.FAILURE),
    Status.SKIPPED: Span("-   ", Style.DIM),
}
_INDENT = " " * 8


def group_rows(name: str, *, is_first: bool) -> list[Line]:
    """What stands above the findings of a group."""
    title = line(Span(name, Style.HEADING))
    return [title] if is_first else [line(), title]


def finding_rows(result: Result, width: int | None) -> Iterator[Line]:
    """One finding, wrapped at `width` columns; None wraps nothing."""
    first, *others = _wrapped(result.summary, width)
    yield line("  ", _MARKS[result.status], "  ", first)
    for row in others:
        yield line(_INDENT, row)
    for detail in result.details:
        for row in _wrapped(detail, width, hanging="  "):
            yield line(_INDENT, Span(row, Style.DIM))
    if result.advice is not None:
        for row in _wrapped(f"to do: {result.advice}", width, hanging="  "):
            yield line(_INDENT, row)


def verdict(findings: Sequence[Finding]) -> str:
    """One line about all of it."""
    count = {status: sum(f.result.status is status for f in findings) for status in Status}
    warned = count[Status.WARN]
    warnings = f"{warned} warning{'' if warned == 1 else 's'}"
    if failed := count[Status.FAIL]:
        first = next(f.check.id for f in findings if f.result.status is Status.FAIL)
        rest = f", {warnings}" if warned else ""
        return f"{failed} problem{'' if failed == 1 else 's'}{rest}; begin with `{first}`."
    return f"Everything works; {warnings}." if warned else "Everything is as it should be."


def verdict_rows(findings: Sequence[Finding]) -> list[Line]:
    """The verdict, painted."""
    style = {Status.FAIL: Style.FAILURE, Status.WARN: Style.WARNING}.get(worst(findings), Style.SUCCESS)
    return [line(), line(Span(verdict(findings), style))]


def as_json(findings: Sequence[Finding], *, version: str) -> str:
    """The report as one JSON object; the README of codex-cli describes it."""
    import json

    checks: list[Value] = [
        {
            "id": finding.check.id,
            "group": finding.check.group,
            "status": finding.result.status.value,
            "summary": redacted(finding.result.summary),
            "details": [redacted(detail) for detail in finding.result.details],
            "advice": finding.result.advice,
            "data": _clean(dict(finding.result.data)),
            "seconds": round(finding.seconds, 3),
        }
        for finding in findings
    ]
    counts: dict[str, Value] = {
        status.value: sum(f.result.status is status for f in findings) for status in Status
    }
    report: dict[str, Value] = {
        "schema": SCHEMA,
        "version": version,
        "ok": worst(findings) is not Status.FAIL,
        "verdict": verdict(findings),
        "counts": counts,
        "checks": checks,
    }
    return json.dumps(report, indent=2) + "\n"


def _clean(value: Value) -> Value:
    """The value with every text redacted."""
    match value:
        case str():
            return redacted(value)
        case None | int() | float():
            return value
        case Mapping():
            return {key: _clean(item) for key, item in value.items()}
        case _:
            return [_clean(item) for item in value]


def _wrapped(text: str, width: int | None, *, hanging: str = "") -> list[str]:
    """The text safe to show, in rows that leave room for the indentation."""
    rows: list[str] = []
    for row in exact_text(redacted(text)).split("\n"):
        if width is None:
            rows.append(row)
            continue
        import textwrap

        room = max(20, width - len(_INDENT))
        rows += textwrap.wrap(row, room, subsequent_indent=hanging, break_on_hyphens=False) or [""]
    return rows

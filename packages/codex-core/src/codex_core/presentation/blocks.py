"""Rows for the things a person watches: commands, diffs, plans, durations, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_text, safe_text
from codex_core.presentation.spans import Line, Span, Style, line, plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.config.config import Config
    from codex_protocol.file_change import FileChange
    from codex_protocol.plan import PlanItemArg
    from codex_protocol.sandbox_policy import SandboxPolicy

OUTPUT_ROWS = 20
"""Rows of a command's output that are shown (spec: servers.md section 7.5)."""

_PLAN_MARKS = {"completed": "✓", "in_progress": "→", "pending": "•"}


def format_duration(seconds: float) -> str:
    """`804ms`, `1.50s`, `1m 15s` (spec: servers.md section 7.5)."""
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m {rest:02d}s"


def format_count(number: int) -> str:
    """A number with separators for people."""
    return f"{number:,}"


def describe_sandbox(policy: SandboxPolicy) -> str:
    """`read-only`, or `workspace-write [workdir, /tmp, $TMPDIR]` with what else may be written."""
    from codex_protocol.sandbox_policy import WorkspaceWritePolicy

    if not isinstance(policy, WorkspaceWritePolicy):
        return str(policy.mode)
    places = ["workdir"]
    if not policy.exclude_slash_tmp:
        places.append("/tmp")  # noqa: S108 - names a directory of the policy, uses none
    if not policy.exclude_tmpdir_env_var:
        places.append("$TMPDIR")
    places += policy.writable_roots
    network = " (network access enabled)" if policy.network_access else ""
    return f"workspace-write [{', '.join(places)}]{network}"


def config_rows(config: Config) -> list[tuple[str, str]]:
    """What a run is about to use, as (name, value) in the order people read it (servers.md section 7.5)."""
    from codex_core.config.providers import WireApi
    from codex_core.model.families import family_for

    rows = [
        ("workdir", config.cwd),
        ("model", config.model),
        ("provider", config.model_provider_id),
        ("approval", str(config.approval_policy)),
        ("sandbox", describe_sandbox(config.sandbox_policy)),
    ]
    supports_reasoning = config.model_supports_reasoning_summaries
    if supports_reasoning is None:
        supports_reasoning = family_for(config.model).supports_reasoning
    if config.model_provider.wire_api is WireApi.RESPONSES and supports_reasoning:
        rows.append(("reasoning effort", str(config.model_reasoning_effort or "none")))
        rows.append(("reasoning summaries", str(config.model_reasoning_summary)))
    return rows


def text_rows(text: str, style: Style = Style.PLAIN, *, mark: str = "") -> list[Line]:
    """Text of others, nothing of it hidden, as rows that begin with `mark`."""
    rows = exact_text(text).split("\n")
    if not rows[-1]:
        rows.pop()
    return [line(Span(mark + row, style)) for row in rows]


def output_rows(text: str, style: Style, limit: int = OUTPUT_ROWS) -> list[Line]:
    """The first rows of a command's output, and a note on how many more there are."""
    shown_text = safe_text(text).rstrip("\n")
    rows = shown_text.split("\n") if shown_text else []
    shown = [line(Span(row, style)) for row in rows[:limit]]
    if len(rows) > limit:
        more = len(rows) - limit
        shown.append(line(Span(f"… {format_count(more)} more {'line' if more == 1 else 'lines'}", Style.DIM)))
    return shown


def plan_rows(explanation: str | None, plan: Sequence[PlanItemArg]) -> list[Line]:
    """The plan as a list with a mark for the state of each step."""
    rows = text_rows(explanation, Style.DIM) if explanation else []
    for item in plan:
        state = str(item.status)
        style = {"completed": Style.DIM, "in_progress": Style.STRONG}.get(state, Style.PLAIN)
        mark = f"  {_PLAN_MARKS.get(state, '•')} "
        for (step,) in text_rows(item.step, style) or [(Span(""),)]:
            rows.append(line(mark, step))
            mark = " " * len(mark)
    return rows


def change_rows(changes: Mapping[str, FileChange], cwd: str) -> list[Line]:
    """What a patch does to each file: a headline per file, then its lines."""
    from codex_protocol.file_change import AddChange, DeleteChange, UpdateChange

    rows: list[Line] = []
    for path, change in changes.items():
        shown = shorten_path(path, cwd)
        match change:
            case AddChange(content=content):
                rows += text_rows(f"A {shown}", Style.STRONG)
                rows += text_rows(content, Style.ADDED, mark="+")
            case DeleteChange(content=content):
                rows += text_rows(f"D {shown}", Style.STRONG)
                rows += text_rows(content, Style.REMOVED, mark="-")
            case UpdateChange(unified_diff=diff, move_path=target):
                title = f"R {shown} -> {shorten_path(target, cwd)}" if target else f"M {shown}"
                rows += text_rows(title, Style.STRONG)
                rows += diff_rows(diff)
    return rows


def diff_rows(diff: str) -> list[Line]:
    """A unified diff, with or without its file headers, with added and removed lines told apart."""
    rows: list[Line] = []
    is_in_hunk = False
    for row in text_rows(diff):
        text, style = plain_text(row), Style.PLAIN
        if text.startswith("@@"):
            is_in_hunk, style = True, Style.DIM
        elif is_in_hunk and text.startswith("+"):
            style = Style.ADDED
        elif is_in_hunk and text.startswith("-"):
            style = Style.REMOVED
        elif not is_in_hunk or (text and text[0] not in " \\"):
            is_in_hunk, style = False, Style.DIM
        rows.append(line(Span(text, style)))
    return rows


def shorten_path(path: str, cwd: str) -> str:
    """The path as seen from `cwd`, if it lies below it."""
    return path.removeprefix(cwd.rstrip("/") + "/")

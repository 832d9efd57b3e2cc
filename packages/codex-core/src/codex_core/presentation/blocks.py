"""Rows for the things a person watches: commands, plans, calls, durations, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.ink import inked_rows, raw_rows
from codex_core.presentation.safe_text import exact_line, exact_text
from codex_core.presentation.spans import Emphasis, Line, Paragraph, Span, Style, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.config.config import Config
    from codex_protocol.events import McpInvocation
    from codex_protocol.mcp_types import CallToolResult
    from codex_protocol.plan import PlanItemArg
    from codex_protocol.sandbox_policy import SandboxPolicy

OUTPUT_ROWS = 20
"""Rows of a command's output that are shown (spec: servers.md section 7.5)."""

MAX_RESULT_CHARACTERS = 20_000
"""What is shown of one answer of a tool."""

_MAX_ROW_CHARACTERS = 1_000
_PLAN_MARKS = {"completed": "✔", "in_progress": "→", "pending": "□"}
_PLAN_STYLES = {"completed": Style.DIM, "in_progress": Style.CURRENT}
_SHELLS = frozenset(
    {"bash", "zsh", "sh", "/bin/bash", "/bin/zsh", "/bin/sh", "/usr/bin/bash", "/usr/bin/zsh"}
)


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


def command_text(command: Sequence[str]) -> str:
    """A command as one would type it; of a login shell only its script (spec: tui.md section 6.5)."""
    match list(command):
        case [shell, "-lc", script] if shell in _SHELLS:
            return script
        case words:
            from codex_core.approval.words import shlex_join

            return shlex_join(words)


def output_rows(text: str, style: Style, limit: int = OUTPUT_ROWS) -> list[Line]:
    """The first rows of a command's output, and a note on how many more there are."""
    rows = raw_rows(text)
    shown = inked_rows(rows[:limit], style)
    if len(rows) <= limit:
        return shown
    return [*shown, _left_out(len(rows) - limit, "… {} more {}")]


def head_and_tail(text: str, style: Style, *, head: int, tail: int) -> list[Line]:
    """The first and the last rows of a command's output, and between them how many are left out.

    `head` of 0 gives the tail alone, below that note.
    """
    rows = raw_rows(text)
    if len(rows) <= head + tail:
        return inked_rows((clipped(row, _MAX_ROW_CHARACTERS) for row in rows), style)
    first = [clipped(row, _MAX_ROW_CHARACTERS) for row in rows[:head]]
    last = [clipped(row, _MAX_ROW_CHARACTERS) for row in rows[len(rows) - tail :]]
    note = _left_out(len(rows) - head - tail, "… +{} {}")
    return [*inked_rows(first, style), note, *inked_rows(last, style)]


def _left_out(count: int, words: str) -> Line:
    return line(Span(words.format(format_count(count), "line" if count == 1 else "lines"), Style.DIM))


def plan_paragraphs(explanation: str | None, plan: Sequence[PlanItemArg]) -> list[Paragraph]:
    """The plan as a list with a mark for the state of each step (spec: tui.md section 6.9)."""
    found = [Paragraph(row) for row in text_rows(explanation or "", Style.THOUGHT)]
    for item in plan:
        state = str(item.status)
        style = _PLAN_STYLES.get(state, Style.PLAIN)
        crossed = Emphasis.STRIKE if state == "completed" else Emphasis.NONE
        mark = f"  {_PLAN_MARKS.get(state, '□')} "
        for (step,) in text_rows(item.step) or [(Span(""),)]:
            body = line(Span(step.text, style, crossed))
            found.append(Paragraph(body, line(Span(mark, style)), line(" " * len(mark))))
            mark = " " * len(mark)
    if not plan:
        found.append(Paragraph(line(Span("(no steps provided)", Style.THOUGHT))))
    return found


def call_spans(invocation: McpInvocation) -> Line:
    """`server.tool({"compact":"json"})`, on one row however its arguments look."""
    import json

    arguments = invocation.arguments
    told = "" if arguments is None else json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    name = exact_line(f"{invocation.server}.{invocation.tool}")
    return line(Span(name, Style.ACCENT), Span(f"({exact_text(told)})", Style.DIM))


def result_texts(result: CallToolResult | str) -> list[str]:
    """What a tool of an MCP server answered, block by block (spec: tui.md section 6.10)."""
    if isinstance(result, str):
        return [f"Error: {result}"]
    return [_block_text(block) for block in result.content]


def _block_text(block: object) -> str:
    match str(getattr(block, "type", "")):
        case "text":
            return _spaced_json(str(getattr(block, "text", "")))
        case "image":
            return "<image content>"
        case "audio":
            return "<audio content>"
        case "resource":
            return f"embedded resource: {getattr(getattr(block, 'resource', None), 'uri', '')}"
        case "resource_link":
            return f"link: {getattr(block, 'uri', '')}"
        case _:
            return "<content of another kind>"


def _spaced_json(text: str) -> str:
    """JSON on one row with blanks where rows may be broken; other text as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    import json

    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def clipped(text: str, limit: int) -> str:
    """The text, or as much of it as may be, with `...` for the rest."""
    return text if len(text) <= limit else text[: max(0, limit - 3)] + "..."


def first_line(text: str, limit: int) -> str:
    """The first line of a command as a mention of it, ` ...` for what follows (spec: tui.md section 6.7)."""
    first, more, _ = exact_text(text.strip("\n")).partition("\n")
    return clipped(first + " ..." if more else first, limit)


def shorten_path(path: str, cwd: str) -> str:
    """The path as seen from `cwd`, if it lies below it."""
    return path.removeprefix(cwd.rstrip("/") + "/")

"""A session as a document: Markdown, a web page, or its own lines; what looks like a credential is masked."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core.rollout.secrets import masked, masked_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codex_core.rollout.replay import RecordedConversation
    from codex_protocol.events import EventMsg


_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r"^ {0,3}(#{1,4})(?=\s|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")


class Format(StrEnum):
    """What a session is exported as."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSONL = "jsonl"


class Kind(StrEnum):
    """What a part of a session is."""

    USER = "user"
    AGENT = "codex"
    THOUGHT = "thinking"
    COMMAND = "command"
    PATCH = "patch"
    PLAN = "plan"
    TOOL = "tool"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that was said or done; texts are masked."""

    kind: Kind
    text: str
    output: str = ""
    outcome: str = ""


def exported(recorded: RecordedConversation, form: Format) -> Iterator[str]:
    """The document, in pieces."""
    if form is Format.JSONL:
        return _json_lines(recorded)
    from codex_core.rollout.story import recorded_story

    parts = _parts(recorded_story(recorded.lines))
    facts = _facts(recorded)
    return _markdown(facts, parts) if form is Format.MARKDOWN else _page(facts, parts)


def _facts(recorded: RecordedConversation) -> list[tuple[str, str]]:
    from codex_core.rollout.replay import conversation_id_of

    meta = next(line.payload for line in recorded.lines if conversation_id_of(line) is not None)
    git = meta.get("git")
    git = git if isinstance(git, dict) else {}
    model = next((line.payload.get("model") for line in recorded.lines if line.kind == "turn_context"), None)
    facts = [
        ("session", recorded.conversation_id),
        ("started", meta.get("timestamp")),
        ("directory", meta.get("cwd")),
        ("branch", git.get("branch")),
        ("commit", git.get("commit_hash")),
        ("model", model),
        (
            "recorded by",
            " ".join(filter(None, (_str(meta.get("originator")), _str(meta.get("cli_version"))))),
        ),
    ]
    return [(name, masked(value)) for name, value in facts if isinstance(value, str) and value]


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""


# -- what happened ------------------------------------------------------------------------------


def _parts(story: Iterable[EventMsg]) -> Iterator[Part]:
    """What is told of each event; a command or patch is told when it has ended."""
    from codex_core.presentation.blocks import format_duration
    from codex_protocol import events

    begun: dict[str, tuple[Kind, str]] = {}
    for msg in story:
        match msg:
            case events.UserMessageEvent(message=text):
                yield Part(Kind.USER, masked(text))
            case events.AgentMessageEvent(message=text):
                yield Part(Kind.AGENT, masked(text))
            case events.AgentReasoningEvent(text=text):
                yield Part(Kind.THOUGHT, masked(text))
            case events.ExecCommandBeginEvent(call_id=call_id, command=command):
                from codex_core.approval.words import shlex_join

                begun[call_id] = (Kind.COMMAND, shlex_join(list(command)))
            case events.PatchApplyBeginEvent(call_id=call_id, changes=changes):
                begun[call_id] = (Kind.PATCH, "\n".join(map(_change_text, changes.items())))
            case events.McpToolCallBeginEvent(call_id=call_id, invocation=call):
                begun[call_id] = (Kind.TOOL, f"{call.server}.{call.tool} {_json(call.arguments)}")
            case events.ExecCommandEndEvent(call_id=call_id, aggregated_output=output, exit_code=code):
                kind, text = begun.pop(call_id, (Kind.COMMAND, call_id))
                took = format_duration(msg.duration.seconds)
                outcome = f"exit code {code}, {took}" if code >= 0 else "did not run to its end"
                yield Part(kind, masked(text), masked(output), outcome)
            case events.PatchApplyEndEvent(call_id=call_id, stdout=stdout, stderr=stderr, success=is_done):
                kind, text = begun.pop(call_id, (Kind.PATCH, call_id))
                yield Part(kind, masked(text), masked(stdout or stderr), "applied" if is_done else "failed")
            case events.McpToolCallEndEvent(call_id=call_id, result=result):
                kind, text = begun.pop(call_id, (Kind.TOOL, call_id))
                answer = result if isinstance(result, str) else _json(result.to_wire())
                yield Part(kind, masked(text), masked(answer), "answered" if msg.is_success else "failed")
            case events.PlanUpdateEvent(explanation=explanation, plan=plan):
                rows = [f"[{'x' if step.status == 'completed' else ' '}] {step.step}" for step in plan]
                yield Part(Kind.PLAN, masked("\n".join([*filter(None, [explanation]), *rows])))
            case events.BackgroundEventEvent(message=text):
                yield Part(Kind.NOTE, masked(text))
            case events.EnteredReviewModeEvent(user_facing_hint=hint):
                yield Part(Kind.NOTE, masked(f"review of {hint}"))
            case events.ExitedReviewModeEvent(review_output=review) if review is not None:
                yield Part(Kind.AGENT, masked(review.overall_explanation))
                for finding in review.findings:
                    yield Part(Kind.AGENT, masked(f"{finding.title}\n\n{finding.body}"))
            case events.TurnAbortedEvent(reason=reason):
                yield Part(Kind.NOTE, str(reason))


def _change_text(change: tuple[str, object]) -> str:
    from codex_protocol.file_change import AddChange, UpdateChange

    path, what = change
    match what:
        case AddChange(content=content):
            return f"+++ {path}\n" + "".join(f"+{row}\n" for row in content.splitlines())
        case UpdateChange(unified_diff=diff, move_path=to):
            return f"--- {path}\n+++ {to or path}\n{diff}"
    return f"--- {path}\n"


def _json(value: object) -> str:
    from codex_protocol.jsonio import dumps

    return "" if value is None else dumps(value)


# -- forms --------------------------------------------------------------------------------------


def _json_lines(recorded: RecordedConversation) -> Iterator[str]:
    """The lines of the file itself, also those nobody here knows; one that is no JSON is left out."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.jsonio import dumps, loads_object

    with open(recorded.path, "rb") as lines:
        for line in lines:
            try:
                value = loads_object(line)
            except ProtocolError:
                continue
            yield f"{dumps(masked_json(value))}\n"


def _markdown(facts: list[tuple[str, str]], parts: Iterable[Part]) -> Iterator[str]:
    yield "# Session\n\n"
    yield "".join(f"- **{name}:** {_code(value)}\n" for name, value in facts)
    for part in parts:
        match part.kind:
            case Kind.AGENT:
                # Whatever it says, it is no heading of ours: those stand on a level of their own.
                yield f"\n## codex\n\n{_deeper(part.text)}\n"
            case Kind.USER | Kind.THOUGHT | Kind.NOTE:
                yield f"\n## {part.kind}\n\n" + "".join(f"> {row}\n" for row in part.text.splitlines())
            case _:
                language = {Kind.COMMAND: "sh", Kind.PATCH: "diff"}.get(part.kind, "text")
                yield f"\n## {part.kind}\n\n{_fenced(part.text, language)}"
                if part.output.strip():
                    yield f"\n{_fenced(part.output, 'text')}"
                if part.outcome:
                    yield f"\n{part.outcome}\n"


def _deeper(text: str) -> str:
    """The text with its headings below ours; what stands in a fence is code, and stays as it is."""
    rows: list[str] = []
    fence = ""
    for row in text.rstrip().split("\n"):
        mark = _FENCE.match(row)
        if not fence:
            fence = mark[1] if mark else ""
            row = _HEADING.sub(r"##\1", row)
            if _UNDERLINE.fullmatch(row) and rows and rows[-1].strip():
                row = f"\\{row.lstrip()}"  # or it would make a heading of the row above it
        elif mark and mark[1].startswith(fence) and not row.strip(" `~"):
            fence = ""
        rows.append(row)
    return "\n".join([*rows, fence] if fence else rows)


def _code(text: str) -> str:
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    text = " ".join(text.split())
    return f"{ticks} {text} {ticks}" if "`" in text else f"{ticks}{text}{ticks}"


def _fenced(text: str, language: str) -> str:
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{language}\n{text.rstrip(chr(10))}\n{ticks}\n"


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c1c1c; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
section { border-left: 4px solid #bbb; margin: 1rem 0; padding: .25rem 1rem; }
section.user { border-color: #2a6fdb; } section.codex { border-color: #8a4fd0; }
section h2 { font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; margin: 0; opacity: .7; }
section.command pre, section.patch pre, section.tool pre { font: 14px/1.4 ui-monospace, monospace; }
section.user > pre, section.codex > pre, section.thinking > pre { font: inherit; }
.outcome { font-size: .85rem; opacity: .7; }
dt { font-weight: bold; float: left; clear: left; width: 8rem; } dd { margin-left: 8rem; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #16181c; } }
"""


def _page(facts: list[tuple[str, str]], parts: Iterable[Part]) -> Iterator[str]:
    title = html.escape(dict(facts)["session"])
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Session {title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>Session</h1>\n<dl>\n"
    )
    yield "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>\n" for name, value in facts)
    yield "</dl>\n"
    for part in parts:
        yield f'<section class="{part.kind}">\n<h2>{part.kind}</h2>\n<pre>{_escaped(part.text)}</pre>\n'
        if part.output.strip():
            yield f"<details><summary>output</summary><pre>{_escaped(part.output)}</pre></details>\n"
        if part.outcome:
            yield f'<p class="outcome">{_escaped(part.outcome)}</p>\n'
        yield "</section>\n"
    yield "</body>\n</html>\n"


def _escaped(text: str) -> str:
    from codex_core.presentation.safe_text import exact_text

    return html.escape(exact_text(text))

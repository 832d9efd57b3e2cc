"""Scripted conversations that both agents are led through, and where they may part ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codex_core.testing import (
    Allowed,
    answer,
    chat_answer,
    chat_text,
    chat_tool_call,
    completed,
    created,
    event_seen,
    failed,
    function_call,
    http_error,
    item_done,
    message,
    patch_call,
    plan_call,
    reasoning,
    shell_call,
    sse,
)
from codex_core.testing.playback import Moment

Document = dict[str, Any]
FULL_ACCESS: Mapping[str, object] = {"sandbox_mode": "danger-full-access", "approval_policy": "never"}
ASKING: Mapping[str, object] = {"sandbox_mode": "read-only", "approval_policy": "untrusted"}


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the model says, what the user does, and what may differ."""

    name: str
    script: Callable[[], Sequence[Any]]
    submissions: tuple[Document, ...]
    settings: Mapping[str, object] = field(default_factory=lambda: FULL_ACCESS)
    provider: Mapping[str, object] = field(default_factory=dict)
    wire_api: str = "responses"
    model: str = "gpt-5"
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    home_files: Mapping[str, str] = field(default_factory=dict)
    decisions: tuple[str, ...] = ()
    moments: Mapping[str, Moment] = field(default_factory=dict)
    allowed: tuple[Allowed, ...] = ()
    varying: tuple[str, ...] = ()
    """Paths, as in `Allowed`, where the reference differs from run to run."""


def says(identifier: str, *texts: str) -> Document:
    """The user's words."""
    items = [{"type": "text", "text": text} for text in texts]
    return {"id": identifier, "op": {"type": "user_input", "items": items}}


def op(identifier: str, kind: str, **fields: object) -> Document:
    """Any operation."""
    return {"id": identifier, "op": {"type": kind, **fields}}


HI = says("s1", "hi")
PATCH = "*** Begin Patch\n*** Add File: new.txt\n+one\n*** Update File: a.txt\n@@\n-two\n+2\n*** End Patch\n"

PARSER_WORDS = "where the error lies is said in our own words"
INTERRUPTED = tuple(
    Allowed(path, "an interrupted call is recorded, with its prompt, and the model is told (D3)")
    for path in (
        "requests[1].body.input[2]",
        "requests[1].body.input[2].content[0].text",
        "requests[1].body.input[3]",
        "rollout.response_item[1]",
        "rollout.response_item[1].content[0].text",
    )
)

CONVERSATIONS = [
    Conversation("one message", lambda: [answer(message("Hello"))], (HI,)),
    Conversation(
        "a streamed message with reasoning",
        lambda: [answer(reasoning("Think.", deltas=True), message("Hello you", deltas=True))],
        (HI,),
    ),
    Conversation(
        "three turns",
        lambda: [answer(message("One")), answer(message("Two")), answer(message("Three"))],
        (HI, says("s2", "more"), says("s3", "and", "more")),
    ),
    Conversation(
        "a command",
        lambda: [answer(shell_call(["cat", "a.txt"])), answer(message("Read."))],
        (HI,),
        files={"a.txt": "one\ntwo\n"},
    ),
    Conversation(
        "a command that fails",
        lambda: [
            answer(shell_call(["bash", "-c", "echo out; echo err >&2; exit 3"])),
            answer(message("Oh.")),
        ],
        (HI,),
    ),
    Conversation(
        "a command that is not there",
        lambda: [answer(shell_call(["no-such-program-here"])), answer(message("Oh."))],
        (HI,),
    ),
    Conversation(
        "a command in a directory",
        lambda: [answer(shell_call(["pwd"], workdir="sub")), answer(message("There."))],
        (HI,),
        files={"sub/x": "x"},
    ),
    Conversation(
        "a command that takes too long",
        lambda: [answer(shell_call(["sleep", "30"], timeout_ms=200)), answer(message("Too long."))],
        (HI,),
    ),
    Conversation(
        "two calls in one answer",
        lambda: [
            answer(shell_call(["echo", "1"], "c1"), shell_call(["echo", "2"], "c2")),
            answer(message("Both.")),
        ],
        (HI,),
    ),
    Conversation(
        "arguments of the wrong shape",
        lambda: [answer(function_call("shell", {"command": "ls"})), answer(message("Oh."))],
        (HI,),
        allowed=(
            Allowed("requests[1].body.input[3].output", PARSER_WORDS),
            Allowed("rollout.response_item[3].output", PARSER_WORDS),
        ),
    ),
    Conversation(
        "a tool that is not there",
        lambda: [answer(function_call("teleport", {"to": "Mars"})), answer(message("Oh."))],
        (HI,),
    ),
    Conversation(
        "a plan",
        lambda: [
            answer(plan_call(("Look", "completed"), ("Do", "in_progress"), explanation="Now")),
            answer(message("Planned.")),
        ],
        (HI,),
        settings={**FULL_ACCESS, "include_plan_tool": True},
    ),
    Conversation(
        "a patch",
        lambda: [answer(patch_call(PATCH)), answer(message("Patched."))],
        (HI,),
        settings={**FULL_ACCESS, "include_apply_patch_tool": True},
        files={"a.txt": "one\ntwo\n"},
    ),
    Conversation(
        "a patch by the shell",
        lambda: [answer(shell_call(["apply_patch", PATCH])), answer(message("Patched."))],
        (HI,),
        files={"a.txt": "one\ntwo\n"},
    ),
    Conversation(
        "a patch that does not fit",
        lambda: [answer(shell_call(["apply_patch", PATCH])), answer(message("Oh."))],
        (HI,),
        files={"a.txt": "something else\n"},
    ),
    Conversation(
        "a question that is approved",
        lambda: [answer(shell_call(["touch", "x"])), answer(message("Made."))],
        (HI,),
        settings=ASKING,
        decisions=("approved",),
    ),
    Conversation(
        "a question that is denied",
        lambda: [answer(shell_call(["touch", "x"])), answer(message("Fine."))],
        (HI,),
        settings=ASKING,
        decisions=("denied",),
    ),
    Conversation(
        "an approval for the session",
        lambda: [
            answer(shell_call(["touch", "x"], "c1")),
            answer(shell_call(["touch", "x"], "c2")),
            answer(message("Twice.")),
        ],
        (HI,),
        settings=ASKING,
        decisions=("approved_for_session",),
    ),
    Conversation(
        "a patch that is approved",
        lambda: [answer(patch_call(PATCH)), answer(message("Patched."))],
        (HI,),
        settings={**ASKING, "include_apply_patch_tool": True},
        files={"a.txt": "one\ntwo\n"},
        decisions=("approved",),
    ),
    Conversation(
        "settings that change between turns",
        lambda: [answer(message("One")), answer(message("Two"))],
        (
            HI,
            op(
                "s2", "override_turn_context", model="gpt-5-codex", effort="low", approval_policy="on-request"
            ),
            says("s3", "more"),
        ),
    ),
    Conversation(
        "a turn with settings of its own",
        lambda: [answer(message("One")), answer(message("Two"))],
        (
            op(
                "s1",
                "user_turn",
                items=[{"type": "text", "text": "hi"}],
                cwd="/",
                approval_policy="on-failure",
                sandbox_policy={"mode": "read-only"},
                model="gpt-5",
                effort="high",
                summary="detailed",
            ),
            says("s2", "more"),
        ),
    ),
    Conversation(
        "an interrupt of a command",
        lambda: [answer(shell_call(["sleep", "30"])), answer(message("Again."))],
        (HI, op("s2", "interrupt"), says("s3", "again")),
        moments={"s2": event_seen("exec_command_begin")},
        allowed=INTERRUPTED,
    ),
    Conversation(
        "a server that is busy once",
        lambda: [http_error(503, {}), answer(message("Back."))],
        (HI,),
        provider={"request_max_retries": 2},
    ),
    Conversation(
        "a stream that breaks off",
        lambda: [sse(created(), message("Hal", deltas=["Hal"])), answer(message("Hallo"))],
        (HI,),
        provider={"stream_max_retries": 2},
        allowed=tuple(
            Allowed(path, "what was finished before the stream broke is kept and sent along (D4)")
            for path in (
                "requests[1].body.input[2]",
                "rollout.response_item[2].content[0].text",
                "rollout.response_item[3]",
            )
        ),
    ),
    Conversation(
        "an answer that fails",
        lambda: [sse(created(), failed("server_error", "boom")), answer(message("Back."))],
        (HI,),
        provider={"stream_max_retries": 2},
    ),
    Conversation(
        "compaction by hand",
        lambda: [answer(message("One")), answer(message("Summary.")), answer(message("Two"))],
        (HI, op("s2", "compact"), says("s3", "more")),
        allowed=(
            Allowed("requests[2].body.input[1].content[0].text", "the words around a summary are our own"),
        ),
    ),
    Conversation(
        "instructions of home and project",
        lambda: [answer(message("One"))],
        (HI,),
        files={"AGENTS.md": "Use tabs.\n"},
        home_files={"AGENTS.md": "Be brief."},
    ),
    Conversation(
        "an item of unknown type",
        lambda: [
            sse(created(), item_done({"type": "dream", "x": 1}), message("Hello"), completed()),
            answer(message("Two")),
        ],
        (HI, says("s2", "more")),
    ),
    Conversation(
        "the path of the session",
        lambda: [answer(message("One"))],
        (HI, op("s2", "get_path")),
        moments={"s2": event_seen("task_complete")},
    ),
    Conversation(
        "chat completions with a call",
        lambda: [
            chat_answer(
                *chat_tool_call("shell", ['{"command":', '["echo","hi"]}']), finish_reason="tool_calls"
            ),
            chat_answer(*chat_text("Do", "ne")),
        ],
        (HI,),
        wire_api="chat",
        allowed=(
            Allowed("events[*]", "text is streamed (D25)"),
            Allowed("requests[*].body.stream_options", "usage is asked for (D25)"),
            Allowed("requests[*].body.messages[0].content", "the instructions are our own words"),
            Allowed("requests[*].body.tools[*].function", "the order of these keys means nothing"),
        ),
    ),
]

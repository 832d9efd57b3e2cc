"""What a scripted model answers: the `Reply` value and builders for the Responses wire.

Builders give plain dicts in the shape the Responses API streams (spec: agent.md section 8), `sse`
turns them into a reply. Nothing here opens a socket; `model_server` sends replies, a transport of
your own may do so as well. The Chat Completions wire is in `chat_replies`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from codex_core.model.scripted.signals import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator

Event: TypeAlias = dict[str, object]
"""One server-sent event as its decoded `data`."""

SsePart: TypeAlias = "Mapping[str, object] | Sequence[SsePart] | str | bytes | Gate"
"""What `sse` takes: an event; a list of parts; text to stand behind `data: `; raw bytes; a gate."""

DEFAULT_CALL_ID = "call_1"


class Framing(StrEnum):
    """How the client learns where the body ends."""

    CHUNKED = "chunked"
    """`transfer-encoding: chunked`, one chunk per part."""
    LENGTH = "length"
    """`content-length`."""
    CLOSE = "close"
    """The connection is closed behind the body (spec: servers.md section 12)."""


class CutUnit(StrEnum):
    """What a cut counts."""

    BODY = "body"
    """Bytes of the body, without head and chunk framing."""
    WIRE = "wire"
    """Every byte of the answer, beginning with the status line."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the server breaks an answer off."""

    after: int
    unit: CutUnit = CutUnit.BODY
    reset: bool = False
    """Whether the connection is reset (RST) and not closed in order (FIN)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the scripted model; the methods give changed copies."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[bytes | Gate, ...] = ()
    framing: Framing = Framing.CHUNKED
    keep_alive: bool = True
    cut: Cut | None = None

    @property
    def body(self) -> bytes:
        """All body bytes, as if no gate and no cut were there."""
        return b"".join(part for part in self.parts if isinstance(part, bytes))

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates on the way, in order."""
        return tuple(part for part in self.parts if isinstance(part, Gate))

    def framed(self, framing: Framing) -> Reply:
        """The same body, delimited another way."""
        return replace(self, framing=framing)

    def closing(self) -> Reply:
        """Closes the connection behind the answer although it was announced completely."""
        return replace(self, keep_alive=False)

    def in_pieces(self, size: int) -> Reply:
        """Body in pieces of `size` bytes, so that lines and characters are torn apart."""
        pieces: list[bytes | Gate] = []
        for part in self.parts:
            if isinstance(part, Gate):
                pieces.append(part)
            else:
                pieces.extend(part[start : start + size] for start in range(0, len(part), size))
        return replace(self, parts=tuple(pieces))

    def cut_after(self, body_bytes: int, *, reset: bool = False) -> Reply:
        """Breaks off when `body_bytes` bytes of the body were sent."""
        return replace(self, cut=Cut(body_bytes, CutUnit.BODY, reset))

    def cut_wire_after(self, wire_bytes: int, *, reset: bool = False) -> Reply:
        """Breaks off when `wire_bytes` bytes were sent, head and framing included."""
        return replace(self, cut=Cut(wire_bytes, CutUnit.WIRE, reset))


# --- whole replies -----------------------------------------------------------------------------------


def sse(
    *events: SsePart,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    framing: Framing = Framing.CHUNKED,
) -> Reply:
    """An event stream of these events, one part each; bytes go out as they are, for malformed streams."""
    given = {"content-type": "text/event-stream", **(headers or {})}
    return Reply(status, tuple(given.items()), tuple(_encode(events)), framing)


def answer(*events: SsePart, usage: Mapping[str, object] | None = None) -> Reply:
    """A complete Responses answer: `created`, these events, `completed` with a usage."""
    return sse(created(), *events, completed(usage if usage is not None else token_usage()))


def http_error(
    status: int,
    body: Mapping[str, object] | str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An answer that is no stream; a mapping goes out as JSON, None as an empty body."""
    if isinstance(body, Mapping):
        kind, data = "application/json", _compact(body).encode()
    else:
        kind, data = "text/plain", body.encode() if isinstance(body, str) else (body or b"")
    given = {"content-type": kind, **(headers or {})}
    return Reply(status, tuple(given.items()), (data,) if data else (), Framing.LENGTH)


def disconnect(*, reset: bool = False) -> Reply:
    """No answer at all: the connection ends before the first byte."""
    return Reply().cut_wire_after(0, reset=reset)


# --- events ------------------------------------------------------------------------------------------


def created(response_id: str = "resp_1") -> Event:
    """The first event of a stream."""
    return {"type": "response.created", "response": {"id": response_id}}


def completed(usage: Mapping[str, object] | None = None, *, response_id: str = "resp_1") -> Event:
    """The event that ends a good stream; without a usage the client counts no tokens."""
    response: Event = {"id": response_id}
    if usage is not None:
        response["usage"] = dict(usage)
    return {"type": "response.completed", "response": response}


def token_usage(
    input_tokens: int = 100, *, cached: int = 0, output_tokens: int = 20, reasoning: int = 5
) -> Event:
    """The `usage` object of the Responses API; the total is input plus output."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input_tokens + output_tokens,
    }


def failed(code: str, message: str) -> Event:
    """The event of a stream that the service gave up."""
    return {
        "type": "response.failed",
        "response": {"id": "resp_1", "error": {"code": code, "message": message}},
    }


def item_done(item: Mapping[str, object]) -> Event:
    """A finished output item of any type."""
    return {"type": "response.output_item.done", "item": dict(item)}


def message(text: str, *, deltas: bool | Sequence[str] = False, item_id: str = "msg_1") -> list[Event]:
    """An assistant message; `deltas` streams it first, word by word or in the given pieces."""
    if isinstance(deltas, bool):
        pieces: Sequence[str] = _words(text) if deltas else ()
    else:
        pieces = deltas
    content = [{"type": "output_text", "text": text, "annotations": []}]
    item: Event = {"type": "message", "id": item_id, "role": "assistant", "status": "completed"}
    streamed: list[Event] = [{"type": "response.output_text.delta", "delta": piece} for piece in pieces]
    return [*streamed, item_done({**item, "content": content})]


def reasoning(
    *summary: str,
    content: Sequence[str] | None = None,
    encrypted: str | None = "ENC==",
    deltas: bool = False,
    item_id: str = "rs_1",
) -> list[Event]:
    """A reasoning item; `deltas` streams each summary part as one piece behind its section mark."""
    events: list[Event] = []
    if deltas:
        for part in summary:
            events.append({"type": "response.reasoning_summary_part.added", "item_id": item_id})
            events.append({"type": "response.reasoning_summary_text.delta", "delta": part})
    item: Event = {
        "type": "reasoning",
        "id": item_id,
        "summary": [{"type": "summary_text", "text": part} for part in summary],
    }
    if content is not None:
        item["content"] = [{"type": "reasoning_text", "text": part} for part in content]
    if encrypted is not None:
        item["encrypted_content"] = encrypted
    return [*events, item_done(item)]


def function_call(
    name: str, arguments: Mapping[str, object] | str, call_id: str = DEFAULT_CALL_ID, *, item_id: str = "fc_1"
) -> Event:
    """A call of a function tool; arguments given as text go out unchanged, valid JSON or not."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return item_done(
        {
            "type": "function_call",
            "id": item_id,
            "call_id": call_id,
            "name": name,
            "arguments": text,
            "status": "completed",
        }
    )


def custom_call(
    name: str, input_text: str, call_id: str = DEFAULT_CALL_ID, *, item_id: str = "ctc_1"
) -> Event:
    """A call of a freeform tool."""
    return item_done(
        {
            "type": "custom_tool_call",
            "id": item_id,
            "status": "completed",
            "call_id": call_id,
            "name": name,
            "input": input_text,
        }
    )


def local_shell_call(
    argv: Sequence[str], call_id: str = DEFAULT_CALL_ID, *, timeout_ms: int | None = None
) -> Event:
    """A call of the built-in local shell of the models that know it."""
    action = {
        "type": "exec",
        "command": list(argv),
        "timeout_ms": timeout_ms,
        "working_directory": None,
        "env": None,
        "user": None,
    }
    return item_done(
        {
            "type": "local_shell_call",
            "id": "lsh_1",
            "call_id": call_id,
            "status": "completed",
            "action": action,
        }
    )


def web_search(query: str, call_id: str = "ws_1") -> list[Event]:
    """A search the service did on its own: its begin and its end."""
    return [
        {
            "type": "response.output_item.added",
            "item": {"type": "web_search_call", "id": call_id, "status": "in_progress"},
        },
        item_done(
            {
                "type": "web_search_call",
                "id": call_id,
                "status": "completed",
                "action": {"type": "search", "query": query},
            }
        ),
    ]


def shell_call(
    argv: Sequence[str],
    call_id: str = DEFAULT_CALL_ID,
    *,
    workdir: str | None = None,
    timeout_ms: int | None = None,
    escalate: bool = False,
    justification: str | None = None,
) -> Event:
    """A call of the `shell` tool; `escalate` asks to run outside the sandbox."""
    arguments: Event = {"command": list(argv)}
    if workdir is not None:
        arguments["workdir"] = workdir
    if timeout_ms is not None:
        arguments["timeout_ms"] = timeout_ms
    if escalate:
        arguments["with_escalated_permissions"] = True
    if justification is not None:
        arguments["justification"] = justification
    return function_call("shell", arguments, call_id)


def patch_call(patch: str, call_id: str = DEFAULT_CALL_ID, *, freeform: bool = False) -> Event:
    """A call of the `apply_patch` tool, as a function or in its freeform variant."""
    if freeform:
        return custom_call("apply_patch", patch, call_id)
    return function_call("apply_patch", {"input": patch}, call_id)


def plan_call(
    *steps: tuple[str, str], call_id: str = DEFAULT_CALL_ID, explanation: str | None = None
) -> Event:
    """A call of `update_plan` with (step, status) pairs."""
    arguments: Event = {} if explanation is None else {"explanation": explanation}
    arguments["plan"] = [{"step": step, "status": status} for step, status in steps]
    return function_call("update_plan", arguments, call_id)


# --- encoding ----------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in text.split(" "):
        words.append(word if not words else f" {word}")
    return words


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encode(parts: Sequence[SsePart]) -> Iterator[bytes | Gate]:
    for part in parts:
        match part:
            case Gate() | bytes():
                yield part
            case str():
                yield f"data: {part}\n\n".encode()
            case Mapping():
                kind = part.get("type")
                line = f"event: {kind}\n" if isinstance(kind, str) else ""
                yield f"{line}data: {_compact(part)}\n\n".encode()
            case _:
                yield from _encode(part)

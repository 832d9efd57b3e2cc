"""What a rollout must hold after a recorded turn, by kind of line (spec: protocol.md section 9).

The order between response items and events is not compared: the contract is the order within each
kind. Recordings with a compaction or a review write less than their requests show; they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_core.testing.transcripts import Document, Transcript

PERSISTED_EVENTS = frozenset(
    {
        "token_count",
        "agent_message",
        "user_message",
        "agent_reasoning",
        "agent_reasoning_raw_content",
        "turn_aborted",
        "entered_review_mode",
        "exited_review_mode",
    }
)
"""Event types that are written (spec: protocol.md section 4, column P)."""

CLI_VERSION = "0.36.0"
ORIGINATOR = "codex_cli_rs"
_COMMIT = "<commit>"
_SILENTLY_RETRIED = frozenset({401, 429, 500, 502, 503, 504})
_ITEM_KEYS = {
    "message": ("type", "role", "content"),
    "reasoning": ("type", "summary", "content", "encrypted_content"),
    "function_call": ("type", "name", "arguments", "call_id"),
    "custom_tool_call": ("type", "status", "call_id", "name", "input"),
    "local_shell_call": ("type", "call_id", "status", "action"),
}


def sort_rollout(lines: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """The payloads of a rollout by type of line; the commit hash is taken out."""
    kinds: dict[str, list[object]] = {}
    for line in lines:
        payload = line.get("payload")
        if line.get("type") == "session_meta" and isinstance(payload, Mapping):
            payload = _without_commit(payload)
        kinds.setdefault(str(line.get("type")), []).append(payload)
    return kinds


def _without_commit(meta: Mapping[str, object]) -> dict[str, object]:
    git = meta.get("git")
    if isinstance(git, Mapping) and "commit_hash" in git:
        return {**meta, "git": {**git, "commit_hash": _COMMIT}}
    return dict(meta)


def expected_rollout(transcript: Transcript) -> dict[str, list[object]]:
    """The payloads that must be written, by type of line, for a run in a repository on branch main.

    Raises:
        ValueError: the rollout of this recording cannot be told from its requests and events.
    """
    if any(submission["op"]["type"] in ("compact", "review") for submission in transcript.submissions):
        raise ValueError(f"{transcript.name}: compactions and reviews do not write what they send")
    if transcript.setup.get("wire_api", "responses") != "responses":
        raise ValueError(f"{transcript.name}: a Chat recording does not show the items")
    items = list(_response_items(transcript))
    kinds: dict[str, list[Document]] = {
        "session_meta": [_session_meta(transcript, items)],
        "response_item": items,
        "event_msg": list(_written_events(transcript)),
        "turn_context": [_turn_context(transcript)] * _tries(transcript.exchanges),
    }
    return {kind: list(payloads) for kind, payloads in kinds.items()}


def _session_meta(transcript: Transcript, items: Sequence[Mapping[str, Any]]) -> Document:
    first = items[0]["content"][0].get("text", "")
    start, end = "<user_instructions>\n\n", "\n\n</user_instructions>"
    has_instructions = first.startswith(start) and first.endswith(end)
    return {
        "id": _conversation_id(transcript),
        "timestamp": "2026-01-01T00:00:00.000Z",
        "cwd": "/w/repo",
        "originator": ORIGINATOR,
        "cli_version": CLI_VERSION,
        "instructions": first[len(start) : -len(end)] if has_instructions else None,
        "git": {"commit_hash": _COMMIT, "branch": "main"},
    }


def _conversation_id(transcript: Transcript) -> str:
    return str(transcript.exchanges[0]["request"]["body"]["prompt_cache_key"])


def _response_items(transcript: Transcript) -> Iterator[Document]:
    """The history after the last answer: what the last request sent, then what came back."""
    last = transcript.exchanges[-1]
    yield from last["request"]["body"]["input"]
    stream = last["response"].get("sse", ())
    if any(event.get("type") == "response.completed" for event in stream):
        for event in stream:
            if event.get("type") == "response.output_item.done" and event["item"]["type"] in _ITEM_KEYS:
                yield _as_written(event["item"])


def _as_written(item: Mapping[str, Any]) -> Document:
    written = {key: item[key] for key in _ITEM_KEYS[item["type"]] if key in item}
    if item["type"] == "message":
        written["content"] = [{"type": part["type"], "text": part["text"]} for part in item["content"]]
    elif item["type"] == "reasoning":
        written = {
            "type": "reasoning",
            "summary": item["summary"],
            "content": item.get("content"),
            "encrypted_content": item.get("encrypted_content"),
        }
    return written


def _written_events(transcript: Transcript) -> Iterator[Document]:
    inputs = {
        submission["id"]: submission["op"]["items"]
        for submission in transcript.submissions
        if submission["op"]["type"] in ("user_input", "user_turn")
    }
    for event in transcript.events:
        message = event["msg"]
        if message["type"] == "task_started" and event["id"] in inputs:
            yield _user_message(inputs[event["id"]])
        if message["type"] in PERSISTED_EVENTS:
            yield message


def _user_message(items: Sequence[Mapping[str, str]]) -> Document:
    written: Document = {
        "type": "user_message",
        "message": "".join(item["text"] for item in items if item["type"] == "text"),
        "kind": "plain",
    }
    images = [item["image_url"] for item in items if item["type"] == "image"]
    return {**written, "images": images} if images else written


def _tries(exchanges: Sequence[Mapping[str, Any]]) -> int:
    """How often a turn asked the model, retries inside one request not counted."""
    tries, is_retry = 0, False
    for exchange in exchanges:
        tries += not is_retry
        response = exchange["response"]
        error = response["body"].get("error", {}) if isinstance(response.get("body"), Mapping) else {}
        gives_up = error.get("type") in ("usage_limit_reached", "usage_not_included")
        is_retry = response["status"] in _SILENTLY_RETRIED and not gives_up
    return tries


def _turn_context(transcript: Transcript) -> Document:
    setup = transcript.setup
    mode = setup.get("sandbox_mode") or setup.get("sandbox")
    policy: Document = {"mode": mode}
    if mode == "workspace-write":
        policy |= {"network_access": False, "exclude_tmpdir_env_var": False, "exclude_slash_tmp": False}
    context: Document = {
        "cwd": "/w/repo",
        "approval_policy": setup.get("approval_policy") or setup.get("approvalPolicy"),
        "sandbox_policy": policy,
        "model": setup["model"],
    }
    if "model_reasoning_effort" in setup:
        context["effort"] = setup["model_reasoning_effort"]
    return {**context, "summary": setup.get("model_reasoning_summary", "auto")}

"""A conversation with every event that is shown, made of given texts; and an answer with all of Markdown."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[], str]


MARKDOWN = """# Heading one

Intro with **bold**, *italic*, ~~gone~~ and `inline code`, a [link](https://example.com/x).

## Heading two

- bullet one that is long enough that it has to wrap around the right hand side of the screen somewhere
    - nested bullet
- bullet two

1. first
2. second
    1. sub

> quoted text
> second line

```python
def f(x):
    return x + 1
```

| A | B |
|---|---|
| 1 | 2 |

See 【F:src/app.py†L3-L9】 for it.

- [ ] todo
- [x] done

---

### Heading three

Last line.
"""


def conversation(text: Draw) -> list[dict[str, Any]]:
    """Every event that is shown, with texts from outside in all of its fields."""
    took = {"secs": 0, "nanos": 1}
    invocation = {"server": text(), "tool": text(), "arguments": {text(): text()}}
    change = {
        "update": {"unified_diff": f"@@ -1 +1,2 @@\n-{text()}\n+{text()}\n+{text()}", "move_path": text()}
    }
    changes = {text(): {"add": {"content": text()}}, text(): {"delete": {"content": text()}}, text(): change}
    finding = {
        "title": text(), "body": text(), "confidence_score": 0.5, "priority": 1,
        "code_location": {"absolute_file_path": text(), "line_range": {"start": 1, "end": 2}},
    }  # fmt: skip
    review = {
        "findings": [finding], "overall_correctness": text(), "overall_explanation": text(),
        "overall_confidence_score": 0.5,
    }  # fmt: skip
    parsed = [
        {"type": "read", "cmd": text(), "name": text()},
        {"type": "list_files", "cmd": text(), "path": text()},
        {"type": "search", "cmd": text(), "query": text(), "path": text()},
    ]
    content = [
        {"type": "text", "text": text()}, {"type": "text", "text": f'{{"a": "{text()}"}}'},
        {"type": "resource_link", "uri": text(), "name": text()},
    ]  # fmt: skip

    def begin(call_id: str, *explored: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "exec_command_begin", "call_id": call_id, "command": ["bash", "-lc", text()], "cwd": text(),
            "parsed_cmd": explored,
        }  # fmt: skip

    def end(call_id: str, code: int) -> dict[str, Any]:
        output = text()
        return {
            "type": "exec_command_end", "call_id": call_id, "stdout": output, "stderr": "", "exit_code": code,
            "aggregated_output": output, "formatted_output": output, "duration": took,
        }  # fmt: skip

    thought, answer, raw = f"**{text()}**\n\n{text()}", f"{text()} and {text()}", text()
    chunk = b64encode(text().encode("utf-8", "surrogatepass")).decode()
    return [
        {
            "type": "session_configured", "session_id": "11111111-2222-4333-8444-555555555555", "model": text(),
            "history_log_id": 0, "history_entry_count": 0, "rollout_path": "/r",
            "initial_messages": [{"type": "user_message", "message": text()}],
        },
        {"type": "task_started"},
        {"type": "agent_reasoning_delta", "delta": thought}, {"type": "agent_reasoning", "text": thought},
        {"type": "agent_reasoning_section_break"}, {"type": "agent_reasoning", "text": text()},
        {"type": "agent_reasoning_raw_content_delta", "delta": raw}, {"type": "agent_reasoning_raw_content", "text": raw},
        {"type": "agent_message_delta", "delta": answer[:5]}, {"type": "agent_message_delta", "delta": answer[5:]},
        {"type": "agent_message", "message": answer}, {"type": "token_count", "info": None},
        {"type": "background_event", "message": text()}, {"type": "stream_error", "message": text()},
        {"type": "agent_message", "message": text()},
        begin("explored", *parsed), end("explored", 0), begin("good"), end("good", 0), begin("bad"), end("bad", 3),
        end(text(), 1),
        {"type": "exec_approval_request", "call_id": "a", "command": [text(), text()], "cwd": text(), "reason": text()},
        {"type": "apply_patch_approval_request", "call_id": "p", "changes": changes, "reason": text()},
        {"type": "patch_apply_begin", "call_id": "p", "auto_approved": True, "changes": changes},
        {"type": "patch_apply_end", "call_id": "p", "stdout": text(), "stderr": text(), "success": False},
        {"type": "plan_update", "explanation": text(), "plan": [{"step": text(), "status": "in_progress"}]},
        {"type": "mcp_tool_call_begin", "call_id": "m", "invocation": invocation},
        {
            "type": "mcp_tool_call_end", "call_id": "m", "invocation": invocation, "duration": took,
            "result": {"Ok": {"content": content}},
        },
        {"type": "web_search_begin", "call_id": "w"}, {"type": "web_search_end", "call_id": "w", "query": text()},
        {"type": "entered_review_mode", "prompt": text(), "user_facing_hint": text()},
        {"type": "exited_review_mode", "review_output": review},
        {"type": "error", "message": text()}, {"type": "turn_aborted", "reason": "interrupted"},
        {"type": "task_complete"}, {"type": "shutdown_complete"},
        begin("live", *parsed[:1]), begin("running"),
        {"type": "exec_command_output_delta", "call_id": "running", "stream": "stdout", "chunk": chunk},
        {"type": "patch_apply_begin", "call_id": "q", "auto_approved": True, "changes": changes},
        {"type": "mcp_tool_call_begin", "call_id": "n", "invocation": invocation},
        {"type": "agent_message_delta", "delta": text()},
    ]  # fmt: skip

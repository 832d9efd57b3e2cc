"""What the backend says of a cloud task, as far as its changes go (spec: auth.md section 12)."""

from __future__ import annotations

from codex_chatgpt.errors import TaskError

UNREADABLE = "Failed to parse JSON response"


def changes_of(content: bytes) -> str:
    """The diff of the task's newest pull request.

    Raises: TaskError when it has none, or the answer is not one about a task.
    """
    import json

    try:
        task = json.loads(content)
    except (ValueError, RecursionError):
        raise TaskError(f"{UNREADABLE}: it is not JSON") from None
    if not isinstance(task, dict):
        raise TaskError(f"{UNREADABLE}: it is not an object")
    turn = task.get("current_diff_task_turn")
    if turn is None:
        raise TaskError("No diff turn found")
    items = turn.get("output_items", []) if isinstance(turn, dict) else None
    if not isinstance(items, list):
        raise TaskError(f"{UNREADABLE}: `output_items` is not a list")
    for item in items:
        if isinstance(item, dict) and item.get("type") == "pr":
            return _diff(item)
    raise TaskError("No PR output item found")


def _diff(item: dict[str, object]) -> str:
    if "output_diff" not in item:
        raise TaskError(f"{UNREADABLE}: missing field `output_diff`")
    output = item["output_diff"]
    diff = output.get("diff") if isinstance(output, dict) else None
    if not isinstance(diff, str):
        raise TaskError(f"{UNREADABLE}: `output_diff.diff` is not a string")
    return diff

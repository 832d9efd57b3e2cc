"""A recorded conversation as the beginning of a running one: what it goes on from, and where a fork is cut.

Spec: agent.md section 20 and protocol.md section 8, with D22: a resumed conversation is told what has changed
around it, and only what the user said counts where a fork is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.conversation.compaction import compacted_history
from codex_core.conversation.context import is_prompt, text_of
from codex_core.conversation.history import History
from codex_core.rollout.recorder import KEEPS_PROMPT
from codex_core.rollout.replay import response_item, response_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from codex_core.rollout.replay import RecordedLine
    from codex_protocol.items import ResponseItem


def rebuilt_history(
    lines: Iterable[RecordedLine], initial_items: Callable[[], Sequence[ResponseItem]]
) -> History:
    """The history that recorded lines lead to; at a compaction it begins anew with `initial_items`."""
    history = History()
    waiting: list[Mapping[str, object]] = []
    for line in lines:
        if line.kind == "response_item":
            waiting.append(line.payload)
        elif line.kind == "compacted":
            kept = waiting[-1:] if line.payload.get(KEEPS_PROMPT) is True else []
            history.record(response_items(waiting[: len(waiting) - len(kept)]))
            waiting = kept
            replacement = line.payload.get("replacement_history")
            if isinstance(replacement, list):  # newer releases write down what it was replaced by
                history = History(response_items(each for each in replacement if isinstance(each, dict)))
                continue
            summary = line.payload.get("message")
            history = compacted_history(initial_items(), history, summary if isinstance(summary, str) else "")
    history.record(response_items(waiting))
    return history


def before_user_message(lines: Sequence[RecordedLine], nth: int) -> Sequence[RecordedLine]:
    """The lines before the `nth` message of the user from the end; 0 keeps all.

    Nothing is left where the user had said nothing before that.
    """
    if nth == 0:
        return lines
    prompts = [index for index in range(len(lines)) if _is_prompt(lines, index)]
    return lines[: prompts[-nth]] if len(prompts) > nth else ()


def _is_prompt(lines: Sequence[RecordedLine], index: int) -> bool:
    line = lines[index]
    if line.kind != "response_item" or line.payload.get("role") != "user":
        return False
    item = response_item(line.payload)
    if item is None or not is_prompt(item):
        return False
    if text_of(item) is not None:
        return True
    # A picture alone came from the user only if the session noted it as said; else a tool showed it.
    following = lines[index + 1] if index + 1 < len(lines) else None
    return following is not None and following.payload.get("type") == "user_message"

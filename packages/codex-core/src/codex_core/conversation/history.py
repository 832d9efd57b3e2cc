"""The items a conversation sends to the model: what was said, called and answered so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_core.conversation.compaction import UserWords
    from codex_protocol.items import ResponseItem

ABORTED = "aborted"
"""Output of a call that never got one (spec: agent.md section 7, D6)."""

_KEPT_TYPES = frozenset(
    {
        "message", "reasoning", "local_shell_call", "function_call", "function_call_output",
        "custom_tool_call", "custom_tool_call_output",
    }
)  # fmt: skip
_OUTPUT_TYPES = frozenset({"function_call_output", "custom_tool_call_output"})


class History:
    """The ordered items of one conversation; it only ever grows, until compaction replaces it."""

    def __init__(self, items: Iterable[ResponseItem] = (), *, carried: Sequence[UserWords] = ()) -> None:
        self.carried = tuple(carried)
        """What the user said in parts that compactions have replaced."""
        self._items: list[ResponseItem] = []
        self.record(items)

    @property
    def items(self) -> tuple[ResponseItem, ...]:
        """Everything recorded, in order."""
        return tuple(self._items)

    def record(self, items: Iterable[ResponseItem]) -> None:
        """Adds those items that belong in a history: not system messages, searches or unknown types."""
        self._items += [item for item in items if is_history_item(item)]

    def drop_images(self) -> bool:
        """Names pictures instead of showing them, if there are any: the latest, else all that are left.

        The latest are those behind the model's last word.
        """
        last_word = max(
            (n for n, item in enumerate(self._items) if getattr(item, "role", None) == "assistant"),
            default=-1,
        )
        for start in (last_word + 1, 0):
            shown = [n for n in range(start, len(self._items)) if _shows_image(self._items[n])]
            for number in shown:
                self._items[number] = _with_named_images(self._items[number])
            if shown:
                return True
        return False

    def for_request(self) -> list[ResponseItem]:
        """The items as the API accepts them: every call answered once, no answer without its call.

        A call without output gets one right behind it, of the matching type, that says it was aborted. An
        output that comes before its call, again, or in another type than its call asks for is left out.
        """
        kept, unanswered = _paired(self._items)
        request: list[ResponseItem] = []
        for index in kept:
            item = self._items[index]
            request.append(item)
            if index in unanswered:
                request.append(aborted_output(item, call_id(item) or "", ABORTED))
        return request


def _paired(items: Sequence[ResponseItem]) -> tuple[list[int], set[int]]:
    """Where the items are that make sense together, and which of them are calls without an output.

    Of several calls under one id, which some providers make, an output answers the latest open one.
    """
    kept: list[int] = []
    unanswered: set[int] = set()
    is_open: dict[tuple[str, str], list[int]] = {}
    for index, item in enumerate(items):
        if item.type in _OUTPUT_TYPES:
            calls = is_open.get((item.type, output_id(item)))
            if not calls:
                continue
            unanswered.remove(calls.pop())
        elif (call := call_id(item)) is not None:
            is_open.setdefault((_output_type(item), call), []).append(index)
            unanswered.add(index)
        kept.append(index)
    return kept, unanswered


def _shows_image(item: ResponseItem) -> bool:
    return any(part.type == "input_image" for part in getattr(item, "content", None) or ())


def _with_named_images(item: ResponseItem) -> ResponseItem:
    from codex_protocol.items import InputImageContent, InputTextContent, MessageItem

    if not isinstance(item, MessageItem):
        return item
    note = InputTextContent(text="[An image was here; the model's provider did not accept it.]")
    content = tuple(note if isinstance(part, InputImageContent) else part for part in item.content)
    return item.model_copy(update={"content": content})


def _output_type(call: ResponseItem) -> str:
    return "custom_tool_call_output" if call.type == "custom_tool_call" else "function_call_output"


def is_history_item(item: ResponseItem) -> bool:
    """Whether the model is shown this item again (spec: protocol.md section 6.7)."""
    # Asking a model for a field it has not is slow; a long session has very many items without a role.
    is_system = item.type == "message" and getattr(item, "role", None) == "system"
    return item.type in _KEPT_TYPES and not is_system


def call_id(item: ResponseItem) -> str | None:
    """The id under which a call expects its output; None for items that are no call."""
    from codex_protocol import items

    match item:
        case items.FunctionCallItem(call_id=identifier) | items.CustomToolCallItem(call_id=identifier):
            return identifier
        case items.LocalShellCallItem(call_id=optional, id=fallback):
            return optional or fallback or ""
        case _:
            return None


def output_id(item: ResponseItem) -> str:
    """The call an output answers."""
    return str(getattr(item, "call_id", ""))


def aborted_output(call: ResponseItem, identifier: str, text: str) -> ResponseItem:
    """An output that answers `call`, of the type its call asks for."""
    from codex_protocol.items import CustomToolCallOutputItem, FunctionCallOutputItem

    if _output_type(call) == "custom_tool_call_output":
        return CustomToolCallOutputItem(call_id=identifier, output=text)
    return FunctionCallOutputItem(call_id=identifier, output=text, success=False)

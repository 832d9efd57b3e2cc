"""What a long conversation is replaced by, and what the model is shown to sum it up. No I/O.

After a compaction the history is: what a new conversation is told first, then one message, the bridge, with
everything the user said and the model's summary. A bridge is never put into the next one: what the user
said is carried along beside it (spec: agent.md section 19, D7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.conversation.context import BRIDGE_OPENING, is_prompt
from codex_core.conversation.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_protocol.items import MessageItem, ResponseItem

TRIGGER = "Start Summarization"
"""The last message of the request that asks for a summary."""
NO_SUMMARY = "(no summary available)"
MAX_USER_WORDS_CHARS = 80_000
"""About 20,000 tokens of what the user said go into a bridge, the newest first."""
MAX_IMAGES = 8
"""So many of the user's latest pictures stay."""
CHARS_PER_TOKEN = 4
_IMAGE_CHARS = 6_000
"""What a picture is taken to weigh in a request; its base64 text says nothing about that."""
_OUTPUT_CHARS = (4_000, 400)
"""To what tool outputs are cut, step by step, where a conversation does not fit the model any more."""
_SMALLEST_CHARS = 2_000
_SHORTER = 4
"""To what part of them the user's words are cut when a bridge is still too long."""

_SUMMARY_HEADING = (
    "\n\nThe work done so far was summed up for you, because the conversation had become too long to be "
    "sent in full. The files in the workspace are as that work left them. Go on from here:\n\n"
)
_IMAGE_NOTE = "[an image was here]"


@dataclass(frozen=True, slots=True)
class UserWords:
    """Something the user said: the text, and the pictures with it."""

    text: str
    images: tuple[str, ...] = ()


def compacted_history(
    initial: Sequence[ResponseItem],
    history: History,
    summary: str,
    *,
    keep_images: bool = True,
    max_chars: int = MAX_USER_WORDS_CHARS,
) -> History:
    """The history that takes the place of `history`; `initial` is what a new conversation is told first."""
    said = all_user_words(history, max_chars)
    if not keep_images:
        said = tuple(UserWords(words.text) for words in said)
    return History([*initial, _bridge(said, summary)], carried=said)


def shorter_words(history: History) -> int | None:
    """To how many characters to cut what the user said, for a model that a bridge is too long for.

    None when so little is left that it cannot be the trouble.
    """
    chars = sum(len(words.text) for words in history.carried)
    has_images = any(words.images for words in history.carried)
    return max(chars // _SHORTER, 1) if chars > _SMALLEST_CHARS or has_images else None


def all_user_words(history: History, max_chars: int = MAX_USER_WORDS_CHARS) -> tuple[UserWords, ...]:
    """Everything the user said, in order, also before earlier compactions; the oldest go when it is much."""
    kept: list[UserWords] = []
    chars = images = 0
    said = [*history.carried, *(_words(item) for item in history.items if is_prompt(item))]
    for words in reversed(said):
        text = _middle_cut(words.text, max(0, max_chars - chars))
        pictures = words.images[: MAX_IMAGES - images]
        if not text and not pictures:
            continue
        chars += len(text)
        images += len(pictures)
        kept.append(UserWords(text, pictures))
    return tuple(reversed(kept))


def _words(item: ResponseItem) -> UserWords:
    from codex_protocol.items import InputImageContent, InputTextContent

    parts = getattr(item, "content", ())
    return UserWords(
        "\n".join(part.text for part in parts if isinstance(part, InputTextContent)),
        tuple(part.image_url for part in parts if isinstance(part, InputImageContent)),
    )


def _bridge(said: Sequence[UserWords], summary: str) -> MessageItem:
    from codex_protocol.items import InputImageContent, InputTextContent, MessageItem

    texts = "\n\n".join(words.text for words in said if words.text) or "(none)"
    text = f"{BRIDGE_OPENING}\n\n{texts}{_SUMMARY_HEADING}{summary or NO_SUMMARY}"
    images = [InputImageContent(image_url=url) for words in said for url in words.images]
    return MessageItem(role="user", content=(InputTextContent(text=text), *images))


# -- what is sent to be summed up -------------------------------------------------------------------


def inputs_to_sum_up(history: History, window: int | None) -> Iterator[list[ResponseItem]]:
    """Ever smaller requests for a summary, for a model that refuses what is too long.

    First everything; then with tool outputs cut and pictures left out; then without the oldest items.
    What plainly cannot fit into a window of that many tokens is not tried.
    """
    smallest: list[ResponseItem] = []
    has_tried = False
    for smallest in _ever_smaller(history):
        if window is None or estimated_tokens(smallest) <= window:
            has_tried = True
            yield smallest
    if not has_tried:
        yield smallest


def _ever_smaller(history: History) -> Iterator[list[ResponseItem]]:
    from codex_core.conversation.context import user_message

    trigger = user_message(TRIGGER)
    items = history.for_request()
    yield [*items, trigger]
    for limit in _OUTPUT_CHARS:
        items = [_shrunk(item, limit) for item in items]
        yield [*items, trigger]
    items = [_shrunk(item, _SMALLEST_CHARS, every_text=True) for item in items if item.type != "reasoning"]
    yield [*items, trigger]
    while (size := sum(map(_chars, items))) > _SMALLEST_CHARS and len(items) > 1:
        items = _newest(items, size // 2)
        yield [*items, trigger]


def _newest(items: list[ResponseItem], chars: int) -> list[ResponseItem]:
    """The items at the end that are so long together, and the last; no output without its call."""
    begin, total = len(items) - 1, _chars(items[-1])
    while begin > 0 and (total := total + _chars(items[begin - 1])) <= chars:
        begin -= 1
    return History(items[begin:]).for_request()


def _shrunk(item: ResponseItem, limit: int, *, every_text: bool = False) -> ResponseItem:
    """The item with a long output cut in its middle and pictures named instead of shown."""
    from codex_protocol import items

    match item:
        case items.FunctionCallOutputItem(output=output) | items.CustomToolCallOutputItem(output=output):
            return item.model_copy(update={"output": _middle_cut(output, limit)})
        case items.MessageItem(content=content):
            parts = tuple(
                items.InputTextContent(text=_IMAGE_NOTE)
                if isinstance(part, items.InputImageContent)
                else part.model_copy(update={"text": _middle_cut(part.text, limit)})
                if every_text
                else part
                for part in content
            )
            return item.model_copy(update={"content": parts})
        case items.FunctionCallItem(arguments=arguments) if every_text and len(arguments) > limit:
            return item.model_copy(update={"arguments": "{}"})
        case items.CustomToolCallItem(input=text) if every_text:
            return item.model_copy(update={"input": _middle_cut(text, limit)})
        case _:
            return item


def _middle_cut(text: str, limit: int) -> str:
    """The text, or its two ends with a mark between them where it is longer than `limit`; empty for 0."""
    if len(text) <= limit:
        return text
    mark = f"\n[… {len(text) - limit} characters left out …]\n"
    room = limit - len(mark)
    if room < len(mark):
        return ""
    return text[: room - room // 2] + mark + text[-(room // 2) :]


def estimated_tokens(items: Sequence[ResponseItem]) -> int:
    """About how many tokens the items come to."""
    return sum(map(_chars, items)) // CHARS_PER_TOKEN


def _chars(item: ResponseItem) -> int:
    from codex_protocol import items

    match item:
        case items.MessageItem(content=content):
            return sum(
                _IMAGE_CHARS if isinstance(part, items.InputImageContent) else len(part.text)
                for part in content
            )
        case items.FunctionCallOutputItem(output=text) | items.CustomToolCallOutputItem(output=text):
            return len(text)
        case items.FunctionCallItem(arguments=text) | items.CustomToolCallItem(input=text):
            return len(text)
        case items.ReasoningItem(encrypted_content=text, summary=summary):
            return len(text or "") + sum(len(part.text) for part in summary)
        case _:
            return 200

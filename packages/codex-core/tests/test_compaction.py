"""What takes the place of a long conversation, and how it is made small enough to be summed up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_core.conversation.compaction import (
    MAX_IMAGES,
    MAX_USER_WORDS_CHARS,
    NO_SUMMARY,
    TRIGGER,
    compacted_history,
    estimated_tokens,
    inputs_to_sum_up,
)
from codex_core.conversation.context import (
    environment_item,
    instructions_item,
    turn_aborted_item,
    user_message,
)
from codex_core.conversation.history import History
from codex_protocol.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImageContent,
    InputTextContent,
    MessageItem,
    OutputTextContent,
    ReasoningItem,
    ResponseItem,
)

INITIAL = environment_item(cwd="/w", approval_policy=None, sandbox_policy=None, shell=None)


def assistant(text: str) -> MessageItem:
    return MessageItem(role="assistant", content=(OutputTextContent(text=text),))


def picture(url: str, text: str = "look") -> MessageItem:
    return MessageItem(role="user", content=(InputTextContent(text=text), InputImageContent(image_url=url)))


def bridge_of(history: History) -> str:
    initial, bridge = history.items
    assert initial == INITIAL
    assert isinstance(bridge, MessageItem)
    assert isinstance(bridge.content[0], InputTextContent)
    return bridge.content[0].text


def test_a_bridge_holds_the_users_words_and_the_summary_and_nothing_else() -> None:
    history = History(
        [
            INITIAL,
            instructions_item("Use tabs."),
            user_message("one"),
            assistant("answer"),
            FunctionCallItem(name="shell", arguments="{}", call_id="c"),
            FunctionCallOutputItem(call_id="c", output="big output"),
            turn_aborted_item(),
            user_message("two"),
        ]
    )
    text = bridge_of(compacted_history([INITIAL], history, "SUMMARY"))
    assert "one\n\ntwo" in text
    assert text.endswith("SUMMARY")
    for other in ("answer", "tabs", "big output", "interrupted", "environment"):
        assert other not in text


def test_bridges_do_not_nest() -> None:
    first = compacted_history([INITIAL], History([user_message("one")]), "FIRST")
    first.record([user_message("two")])
    second = compacted_history([INITIAL], first, "SECOND")
    second.record([user_message("three")])
    text = bridge_of(compacted_history([INITIAL], second, "THIRD"))
    assert "one\n\ntwo\n\nthree" in text
    assert "FIRST" not in text
    assert "SECOND" not in text
    assert text.count("THIRD") == 1


def test_without_words_or_summary_the_bridge_says_so() -> None:
    text = bridge_of(compacted_history([INITIAL], History(), ""))
    assert "(none)" in text
    assert text.endswith(NO_SUMMARY)


def test_the_newest_words_stay_when_there_are_too_many() -> None:
    said = [user_message(f"{n}:" + "x" * 9_000) for n in range(30)]
    text = bridge_of(compacted_history([INITIAL], History(said), "S"))
    assert len(text) < MAX_USER_WORDS_CHARS + 2_000
    assert "29:" in text
    assert "0:x" not in text.replace("10:x", "").replace("20:x", "")


def test_one_endless_prompt_keeps_both_ends() -> None:
    text = bridge_of(
        compacted_history([INITIAL], History([user_message("BEGIN" + "x" * 500_000 + "END")]), "S")
    )
    assert "BEGIN" in text
    assert "END" in text
    assert "characters left out" in text


def test_the_latest_pictures_stay_unless_they_are_the_trouble() -> None:
    history = History([picture(f"data:{n}") for n in range(MAX_IMAGES + 3)])

    def shown(compacted: History) -> list[str]:
        return [
            part.image_url
            for item in compacted.items
            if isinstance(item, MessageItem)
            for part in item.content
            if isinstance(part, InputImageContent)
        ]

    kept = compacted_history([INITIAL], history, "S")
    assert shown(kept) == [f"data:{n}" for n in range(3, MAX_IMAGES + 3)]
    assert shown(compacted_history([INITIAL], history, "S", keep_images=False)) == []
    again = compacted_history([INITIAL], kept, "S")
    assert shown(again) == shown(kept)


def test_what_fits_is_sent_whole_first() -> None:
    history = History([user_message("one"), assistant("two")])
    first = next(inputs_to_sum_up(history, 1_000))
    assert first[:-1] == list(history.items)
    assert first[-1] == user_message(TRIGGER)


def test_what_cannot_fit_is_not_tried() -> None:
    output = FunctionCallOutputItem(call_id="c", output="x" * 400_000)
    history = History([FunctionCallItem(name="shell", arguments="{}", call_id="c"), output])
    first = next(inputs_to_sum_up(history, 10_000))
    assert estimated_tokens(first) <= 10_000
    assert [item.type for item in first] == ["function_call", "function_call_output", "message"]


ITEMS: st.SearchStrategy[ResponseItem] = st.one_of(
    st.builds(user_message, st.builds("{}".__mul__, st.integers(0, 4_500))),
    st.builds(assistant, st.builds("{}".__mul__, st.integers(0, 4_500))),
    st.builds(lambda n: picture("data:" + "x" * n), st.integers(0, 50_000)),
    st.builds(
        lambda call, n: FunctionCallItem(name="shell", arguments="a" * n, call_id=call),
        st.sampled_from("abc"),
        st.integers(0, 9_000),
    ),
    st.builds(
        lambda call, n: FunctionCallOutputItem(call_id=call, output="o" * n),
        st.sampled_from("abc"),
        st.integers(0, 90_000),
    ),
    st.builds(
        lambda call, n: CustomToolCallItem(name="apply_patch", input="p" * n, call_id=call),
        st.sampled_from("abc"),
        st.integers(0, 9_000),
    ),
    st.builds(lambda call: CustomToolCallOutputItem(call_id=call, output="done"), st.sampled_from("abc")),
    st.builds(lambda n: ReasoningItem(summary=(), encrypted_content="e" * n), st.integers(0, 9_000)),
)


def assert_valid(items: Sequence[ResponseItem]) -> None:
    assert History(items).for_request() == list(items)


@settings(max_examples=25, deadline=None)
@given(st.lists(ITEMS, max_size=20), st.sampled_from([None, 0, 500, 5_000, 50_000]))
def test_requests_for_a_summary_shrink_to_almost_nothing_and_stay_valid(
    items: list[ResponseItem], window: int | None
) -> None:
    tried = list(inputs_to_sum_up(History(items), window))
    assert tried
    assert len(tried) < 40
    for request in tried:
        assert request[-1] == user_message(TRIGGER)
        assert_valid(request)
    sizes = [estimated_tokens(request) for request in tried]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 3_000


@pytest.mark.parametrize("count", [0, 1, 5])
def test_an_empty_or_short_history_can_be_summed_up_too(count: int) -> None:
    history = History([user_message("x")] * count)
    assert len(next(inputs_to_sum_up(history, 0))) >= 1

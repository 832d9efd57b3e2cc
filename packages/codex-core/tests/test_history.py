"""The history is always valid input for the API, whatever was recorded (spec: agent.md section 7, D6)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.conversation.history import ABORTED, History, aborted_output, call_id
from codex_protocol.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImageContent,
    LocalShellCallItem,
    LocalShellExecAction,
    LocalShellStatus,
    MessageItem,
    OtherItem,
    OutputTextContent,
    ReasoningItem,
    ResponseItem,
    WebSearchAction,
    WebSearchCallItem,
)

CALL_TYPES = {"function_call", "custom_tool_call", "local_shell_call"}
OUTPUT_TYPES = {"function_call_output", "custom_tool_call_output"}


def function(identifier: str) -> FunctionCallItem:
    return FunctionCallItem(name="shell", arguments="{}", call_id=identifier)


def custom(identifier: str) -> CustomToolCallItem:
    return CustomToolCallItem(name="apply_patch", input="x", call_id=identifier)


def local_shell(call: str | None, item: str | None = None) -> LocalShellCallItem:
    action = LocalShellExecAction(type="exec", command=("ls",))
    return LocalShellCallItem(id=item, call_id=call, status=LocalShellStatus.COMPLETED, action=action)


def output(identifier: str, text: str = "done") -> FunctionCallOutputItem:
    return FunctionCallOutputItem(call_id=identifier, output=text)


def custom_output(identifier: str, text: str = "done") -> CustomToolCallOutputItem:
    return CustomToolCallOutputItem(call_id=identifier, output=text)


def said(role: str = "assistant", text: str = "hi") -> MessageItem:
    return MessageItem(role=role, content=(OutputTextContent(text=text),))


IDS = st.sampled_from(["", "a", "b", "c"])
ITEMS: st.SearchStrategy[ResponseItem] = st.one_of(
    st.builds(said, st.sampled_from(["user", "assistant", "developer", "system"])),
    st.builds(ReasoningItem, summary=st.just(())),
    st.builds(function, IDS),
    st.builds(custom, IDS),
    st.builds(local_shell, st.none() | IDS, st.none() | IDS),
    st.builds(output, IDS),
    st.builds(custom_output, IDS),
    st.builds(WebSearchCallItem, action=st.just(WebSearchAction(query="q"))),
    st.builds(OtherItem, raw=st.just({"type": "from_the_future"})),
)


def output_type_of(call: ResponseItem) -> str:
    return "custom_tool_call_output" if call.type == "custom_tool_call" else "function_call_output"


def assert_valid(request: list[ResponseItem]) -> None:
    """Every call has exactly one output behind it, of its type; every output has its call."""
    open_calls: Counter[tuple[str, str]] = Counter()
    for item in request:
        if item.type in CALL_TYPES:
            open_calls[output_type_of(item), call_id(item) or ""] += 1
        elif item.type in OUTPUT_TYPES:
            key = (item.type, str(getattr(item, "call_id")))  # noqa: B009
            assert open_calls[key] > 0, f"an output without a call before it: {item}"
            open_calls[key] -= 1
    assert not +open_calls, f"calls without output: {open_calls}"


@given(st.lists(ITEMS, max_size=30))
def test_any_history_is_valid_for_the_api(items: list[ResponseItem]) -> None:
    assert_valid(History(items).for_request())


@given(st.lists(ITEMS, max_size=30))
def test_nothing_is_reordered_and_only_aborted_outputs_are_added(items: list[ResponseItem]) -> None:
    history = History(items)
    request = history.for_request()
    added = [item for item in request if not any(item is kept for kept in history.items)]
    assert all(getattr(item, "output", None) == ABORTED for item in added)
    ours = [item for item in request if any(item is kept for kept in history.items)]
    left_out = [item for item in history.items if not any(item is sent for sent in ours)]
    assert all(item.type in OUTPUT_TYPES for item in left_out)
    places = [next(at for at, kept in enumerate(history.items) if kept is item) for item in ours]
    assert places == sorted(places)


@given(st.lists(ITEMS, max_size=20))
def test_asking_twice_gives_the_same_prefix(items: list[ResponseItem]) -> None:
    history = History(items)
    assert history.for_request() == history.for_request()
    assert [item for item in items if item in history.items] == list(history.items)


@pytest.mark.parametrize(
    "item",
    [
        said("system"),
        WebSearchCallItem(action=WebSearchAction(query="q")),
        OtherItem(raw={"type": "compaction", "encrypted_content": "x"}),
    ],
)
def test_what_the_model_does_not_see_again_is_not_kept(item: ResponseItem) -> None:
    assert History([item]).items == ()


def test_messages_of_other_roles_are_kept() -> None:
    items = [said("user"), said("assistant"), said("developer")]
    assert list(History(items).items) == items


def test_a_call_without_output_is_answered_right_behind_it() -> None:
    request = History([function("a"), said(), function("b"), output("b")]).for_request()
    assert [item.type for item in request] == [
        "function_call", "function_call_output", "message", "function_call", "function_call_output",
    ]  # fmt: skip
    assert request[1] == FunctionCallOutputItem(call_id="a", output="aborted", success=False)


def test_parallel_calls_keep_their_order_and_their_outputs() -> None:
    items = [function("a"), function("b"), output("b"), output("a")]
    assert History(items).for_request() == items


def test_an_aborted_output_has_the_type_its_call_asks_for() -> None:
    request = History([custom("c"), local_shell(None, "l")]).for_request()
    assert request[1] == CustomToolCallOutputItem(call_id="c", output="aborted")
    assert request[3] == FunctionCallOutputItem(call_id="l", output="aborted", success=False)


def test_an_output_of_the_wrong_type_counts_for_nothing() -> None:
    request = History([function("a"), custom_output("a")]).for_request()
    assert [item.to_wire()["output"] for item in request[1:]] == ["aborted"]


@pytest.mark.parametrize(
    "items",
    [
        [output("a")],
        [output("a"), function("a")],
        [function("a"), output("a"), output("a", "again")],
    ],
    ids=["no call", "before its call", "twice"],
)
def test_an_output_that_answers_nothing_is_not_sent(items: list[ResponseItem]) -> None:
    request = History(items).for_request()
    assert_valid(request)
    assert "again" not in [getattr(item, "output", "") for item in request]


def test_an_id_that_is_used_again_gets_each_call_its_output() -> None:
    items = [function("a"), output("a", "first"), function("a"), output("a", "second")]
    assert History(items).for_request() == items


def test_of_two_calls_under_one_id_the_later_one_is_answered() -> None:
    request = History([function("a"), said(), function("a"), output("a", "done")]).for_request()
    assert [getattr(item, "output", item.type) for item in request] == [
        "function_call", "aborted", "message", "function_call", "done",
    ]  # fmt: skip


def test_the_id_of_a_local_shell_call_stands_in_for_its_call_id() -> None:
    assert call_id(local_shell("call", "item")) == "call"
    assert call_id(local_shell(None, "item")) == "item"
    assert call_id(local_shell(None)) == ""
    assert call_id(said()) is None


def test_an_aborted_call_can_say_why() -> None:
    item = aborted_output(function("a"), "a", "aborted by user after 1.2s")
    assert item.to_wire() == {
        "type": "function_call_output",
        "call_id": "a",
        "output": "aborted by user after 1.2s",
    }


def test_the_latest_pictures_are_dropped_first() -> None:
    def shown(history: History) -> list[str]:
        return [
            part.image_url
            for item in history.items
            for part in getattr(item, "content", ())
            if isinstance(part, InputImageContent)
        ]

    def picture(url: str) -> MessageItem:
        return MessageItem(role="user", content=(InputImageContent(image_url=url),))

    word = MessageItem(role="assistant", content=(OutputTextContent(text="nice"),))
    history = History([picture("old"), word, picture("new"), picture("newer")])
    assert history.drop_images()
    assert shown(history) == ["old"]
    assert history.drop_images()
    assert shown(history) == []
    assert not history.drop_images()
    assert len(history.items) == 4

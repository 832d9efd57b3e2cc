"""Pieces of a text that arrive at once are joined."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from codex_core.model.bursts import BURST, MOST_JOINED, joined
from codex_core.model.errors import StreamDisconnected
from codex_core.model.response_events import (
    Completed,
    Created,
    RawReasoningDelta,
    ReasoningDelta,
    ResponseEvent,
    TextDelta,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_runs_of_one_kind_are_joined_and_nothing_else() -> None:
    events: list[ResponseEvent] = [
        Created(),
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        RawReasoningDelta("c"),
        TextDelta("d"),
        TextDelta("e"),
        Completed("r", None),
    ]
    assert list(joined(events)) == [
        Created(),
        ReasoningDelta("ab"),
        RawReasoningDelta("c"),
        TextDelta("de"),
        Completed("r", None),
    ]


def test_no_piece_grows_without_limit() -> None:
    assert list(joined([TextDelta("x")] * (MOST_JOINED + 1))) == [
        TextDelta("x" * MOST_JOINED),
        TextDelta("x"),
    ]


def test_an_error_comes_behind_what_was_said_before_it() -> None:
    def events() -> Iterator[ResponseEvent]:
        yield TextDelta("a")
        yield TextDelta("b")
        raise StreamDisconnected("gone")

    heard: list[ResponseEvent] = []
    with pytest.raises(StreamDisconnected):
        heard.extend(joined(events()))
    heard.clear()
    reader = joined(events())
    assert next(reader) == TextDelta("ab")


def test_events_stay_as_they_are_unless_very_many_arrive_together() -> None:
    from codex_core.model.client import happened_in
    from codex_core.model.responses_api import ResponsesDecoder

    piece = json.dumps({"type": "response.output_text.delta", "delta": "x"})
    assert list(happened_in([piece] * (BURST - 1), ResponsesDecoder())) == [TextDelta("x")] * (BURST - 1)
    many = list(happened_in([piece] * 10 * BURST, ResponsesDecoder()))
    assert len(many) == 10 * BURST // MOST_JOINED
    assert "".join(event.delta for event in many if isinstance(event, TextDelta)) == "x" * 10 * BURST

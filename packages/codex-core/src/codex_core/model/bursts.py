"""Joining the pieces of a text when far more of them arrive at once than anybody could watch.

A model that is read as it writes sends a word at a time, and every word is an event. After a pause of ours,
or from a cache, thousands come in one read; then neighbours are joined, and each listener has less to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.errors import ModelError
from codex_core.model.response_events import RawReasoningDelta, ReasoningDelta, TextDelta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codex_core.model.response_events import ResponseEvent

BURST = 64
"""From so many events in one read on, neighbours are joined."""
MOST_JOINED = 32
"""So many pieces at most become one, so that a burst still moves on a screen."""

_DELTAS = (TextDelta, ReasoningDelta, RawReasoningDelta)


def joined(events: Iterable[ResponseEvent]) -> Iterator[ResponseEvent]:
    """The same events, with runs of pieces of one kind joined; an error comes behind what came before it."""
    kind: type[TextDelta | ReasoningDelta | RawReasoningDelta] | None = None
    pieces: list[str] = []
    try:
        for event in events:
            if isinstance(event, _DELTAS):
                if type(event) is kind and len(pieces) < MOST_JOINED:
                    pieces.append(event.delta)
                    continue
                if kind is not None:
                    yield kind("".join(pieces))
                kind, pieces = type(event), [event.delta]
                continue
            if kind is not None:
                yield kind("".join(pieces))
                kind = None
            yield event
    except ModelError:
        if kind is not None:
            yield kind("".join(pieces))
        raise
    if kind is not None:
        yield kind("".join(pieces))

"""Hypothesis strategies for every wire type, for our own property tests and those of programs that use us.

    from hypothesis import given
    from codex_protocol import testing
    from codex_protocol.events import Event

    @given(testing.instances(Event))
    def test_my_reader_takes_every_event(event: Event) -> None: ...

`instances(cls)` makes values of a type; `wire_objects(cls)` makes the decoded JSON a peer may send for it,
with optional keys missing, null or present; `instances_of(marker)` does for a union, like
`events.EVENT_MSG`, what `instances` does for a type. Needs hypothesis, which this distribution does not
depend on.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast

from hypothesis import strategies as st

from codex_protocol.base import WireModel
from codex_protocol.events.duration import Duration
from codex_protocol.items import ReasoningItem
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
)
from codex_protocol.shapes import (
    Anything,
    Const,
    Either,
    Flag,
    ListOf,
    MapOf,
    Named,
    Nullable,
    Number,
    Object,
    OtherThan,
    Shape,
    Text,
    shape_of,
    shape_of_marker,
)

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from codex_protocol.jsonio import JSON
    from codex_protocol.unions import UnionMarker

M = TypeVar("M", bound=WireModel)

MAX_ITEMS = 3
"""Longest list or map that is made, so that examples stay readable."""


def texts() -> SearchStrategy[str]:
    """Text as JSON can carry it: anything but lone surrogates."""
    return st.text(max_size=20)


def json_values() -> SearchStrategy[JSON]:
    """Any JSON value of a few levels."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts(),
    )
    return st.recursive(
        cast("SearchStrategy[JSON]", scalars),
        lambda inner: st.one_of(
            st.lists(inner, max_size=MAX_ITEMS), st.dictionaries(texts(), inner, max_size=MAX_ITEMS)
        ),
        max_leaves=5,
    )


def sandbox_policies() -> SearchStrategy[SandboxPolicy]:
    """Sandbox policies of all three modes."""
    return st.one_of(
        st.just(DangerFullAccessPolicy()),
        st.just(ReadOnlyPolicy()),
        st.builds(
            WorkspaceWritePolicy,
            st.lists(texts(), max_size=MAX_ITEMS).map(tuple),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
    )


def instances(cls: type[M]) -> SearchStrategy[M]:
    """Values of `cls`. What is only read and never written, like the ids of items, is left unset."""
    return _written(Named(cls), with_unwritten=False).map(
        lambda wire: cls.from_wire(cast("dict[str, JSON]", wire))
    )


def wire_objects(cls: type[WireModel]) -> SearchStrategy[dict[str, JSON]]:
    """Decoded JSON objects that `cls.from_wire` accepts."""
    return _objects(cls, with_unwritten=True)


def instances_of(marker: UnionMarker) -> SearchStrategy[WireModel]:
    """Values of any member of a union, kinds unknown here included where the union is open."""
    return _written(shape_of_marker(marker), with_unwritten=False).map(marker.parse)


@cache
def _objects(cls: type[WireModel], *, with_unwritten: bool) -> SearchStrategy[dict[str, JSON]]:
    # Deferred, because an event may hold events.
    return cast(
        "SearchStrategy[dict[str, JSON]]",
        st.deferred(lambda: _written(shape_of(cls), with_unwritten=with_unwritten)),
    )


def _written(shape: Shape, *, with_unwritten: bool) -> SearchStrategy[JSON]:
    match shape:
        case Text("uuid"):
            made: SearchStrategy[JSON] = st.uuids().map(str)
        case Text("git-sha"):
            made = st.text("0123456789abcdef", min_size=40, max_size=40)
        case Text("base64"):
            made = st.binary(max_size=12).map(_as_base64)
        case Text():
            made = texts()
        case Number(is_integer=True):
            made = st.integers(shape.minimum, shape.maximum)
        case Number():
            made = st.floats(width=32, allow_nan=False, allow_infinity=False)
        case Flag():
            made = st.booleans()
        case Anything(is_object=True):
            made = st.dictionaries(texts(), json_values(), max_size=MAX_ITEMS)
        case Anything():
            made = json_values()
        case Const(value):
            made = st.just(value)
        case OtherThan(values):
            made = texts().filter(lambda text: text not in values)
        case ListOf(item):
            made = st.lists(_written(item, with_unwritten=with_unwritten), max_size=MAX_ITEMS)
        case MapOf(value):
            made = st.dictionaries(
                texts(), _written(value, with_unwritten=with_unwritten), max_size=MAX_ITEMS
            )
        case Nullable(inner):
            made = st.none() | _written(inner, with_unwritten=with_unwritten)
        case Either(options, other):
            every = options if other is None else (*options, other)
            made = st.one_of([_written(option, with_unwritten=with_unwritten) for option in every])
        case Named(cls):
            if cls is Duration and not with_unwritten:
                made = st.builds(dict, secs=st.integers(0, 2**64 - 1), nanos=st.integers(0, 10**9 - 1))
            elif cls is ReasoningItem and not with_unwritten:
                made = _objects(cls, with_unwritten=False).map(_lasting_content)
            elif issubclass(cls, WireModel):
                made = _objects(cls, with_unwritten=with_unwritten)
            else:
                made = st.sampled_from([str(word.value) for word in cls])
        case Object():
            made = _object(shape, with_unwritten=with_unwritten)
    return made


def _object(shape: Object, *, with_unwritten: bool) -> SearchStrategy[JSON]:
    required: dict[str, SearchStrategy[JSON]] = {}
    optional: dict[str, SearchStrategy[JSON]] = {}
    for member in shape.members:
        if member.is_written or with_unwritten:
            side = required if member.is_required else optional
            side[member.key] = _written(member.shape, with_unwritten=with_unwritten)
    return cast("SearchStrategy[JSON]", st.fixed_dictionaries(required, optional=optional))


def _lasting_content(wire: JSON) -> JSON:
    # A list of raw reasoning without `reasoning_text` in it is left out when written, so it does not last.
    item = ReasoningItem.from_wire(cast("dict[str, JSON]", wire))
    if isinstance(wire, dict) and item.content is not None and "content" not in item.to_wire():
        return {**wire, "content": None}
    return wire


def _as_base64(data: bytes) -> str:
    from base64 import b64encode

    return b64encode(data).decode("ascii")

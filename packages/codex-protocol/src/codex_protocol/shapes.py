"""What the wire types look like, as plain data from which schemas and declarations are written.

`shape_of` reads a model's fields; nothing here is needed to read or write messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, Union, cast, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import AfterValidator

from codex_protocol.base import WireModel
from codex_protocol.fields import GIT_SHA, IN_MEMORY, Base64, Policy, canonical_uuid, round_to_float32
from codex_protocol.unions import Late, OneKey, Shaped, Tagged, UnionMarker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `format` is `uuid`, `base64` or `git-sha` where it is more than text."""

    format: str | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `in_memory` marks integers that stay small."""

    is_integer: bool
    minimum: int | None = None
    maximum: int | None = None
    in_memory: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value, or with `is_object` any JSON object."""

    is_object: bool = False


@dataclass(frozen=True, slots=True)
class Const:
    """Exactly this text."""

    value: str


@dataclass(frozen=True, slots=True)
class OtherThan:
    """Any text but these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array."""

    item: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with keys of the sender's choice."""

    value: Shape


@dataclass(frozen=True, slots=True)
class Nullable:
    """That, or null."""

    inner: Shape


@dataclass(frozen=True, slots=True)
class Either:
    """One of several; `other` is what a reader takes beside them and keeps as it comes."""

    options: tuple[Shape, ...]
    other: Shape | None = None
    marker: object = None
    """The field marker it was read from, by which writers know its name."""


@dataclass(frozen=True, slots=True)
class Named:
    """A type that is described under its own name."""

    type: type[WireModel | Enum]


@dataclass(frozen=True, slots=True)
class Member:
    """A key of an object: whether a reader insists on it, and whether a writer may leave it out."""

    key: str
    shape: Shape
    is_required: bool = True
    is_omittable: bool = False
    is_written: bool = True
    """Whether it is ever written; some are only read and remembered."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object with known keys; `is_closed` when others are refused."""

    members: tuple[Member, ...]
    is_closed: bool = False


Shape: TypeAlias = (
    Text | Number | Flag | Anything | Const | OtherThan | ListOf | MapOf | Nullable | Either | Named | Object
)

SANDBOX_POLICY = Either(
    (
        Object((Member("mode", Const("danger-full-access")),)),
        Object((Member("mode", Const("read-only")),)),
        Object(
            (
                Member("mode", Const("workspace-write")),
                Member("writable_roots", ListOf(Text()), is_required=False, is_omittable=True),
                Member("network_access", Flag(), is_required=False),
                Member("exclude_tmpdir_env_var", Flag(), is_required=False),
                Member("exclude_slash_tmp", Flag(), is_required=False),
            )
        ),
    )
)
"""The sandbox policies, which are no models."""


def shape_of(model: type[WireModel]) -> Shape:
    """The shape of a model on the wire, with the models in its fields left as `Named`."""
    model.model_rebuild()
    members = tuple(
        _member(name, field) for name, field in model.model_fields.items() if not _is_internal(field)
    )
    return model.wire_shape(Object(members, is_closed=model.model_config.get("extra") == "forbid"))


def shape_of_marker(marker: object) -> Shape:
    """The shape of what a field marker stands for.

    Raises:
        TypeError: when it is no such marker.
    """
    match marker:
        case Late():
            return Named(marker.resolve())
        case Tagged(unknown=None) | OneKey() | Shaped(unknown=None):
            return Either(tuple(Named(cls) for cls in marker.classes()), marker=marker)
        case Tagged():
            other: Shape = Object((Member(marker.tag, OtherThan(tuple(marker.members()))),))
            return Either(tuple(Named(cls) for cls in marker.classes()), other, marker)
        case UnionMarker():
            return Either(tuple(Named(cls) for cls in marker.classes()), Anything(is_object=True), marker)
        case Policy():
            return SANDBOX_POLICY
        case Base64():
            return Text("base64")
        case _:
            own = getattr(marker, "wire_shape", None)
            if callable(own):
                return cast("Shape", own())
            raise TypeError(f"{marker!r} has no shape")


def _is_internal(field: FieldInfo) -> bool:
    return bool((field.json_schema_extra or {}) == {"internal": True})


def _member(name: str, field: FieldInfo) -> Member:
    shape = _shape(field.annotation, field.metadata)
    if field.annotation is object and not field.is_required() and isinstance(shape, Anything):
        shape = Nullable(shape)
    key = field.serialization_alias or field.alias or name
    is_tag = isinstance(shape, Const)
    return Member(
        key,
        shape,
        is_required=is_tag or field.is_required(),
        is_omittable=field.exclude_if is not None or field.exclude is True,
        is_written=field.exclude is not True,
    )


def _shape(annotation: object, metadata: Sequence[object] = ()) -> Shape:
    for mark in metadata:
        if isinstance(mark, UnionMarker | Policy | Base64) or hasattr(mark, "wire_shape"):
            return shape_of_marker(mark)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0], (*metadata, *arguments[1:]))
    if origin in {Union, UnionType}:
        rest = [argument for argument in arguments if argument is not NoneType]
        inner = _shape(rest[0], metadata) if len(rest) == 1 else Either(tuple(_shape(one) for one in rest))
        return Nullable(inner) if NoneType in arguments else inner
    if origin is tuple:
        return ListOf(_shape(arguments[0]))
    if origin is dict:
        value = _shape(arguments[1])
        return Anything(is_object=True) if value == Anything() else MapOf(value)
    if origin is Literal:
        (word,) = arguments
        return Const(str(word.value if isinstance(word, Enum) else word))
    return _plain(annotation, metadata)


def _plain(annotation: object, metadata: Sequence[object]) -> Shape:
    if annotation is str:
        if AfterValidator(canonical_uuid) in metadata:
            return Text("uuid")
        return Text("git-sha" if GIT_SHA in metadata else None)
    if annotation is bool:
        return Flag()
    if annotation is int:
        low = next((int(cast("int", mark.ge)) for mark in metadata if isinstance(mark, Ge)), None)
        high = next((int(cast("int", mark.le)) for mark in metadata if isinstance(mark, Le)), None)
        return Number(is_integer=True, minimum=low, maximum=high, in_memory=IN_MEMORY in metadata)
    if annotation is float:
        return Number(is_integer=False, in_memory=AfterValidator(round_to_float32) in metadata)
    if annotation is object:
        return Anything()
    if isinstance(annotation, type) and issubclass(annotation, WireModel | StrEnum):
        return Named(annotation)
    raise TypeError(f"{annotation!r} is no wire type")

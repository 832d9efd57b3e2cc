"""What a patch does to one file. The kind is the object's only key: `{"add":{"content":"x"}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

from pydantic import SerializerFunctionWrapHandler, model_serializer

from codex_protocol.base import WireModel, as_object
from codex_protocol.errors import ProtocolError
from codex_protocol.unions import OneKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from codex_protocol.shapes import Object, Shape


class ChangeModel(WireModel):
    """Base of the kinds of change; `kind` is the key they are written under."""

    kind: ClassVar[str]

    @model_serializer(mode="wrap")
    def _under_its_kind(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {self.kind: inner(self)}

    @classmethod
    def from_wire(cls, data: Mapping[str, object]) -> Self:
        """The change a decoded JSON object stands for.

        Raises:
            ProtocolError: when it is of another kind or has not the shape of this one.
        """
        data = as_object(data, "a file change")
        if set(data) != {cls.kind}:
            raise ProtocolError(f"expected a map with the single key `{cls.kind}`")
        return super().from_wire(as_object(data[cls.kind], f"the content of `{cls.kind}`"))

    @classmethod
    def wire_shape(cls, fields: Object) -> Shape:
        """The fields under the kind."""
        from codex_protocol.shapes import Member, Object

        return Object((Member(cls.kind, fields),))


class AddChange(ChangeModel):
    """The file is new."""

    kind: ClassVar[str] = "add"

    content: str


class DeleteChange(ChangeModel):
    """The file goes; `content` is what it held."""

    kind: ClassVar[str] = "delete"

    content: str


class UpdateChange(ChangeModel):
    """The file changes, and moves to `move_path` unless that is None."""

    kind: ClassVar[str] = "update"

    unified_diff: str
    move_path: str | None = None


FileChange: TypeAlias = AddChange | DeleteChange | UpdateChange

FILE_CHANGE = OneKey(lambda: {"add": AddChange, "delete": DeleteChange, "update": UpdateChange})
"""Tells the kinds apart."""


def parse_file_change(data: Mapping[str, object]) -> FileChange:
    """The change a decoded JSON object stands for.

    Raises:
        ProtocolError: when its kind is unknown or it has not the shape of its kind.
    """
    return cast("FileChange", FILE_CHANGE.parse(data))

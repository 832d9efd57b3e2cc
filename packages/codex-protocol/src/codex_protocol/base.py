"""What every wire type is: a frozen value that reads itself from decoded JSON and writes itself back.

Fields are written in the order they are declared. Whether an absent value is left out or written as
null is each field's own matter, see `codex_protocol.fields`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer

from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe, dumps, loads_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from codex_protocol.jsonio import JSON
    from codex_protocol.shapes import Object, Shape


class WireModel(BaseModel):
    """Base of every type that crosses a process boundary or lands on disk.

    Frozen; unknown keys are dropped; numbers and booleans are never converted from other types.
    Building the validator of a class is put off until the class is first used.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    def to_wire(self) -> dict[str, JSON]:
        """The value as JSON-able dicts, lists and scalars, keys in wire order.

        Raises:
            ProtocolError: when a free-form value in it is not JSON or nested without end.
        """
        try:
            wire = self.__pydantic_serializer__.to_python(self, mode="json", by_alias=True)
        except ValueError as error:
            raise ProtocolError(f"cannot be written as JSON: {error}") from error
        return cast("dict[str, JSON]", wire)

    def to_json(self) -> str:
        """The value as one line of compact JSON, without a newline; lone surrogates become U+FFFD.

        Raises:
            ProtocolError: as `to_wire`.
        """
        try:
            return self.__pydantic_serializer__.to_json(self, by_alias=True).decode()
        except ValueError:
            return dumps(self.to_wire())

    @classmethod
    def from_wire(cls, data: Mapping[str, object]) -> Self:
        """The value a decoded JSON object stands for.

        Raises:
            ProtocolError: when a field is missing or of the wrong kind; names the first such field.
        """
        if not isinstance(data, dict):
            data = as_object(data, cls.__name__)
        try:
            return cast(
                "Self", cls.__pydantic_validator__.validate_python(data, by_alias=True, by_name=False)
            )
        except ValidationError as error:
            raise first_problem(error) from error

    @classmethod
    def wire_shape(cls, fields: Object) -> Shape:
        """How the type looks on the wire, given how its fields do; see `codex_protocol.shapes`."""
        return fields

    @classmethod
    def model_json_schema(cls, *_: object, **__: object) -> dict[str, JSON]:
        """The JSON Schema of what `from_wire` accepts; takes no options."""
        from codex_protocol.schema import schema_of

        return schema_of(cls)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The value one line of JSON stands for.

        Raises:
            ProtocolError: when the text is not JSON (see `jsonio.loads`) or not of this type.
        """
        return cls.from_wire(loads_object(text))


class RawModel(WireModel):
    """Base of what stands for an object of a kind unknown here: it is kept, and written, as it came."""

    raw: dict[str, object]

    @classmethod
    def from_wire(cls, data: Mapping[str, object]) -> Self:
        """The object, as it comes."""
        return cls(raw=as_object(data, "an object"))

    @model_serializer
    def _as_it_came(self) -> dict[str, object]:
        return self.raw

    @classmethod
    def wire_shape(cls, fields: Object) -> Shape:  # noqa: ARG003 - it has no fields to speak of
        """Any object."""
        from codex_protocol.shapes import Anything

        return Anything(is_object=True)


def as_object(data: object, what: str) -> dict[str, object]:
    """`data` as a dict, if it is any mapping.

    Raises:
        ProtocolError: when it is not.
    """
    if isinstance(data, dict):
        return data
    # A structural test, so that typing's ABC machinery stays out of the hot path above.
    keys = getattr(data, "keys", None)
    if callable(keys):
        return dict(cast("Mapping[str, object]", data))
    raise ProtocolError(f"invalid type: {describe(data)}, expected {what}")


_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean",
    "tuple_type": "a sequence",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "an object",
}


def first_problem(error: ValidationError) -> ProtocolError:
    """The first problem of a validation, in the words peers use for it."""
    first = error.errors(include_url=False, include_context=True)[0]
    kind, location = first["type"], tuple(str(part) for part in first["loc"])
    if kind == "missing":
        return ProtocolError(f"missing field `{location[-1]}`", location[:-1])
    if kind == "extra_forbidden":
        return ProtocolError(f"unknown field `{location[-1]}`", location[:-1])
    if kind == "value_error":
        inner = first["ctx"]["error"]
        if isinstance(inner, ProtocolError):
            return ProtocolError(inner.reason, (*location, *inner.location))
        return ProtocolError(str(inner), location)
    if kind in {"enum", "literal_error"}:
        expected = str(first["ctx"]["expected"]).replace("'", "`").replace(" or ", ", ")
        given = first["input"]
        shown = f"`{given}`" if isinstance(given, str) else describe(given)
        return ProtocolError(f"unknown variant {shown}, expected one of {expected}", location)
    if kind in _EXPECTED:
        return ProtocolError(
            f"invalid type: {describe(first['input'])}, expected {_EXPECTED[kind]}", location
        )
    return ProtocolError(f"invalid value: {describe(first['input'])}: {first['msg']}", location)

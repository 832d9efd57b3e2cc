"""Fields that hold one of several types, and how a reader tells which.

Each marker dispatches: it builds only the type it meets, where a pydantic union would build them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, cast

from pydantic_core import core_schema

from codex_protocol.base import RawModel, WireModel, as_object
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import GetCoreSchemaHandler


class Catalog(Protocol):
    """Classes by tag: a dict of them, or something that imports them when asked."""

    def get(self, tag: str, /) -> type[WireModel] | None:
        """The class for a tag, None if there is none."""
        ...

    def __iter__(self) -> Iterator[str]: ...


class UnionMarker(ABC):
    """Base of the markers: takes members as they are, and reads them from decoded objects."""

    def __init__(self) -> None:
        self._accepted: set[type] = set()

    @abstractmethod
    def parse(self, data: object) -> WireModel:
        """The value a decoded object stands for.

        Raises:
            ProtocolError: when it is no object, no member's tag or shape fits, or the member refuses it.
        """

    @abstractmethod
    def accepts(self, cls: type[WireModel]) -> bool:
        """Whether values of `cls` belong here."""

    @abstractmethod
    def classes(self) -> list[type[WireModel]]:
        """All members, in order; imports them all."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def _validate(self, value: object) -> WireModel:
        cls = type(value)
        if cls in self._accepted:
            return cast("WireModel", value)
        if not isinstance(value, WireModel):
            return self.parse(value)
        if not self.accepts(type(value)):
            raise ProtocolError(f"invalid type: {cls.__name__} does not belong here")
        self._accepted.add(cls)
        return value


class Tagged(UnionMarker):
    """Marks a field that holds one of several types told apart by a key.

    `members` gives the classes by tag and is called on first use. `unknown` holds objects with a tag
    nobody knows; without it such an object is an error.
    """

    def __init__(
        self, members: Callable[[], Catalog], *, tag: str = "type", unknown: type[RawModel] | None = None
    ) -> None:
        super().__init__()
        self.members = members
        self.tag = tag
        self.unknown = unknown
        self._by_tag: Catalog | None = None

    def parse(self, data: object) -> WireModel:
        """The value of the member the tag names."""
        if not isinstance(data, dict):
            data = as_object(data, "an object")
        members = self._by_tag
        if members is None:
            members = self._by_tag = self.members()
        tag = data.get(self.tag)
        if isinstance(tag, str):
            member = members.get(tag) or self.unknown
            if member is not None:
                return member.from_wire(data)
            expected = ", ".join(f"`{name}`" for name in members)
            raise ProtocolError(f"unknown variant `{tag}`, expected one of {expected}")
        if self.tag not in data:
            raise ProtocolError(f"missing field `{self.tag}`")
        raise ProtocolError(f"invalid type: {describe(tag)}, expected a string", (self.tag,))

    def accepts(self, cls: type[WireModel]) -> bool:
        """Whether `cls` is the member its own tag names, or holds what nobody knows."""
        tag = getattr(cls, "kind", None)
        if tag is None and self.tag in cls.model_fields:
            tag = cls.model_fields[self.tag].default
        return cls is self.unknown or (isinstance(tag, str) and self.members().get(tag) is cls)

    def classes(self) -> list[type[WireModel]]:
        """All members, in order; imports them all."""
        catalog = self.members()
        return [member for tag in catalog if (member := catalog.get(tag)) is not None]


class OneKey(UnionMarker):
    """Marks a field that holds one of several types told apart by the object's only key."""

    def __init__(self, members: Callable[[], Mapping[str, type[WireModel]]]) -> None:
        super().__init__()
        self.members = members

    def parse(self, data: object) -> WireModel:
        """The value of the member the key names."""
        data = as_object(data, "an object")
        members = self.members()
        if len(data) != 1:
            raise ProtocolError("invalid value: map, expected map with a single key")
        key = next(iter(data))
        member = members.get(key)
        if member is None:
            expected = ", ".join(f"`{name}`" for name in members)
            raise ProtocolError(f"unknown variant `{key}`, expected one of {expected}")
        return member.from_wire(data)

    def accepts(self, cls: type[WireModel]) -> bool:
        """Whether `cls` is a member."""
        return cls in self.members().values()

    def classes(self) -> list[type[WireModel]]:
        """All members, in order."""
        return list(self.members().values())


class Shaped(UnionMarker):
    """Marks a field that holds one of several types told apart by what an object looks like.

    `choose` names the class for an object; `unknown` is the one it names for objects nobody knows.
    """

    def __init__(
        self,
        choose: Callable[[Mapping[str, object]], type[WireModel]],
        members: Callable[[], tuple[type[WireModel], ...]],
        *,
        unknown: type[RawModel] | None = None,
    ) -> None:
        super().__init__()
        self.choose = choose
        self.members = members
        self.unknown = unknown

    def parse(self, data: object) -> WireModel:
        """The value of the member that fits."""
        data = as_object(data, "an object")
        return self.choose(data).from_wire(data)

    def accepts(self, cls: type[WireModel]) -> bool:
        """Whether `cls` is a member, or holds what nobody knows."""
        return cls is self.unknown or cls in self.members()

    def classes(self) -> list[type[WireModel]]:
        """All members, in order."""
        return list(self.members())


class Late(UnionMarker):
    """Marks a field of a single type, whose module is imported only when the field is read or filled."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__()
        self.module = module
        self.name = name

    def resolve(self) -> type[WireModel]:
        """The class itself; imports its module."""
        from importlib import import_module

        return cast("type[WireModel]", getattr(import_module(self.module), self.name))

    def parse(self, data: object) -> WireModel:
        """The value of the type."""
        return self.resolve().from_wire(as_object(data, "an object"))

    def accepts(self, cls: type[WireModel]) -> bool:
        """Whether `cls` is the type."""
        return cls is self.resolve()

    def classes(self) -> list[type[WireModel]]:
        """The one type."""
        return [self.resolve()]

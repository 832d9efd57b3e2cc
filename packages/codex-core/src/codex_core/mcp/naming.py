"""Under which names the tools of MCP servers are offered to the model, and back again.

A name is `<server>__<tool>` in the 64 characters the API allows: others than ASCII letters, digits, `-` and
`_` become `_`, and what is too long is cut and told apart by its SHA-1 (spec: agent.md section 17, D20).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEPARATOR = "__"
MAX_NAME_BYTES = 64
_SHA1_HEX_DIGITS = 40
_HEAD_BYTES = MAX_NAME_BYTES - _SHA1_HEX_DIGITS

SERVER_NAME_PATTERN = "^[a-zA-Z0-9_-]+$"
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True, order=True)
class ToolAddress:
    """A tool as its server knows it."""

    server: str
    tool: str

    def __str__(self) -> str:
        return f"{self.server}/{self.tool}"


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of a set of tools."""

    addresses: Mapping[str, ToolAddress]
    """By qualified name, sorted by it."""
    duplicates: tuple[ToolAddress, ...]
    """Listed more than once by their server; the first one counts."""


def qualified_name(address: ToolAddress) -> str:
    """The name a tool has as long as no other tool has the same."""
    full = f"{address.server}{SEPARATOR}{address.tool}"
    name = _NOT_ALLOWED.sub("_", full)
    return name if len(name) <= MAX_NAME_BYTES else _hashed(name, full)


def assign_names(addresses: Iterable[ToolAddress]) -> Naming:
    """A name for every tool; the same tools get the same names, whatever their order.

    Where two tools would have one name after their characters were replaced, those that are called so in
    truth keep it and the others get a hash.
    """
    seen: set[ToolAddress] = set()
    duplicates: list[ToolAddress] = []
    for address in addresses:
        if address in seen:
            duplicates.append(address)
        seen.add(address)
    names: dict[str, ToolAddress] = {}
    for address in sorted(seen, key=lambda each: (_is_rewritten(each), each)):
        name = qualified_name(address)
        if name in names:
            name = _hashed(name, f"{address.server}{SEPARATOR}{address.tool}")
        # Two servers can spell one full name (`a`, `_b` + `c`); the address decides then.
        if name in names:
            name = _hashed(name, f"{address.server}\0{address.tool}")
        names[name] = address
    return Naming(addresses=dict(sorted(names.items())), duplicates=tuple(duplicates))


def _is_rewritten(address: ToolAddress) -> bool:
    return qualified_name(address) != f"{address.server}{SEPARATOR}{address.tool}"


def _hashed(name: str, full: str) -> str:
    from hashlib import sha1

    digest = sha1(full.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return name[:_HEAD_BYTES] + digest

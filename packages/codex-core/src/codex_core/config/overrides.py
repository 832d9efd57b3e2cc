"""`-c key=value`: parsing one override and laying it over a document (spec: config-cli.md section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Words TOML can never read as a value, so they are strings without asking a parser: the common case.
_PLAIN_WORD = r"(?!(?:true|false|inf|nan)$)[A-Za-z_][A-Za-z0-9_./:@-]*"
_PLAIN_QUOTED = r'"([^"\\\x00-\x1f\x7f]+)"'


class InvalidOverrideError(ConfigError):
    """An override is not of the form `key=value`."""


@dataclass(frozen=True, slots=True)
class Override:
    """One value for one key; the path's parts are what stood between the dots."""

    path: tuple[str, ...]
    value: object

    @property
    def key(self) -> str:
        """The dotted key as it was written."""
        return ".".join(self.path)


def parse_override(raw: str) -> Override:
    """What `key=value` means: the value as TOML, or, where it is not TOML, the text itself.

    The key is cut at every dot; there is no quoting.

    Raises: InvalidOverrideError without `=` or without a key.
    """
    key, separator, text = raw.partition("=")
    if not separator:
        raise InvalidOverrideError(f"Invalid override (missing '='): {raw}")
    key = key.strip()
    if not key:
        raise InvalidOverrideError(f"Empty key in override: {raw}")
    return Override(path=tuple(key.split(".")), value=parse_value(text.strip()))


def parse_value(text: str) -> object:
    """The TOML value `text` spells; otherwise `text` without quotes at its ends."""
    if re.fullmatch(_PLAIN_WORD, text):
        return text
    quoted = re.fullmatch(_PLAIN_QUOTED, text)
    if quoted:
        return quoted[1]
    import tomllib

    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # no TOML, or more digits or brackets than Python takes
        table = {}
    # More than one key means the text held a line break and went on as a document of its own.
    if table.keys() == {"value"}:
        value: object = table["value"]
        return value
    return text.strip("\"'")


def apply_overrides(document: Mapping[str, object], overrides: Iterable[Override]) -> dict[str, object]:
    """A copy of `document` with the overrides laid over it in order.

    Missing tables on the way are made, and a value that is no table gives way to one.
    """
    result = dict(document)
    for override in overrides:
        table = result
        for part in override.path[:-1]:
            inner = table.get(part)
            # Copied on the way down, so the caller's document keeps its own tables.
            copied: dict[str, object] = dict(inner) if isinstance(inner, dict) else {}
            table[part] = copied
            table = copied
        table[override.path[-1]] = override.value
    return result


def merge_tables(lower: Mapping[str, object], upper: Mapping[str, object]) -> dict[str, object]:
    """A copy of `lower` with `upper` over it: tables merge key by key, everything else is replaced."""
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = merge_tables(below, value)
        else:
            result[key] = value
    return result

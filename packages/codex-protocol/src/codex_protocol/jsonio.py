"""JSON as it crosses our boundaries: compact, unescaped UTF-8 out; nothing ambiguous in.

Python's own reader takes NaN, repeated keys, numbers too large for a float and half surrogate pairs;
a peer written in another language does not, so neither does this one (spec: protocol.md sections 0 and 15).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from codex_protocol.errors import ProtocolError

if TYPE_CHECKING:
    from typing import NoReturn

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
"""Any decoded JSON value."""

MAX_DEPTH = 127
"""Deepest nesting of arrays and objects that is read; readers in other languages stop here too."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_REPLACEMENT = "\ufffd"


def dumps(obj: object) -> str:
    """One line of JSON: compact separators, key order kept, non-ASCII as it is.

    A lone surrogate, which UTF-8 cannot carry, becomes U+FFFD.

    Raises:
        ProtocolError: for NaN, infinities and values JSON has no form for.
    """
    try:
        text = json.dumps(obj, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise ProtocolError(f"cannot be written as JSON: {error}") from error
    if text.isascii():
        return text
    return _SURROGATE.sub(_REPLACEMENT, text)


def loads(text: str | bytes) -> JSON:
    """The value `text` stands for.

    Raises:
        ProtocolError: for anything that is not exactly one JSON value in UTF-8, for repeated keys, NaN,
            numbers no float can hold, lone surrogates, and nesting deeper than `MAX_DEPTH`.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    try:
        value: JSON = _DECODER.decode(text)
    except ProtocolError:
        raise
    except json.JSONDecodeError as error:
        raise ProtocolError(f"{error.msg} at line {error.lineno} column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not a JSON value that can be read: {error}") from error
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
        raise ProtocolError("recursion limit exceeded")
    if (_SURROGATE_ESCAPE.search(text) or not text.isascii()) and _has_surrogate(value):
        raise ProtocolError("lone surrogate in a string")
    return value


def loads_object(text: str | bytes) -> dict[str, JSON]:
    """Like `loads`, for text that must be a JSON object.

    Raises:
        ProtocolError: as `loads`, and for any other kind of value.
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise ProtocolError(f"invalid type: {describe(value)}, expected an object")
    return value


def describe(value: object) -> str:
    """How a value is named in an error sentence: its JSON kind, and the value itself where it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean `{'true' if value else 'false'}`"
    if isinstance(value, int):
        return f"integer `{value}`" if -(10**20) < value < 10**20 else "integer"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {dumps(value if len(value) <= 80 else value[:80] + '…')}"
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list | tuple):
        return "sequence"
    return type(value).__name__


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    mapping = dict(pairs)
    if len(mapping) == len(pairs):
        return mapping
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ProtocolError(f"duplicate field `{key}`")
        seen.add(key)
    return mapping


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0.0:
        raise ProtocolError("number out of range")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant)


def _depth_exceeds(value: JSON, limit: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if limit == 0:
        return True
    children = value.values() if isinstance(value, dict) else value
    return any(_depth_exceeds(child, limit - 1) for child in children)


def _has_surrogate(value: JSON) -> bool:
    if isinstance(value, str):
        return not value.isascii() and _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(key) or _has_surrogate(child) for key, child in value.items())
    if isinstance(value, list):
        return any(_has_surrogate(child) for child in value)
    return False

"""A strict JSON decoder for the policy argument.

The standard `json` imports `re` and `enum`, which cost more than the whole confinement; a policy is a few
hundred bytes. Stricter than `json.loads`: no NaN, no duplicate keys, no lone surrogates, limited nesting.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_DEPTH = 64

_SPACE = " \t\n\r"
_DIGITS = frozenset("0123456789")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: tuple[tuple[str, Json], ...] = (("true", True), ("false", False), ("null", None))


def decode(text: str) -> Json:
    """The value `text` spells. Raises ValueError with the place of the fault."""
    value, at = _value(text, _skip(text, 0), 0)
    at = _skip(text, at)
    if at != len(text):
        raise _fault("unexpected text after the value", at)
    return value


def _fault(what: str, at: int) -> ValueError:
    return ValueError(f"{what} at column {at + 1}")


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _value(text: str, at: int, depth: int) -> tuple[Json, int]:
    if depth > MAX_DEPTH:
        raise _fault("nested too deeply", at)
    first = text[at : at + 1]
    if first == "{":
        return _object(text, at + 1, depth)
    if first == "[":
        return _array(text, at + 1, depth)
    if first == '"':
        return _string(text, at + 1)
    for word, value in _WORDS:
        if text.startswith(word, at):
            return value, at + len(word)
    if first == "-" or first in _DIGITS:
        return _number(text, at)
    raise _fault("expected a value" if first else "unexpected end", at)


def _object(text: str, at: int, depth: int) -> tuple[dict[str, Json], int]:
    members: dict[str, Json] = {}
    at = _skip(text, at)
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise _fault("expected a key", at)
        key_at = at
        key, at = _string(text, at + 1)
        if key in members:
            raise _fault(f"duplicate key `{key}`", key_at)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise _fault("expected `:`", at)
        members[key], at = _value(text, _skip(text, at + 1), depth + 1)
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return members, at + 1
        if text[at : at + 1] != ",":
            raise _fault("expected `,` or `}`", at)
        at = _skip(text, at + 1)


def _array(text: str, at: int, depth: int) -> tuple[list[Json], int]:
    items: list[Json] = []
    at = _skip(text, at)
    if text[at : at + 1] == "]":
        return items, at + 1
    while True:
        item, at = _value(text, _skip(text, at), depth + 1)
        items.append(item)
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return items, at + 1
        if text[at : at + 1] != ",":
            raise _fault("expected `,` or `]`", at)
        at += 1


def _string(text: str, at: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        start = at
        while at < len(text) and text[at] not in '"\\' and text[at] >= " ":
            at += 1
        parts.append(text[start:at])
        stop = text[at : at + 1]
        if stop == '"':
            return "".join(parts), at + 1
        if stop != "\\":
            raise _fault("control character in a string" if stop else "unexpected end of a string", at)
        letter = text[at + 1 : at + 2]
        if letter == "u":
            character, at = _unicode_escape(text, at)
            parts.append(character)
        elif letter in _ESCAPES:
            parts.append(_ESCAPES[letter])
            at += 2
        else:
            raise _fault("unknown escape", at)


def _unicode_escape(text: str, at: int) -> tuple[str, int]:
    unit = _four_hex(text, at + 2)
    if 0xD800 <= unit < 0xDC00 and text[at + 6 : at + 8] == "\\u":
        low = _four_hex(text, at + 8)
        if 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), at + 12
    if 0xD800 <= unit < 0xE000:
        raise _fault("lone surrogate", at)
    return chr(unit), at + 6


def _four_hex(text: str, at: int) -> int:
    digits = text[at : at + 4]
    if len(digits) != 4 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        raise _fault("expected four hexadecimal digits", at)
    return int(digits, 16)


def _number(text: str, at: int) -> tuple[int | float, int]:
    start = at
    at += text[at] == "-"
    whole_at = at
    at = _digits(text, at)
    if text[whole_at] == "0" and at - whole_at > 1:
        raise _fault("leading zero", whole_at)
    is_whole = True
    if text[at : at + 1] == ".":
        is_whole = False
        at = _digits(text, at + 1)
    if text[at : at + 1] in ("e", "E"):
        is_whole = False
        at += 1
        at += text[at : at + 1] in ("+", "-")
        at = _digits(text, at)
    literal = text[start:at]
    if is_whole and len(literal) > 64:
        raise _fault("number too long", start)
    return (int(literal) if is_whole else float(literal)), at


def _digits(text: str, at: int) -> int:
    start = at
    while text[at : at + 1] in _DIGITS:
        at += 1
    if at == start:
        raise _fault("expected a digit", at)
    return at

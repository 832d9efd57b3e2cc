"""Of a message nobody can read whole: whose it is, and whether it asks or answers. Knows no methods.

Looks at the beginning and the end only, so that a message of any length and depth costs the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES = 16 * 1024
TAIL_BYTES = 4 * 1024
"""As much of both ends is looked at; members in between are not seen."""

_MAX_DIGITS = 300  # of an id; Python refuses to write numbers of some thousand digits, too

_STRING = rb'"(?:[^"\\]|\\.)*+"'
_SCALAR = rb'(?:%b|[^\s"{}\[\]:,]++)' % _STRING
_SPACE = rb"[ \t\r]*+"
_TOKEN = re.compile(rb"%b(%b|[{}\[\]:,])" % (_SPACE, _SCALAR), re.DOTALL)
_MEMBER = re.compile(
    rb",%(s)b(?P<key>%(text)b)%(s)b:%(s)b(?P<value>%(scalar)b)%(s)b"
    % {b"s": _SPACE, b"text": _STRING, b"scalar": _SCALAR},
    re.DOTALL,
)
_LAST_MEMBERS = re.compile(
    rb"(?:,%(s)b%(text)b%(s)b:%(s)b%(scalar)b%(s)b)+(?=\}%(s)b\Z)"
    % {b"s": _SPACE, b"text": _STRING, b"scalar": _SCALAR},
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What could be told of a message."""

    request_id: str | int | None
    """Its id; None if it has none that is text or a whole number, or it was not seen."""
    has_method: bool
    """Whether it asks or tells something; an answer does not."""


NOTHING = Envelope(None, has_method=False)


def envelope_of(message: bytes) -> Envelope:
    """What can be told of a whole message; nothing of what does not begin and end as one does."""
    head = message[:HEAD_BYTES]
    return envelope(head, b"" if len(head) == len(message) else message[-TAIL_BYTES:])


def envelope(head: bytes, tail: bytes) -> Envelope:
    """The same from both ends of a message; `tail` is empty if it is all in `head`."""
    end = (tail or head).rstrip()
    if not head.lstrip().startswith(b"{") or not end.endswith(b"}"):
        return NOTHING
    first = _first_members(head)
    if first is None:
        return NOTHING
    members = {**first, **_last_members(tail)}
    return Envelope(_identifier(members.get("id")), has_method="method" in members)


def _first_members(head: bytes) -> Mapping[str, bytes | None] | None:
    """The outermost members as far as the bytes reach; None if more than one message stands there.

    With each key the value, or what it begins with; None if that is not known for sure.
    """
    members: dict[str, bytes | None] = {}
    depth = position = 0
    path: list[bytes] = []
    """What came of the present member: its key, the colon, the first token of its value."""
    while (match := _TOKEN.match(head, position)) is not None:
        token, position = match[1], match.end()
        if depth == 1 and token in (b",", b"}"):
            if len(path) > 2 and path[1] == b":" and (key := _text(path[0])) is not None:
                members[key] = path[2]
            path.clear()
        elif depth == 1:
            path.append(token)
            if len(path) == 2 and token == b":" and (key := _text(path[0])) is not None:
                members[key] = None
        depth += (token in (b"{", b"[")) - (token in (b"}", b"]"))
        if depth == 0:
            return None if head[position:].strip() else members
    return members


def _last_members(tail: bytes) -> Mapping[str, bytes]:
    """The outermost members behind the last one that is an object or array.

    What stands directly before the closing brace belongs to the outermost object, and a quote that follows
    a comma cannot be the end of a text if what comes behind it reads as a member.
    """
    found = _LAST_MEMBERS.search(tail)
    members: dict[str, bytes] = {}
    for match in _MEMBER.finditer(found[0]) if found else ():
        if (key := _text(match["key"])) is not None:
            members[key] = match["value"]
    return members


def _identifier(token: bytes | None) -> str | int | None:
    if token is None:
        return None
    if re.fullmatch(rb"-?(?:0|[1-9][0-9]{0,%d})" % _MAX_DIGITS, token):
        return int(token)
    return _text(token)


def _text(token: bytes) -> str | None:
    """The text in quotes; None if it is none, or could not be written back as it is."""
    if not token.startswith(b'"'):
        return None
    try:
        text: str = json.loads(token)
        text.encode()
    except ValueError:
        return None
    return text

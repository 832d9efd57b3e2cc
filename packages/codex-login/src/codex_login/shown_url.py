"""URLs as they may stand in a message: without what may be a secret in them."""

from __future__ import annotations

import re

HIDDEN = "…"

_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Za-z:.%]*\]|[^:\s\[\]]*)(?::[0-9]*)?")


def shown_url(url: str) -> str:
    """The URL without user name and password, and without the values in its query and its fragment.

    Where it is not certain what belongs to a password (one with a `/` in it, say) only the scheme is left.
    """
    rest, hash_mark, fragment = url.partition("#")
    rest, question_mark, query = rest.partition("?")
    scheme, mark, rest = rest.partition("://") if "://" in rest else ("", "", rest)
    authority, slash, path = rest.partition("/")
    may_be_password = ":" in authority and "@" in path + query + fragment
    authority = authority.rpartition("@")[2]
    if may_be_password or not _HOST_AND_PORT.fullmatch(authority):
        return f"{scheme}{mark}{HIDDEN}"
    if query:
        query = "&".join(_without_value(part) for part in query.split("&"))
    if fragment:
        fragment = HIDDEN
    return _printable(f"{scheme}{mark}{authority}{slash}{path}{question_mark}{query}{hash_mark}{fragment}")


def _without_value(parameter: str) -> str:
    name, mark, value = parameter.partition("=")
    if not mark:
        return HIDDEN if name else ""
    return f"{name}={HIDDEN if value else ''}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)

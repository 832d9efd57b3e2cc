"""Takes what looks like a credential out of what leaves the machine.

What the log hides, and what besides that turns up in the output of commands: keys of well-known services,
variables whose name says what they hold, private keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_core.logs import redacted

if TYPE_CHECKING:
    from codex_protocol.jsonio import JSON

MASK = "***"
_PIECE = r"[A-Za-z0-9_.-]{0,40}"
"""Around the word that gives a name away; bounded, as texts of others may be made to take long."""
_WORDS = "secret|token|passwd|password|passphrase|api_?key|access_?key|private_?key|credential"
_NAME = rf"{_PIECE}(?:{_WORDS}){_PIECE}"
_HINT = re.compile(_WORDS, re.IGNORECASE)
_ASSIGNMENT = re.compile(
    # A variable or field that says what it holds; quotes may be escaped, as in a command inside JSON.
    rf"""(\b{_NAME}(?:\\*["'])?\s*[:=]\s*(?:\\*["'])?)(?!\$|<|\*\*\*)[^\s"',;}})\]\\&]{{4,}}""",
    re.IGNORECASE,
)
_PATTERNS = (
    r"\b()(?:gh[opsu]|ghr)_[A-Za-z0-9]{20,}",
    r"\b()github_pat_[A-Za-z0-9_]{20,}",
    r"\b()glpat-[A-Za-z0-9_-]{16,}",
    r"\b()xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"\b()(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\b()AIza[A-Za-z0-9_-]{30,}",
    r"\b()npm_[A-Za-z0-9]{30,}",
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?:[^-]|-(?!----END))*",
)
_HARMLESS_KEYS = re.compile(r"(?i)tokens?(?:_(?:usage|count|limit|info))?|.*_tokens|model_.*|.*token_usage")
_SECRET_KEY = re.compile(rf"(?:{_NAME}|(?i:(?:proxy-)?authorization|cookie|set-cookie))", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with `***` in the place of what looks like a credential."""
    if _HINT.search(text):  # looked for line by line, as the search for a name is slow where there is none
        text = "\n".join(
            _ASSIGNMENT.sub(rf"\g<1>{MASK}", row) if _HINT.search(row) else row for row in text.split("\n")
        )
    for pattern in _PATTERNS:
        text = re.sub(pattern, rf"\g<1>{MASK}", text)
    return redacted(text)


def masked_json(value: JSON) -> JSON:
    """The same value with every text in it masked, and whole texts whose key says that they are secret."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(key): _masked_field(key, child) for key, child in value.items()}
    if isinstance(value, list):
        return [masked_json(child) for child in value]
    return value


def _masked_field(key: str, value: JSON) -> JSON:
    is_secret = _SECRET_KEY.fullmatch(key) and not _HARMLESS_KEYS.fullmatch(key)
    return MASK if is_secret and isinstance(value, str) and value else masked_json(value)

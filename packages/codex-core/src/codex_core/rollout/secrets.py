"""Takes what looks like a credential out of what leaves the machine.

What the log hides, and what besides that turns up in the output of commands: keys of well-known services,
variables whose name says what they hold, private keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_core.logs import without_known_shapes

if TYPE_CHECKING:
    from codex_protocol.jsonio import JSON

MASK = "***"
_PIECE = r"[A-Za-z0-9_.-]{0,40}"
"""Around the word that gives a name away; bounded, as texts of others may be made to take long."""
_WORDS = "secret|token|passwd|password|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|credential"
_NAME = rf"{_PIECE}(?:{_WORDS}){_PIECE}"
_HINT = re.compile(_WORDS, re.IGNORECASE)
_ASSIGNMENT = re.compile(
    # A variable or field that says what it holds; quotes may be escaped, as in a command inside JSON.
    rf"""(\b({_NAME})(?:\\*["'])?\s*[:=](\s*)(?:\\*["'])?)(?!\$|<|\*\*\*)([^\s"',;}})\]\\&]{{4,}})""",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    # The same with a value that has blanks in it, up to the quote it began with.
    rf"""(\b({_NAME})(?:\\*["'])?\s*[:=]\s*(\\*["']))(?!\$|<|\*\*\*)((?:(?!\3)[^\n]){{2,400}})(?=\3)""",
    re.IGNORECASE,
)
_FLAG = re.compile(
    rf"""((?<![\w-])--?({_NAME})\s+\\*["']?)(?![-$<]|\*\*\*)([^\s"'\\]{{4,}})""", re.IGNORECASE
)
"""An option of a command, with its value as the next word."""
_HARMLESS_NAME = re.compile(
    r"(?i).*(?:tokeni[sz]|token[-_]?(?:count|limit|usage|type|kind|ids?\b|info|budget|len|index|size)).*"
)
"""Names of what is counted or cut, not kept from anybody."""
_NO_SECRETS = frozenset(
    {
        "true", "false", "null", "none", "nil", "undefined", "unknown", "required", "optional", "include",
        "omit", "same-origin", "string", "bytes", "bool", "boolean", "integer", "float", "number", "object",
        "list", "dict", "self", "await", "path", "void",
    }
)  # fmt: skip
"""Words of programs and settings that stand where a secret would."""
_CODE = re.compile(
    # A call, something looked up, or a path of names; what is made up by a generator has digits in it.
    r"[A-Za-z_][\w.]{0,60}[(\[].*|[A-Za-z_]{1,30}(?:\??\.[A-Za-z_]{1,30})+"
)
_CODE_NAME = re.compile(
    rf"(?=.*(?i:{_WORDS}))(?:[A-Za-z]+_[A-Za-z_]+|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+|Token|Secret)"
)
"""A name in code that says itself what it holds: `access_token`, `TokenKind`."""
_PATTERNS = (
    r"\b()(?:gh[opsu]|ghr)_[A-Za-z0-9]{20,}",
    r"\b()github_pat_[A-Za-z0-9_]{20,}",
    r"\b()glpat-[A-Za-z0-9_-]{16,}",
    r"\b()xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"(https://hooks\.slack\.com/services/)[A-Za-z0-9/]{20,}",
    r"\b()(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"(\bAccountKey=)[A-Za-z0-9+/=]{20,}",
    r"\b()AIza[A-Za-z0-9_-]{30,}",
    r"\b()ya29\.[A-Za-z0-9_-]{20,}",
    r"\b()npm_[A-Za-z0-9]{30,}",
    r"\b()pypi-[A-Za-z0-9_-]{16,}",
    r"\b()hf_[A-Za-z0-9]{30,}",
    r"\b()gsk_[A-Za-z0-9]{30,}",
    r"\b()xai-[A-Za-z0-9]{30,}",
    r"\b()(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}",
    r"\b()SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\b()do[opr]_v1_[a-f0-9]{32,}",
    r"\b()AGE-SECRET-KEY-1[A-Z0-9]{30,}",
    r"(-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----)(?:[^-]|-(?!----END))*",
    r"(?im)(^[<>*\s]*(?:set-)?cookie:\s*|[\"'](?:set-)?cookie:\s*)[^\"'\n]+",
    r"(\bcurl\b[^\n|;&]{0,400}?\s(?:-u|--user)[ =]\\*[\"']?[^\s:\"']{1,80}:)[^\s\"'\\]+",
    r"(\blogin\s+\S{1,80}\s+password\s+)\S+",
)
_HARMLESS_KEYS = re.compile(r"(?i)tokens?(?:_(?:usage|count|limit|info))?|.*_tokens|model_.*|.*token_usage")
_SECRET_KEY = re.compile(rf"(?:{_NAME}|(?i:(?:proxy-)?authorization|cookie|set-cookie))", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with `***` in the place of what looks like a credential."""
    if _HINT.search(text):  # looked for line by line, as the search for a name is slow where there is none
        text = "\n".join(_without_named(row) if _HINT.search(row) else row for row in text.split("\n"))
    for pattern in _PATTERNS:
        text = re.sub(pattern, rf"\g<1>{MASK}", text)
    return without_known_shapes(text)


def _without_named(row: str) -> str:
    row = _QUOTED.sub(lambda found: found[0] if _is_word(found[2], found[4]) else f"{found[1]}{MASK}", row)
    row = _ASSIGNMENT.sub(_without_value, row)
    return _FLAG.sub(lambda found: found[0] if _is_word(found[2], found[3]) else f"{found[1]}{MASK}", row)


def _without_value(found: re.Match[str]) -> str:
    name, blank, value = found[2], found[3], found[4]
    is_code = _CODE.fullmatch(value) or (blank and _CODE_NAME.fullmatch(value))
    return found[0] if is_code or _is_word(name, value) else f"{found[1]}{MASK}"


def _is_word(name: str, value: str) -> bool:
    """Whether the value is a number of tokens, the name passed on, or a word that keeps no secret."""
    plain, holder = value.lower(), name.lower()
    return (
        plain in _NO_SECRETS
        or plain == holder.rpartition(".")[2]
        or _HARMLESS_NAME.fullmatch(name) is not None
        or ("token" in holder and plain.replace("_", "").isdecimal())
    )


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
    if not _SECRET_KEY.fullmatch(key) or _HARMLESS_KEYS.fullmatch(key):
        return masked_json(value)
    if isinstance(value, list):
        return [_masked_field(key, child) for child in value]
    return MASK if isinstance(value, str) and value else masked_json(value)

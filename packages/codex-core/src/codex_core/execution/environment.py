"""The environment of a command: what `[shell_environment_policy]` lets through of ours.

Rules and their order: spec exec-sandbox.md (b).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NETWORK_DISABLED_VARIABLE = "CODEX_SANDBOX_NETWORK_DISABLED"
"""Set to `1` for commands that have no network, so that test suites can skip what needs it."""

CORE_VARIABLES = frozenset({"HOME", "LOGNAME", "PATH", "SHELL", "USER", "USERNAME", "TMPDIR", "TEMP", "TMP"})
DEFAULT_EXCLUDES = ("*KEY*", "*SECRET*", "*TOKEN*")

# What CPython puts into LC_CTYPE when it was started in the C locale (PEP 538).
_COERCED_LOCALES = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})


class Inherit(StrEnum):
    """What a command's environment starts from."""

    ALL = "all"
    CORE = "core"
    """Only `CORE_VARIABLES`."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ShellEnvironmentPolicy:
    """Which variables a command gets. Patterns know `*` and `?` and ignore the case of ASCII letters."""

    inherit: Inherit = Inherit.ALL
    ignore_default_excludes: bool = False
    """Lets through even what looks like a credential."""
    exclude: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    """Wins over the excludes."""
    include_only: tuple[str, ...] = ()
    """If not empty, what matches none of it goes, also from `set`."""
    use_profile: bool = False
    """Runs commands through the user's login shell."""


def build_environment(
    policy: ShellEnvironmentPolicy, parent: Mapping[str, str], *, network_disabled: bool
) -> dict[str, str]:
    """The whole environment of a command that starts from `parent`."""
    match policy.inherit:
        case Inherit.ALL:
            env = dict(parent)
        case Inherit.CORE:
            env = {name: value for name, value in parent.items() if name in CORE_VARIABLES}
        case Inherit.NONE:
            env = {}
    excludes = policy.exclude if policy.ignore_default_excludes else (*DEFAULT_EXCLUDES, *policy.exclude)
    env = {name: value for name, value in env.items() if not _matches_any(name, excludes)}
    env.update(policy.set)
    if policy.include_only:
        env = {name: value for name, value in env.items() if _matches_any(name, policy.include_only)}
    if network_disabled:
        env[NETWORK_DISABLED_VARIABLE] = "1"
    return env


@lru_cache(maxsize=4096)  # the same names for every command
def name_matches(name: str, pattern: str) -> bool:
    """Whether the whole name matches; `*` is any run of characters, `?` exactly one, all else itself."""
    name, pattern = _lower_ascii(name), _lower_ascii(pattern)
    word = pattern[1:-1]
    if pattern == f"*{word}*" and "*" not in word and "?" not in word:
        return word in name  # all of the usual patterns, for every variable of every command
    at = seen = 0
    star: int | None = None  # where to go on in the pattern when the last `*` takes one character more
    star_at = 0
    while at < len(name):
        if seen < len(pattern) and pattern[seen] == "*":
            star, star_at = seen + 1, at
            seen += 1
        elif seen < len(pattern) and pattern[seen] in ("?", name[at]):
            seen += 1
            at += 1
        elif star is not None:
            star_at += 1
            seen, at = star, star_at
        else:
            return False
    return not pattern[seen:].strip("*")


def original_environ() -> dict[str, str]:
    """Our environment as it was given to us, bytes that are not UTF-8 escaped as surrogates.

    Differs from `os.environ` in one thing: in the C locale CPython sets LC_CTYPE for itself and would hand it
    on to every command. Where the kernel still shows what we were started with (Linux), that is put right.
    """
    env = {_text(name): _text(value) for name, value in os.environb.items()}
    if env.get("LC_CTYPE") in _COERCED_LOCALES:
        initial = _read_initial_block()
        if initial is not None:
            given = _lookup(initial, b"LC_CTYPE")
            if given is None:
                del env["LC_CTYPE"]
            else:
                env["LC_CTYPE"] = _text(given)
    return env


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(name_matches(name, pattern) for pattern in patterns)


def _lower_ascii(text: str) -> str:
    # str.lower would also make `Ä` match `ä`, which the patterns do not.
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _read_initial_block() -> bytes | None:
    try:
        with open("/proc/self/environ", "rb") as file:
            return file.read()
    except OSError:
        return None


def _lookup(block: bytes, name: bytes) -> bytes | None:
    for entry in block.split(b"\0"):
        key, equals, value = entry.partition(b"=")
        if equals and key == name:
            return value
    return None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")

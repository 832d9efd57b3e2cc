"""Text of others made safe to show: it can neither command the terminal nor hide from the reader."""

from __future__ import annotations

import re

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
# What no terminal may get: controls but for the line feed, what reorders text or cannot be seen in it
# (joiners apart, which letters and emoji need), and halves of characters.
_UNSHOWN = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u180e\u200e\u200f\u2028-\u202e\u2061-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
_TAB = "    "
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def safe_text(text: str) -> str:
    """What is left to read of what a program printed: line feeds stay, tabs become four blanks.

    Escape sequences are taken out, other controls marked. A carriage return shows what a terminal would show
    in the end: the text after the last one of its line.
    """
    if "\x1b" in text:
        text = _ESCAPE_SEQUENCE.sub("", text)
    if "\r" in text:
        text = "\n".join(_last_overwrite(row) for row in text.replace("\r\n", "\n").split("\n"))
    return _UNSHOWN.sub(lambda found: _TAB if found[0] == "\t" else _UNKNOWN, text)


def exact_text(text: str) -> str:
    """`text` with nothing hidden, for what is read before it is believed: commands, paths, patches, answers.

    Line feeds stay, tabs become four blanks, line ends of DOS plain ones; every other control has a sign.
    """
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    return _UNSHOWN.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\t":
        return _TAB
    if character < " ":
        return chr(0x2400 + ord(character))  # ␀ to ␟
    return "␡" if character == "\x7f" else _UNKNOWN


def _last_overwrite(row: str) -> str:
    return row.rstrip("\r").rsplit("\r", 1)[-1]

"""Text of others made safe to show: it can neither command the terminal nor hide from the reader."""

from __future__ import annotations

import re

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
# What no terminal may get: controls but for the line feed, what reorders text or cannot be seen in it, and
# halves of characters. What emoji and letters are joined with stays where it joins some, flags stay flags.
_SELECTORS = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSHOWN = re.compile(
    r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f"
    r"|[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
    r"|(?<=[\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f])"
    rf"|(?<=[\x00-\x22\x24-\x29\x2b-\x2f\x3a-\x7f{_SELECTORS}])[{_SELECTORS}]"
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
    return _unshown(text).sub(_mark, text)


def exact_text(text: str) -> str:
    """`text` with nothing hidden, for what is read before it is believed: commands, paths, patches, answers.

    Line feeds stay, tabs become four blanks, line ends of DOS plain ones; every other control has a sign.
    """
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    return _unshown(text).sub(_sign, text)


def exact_line(text: str) -> str:
    """`exact_text` in one row: line ends have a sign, too."""
    return exact_text(text).replace("\n", "␊")


def _unshown(text: str) -> re.Pattern[str]:
    return _CONTROLS if text.isascii() else _UNSHOWN


def _mark(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\t":
        return _TAB
    return character if len(character) > 1 else _UNKNOWN  # a flag


def _sign(found: re.Match[str]) -> str:
    character = found[0]
    if len(character) == 1 and character < " " and character != "\t":
        return chr(0x2400 + ord(character))  # ␀ to ␟
    return "␡" if character == "\x7f" else _mark(found)


def _last_overwrite(row: str) -> str:
    return row.rstrip("\r").rsplit("\r", 1)[-1]

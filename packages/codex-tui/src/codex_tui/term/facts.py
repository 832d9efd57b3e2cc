"""What a terminal says about itself: asked with the first frame, never waited for.

Imported before the first frame, so it loads nothing. The last question is one that every terminal answers:
when that answer comes, what was not told before it will not be.
"""

from __future__ import annotations

QUESTIONS = (
    "\x1b[?2004$p"  # are pastes marked? (asked when that has been switched on)
    "\x1b[?u"  # which kitty flags hold?
    "\x1b[>0q"  # name and version
    "\x1b]11;?\x1b\\"  # background
    "\x1b[c"  # device attributes
)
_MUTE = frozenset({"", "dumb", "linux"})  # they show what they do not understand

_ESC, _BEL = 0x1B, 0x07
_MAX_ANSWER_BYTES = 256
_LIGHT = 0.5


class TerminalFacts:
    """What is known so far. `background` is `light`, `dark` or, while nobody has said so, empty."""

    __slots__ = ("background", "has_extended_keys", "is_complete", "marks_pastes")

    def __init__(self) -> None:
        self.background = ""
        self.has_extended_keys = False
        """Whether Shift+Enter and Enter are two keys."""
        self.marks_pastes: bool | None = None
        """Whether pasted text comes as such, so that whatever else comes was typed; None if not told."""
        self.is_complete = False
        """Whether the terminal has said all it has to say."""

    def learn(self, kind: str, body: str) -> bool:
        """Takes an answer, as `Reply` has it; False if it is none to these questions."""
        if kind == "osc" and body.startswith("11;"):
            self.background = _background(body[3:]) or self.background
        elif kind == "dcs" and body.startswith(">|"):
            # Who tells its version this way came long after bracketed paste.
            self.marks_pastes = self.marks_pastes is not False
        elif kind != "csi" or not body.startswith("?"):
            return False
        elif body.startswith("?2004;") and body.endswith("$y"):
            self.marks_pastes = body[6:-2] in ("1", "3")
        elif body.endswith("u"):
            self.has_extended_keys = body[1:-1] not in ("", "0")
            self.marks_pastes = self.marks_pastes is not False
        elif body.endswith("c"):
            self.is_complete = True
        else:
            return False
        return True

    def cut_answer(self, data: bytearray) -> bool:
        """Takes an answer off the beginning of `data`; False if there is none, or not all of it yet."""
        start, end, length = 2, 0, 0
        if data[:3] == b"\x1b[?":
            kind, end = "csi", 3
            while end < len(data) and data[end] in b"0123456789;$":
                end += 1
            end = min(end + 1, len(data))
            length = end if end > 3 and data[end - 1] in b"ucy" else 0
        elif bytes(data[:2]) in (b"\x1b]", b"\x1bP"):
            kind = "osc" if data[1] == 0x5D else "dcs"
            while (end := end + 1) < min(len(data), _MAX_ANSWER_BYTES):
                if data[end] == _BEL and kind == "osc":
                    length = end + 1
                    break
                if data[end] == _ESC:
                    length = end + 2 if data[end + 1 : end + 2] == b"\\" else 0
                    break
        if not length:
            return False
        if not self.learn(kind, data[start:end].decode("ascii", "replace")):
            return False
        del data[:length]
        return True


def questions(term: str) -> str:
    """What to ask a terminal of this kind (`TERM`); nothing one that would show the question."""
    return "" if term in _MUTE else QUESTIONS


def _background(colour: str) -> str:
    """`light` or `dark` for `rgb:ffff/ffff/ffff` and the like; empty for what is no colour."""
    if colour.startswith("#") and len(colour) in (4, 7, 13):
        digits = (len(colour) - 1) // 3
        parts = [colour[1 + at * digits : 1 + (at + 1) * digits] for at in range(3)]
    else:
        space, _, values = colour.partition(":")
        parts = values.split("/")[:3] if space in ("rgb", "rgba") else []
    try:
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in parts)
    except (ValueError, ZeroDivisionError):
        return ""
    return "light" if 0.299 * red + 0.587 * green + 0.114 * blue > _LIGHT else "dark"

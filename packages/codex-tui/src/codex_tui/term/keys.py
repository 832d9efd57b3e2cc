"""Bytes from a terminal become keys, pastes and replies.

No I/O and no clock of its own: `feed` gets bytes and the time, `deadline` says when `expire` wants to be
called for what is ambiguous until then (a lone ESC). Imported before Textual; names of keys are Textual's
(`ctrl+a`, `shift+enter`, `pageup`), a printable character without modifiers is its own name.
"""

from __future__ import annotations

from codex_tui.term.inputs import CursorReport, Focus, Key, Paste, Reply
from codex_tui.term.key_tables import (
    CODES,
    CONTROL_NAMES,
    FINAL_KEYS,
    KITTY_CODES,
    MODIFIERS,
    RXVT_MODIFIERS,
    SS3_KEYS,
    TILDE_KEYS,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_tui.term.inputs import Input

ESCAPE_DELAY_S = 0.025
"""How long a lone ESC may be the beginning of a sequence."""
SEQUENCE_DELAY_S = 0.5
"""How long a sequence that has begun may pause before it is given up."""
ANSWER_DELAY_S = 3.0
"""How long an answer of the terminal may pause; what comes of it later would be typed text."""
PASTE_DELAY_S = 1.0
"""How long a paste may pause before what came so far is handed out."""
MAX_SEQUENCE_BYTES = 256
MAX_STRING_BYTES = 1 << 16

_SLICE_BYTES = 4096
_PASTE_END = b"\x1b[201~"
_RELEASE = 3

_STRINGS = {"]": "osc", "P": "dcs", "_": "apc", "^": "pm", "X": "sos"}


class KeyDecoder:
    """Reads one terminal's bytes, however they are cut."""

    def __init__(self, *, escape_delay_s: float = ESCAPE_DELAY_S) -> None:
        self._escape_delay_s = escape_delay_s
        self._buffer = b""
        self._paste: bytearray | None = None
        self._is_paste_stalled = False
        self._is_skipping = False  # the rest of a string too long to be an answer
        self._expected_reports = 0
        self._fed_at = 0.0
        self._out: list[Input] = []

    @property
    def deadline(self) -> float | None:
        """When to call `expire`, on the clock `feed` was given; None if nothing is pending."""
        if self._paste is not None:
            return self._fed_at + PASTE_DELAY_S if self._paste else None
        if self._is_skipping:
            return self._fed_at + SEQUENCE_DELAY_S
        if not self._buffer:
            return None
        alone = self._buffer in (b"\x1b", b"\x1b\x1b") or (
            len(self._buffer) == 2 and self._buffer[1:2] in b"[O]P_^X"
        )
        if not alone and self._buffer[1:2] in (b"]", b"P"):
            return self._fed_at + ANSWER_DELAY_S
        return self._fed_at + (self._escape_delay_s if alone else SEQUENCE_DELAY_S)

    def expect_cursor_report(self) -> None:
        """One report was asked for: `CSI 1 ; n R`, which else is F3 with a modifier, will be it."""
        self._expected_reports += 1

    def feed(self, data: bytes, now: float) -> list[Input]:
        """What `data`, read at `now`, completes."""
        self._fed_at = now
        if (
            self._paste is not None
            and self._is_paste_stalled
            and data[:1] < b" "
            and data[:1] not in b"\r\n\t"
            and not data.startswith(_PASTE_END[:4])
        ):
            # The end of the paste got lost: whoever types a control key now wants out.
            self._end_paste()
        for start in range(0, len(data), _SLICE_BYTES):  # or what is left would be copied for every key
            self._buffer += data[start : start + _SLICE_BYTES]
            self._parse()
        out, self._out = self._out, []
        return out

    def expire(self, now: float) -> list[Input]:
        """What stays incomplete as of `now`: a lone ESC is the key, a broken sequence is nothing."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return []
        if self._paste is not None:
            self._is_paste_stalled = True
            text = self._paste_text(final=False)
            return [Paste(text)] if text else []
        pending, self._buffer = self._buffer, b""
        if self._is_skipping:
            self._is_skipping = False
        elif pending in (b"\x1b", b"\x1b\x1b"):
            self._out.extend(Key("escape", None, self._fed_at) for _ in pending)
        elif len(pending) == 2 and pending[:1] == b"\x1b" and pending[1] < 0x80:
            self._emit_character(chr(pending[1]), alt=True)
        elif pending[:1] != b"\x1b":
            self._emit_text(pending.decode("utf-8", "replace"))
        out, self._out = self._out, []
        return out

    # --- parsing -------------------------------------------------------------------------------------

    def _parse(self) -> None:
        while self._buffer:
            if self._paste is not None:
                if not self._parse_paste():
                    return
                continue
            if self._is_skipping:
                if not self._skip_string():
                    return
                continue
            if self._buffer[0] == 0x1B:
                used = self._parse_escape(self._buffer)
            else:
                used = self._parse_text(self._buffer)
            if not used:
                return
            self._buffer = self._buffer[used:]

    def _parse_text(self, data: bytes) -> int:
        """Everything up to the next ESC, but for a character cut at the end."""
        end = data.find(b"\x1b")
        run = data if end < 0 else data[:end]
        if end < 0:
            run = run[: len(run) - _cut_utf8_bytes(run)]
        if run:
            self._emit_text(run.decode("utf-8", "replace"))
        return len(run)

    def _emit_text(self, text: str) -> None:
        for character in text:
            self._emit_character(character)

    def _emit_character(self, character: str, *, alt: bool = False) -> None:
        code = ord(character)
        if code < 32 or code == 127:
            name = CONTROL_NAMES.get(code) or f"ctrl+{chr(code + 96)}"
            self._key(_with_modifiers(name, 2 if alt else 0))
        elif 0x80 <= code < 0xA0:
            return
        elif alt:
            name = "space" if character == " " else character
            modifiers = 2
            if character.isupper() and character.lower() != character:
                name, modifiers = character.lower(), 3
            self._key(_with_modifiers(name, modifiers))
        else:
            self._key("space" if character == " " else character, character)

    def _key(self, name: str, text: str | None = None) -> None:
        self._out.append(Key(name, text, self._fed_at))

    def _parse_escape(self, data: bytes) -> int:
        """Bytes used of what begins with ESC; 0 if more is needed."""
        if len(data) == 1:
            return 0
        second = chr(data[1])
        if second == "[":
            return self._parse_csi(data, 2, alt=False)
        if second == "O":
            return self._parse_ss3(data, 2, alt=False)
        if second in _STRINGS:
            return self._parse_string(data, _STRINGS[second])
        if second == "\x1b":
            # Two ESC pressed, or Alt with a key that is a sequence itself.
            if len(data) == 2:
                return 0
            if data[2:3] == b"[":
                return self._parse_csi(data, 3, alt=True)
            if data[2:3] == b"O":
                return self._parse_ss3(data, 3, alt=True)
            self._key("escape")
            return 1
        length = 1
        while length < _utf8_length(data[1]):
            if length + 1 == len(data):
                return 0
            if not 0x80 <= data[length + 1] < 0xC0:
                break
            length += 1
        self._emit_character(data[1 : 1 + length].decode("utf-8", "replace")[0], alt=True)
        return 1 + length

    def _parse_ss3(self, data: bytes, start: int, *, alt: bool) -> int:
        end = start
        while end < len(data) and data[end] in b"0123456789;":
            end += 1
        if end == len(data):
            return 0 if end - start < MAX_SEQUENCE_BYTES else end
        final = chr(data[end])
        name = SS3_KEYS.get(final)
        if name is not None:
            digits = data[start:end].rpartition(b";")[2]
            self._named(name, (_number(digits.decode(), 1) - 1) | (2 if alt else 0))
            return end + 1
        if final < " " or final > "~":
            return end  # broken off; that byte begins something else
        if end == start and not alt:  # Alt+Shift+O, then something else
            self._emit_character("O", alt=True)
            return start
        return end + 1

    def _parse_csi(self, data: bytes, start: int, *, alt: bool) -> int:
        end = start
        while end < len(data) and 0x20 <= data[end] < 0x40:
            if (
                data[end] == 0x24
                and data[start : start + 1] not in (b"?", b">")
                and data[start:end].isdigit()
            ):
                break  # rxvt's Shift, unless it belongs to a report
            end += 1
            if end - start > MAX_SEQUENCE_BYTES:
                return end
        if end == len(data):
            return 0
        final = chr(data[end])
        if not ("@" <= final <= "~" or final == "$"):
            return end  # broken off; that byte begins something else
        body = data[start:end].decode("ascii")
        if final == "[" and not body:  # the Linux console's F1 to F5
            if end + 1 >= len(data):
                return 0
            index = data[end + 1] - ord("A")
            if 0 <= index < 5:
                self._named(f"f{index + 1}", 2 if alt else 0)
            return end + 2
        if final == "M" and not body:  # an old mouse report, never asked for
            return end + 4 if end + 4 <= len(data) else 0
        self._csi(body, final, alt=alt)
        return end + 1

    def _csi(self, body: str, final: str, *, alt: bool) -> None:
        if body[:1] in ("?", ">", "<", "="):
            if body[0] == "?" and final == "R":
                self._cursor_report(body[1:])
            else:
                self._out.append(Reply("csi", body + final))
            return
        fields = [field.split(":") for field in body.split(";")]
        first = _number(fields[0][0], 0)
        modifiers, event = _modifiers(fields[1] if len(fields) > 1 else [])
        if alt:
            modifiers |= 2
        if final == "R" and len(fields) == 2 and (self._expected_reports or first != 1):
            self._cursor_report(body)
        elif final in "IO" and not body:
            self._out.append(Focus(has_focus=final == "I"))
        elif final == "~" and first == 200:
            self._paste = bytearray()
            self._is_paste_stalled = False
        elif final == "~" and first == 27 and len(fields) >= 3:
            self._coded(_number(fields[2][0], 0), modifiers, "", 0)
        elif event == _RELEASE:
            return
        elif final == "u":
            shifted = _number(fields[0][1], 0) if len(fields[0]) > 1 else 0
            text = _text(fields[2]) if len(fields) > 2 else ""
            self._coded(first, modifiers, text, shifted)
        elif final == "~" and first in TILDE_KEYS:
            self._named(TILDE_KEYS[first], modifiers)
        elif final in RXVT_MODIFIERS and first in TILDE_KEYS:
            self._named(f"{RXVT_MODIFIERS[final]}+{TILDE_KEYS[first]}", 2 if alt else 0)
        elif final in FINAL_KEYS:
            self._named(FINAL_KEYS[final], modifiers)
        elif first == 201 and final == "~":
            return
        else:
            self._out.append(Reply("csi", body + final))

    def _named(self, name: str, modifiers: int) -> None:
        self._key(_with_modifiers(name, modifiers), name if len(name) == 1 and not modifiers else None)

    def _coded(self, code: int, modifiers: int, text: str, shifted: int) -> None:
        """A key told by its code point (kitty, and xterm's modifyOtherKeys)."""
        if code in KITTY_CODES:
            if name := KITTY_CODES[code]:
                self._named(name, modifiers)
            return
        if 57344 <= code <= 63743 or not 0 < code < 0x110000 or 0xD800 <= code < 0xE000:
            return  # modifiers alone, media keys
        if code in CODES:
            if code == 32 and not modifiers & ~1:
                self._key("space", " ")
            else:
                self._named(CODES[code], modifiers)
            return
        if code < 32:
            self._key(_with_modifiers(CONTROL_NAMES.get(code) or f"ctrl+{chr(code + 96)}", modifiers))
            return
        character = chr(code)
        if modifiers & ~1:
            if character.isupper() and modifiers & 1:
                character = character.lower()
            self._key(_with_modifiers(character, modifiers))
            return
        if not text:
            text = chr(shifted) if modifiers and 0 < shifted < 0x110000 else character
            if modifiers and not shifted:
                text = character.upper()
        for typed in text:
            self._emit_character(typed)

    def _cursor_report(self, body: str) -> None:
        fields = body.split(";")
        self._expected_reports = max(self._expected_reports - 1, 0)
        row, column = _number(fields[0], 1), _number(fields[1] if len(fields) > 1 else "", 1)
        self._out.append(CursorReport(max(column - 1, 0), max(row - 1, 0)))

    def _parse_string(self, data: bytes, kind: str) -> int:
        """OSC, DCS and their like, ended by BEL or ESC \\."""
        end = 2
        while end < len(data):
            byte = data[end]
            if byte == 0x07 and kind == "osc":
                return self._string(data[2:end], kind, end + 1)
            if byte == 0x1B:
                if end + 1 == len(data):
                    return 0
                if data[end + 1] == 0x5C:
                    return self._string(data[2:end], kind, end + 2)
                return end  # broken off
            if byte in (0x18, 0x1A):
                return end + 1
            end += 1
        if len(data) > MAX_STRING_BYTES:
            self._is_skipping = True
            return len(data)
        return 0

    def _skip_string(self) -> bool:
        """Drops bytes up to the end of a string; False if that is still to come."""
        ends = [at for at in map(self._buffer.find, (b"\x07", b"\x1b", b"\x18")) if at >= 0]
        if not ends:
            self._buffer = b""
            return False
        end = min(ends)
        if self._buffer[end] == 0x1B:
            if end + 1 == len(self._buffer):
                self._buffer = self._buffer[end:]
                return False
            end += 1 if self._buffer[end + 1] == 0x5C else -1
        self._buffer = self._buffer[end + 1 :]
        self._is_skipping = False
        return True

    def _string(self, body: bytes, kind: str, used: int) -> int:
        self._out.append(Reply(kind, body.decode("utf-8", "replace")))
        return used

    # --- pastes --------------------------------------------------------------------------------------

    def _parse_paste(self) -> bool:
        """Moves what is sure to be text; True if the paste ended."""
        paste = self._paste
        assert paste is not None
        end = self._buffer.find(_PASTE_END)
        if end >= 0:
            paste += self._buffer[:end]
            self._buffer = self._buffer[end + len(_PASTE_END) :]
            self._end_paste()
            return True
        kept = _prefix_bytes_at_end(self._buffer, _PASTE_END)
        paste += self._buffer[: len(self._buffer) - kept]
        self._buffer = self._buffer[len(self._buffer) - kept :]
        return False

    def _end_paste(self) -> None:
        text = self._paste_text(final=True)
        self._paste = None
        if text or not self._is_paste_stalled:
            self._out.append(Paste(text))
        self._is_paste_stalled = False

    def _paste_text(self, *, final: bool) -> str:
        paste = self._paste
        assert paste is not None
        # A character or a CR LF may be cut when a part is handed out.
        kept = 0 if final else (_cut_utf8_bytes(bytes(paste[-4:])) or (1 if paste[-1:] == b"\r" else 0))
        data = bytes(paste[: len(paste) - kept])
        del paste[: len(paste) - kept]
        text = data.decode("utf-8", "replace").replace("\0", "")
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _with_modifiers(name: str, modifiers: int) -> str:
    """`name` with its modifiers in front in alphabetical order, as Textual has them."""
    if not modifiers & 0b111111:
        return name
    base = name
    words: set[str] = set()
    while len(base) > 1 and "+" in base[:-1]:
        word, _, base = base.partition("+")
        words.add(word)
    words |= {word for bit, word in MODIFIERS if modifiers & bit}
    return "+".join((*sorted(words), base))


def _modifiers(field: list[str]) -> tuple[int, int]:
    """(modifier bits, event type) of `1 + bits : event`; the locks do not count."""
    bits = _number(field[0], 1) - 1 if field else 0
    return max(bits, 0) & 0b111111, _number(field[1], 1) if len(field) > 1 else 1


def _text(codes: list[str]) -> str:
    return "".join(
        chr(code)
        for code in (_number(field, 0) for field in codes)
        if 31 < code < 0x110000 and not 0xD800 <= code < 0xE000
    )


def _number(digits: str, default: int) -> int:
    return int(digits) if digits.isdigit() and len(digits) < 10 else default


def _utf8_length(lead: int) -> int:
    """Bytes of the character that begins with `lead`; 1 for what begins none."""
    if lead < 0xC2 or lead > 0xF4:
        return 1
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def _cut_utf8_bytes(data: bytes) -> int:
    """How many bytes at the end of `data` are the beginning of a character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            return back if _utf8_length(byte) > back else 0
        if byte < 0x80:
            return 0
    return 0


def _prefix_bytes_at_end(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of `data` may be the beginning of `mark`."""
    for length in range(min(len(mark) - 1, len(data)), 0, -1):
        if data.endswith(mark[:length]):
            return length
    return 0

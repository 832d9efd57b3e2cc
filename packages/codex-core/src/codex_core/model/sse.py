"""Server-sent events without I/O: bytes go in as they arrive, the data of finished events comes out.

Event names, ids and retry hints are left out, because neither model API needs them: what an event is
stands in its data. Bytes are never decoded before an event is whole, so a character may be cut anywhere.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""An event that grows beyond this is not an event; without a limit a broken server could fill the memory."""


class EventTooLargeError(ValueError):
    """One event exceeded MAX_EVENT_BYTES without an end."""


class SseDecoder:
    """Splits a stream into events; use one per stream.

    Line ends may be LF, CR LF or CR, an event may have several data lines (joined by LF), comment lines
    and a byte order mark at the start are skipped (WHATWG HTML, section "Server-sent events").
    """

    __slots__ = ("_after_cr", "_at_start", "_kept", "_kept_bytes")

    def __init__(self) -> None:
        self._kept: list[bytes] = []  # pieces of the event that is not finished yet
        self._kept_bytes = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[str]:
        """The data of every event that `chunk` finishes, in order.

        Raises: EventTooLargeError.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not chunk:
            return []
        # Only look for the end of an event where it can be new; a large event is joined once.
        border = self._kept[-1][-1:] if self._kept else b""
        if b"\n\n" not in border + chunk and not self._at_start:
            self._keep(chunk)
            return []
        text = b"".join((*self._kept, chunk))
        if self._at_start:
            if len(text) < len(_BOM) and _BOM.startswith(text):
                self._kept = [text]
                return []
            text = text.removeprefix(_BOM)
            self._at_start = False
        blocks = text.split(b"\n\n")
        rest = blocks.pop()
        self._kept, self._kept_bytes = [], 0
        if rest:
            self._keep(rest)
        found = []
        for block in blocks:
            data = _data(block)
            if data is not None:
                found.append(data)
        return found

    def finish(self) -> list[str]:
        """The data of a last event that lacks its closing blank line; the stream has ended."""
        text = b"".join(self._kept).removeprefix(_BOM)
        self._kept, self._kept_bytes = [], 0
        data = _data(text)
        return [] if data is None else [data]

    def _keep(self, piece: bytes) -> None:
        self._kept_bytes += len(piece)
        if self._kept_bytes > MAX_EVENT_BYTES:
            self._kept, self._kept_bytes = [], 0
            raise EventTooLargeError(f"an event of more than {MAX_EVENT_BYTES} bytes")
        self._kept.append(piece)


def _data(block: bytes) -> str | None:
    """The joined data lines of one event; None if it has none."""
    # Nearly every event is one of these two shapes.
    if block.startswith(b"data: ") and b"\n" not in block:
        return block[6:].decode("utf-8", "replace")
    name, separator, line = block.partition(b"\n")
    if separator and name.startswith(b"event:") and line.startswith(b"data: ") and b"\n" not in line:
        return line[6:].decode("utf-8", "replace")
    found = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            found.append(value.removeprefix(b" "))
    return b"\n".join(found).decode("utf-8", "replace") if found else None

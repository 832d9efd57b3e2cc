"""A paste that names a picture: the path in its many spellings, and what the file says of itself."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from codex_tui.composer.draft import AttachedImage

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PATH_CHARS = 4096
_HEADER_BYTES = 1 << 16
_WINDOWS_PATH = re.compile(r"([A-Za-z]):[\\/]|\\\\[^\\]")
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def pasted_path(text: str, *, home: str = "", environ: Mapping[str, str] | None = None) -> str | None:
    """The one path that `text` is: plain, quoted or escaped for a shell, a file URL, or a path of Windows.

    None if it is something else. Under WSL, told by `environ`, a drive becomes its mount point.
    """
    text = text.strip()
    if len(text) < 2 or len(text) > MAX_PATH_CHARS or "\n" in text or "\0" in text:
        return None
    if text.startswith("file://"):
        return _url_path(text)
    unquoted = text[1:-1] if text[0] == text[-1] and text[0] in "'\"" else text
    if windows := _WINDOWS_PATH.match(unquoted):
        if windows[1] and environ is not None and "WSL_DISTRO_NAME" in environ:
            return f"/mnt/{windows[1].lower()}/{unquoted[3:].replace(chr(92), '/')}"
        return unquoted
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    # A path with blanks in it that nobody quoted is one path, too, if it looks like one.
    path = words[0] if len(words) == 1 else text if text[0] in "/~" else None
    if path and home and (path == "~" or path.startswith("~/")):
        return home + path[1:]
    return path


def _url_path(url: str) -> str | None:
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    return path if path and "\0" not in path else None


def read_image(path: str, cwd: str) -> AttachedImage | None:
    """The picture in a file, by its first bytes; None if it is none that can be read.

    `path` is relative to `cwd`. Pipes and devices are never opened to the point of waiting.
    """
    from codex_core.workspace.images import check_image

    full = os.path.join(cwd, path)
    try:
        check_image(full)
        with open(full, "rb") as file:
            header = file.read(_HEADER_BYTES)
    except (OSError, ValueError):
        return None
    found = _measure(header)
    if found is None:
        return None
    width, height, kind = found
    return AttachedImage(full, f"{width}x{height} {kind}")


def _measure(data: bytes) -> tuple[int, int, str] | None:
    """(width, height, kind) by the header of a PNG, JPEG, GIF or WebP file."""
    size: tuple[int, int] | None = None
    kind = "IMG"
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        kind, size = "PNG", (_big(data[16:20]), _big(data[20:24]))
    elif data.startswith(b"\xff\xd8\xff"):
        kind, size = "JPEG", _jpeg_size(data)
    elif data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        size = (_little(data[6:8]), _little(data[8:10]))
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = _webp_size(data)
    if size is None or 0 in size:
        return None
    return (*size, kind)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker in _JPEG_SIZES:
            return _big(data[at + 7 : at + 9]), _big(data[at + 5 : at + 7])
        if marker == 0xFF:  # padding
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without a length
            at += 2
        else:
            at += 2 + max(_big(data[at + 2 : at + 4]), 2)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + _little(data[24:27]), 1 + _little(data[27:30])
    if kind == b"VP8 " and len(data) >= 30:
        return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    if kind == b"VP8L" and len(data) >= 25:
        bits = _little(data[21:25])
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")

"""Local pictures as the model takes them: data URLs whose type is told by the content.

What is no picture of a kind that models take is refused here: once it is in a conversation, every further
request of it would be refused.
"""

from __future__ import annotations

import errno
import os
import stat

MAX_IMAGE_BYTES = 32 * 1024 * 1024
"""Larger files are not read: as base64 they would be more than models take in one request."""

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_HEAD_BYTES = 16
"""Enough to tell the type."""


class NotAnImage(OSError):  # noqa: N818 - the name says what is wrong, as IsADirectoryError does
    """The file can be read, but is no picture that models take."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, "not a PNG, JPEG, GIF or WebP image", path)


def data_url(path: str) -> str:
    """The file as `data:<mime>;base64,…`; the type comes from the content, whatever the name.

    Raises:
        OSError: the file cannot be read, is larger than `MAX_IMAGE_BYTES`, or is no picture.
    """
    import base64

    descriptor = _open(path)
    with open(descriptor, "rb") as file:
        data = file.read(MAX_IMAGE_BYTES)
    return f"data:{_mime(path, data[:_HEAD_BYTES])};base64,{base64.b64encode(data).decode()}"


def check_image(path: str) -> None:
    """Tries whether `data_url` can read the file.

    Raises:
        OSError: it cannot.
    """
    with open(_open(path), "rb") as file:
        _mime(path, file.read(_HEAD_BYTES))


def _open(path: str) -> int:
    """The file, open for reading; never a pipe or a device, which may have no end or no answer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a NUL byte or half a surrogate pair
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", path)
        if status.st_size > MAX_IMAGE_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _mime(path: str, head: bytes) -> str:
    for signature, mime in _SIGNATURES:
        if head.startswith(signature):
            return mime
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    raise NotAnImage(path)

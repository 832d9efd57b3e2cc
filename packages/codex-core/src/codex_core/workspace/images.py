"""Local pictures as the model takes them: data URLs whose type is told by the content."""

from __future__ import annotations

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)


def data_url(path: str) -> str:
    """The file as `data:<mime>;base64,…`; the type comes from the content, else from the name.

    Raises:
        OSError: the file cannot be read.
    """
    import base64

    with open(path, "rb") as file:
        data = file.read()
    return f"data:{_mime(path, data)};base64,{base64.b64encode(data).decode()}"


def _mime(path: str, data: bytes) -> str:
    for signature, mime in _SIGNATURES:
        if data.startswith(signature):
            return mime
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypheic"):
        return f"image/{data[8:12].decode()}"
    import mimetypes

    guessed, _ = mimetypes.guess_type(path)
    return guessed or "image"

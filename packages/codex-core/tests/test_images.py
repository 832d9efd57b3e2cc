"""Local pictures become data URLs by their content; what is no picture file is refused."""

from __future__ import annotations

import base64
import errno
import os
from pathlib import Path

import pytest

from codex_core.workspace import images
from codex_core.workspace.images import check_image, data_url

CONTENTS = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 ",
}


def mime_of(path: Path) -> str:
    head, _, _ = data_url(str(path)).partition(";base64,")
    return head.removeprefix("data:")


@pytest.mark.parametrize(("mime", "content"), CONTENTS.items())
@pytest.mark.parametrize("name", ["picture.txt", "picture"])
def test_the_content_tells_the_type_whatever_the_name(
    mime: str, content: bytes, name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert data_url(str(tmp_path / name)) == f"data:{mime};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    "content", [b"", b"?", b"<svg/>", b"BM\0\0", b"II*\0", b"RIFF\x10\0\0\0WAVEfmt ", b"%PDF-1.7"]
)
@pytest.mark.parametrize("name", ["a.png", "a.txt", "a"])
def test_what_models_do_not_take_as_a_picture_is_refused_whatever_its_name(
    content: bytes, name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert isinstance(refusal(str(tmp_path / name)), images.NotAnImage)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENTS["image/gif"])
    os.symlink("a", tmp_path / "link")
    assert mime_of(tmp_path / "link") == "image/gif"


def refusal(path: str) -> OSError:
    """The same error from reading and from checking."""
    with pytest.raises(OSError) as checked:
        check_image(path)
    with pytest.raises(OSError) as read:
        data_url(path)
    assert (checked.value.errno, checked.value.strerror) == (read.value.errno, read.value.strerror)
    return read.value


def test_what_may_never_end_or_answer_is_not_opened_for_reading(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(str(tmp_path / "pipe")).strerror == "Not a regular file"
    assert refusal("/dev/zero").strerror == "Not a regular file"
    assert refusal(str(tmp_path)).errno == errno.EISDIR


@pytest.mark.parametrize(
    ("name", "number"), [("missing", errno.ENOENT), ("a\0b", errno.EINVAL), ("\ud83d", errno.EINVAL)]
)
def test_unusable_paths_are_ordinary_errors(name: str, number: int, tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/{name}").errno == number


def test_files_too_large_for_a_request_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_IMAGE_BYTES", 10)
    (tmp_path / "a.png").write_bytes(b"GIF89axxxx")
    check_image(str(tmp_path / "a.png"))
    (tmp_path / "a.png").write_bytes(b"x" * 11)
    assert refusal(str(tmp_path / "a.png")).errno == errno.EFBIG


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(CONTENTS["image/png"])
    (tmp_path / "a.txt").write_bytes(b"x")
    before = os.listdir("/dev/fd")
    for path in (tmp_path / "a.png", tmp_path / "a.txt", tmp_path, tmp_path / "missing"):
        for function in (check_image, data_url):
            try:
                function(str(path))
            except OSError:
                continue
    assert os.listdir("/dev/fd") == before

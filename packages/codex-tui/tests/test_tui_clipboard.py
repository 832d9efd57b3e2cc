"""Ctrl+V: images through whatever program hands out the clipboard, here scripts that stand for them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from app_kit import codex
from memory_app import until

from codex_core.testing import Gate, answer, completed, created, message, sse
from codex_tui.clipboard import programs
from codex_tui.clipboard.file_lists import listed_files, windows_files, written_files
from codex_tui.clipboard.images import clipboard_images
from codex_tui.clipboard.programs import ClipboardError, Program
from codex_tui.clipboard.sources import MacSource, NoClipboardError, WindowsSource, sources
from codex_tui.composer.draft import AttachedImage

if TYPE_CHECKING:
    from collections.abc import Callable


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def tools(tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a script into the directory `tools`, under a name."""
    directory = tmp_path / "tools"
    directory.mkdir()

    def add(name: str, script: str) -> None:
        path = directory / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return add


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"PATH": f"{tmp_path / 'tools'}:/usr/bin:/bin", "HOME": str(tmp_path), **more}


async def fetch(tmp_path: Path, **more: str) -> list[AttachedImage]:
    (tmp_path / "saved").mkdir(exist_ok=True)
    return await clipboard_images(environ(tmp_path, **more), lambda: str(tmp_path / "saved"))


def offering(tmp_path: Path, data: bytes, *types: str, files: str = "") -> str:
    """A script as `wl-paste` and `xclip` are."""
    (tmp_path / "bitmap").write_bytes(data)
    (tmp_path / "files").write_text(files)
    (tmp_path / "types").write_text("".join(f"{kind}\n" for kind in types))
    return f"""case "$*" in
*--list-types|*TARGETS) cat {tmp_path}/types;;
*uri-list) cat {tmp_path}/files;;
*image/*) cat {tmp_path}/bitmap;;
*) exit 1;;
esac"""


# --- the ways to a clipboard -------------------------------------------------------------------------


@pytest.mark.parametrize(("tool", "display"), [("wl-paste", "WAYLAND_DISPLAY"), ("xclip", "DISPLAY")])
async def test_a_bitmap_becomes_a_file_for_its_owner_alone(
    tmp_path: Path, tools: Callable[[str, str], None], tool: str, display: str
) -> None:
    data = png(640, 480)
    tools(tool, offering(tmp_path, data, "TARGETS", "text/html", "image/png"))
    (image,) = await fetch(tmp_path, **{display: "0"})
    assert image.label == "[image 640x480 PNG]"
    name = os.path.basename(image.path)
    assert name.startswith("codex-clipboard-")
    assert name.endswith(".png")
    assert stat.S_IMODE(os.stat(image.path).st_mode) == 0o600
    assert Path(image.path).read_bytes() == data


async def test_copied_files_go_before_a_bitmap_and_stay_where_they_are(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    names = ("one picture.png", "two.png")
    for name in names:
        (tmp_path / name).write_bytes(png(2, 1))
    urls = "\r\n".join(
        [
            "# copied",
            f"file://{tmp_path}/one%20picture.png",
            "https://x.test/a.png",
            f"file://{tmp_path}/two.png",
        ]
    )
    tools("wl-paste", offering(tmp_path, png(9, 9), "text/uri-list", "image/png", files=urls))
    found = await fetch(tmp_path, WAYLAND_DISPLAY="w")
    assert [image.path for image in found] == [str(tmp_path / name) for name in names]
    assert os.listdir(tmp_path / "saved") == []


async def test_files_that_are_no_images_leave_the_bitmap(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    urls = f"file://{tmp_path}/notes.txt\nfile://{tmp_path}/missing.png\nfile:///dev/zero\n"
    tools("xclip", offering(tmp_path, png(9, 8), "text/uri-list", "image/png", files=urls))
    (image,) = await fetch(tmp_path, DISPLAY=":0")
    assert image.label == "[image 9x8 PNG]"


async def test_a_copied_file_that_is_no_image_is_named(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    tools("xclip", offering(tmp_path, b"", "text/uri-list", files=f"file://{tmp_path}/notes.txt"))
    with pytest.raises(ClipboardError, match=r"notes\.txt, is no PNG"):
        await fetch(tmp_path, DISPLAY=":0")


async def test_text_in_the_clipboard_is_nothing_and_no_error(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    tools("wl-paste", offering(tmp_path, b"", "text/plain", "UTF8_STRING"))
    assert await fetch(tmp_path, WAYLAND_DISPLAY="w") == []
    tools("wl-paste", "echo Nothing is copied >&2; exit 1")
    assert await fetch(tmp_path, WAYLAND_DISPLAY="w") == []


async def test_where_one_way_is_closed_another_is_taken(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    tools("wl-paste", "exit 1")
    tools("xclip", offering(tmp_path, png(3, 2), "image/png"))
    (image,) = await fetch(tmp_path, WAYLAND_DISPLAY="w", DISPLAY=":0")
    assert image.size == "3x2 PNG"


async def test_xsel_hands_out_files_and_says_that_it_has_no_images(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    (tmp_path / "a.png").write_bytes(png(4, 4))
    tools("xsel", f"echo {tmp_path}/a.png")
    (image,) = await fetch(tmp_path, DISPLAY=":0")
    assert image.path == str(tmp_path / "a.png")
    tools("xsel", "echo some words")
    with pytest.raises(NoClipboardError, match="install xclip"):
        await fetch(tmp_path, DISPLAY=":0")


async def test_an_image_of_a_kind_no_model_takes_is_named(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    tools("xclip", offering(tmp_path, b"BM", "image/bmp", "text/plain"))
    with pytest.raises(ClipboardError, match=r"image/bmp; models take PNG"):
        await fetch(tmp_path, DISPLAY=":0")


async def test_what_is_no_image_is_refused_and_leaves_no_file(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    tools("xclip", offering(tmp_path, b"not a png at all", "image/png"))
    with pytest.raises(ClipboardError, match="cannot be read as one"):
        await fetch(tmp_path, DISPLAY=":0")
    assert os.listdir(tmp_path / "saved") == []


async def test_a_full_disk_is_one_sentence(tmp_path: Path, tools: Callable[[str, str], None]) -> None:
    tools("xclip", offering(tmp_path, png(1, 1), "image/png"))
    with pytest.raises(ClipboardError, match="cannot be saved: No such file or directory"):
        await clipboard_images(environ(tmp_path, DISPLAY=":0"), lambda: str(tmp_path / "gone"))


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({}, "neither WAYLAND_DISPLAY nor DISPLAY"),
        ({"DISPLAY": ":0"}, "xclip is not found"),
        ({"WAYLAND_DISPLAY": "w"}, "wl-paste (of wl-clipboard) is not found"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "wl-paste (of wl-clipboard) is not found"),
        ({"WSL_DISTRO_NAME": "Ubuntu"}, "powershell.exe is not found"),
    ],
)
def test_what_is_missing_is_said(more: dict[str, str], missing: str) -> None:
    with pytest.raises(NoClipboardError) as caught:
        sources({"PATH": "/nowhere:.", **more}, "linux")
    assert missing in str(caught.value)
    assert str(caught.value).endswith("paste the path of an image instead.")


def test_a_program_is_not_looked_for_where_we_happen_to_be(
    tmp_path: Path, tools: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tools("xclip", "exit 0")
    monkeypatch.chdir(tmp_path / "tools")
    assert programs.find_program("xclip", {"PATH": ".::tools"}) is None
    assert programs.find_program("xclip", {"PATH": str(tmp_path / "tools")}) is not None


# --- other systems -----------------------------------------------------------------------------------


def asked(tmp_path: Path, name: str, **more: str) -> Program:
    return Program(str(tmp_path / "tools" / name), environ(tmp_path, **more), max_bytes=1 << 20, timeout_s=10)


async def test_the_clipboard_of_windows(tmp_path: Path, tools: Callable[[str, str], None]) -> None:
    path = "C:\\Users\\Zoë\\a picture.png"
    names = base64.b64encode(path.encode()).decode()
    data = png(5, 4)
    tools("powershell.exe", f"printf 'file {names}\\r\\nimage {base64.b64encode(data).decode()}\\r\\n'")
    source = WindowsSource(asked(tmp_path, "powershell.exe"), {"WSL_DISTRO_NAME": "Ubuntu"})
    assert await source.files() == ["/mnt/c/Users/Zoë/a picture.png"]
    assert await source.image() == data


@pytest.mark.parametrize("share", ["\\\\wsl.localhost\\Ubuntu\\", "\\\\wsl$\\ubuntu\\"])
def test_files_of_our_own_come_back_through_windows(share: str) -> None:
    found = windows_files([f"{share}home\\me\\x.png"], {"WSL_DISTRO_NAME": "Ubuntu"})
    assert found == ["/home/me/x.png"]


async def test_the_clipboard_of_a_mac(tmp_path: Path, tools: Callable[[str, str], None]) -> None:
    data = png(5, 4)
    digits = f"«data PNGf{data.hex().upper()}»"
    tools("osascript", f'case "$*" in *furl*) echo /Users/me/a.png;; *) echo "{digits}";; esac')
    source = MacSource(asked(tmp_path, "osascript"), None)
    assert await source.files() == ["/Users/me/a.png"]
    assert await source.image() == data
    tools("osascript", "echo 'execution error: -1700' >&2; exit 1")
    tools("pngpaste", f"cat {tmp_path}/bitmap")
    (tmp_path / "bitmap").write_bytes(data)
    source = MacSource(asked(tmp_path, "osascript"), asked(tmp_path, "pngpaste"))
    assert await source.files() == []
    assert await source.image() == data


def test_lists_of_files_in_their_spellings() -> None:
    gnome = b"copy\nfile:///a/b%C3%A9.png\nfile://elsewhere/c.png\nnonsense"
    assert listed_files(gnome) == ["/a/bé.png"]
    assert written_files(b"/a/one.png\n/a/with blanks.png\n") == ["/a/one.png", "/a/with blanks.png"]
    assert written_files(b"just words") == []
    assert written_files(b"\xff\xfe") == []


# --- programs that misbehave -------------------------------------------------------------------------


async def test_a_program_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    tools("hangs", f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    program = Program(str(tmp_path / "tools" / "hangs"), environ(tmp_path), max_bytes=10, timeout_s=0.5)
    with pytest.raises(ClipboardError, match=r"hangs took longer than 0\.5 s"):
        await program.ask()
    child = int((tmp_path / "pid").read_text())
    await until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_program_without_end_is_stopped(tmp_path: Path, tools: Callable[[str, str], None]) -> None:
    tools("endless", "exec cat /dev/zero")
    program = Program(str(tmp_path / "tools" / "endless"), environ(tmp_path), max_bytes=1 << 20, timeout_s=20)
    with pytest.raises(ClipboardError, match="too large"):
        await program.ask()


async def test_a_program_that_cannot_be_started_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"\x7fELF")
    (tmp_path / "broken").chmod(0o755)
    program = Program(str(tmp_path / "broken"), environ(tmp_path), max_bytes=1, timeout_s=1)
    with pytest.raises(ClipboardError, match="broken cannot be started"):
        await program.ask()


# --- in the app --------------------------------------------------------------------------------------


async def test_ctrl_v_attaches_while_a_turn_runs_and_the_model_sees_it(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    data = png(640, 480)
    tools("wl-paste", offering(tmp_path, data, "image/png"))
    gate = Gate()
    script = [sse(created(), message("One."), gate, completed()), answer(message("A grey square."))]
    given = environ(tmp_path, WAYLAND_DISPLAY="w")
    async with codex(tmp_path, script, environ=given) as run:
        await run.submits("first")
        await run.shows("Working")
        run.type("\x16")
        await run.shows("▌ [image 640x480 PNG]")
        (placed,) = run.controller.composer.draft.elements
        assert isinstance(placed.element, AttachedImage)
        path = placed.element.path
        assert os.path.exists(path)
        gate.open()
        await run.idle()
        run.type("what is it?\r")
        await run.shows("▌ [image 640x480 PNG] what is it?", "> A grey square.")
        sent = json.dumps(run.transport.requests[-1].json)
        assert base64.b64encode(data).decode() in sent
        assert os.path.exists(path)
    assert not os.path.exists(path)  # it goes with the app


async def test_the_attachment_goes_with_its_label(tmp_path: Path, tools: Callable[[str, str], None]) -> None:
    tools("wl-paste", offering(tmp_path, png(6, 4), "image/png"))
    async with codex(tmp_path, environ=environ(tmp_path, WAYLAND_DISPLAY="w")) as run:
        await run.idle()
        run.type("\x16")
        await run.shows("[image 6x4 PNG]")
        run.type("\x7f\x7f")
        await run.hides("[image")
        assert run.controller.composer.draft.message().images == ()


async def test_a_key_held_down_looks_once_and_keys_go_on_meanwhile(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    go = tmp_path / "go"
    script = offering(tmp_path, png(6, 4), "image/png")
    tools("wl-paste", f'while [ ! -e "{go}" ]; do sleep 0.02; done\necho x >> {tmp_path}/asked\n{script}')
    async with codex(tmp_path, environ=environ(tmp_path, WAYLAND_DISPLAY="w")) as run:
        await run.idle()
        run.type("\x16\x16\x16see ")
        await run.shows("▌ see")
        go.touch()
        await run.shows("▌ see [image 6x4 PNG]")
        run.type("!")
        await run.shows("▌ see [image 6x4 PNG] !")
    assert (tmp_path / "asked").read_text() == "x\nx\n"  # the types, then the image


async def test_without_an_image_nothing_happens_and_without_a_tool_it_is_said(
    tmp_path: Path, tools: Callable[[str, str], None]
) -> None:
    tools("wl-paste", f"touch {tmp_path}/asked; exit 1")
    async with codex(tmp_path, environ=environ(tmp_path, WAYLAND_DISPLAY="w")) as run:
        await run.idle()
        before = len(run.controller.history.cells)
        run.type("\x16")
        await until((tmp_path / "asked").exists)
        await until(lambda: not run.controller._clipboard._is_looking)
        assert len(run.controller.history.cells) == before
        assert run.controller.composer.draft.text == ""
    async with codex(tmp_path) as run:
        await run.idle()
        run.type("\x16")
        await run.shows("· There is no clipboard here", "paste the path of an")


async def test_the_end_of_the_app_ends_the_program(tmp_path: Path, tools: Callable[[str, str], None]) -> None:
    tools("wl-paste", f"echo $$ > {tmp_path}/pid; exec sleep 600")
    async with codex(tmp_path, environ=environ(tmp_path, WAYLAND_DISPLAY="w")) as run:
        await run.idle()
        run.type("\x16")
        pid = tmp_path / "pid"
        await until(lambda: pid.exists() and pid.read_text().strip())
    await asyncio.to_thread(lambda: None)
    assert not is_running(int(pid.read_text()))

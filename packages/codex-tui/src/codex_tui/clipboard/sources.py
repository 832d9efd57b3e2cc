"""What can be asked for the clipboard on each system, and how each of them answers."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from codex_core.workspace.images import MAX_IMAGE_BYTES
from codex_tui.clipboard.file_lists import FILE_LIST_TYPES, listed_files, windows_files, written_files
from codex_tui.clipboard.programs import ClipboardError, Program, find_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 5.0
WINDOWS_TIMEOUT_S = 20.0
"""PowerShell takes seconds to start, more of them the first time."""

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What models take, the best first."""

_POWERSHELL = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"
_POWERSHELL_SCRIPT = (
    "$ErrorActionPreference = 'Stop'; "
    "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; "
    "foreach ($path in [Windows.Forms.Clipboard]::GetFileDropList()) "
    "{ 'file ' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($path)) }; "
    "$image = [Windows.Forms.Clipboard]::GetImage(); "
    "if ($image) { $bytes = New-Object IO.MemoryStream; "
    "$image.Save($bytes, [Drawing.Imaging.ImageFormat]::Png); "
    "'image ' + [Convert]::ToBase64String($bytes.ToArray()) }"
)


class NoClipboardError(ClipboardError):
    """There is nothing here that could be asked; the sentence says what is missing."""


class Source(Protocol):
    """One way to the clipboard, good for one look at it."""

    async def files(self) -> list[str]:
        """The paths of the files that were copied; asked first."""
        ...

    async def image(self) -> bytes:
        """The image that was copied, as a file would hold it; empty if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Targets:
    """The words with which a program lists the types on offer, and asks for one of them."""

    listing: tuple[str, ...]
    one: tuple[str, ...]


WL_PASTE = Targets(("--list-types",), ("--no-newline", "--type"))
XCLIP = Targets(
    ("-selection", "clipboard", "-out", "-target", "TARGETS"), ("-selection", "clipboard", "-out", "-target")
)


class TypedSource:
    """A clipboard whose content is offered in several types: Wayland's and that of X11."""

    def __init__(self, program: Program, targets: Targets) -> None:
        self._program = program
        self._targets = targets
        self._types: Sequence[str] = ()

    async def files(self) -> list[str]:
        """Looks at the types on offer, too."""
        listed = await self._program.ask(*self._targets.listing)
        self._types = listed.decode("utf-8", "replace").split()
        for kind in FILE_LIST_TYPES:
            if kind in self._types:
                return listed_files(await self._program.ask(*self._targets.one, kind))
        return []

    async def image(self) -> bytes:
        """In the first type of ours; an image in other types only is an error.

        Raises:
            ClipboardError: no model takes the types there are.
        """
        for kind in IMAGE_TYPES:
            if kind in self._types:
                return await self._program.ask(*self._targets.one, kind)
        others = [kind for kind in self._types if kind.startswith("image/")]
        if others:
            raise ClipboardError(
                f"The image in the clipboard is {others[0]}; models take PNG, JPEG, GIF and WebP."
            )
        return b""


class TextSource:
    """A clipboard of which only the text can be had: copied files are paths in it, images are not."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def files(self) -> list[str]:
        """The paths, if the text is nothing else."""
        return written_files(await self._program.ask("--clipboard", "--output"))

    async def image(self) -> bytes:
        """None, and that is said."""
        raise NoClipboardError(f"{self._program.name} hands out text only: install xclip to attach images.")


class WindowsSource:
    """The clipboard of the Windows around a WSL."""

    def __init__(self, program: Program, environ: Mapping[str, str]) -> None:
        self._program = program
        self._environ = environ
        self._image = b""

    async def files(self) -> list[str]:
        """Asks for everything at once: that it starts is what takes long."""
        printed = await self._program.ask(
            "-NoProfile", "-NonInteractive", "-STA", "-Command", _POWERSHELL_SCRIPT
        )
        found: list[str] = []
        for row in printed.decode("ascii", "replace").splitlines():
            kind, _, value = row.partition(" ")
            if kind == "image":
                self._image = _decoded(value)
            elif kind == "file":
                found.append(_decoded(value).decode("utf-8", "replace"))
        return windows_files(found, self._environ)

    async def image(self) -> bytes:
        """As PNG, whatever it was."""
        return self._image


class MacSource:
    """The clipboard of macOS, whose scripts hand out data as digits."""

    def __init__(self, script: Program | None, pngpaste: Program | None) -> None:
        self._script = script
        self._pngpaste = pngpaste

    async def files(self) -> list[str]:
        """The file that was copied, the first if it was several."""
        if self._script is None:
            return []
        printed = await self._script.ask("-e", "POSIX path of (the clipboard as «class furl»)")
        return written_files(printed)

    async def image(self) -> bytes:
        """As PNG, whatever it was."""
        if self._pngpaste is not None and (image := await self._pngpaste.ask("-")):
            return image
        if self._script is None:
            return b""
        printed = await self._script.ask("-e", "the clipboard as «class PNGf»")
        digits = printed.decode("utf-8", "replace").strip().removeprefix("«data PNGf").removesuffix("»")
        try:
            return bytes.fromhex(digits)
        except ValueError:
            return b""


def _decoded(text: str) -> bytes:
    import base64

    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return b""


def sources(environ: Mapping[str, str], platform: str = sys.platform) -> list[Source]:
    """Whom to ask, one after the other.

    Raises:
        NoClipboardError: nobody can be asked.
    """

    def program(name: str, *, grows: int = 1, timeout_s: float = TIMEOUT_S) -> Program | None:
        path = find_program(name, environ)
        return None if path is None else _program(path, environ, grows, timeout_s)

    if platform == "darwin":
        script, pngpaste = program("osascript", grows=2), program("pngpaste")
        if script is None and pngpaste is None:
            raise NoClipboardError("osascript is not found in PATH: paste the path of an image instead.")
        return [MacSource(script, pngpaste)]
    found: list[Source] = []
    missing = "There is no clipboard here, as neither WAYLAND_DISPLAY nor DISPLAY is set"
    if "WSL_DISTRO_NAME" in environ:
        powershell = program("powershell.exe", grows=2, timeout_s=WINDOWS_TIMEOUT_S)
        if powershell is None and find_program("powershell.exe", {"PATH": _POWERSHELL.rpartition("/")[0]}):
            powershell = _program(_POWERSHELL, environ, 2, WINDOWS_TIMEOUT_S)
        if powershell is not None:
            found.append(WindowsSource(powershell, environ))
        missing = "powershell.exe is not found, which hands out the clipboard of Windows"
    if environ.get("DISPLAY"):
        if (xclip := program("xclip")) is not None:
            found.append(TypedSource(xclip, XCLIP))
        elif (xsel := program("xsel")) is not None:
            found.append(TextSource(xsel))
        missing = "xclip is not found in PATH, which hands out the clipboard"
    if environ.get("WAYLAND_DISPLAY"):
        if (wl_paste := program("wl-paste")) is not None:
            found.insert(0, TypedSource(wl_paste, WL_PASTE))
        missing = "wl-paste (of wl-clipboard) is not found in PATH, which hands out the clipboard"
    if not found:
        raise NoClipboardError(f"{missing}: paste the path of an image instead.")
    return found


def _program(path: str, environ: Mapping[str, str], grows: int, timeout_s: float) -> Program:
    # Text takes up to `grows` times the room of the bytes it stands for, and has words around them.
    return Program(path, environ, max_bytes=grows * MAX_IMAGE_BYTES + 4096, timeout_s=timeout_s)

"""Files that were copied, as the clipboards of the desktops name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.composer.pasted_images import pasted_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_FILES = 20
"""Who copies more has hardly meant to attach them."""

FILE_LIST_TYPES = ("text/uri-list", "x-special/gnome-copied-files", "x-special/mate-copied-files")
_SHARES = ("\\\\wsl.localhost\\", "\\\\wsl$\\")


def listed_files(text: bytes) -> list[str]:
    """The paths in a list of URLs; comments, verbs and addresses elsewhere are passed over."""
    found: list[str] = []
    for row in text.decode("utf-8", "replace").splitlines():
        if row.startswith("file://"):
            path = pasted_path(row)
            if path is not None:
                found.append(path)
    return found[:MAX_FILES]


def written_files(text: bytes) -> list[str]:
    """The paths in a text that names one in each row, which is how files are copied as text."""
    rows = text.decode("utf-8", "replace").splitlines()
    if not 0 < len(rows) <= MAX_FILES:
        return []
    paths = [pasted_path(row) for row in rows]
    return [path for path in paths if path is not None and path.startswith("/")]


def windows_files(paths: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Paths of Windows as this Linux sees them; its own files come by a share that bears its name."""
    found = [_from_windows(path, environ) for path in paths[:MAX_FILES]]
    return [path for path in found if path is not None]


def _from_windows(path: str, environ: Mapping[str, str]) -> str | None:
    for share in _SHARES:
        own = f"{share}{environ.get('WSL_DISTRO_NAME', '')}\\"
        if path.lower().startswith(own.lower()):
            return "/" + path[len(own) :].replace("\\", "/")
    return pasted_path(path, environ=environ)

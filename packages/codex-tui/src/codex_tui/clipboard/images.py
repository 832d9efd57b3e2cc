"""The images in the clipboard, as files: those that were copied, else the bitmap saved as one."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from codex_core.workspace.images import MAX_IMAGE_BYTES
from codex_tui.clipboard.programs import ClipboardError
from codex_tui.clipboard.sources import NoClipboardError, sources
from codex_tui.composer.pasted_images import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from codex_tui.clipboard.sources import Source
    from codex_tui.composer.draft import AttachedImage


async def clipboard_images(
    environ: Mapping[str, str],
    directory: Callable[[], str],
    *,
    ask: Sequence[Source] | None = None,
) -> list[AttachedImage]:
    """The image files that were copied, else the image that was, saved in `directory()`; often nothing.

    `ask` replaces whom `environ` says to ask.

    Raises:
        NoClipboardError: there is nobody to ask.
        ClipboardError: there is an image, and it cannot be had.
    """
    asked = sources(environ) if ask is None else ask
    problem: ClipboardError | None = None
    for source in asked:
        try:
            if images := await _images_of(source, directory):
                return images
        except ClipboardError as error:
            # Another way may be open; what matters more than that one is not is kept.
            problem = error if problem is None or isinstance(problem, NoClipboardError) else problem
    if problem is not None:
        raise problem
    return []


async def _images_of(source: Source, directory: Callable[[], str]) -> list[AttachedImage]:
    paths = await source.files()
    images = [await asyncio.to_thread(read_image, path, "/") for path in paths]
    if found := [image for image in images if image is not None]:
        return found
    data = await source.image()
    if len(data) > MAX_IMAGE_BYTES:
        raise ClipboardError("The image in the clipboard is too large to be sent.")
    if data:
        try:
            return [await asyncio.to_thread(_saved, data, directory())]
        except OSError as error:
            raise ClipboardError(f"The image in the clipboard cannot be saved: {error.strerror}.") from error
    if paths:
        raise ClipboardError(
            f"What was copied, {paths[0]}, is no PNG, JPEG, GIF or WebP image that can be read and sent."
        )
    return []


def _saved(data: bytes, directory: str) -> AttachedImage:
    """The image as a file that its owner alone can read.

    Raises:
        OSError: it cannot be written.
        ClipboardError: it is none.
    """
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="codex-clipboard-", suffix=".png", dir=directory)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        os.unlink(path)
        raise
    image = read_image(path, "/")
    if image is None:
        os.unlink(path)
        raise ClipboardError("What the clipboard hands out as an image cannot be read as one.")
    return image

"""Ctrl+V: puts the clipboard's images into the draft when they have come, whatever goes on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from codex_tui.controller import Controller


class ClipboardPasting:
    """One look at the clipboard at a time.

    A saved image stays as long as the app does: removed from the draft it can come back by undo, and a
    message may be taken back after it was sent. Its directory goes with the app (`scratch_directory`).
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._is_looking = False
        self._directory = ""

    async def paste(self) -> None:
        """Attaches what there is; without any image nothing happens, and what hinders is said."""
        if self._is_looking:  # the key is held down
            return
        self._is_looking = True
        try:
            await self._paste()
        finally:
            self._is_looking = False

    async def _paste(self) -> None:
        from codex_tui.clipboard.images import clipboard_images
        from codex_tui.clipboard.programs import ClipboardError
        from codex_tui.clipboard.sources import NoClipboardError

        controller = self._controller
        try:
            images = await clipboard_images(controller.launch.services.environ, self._place)
        except NoClipboardError as error:
            controller.notice(NoticeKind.BACKGROUND, str(error))
            return
        except ClipboardError as error:
            controller.notice(NoticeKind.ERROR, str(error))
            return
        for image in images:
            controller.handle(controller.composer.attach(image))

    def _place(self) -> str:
        if not self._directory:
            self._directory = self._controller.scratch_directory()
        return self._directory

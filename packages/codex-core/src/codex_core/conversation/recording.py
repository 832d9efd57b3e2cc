"""What a session writes down: its rollout, as long as the disk takes it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_core.conversation.turn_context import TurnContext
    from codex_core.rollout.recorder import RolloutRecorder
    from codex_protocol.events import EventMsg
    from codex_protocol.items import ResponseItem
    from codex_protocol.rollout import CompactedItem

_log = logging.getLogger(__name__)


class Recording:
    """A rollout that a session adds to.

    A disk that refuses is said once, through `tell`, and does not stop the user's work.
    """

    def __init__(self, recorder: RolloutRecorder | None, tell: Callable[[str], Awaitable[None]]) -> None:
        self._recorder = recorder
        self._tell = tell

    @property
    def path(self) -> str | None:
        """The file; None if nothing is recorded."""
        return self._recorder.path if self._recorder else None

    async def item(self, item: ResponseItem) -> None:
        """Something that was said, called or answered."""
        await self._write(lambda recorder: recorder.write_item(item))

    async def event(self, msg: EventMsg) -> None:
        """Something that a resumed session shows again."""
        await self._write(lambda recorder: recorder.write_event(msg))

    async def compacted(self, item: CompactedItem, keeps_prompt: bool) -> None:
        """That everything before is replaced by a summary; but for the last message, if that is kept."""
        await self._write(lambda recorder: recorder.write_compacted(item, keeps_prompt=keeps_prompt))

    async def turn_context(self, context: TurnContext) -> None:
        """Under which settings the next request is made."""
        from codex_protocol.rollout import TurnContextItem

        item = TurnContextItem(
            cwd=context.cwd,
            approval_policy=context.approval_policy,
            sandbox_policy=context.sandbox_policy,
            model=context.model,
            effort=context.effort,
            summary=context.summary,
        )
        await self._write(lambda recorder: recorder.write_turn_context(item))

    def close(self) -> None:
        """Ends the recording; later writes do nothing."""
        if self._recorder is not None:
            self._recorder.close()

    async def _write(self, write: Callable[[RolloutRecorder], None]) -> None:
        if self._recorder is None:
            return
        try:
            write(self._recorder)
        except OSError as error:
            path = self._recorder.path
            self.close()
            self._recorder = None
            _log.error("the session file %s cannot be written: %s", path, error)
            await self._tell(
                f"The session file {path} cannot be written ({error.strerror}); "
                "from here on this conversation is not recorded."
            )

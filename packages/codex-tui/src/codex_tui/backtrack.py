"""Going back to an earlier message: it is edited again, and a copy of what was before it goes on.

Spec: tui.md section 13, with defects 6 and 11: the message comes back whole, and nothing is printed twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_core.errors import CodexError
from codex_tui.composer.draft import EMPTY, draft_of, element_draft
from codex_tui.history.notice_cells import NoticeKind
from codex_tui.sessions import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_protocol.events import UserMessageEvent
    from codex_tui.composer.draft import AttachedImage, Draft, Message
    from codex_tui.controller import Controller

_DATA_URL = "data:image/"
_MAX_IMAGE_CHARS = 40_000_000


async def go_back(controller: Controller, cell: int) -> None:
    """Puts the prompt of this cell into the composer and goes on from before it."""
    state, conversation = controller.state, controller.conversation
    number = next((number for number, said in enumerate(state.said) if said.cell == cell), None)
    if number is None or conversation is None or not controller.is_idle():
        return
    path = conversation.rollout_path
    if path is None:
        controller.notice(NoticeKind.ERROR, "This conversation is not recorded: nobody can go back in it.")
        return
    message = state.said[number].message
    try:
        recorded = await asyncio.to_thread(_recorded_prompts, path)
    except CodexError as error:
        controller.notice(NoticeKind.ERROR, f"Cannot go back: {error}")
        return
    dropped, prompt = _same_prompt(message, recorded, len(state.said) - number)
    draft = message.as_draft()
    if prompt is not None and prompt.images and not message.images:  # said before this app began
        draft = draft + await asyncio.to_thread(_attached, controller.scratch_directory(), prompt.images)
    if not controller.is_idle():  # any more
        return
    controller.handle(controller.composer.set_draft(draft, 0))
    controller.sessions.follow_with(Origin(path=path, dropped=dropped, kept=number))


def _recorded_prompts(path: str) -> list[UserMessageEvent]:
    """What the user said by the session's own record, oldest first."""
    from codex_core.presentation.prompts import shown_prompt
    from codex_core.rollout.replay import event_messages, read_rollout
    from codex_protocol.events import UserMessageEvent

    messages = event_messages(read_rollout(path).lines)
    return [each for each in messages if isinstance(each, UserMessageEvent) and shown_prompt(each)]


def _same_prompt(
    message: Message, recorded: Sequence[UserMessageEvent], from_end: int
) -> tuple[int, UserMessageEvent | None]:
    """How many prompts from the end of the record that message is, and what the record has of it.

    Usually `from_end`. A message into a turn that was stopped may have reached the record and not the screen.
    """
    from codex_protocol.message_kind import request_in

    text = message.text.strip()
    places = [
        len(recorded) - index
        for index, each in enumerate(recorded)
        if text in (each.message.strip(), request_in(each.message).strip())
    ]
    if not places:
        return from_end, None
    dropped = min(places, key=lambda place: abs(place - from_end))
    return dropped, recorded[len(recorded) - dropped]


def _attached(directory: str, urls: Sequence[str]) -> Draft:
    """Images of a recorded message, as files that can be sent again."""
    found = EMPTY
    for number, url in enumerate(urls):
        image = _image_file(directory, number, url)
        if image is not None:
            found = found + draft_of(" ") + element_draft(image)
    return found


def _image_file(directory: str, number: int, url: str) -> AttachedImage | None:
    import base64
    import binascii
    import os

    from codex_tui.composer.pasted_images import read_image

    head, separator, data = url.partition(";base64,")
    if not url.startswith(_DATA_URL) or not separator or len(data) > _MAX_IMAGE_CHARS:
        return None
    ending = head.removeprefix(_DATA_URL)
    path = os.path.join(directory, f"image-{number}.{ending if ending.isalnum() else 'img'}")
    try:
        with open(path, "xb") as file:
            file.write(base64.b64decode(data, validate=True))
    except (OSError, binascii.Error):
        return None
    return read_image(path, directory)

"""What comes from the conversation: each event goes to the history, and changes what the app knows."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from codex_tui.composer.draft import Message
from codex_tui.composer.slash_commands import SavedPrompt
from codex_tui.history.notice_cells import NoticeKind
from codex_tui.history.speech_cells import PromptCell
from codex_tui.questions import settle_approval
from codex_tui.state import Hint, Said

if TYPE_CHECKING:
    from codex_protocol.events import Event, ListCustomPromptsResponseEvent, SessionConfiguredEvent
    from codex_tui.controller import Controller
    from codex_tui.sessions import Origin

_FAILED_SERVER = re.compile(r"MCP client for `(.+?)` failed to start: ")
"""How the session says so (spec: tui.md section 6.11)."""
SLICE_S = 0.004
"""Keys must not wait behind a queue full of events for longer."""
_SHOWN_CHARS = 40
"""Of a message, to tell which one it is."""


def take(controller: Controller, event: Event) -> None:
    """Takes one event of a conversation, but for its first."""
    from codex_protocol import events

    msg, now = event.msg, controller.clock()
    controller.log.event(event)
    controller.delivery.before(msg)
    controller.history.feed(msg, now)
    controller.delivery.after(msg)
    match msg:
        case events.TaskStartedEvent():
            controller.set_running(is_running=True)
            controller.state.clock.start(now)
        case events.TaskCompleteEvent():
            _end_turn(controller)
            controller.notifications.turn_complete(msg.last_agent_message)
            controller.delivery.go_on(with_queue=True)
        case events.TurnAbortedEvent():
            _end_turn(controller)
            is_replaced = msg.reason == "replaced"
            if not is_replaced:
                controller.handle(controller.composer.restore_queue())
            controller.delivery.go_on(with_queue=is_replaced)
        case events.ErrorEvent():
            if failed := _FAILED_SERVER.match(msg.message):
                controller.state.failed_servers.add(failed[1])
        case events.ExecApprovalRequestEvent() | events.ApplyPatchApprovalRequestEvent():
            controller.start(settle_approval(controller, event.id, msg))
        case events.GetHistoryEntryResponseEvent():
            text = None if msg.entry is None else msg.entry.text
            controller.handle(controller.composer.provide_prompt(msg.log_id, msg.offset, text))
        case events.ListCustomPromptsResponseEvent():
            controller.start(_provide_prompts(controller, msg))
        case events.McpListToolsResponseEvent():
            from codex_tui.commands import show_mcp_tools

            show_mcp_tools(controller, msg)
    controller.stage.changed()


async def begin(controller: Controller, event: Event, msg: SessionConfiguredEvent, origin: Origin) -> None:
    """Takes the first event of a conversation that came from `origin`; keys get their turn meanwhile."""
    from codex_protocol.ops import ListCustomPromptsOp

    state, history = controller.state, controller.history
    controller.log.event(event)
    if origin.is_edit:  # all of it stands in the history already
        history.session_id, history.tokens = str(msg.session_id), None
        if origin.dropped:
            _tell_way_back(controller, state.said[origin.kept].message)
            del state.said[origin.kept :]
    else:
        first = len(history.cells)
        handed_on = controller.clock()
        for _ in history.configure(msg, handed_on):
            if controller.clock() - handed_on > SLICE_S:
                await asyncio.sleep(0)
                handed_on = controller.clock()
        state.said = _said_before(controller, msg, first)
    state.is_replaying = False
    state.was_used = state.was_used or bool(state.said)
    state.failed_servers.clear()
    controller.sessions.became_ready()
    state.is_turn_coming = False
    controller.set_running(is_running=False)
    controller.composer.history.configure(msg.history_log_id, msg.history_entry_count)
    controller.submit(ListCustomPromptsOp())
    if origin.is_first:
        controller.delivery.begin(controller.launch.options.prompt)
        if count := controller.delivery.images_waiting:
            what = "image goes" if count == 1 else "images go"
            controller.notice(NoticeKind.INFO, f"{count} {what} along with your first message.")
    else:
        controller.delivery.send_next()
    controller.stage.changed()


async def _provide_prompts(controller: Controller, msg: ListCustomPromptsResponseEvent) -> None:
    """The event says nothing of what a prompt is for: that is in its file."""
    from codex_core.custom_prompts import list_prompts

    kept = await asyncio.to_thread(list_prompts, controller.state.config.codex_home)
    described = {prompt.name: prompt.description for prompt in kept if prompt.description}
    prompts = [
        SavedPrompt(each.name, each.content, described[each.name])
        if each.name in described
        else SavedPrompt(each.name, each.content)
        for each in msg.custom_prompts
    ]
    controller.handle(controller.composer.provide_saved_prompts(prompts))


def _tell_way_back(controller: Controller, message: Message) -> None:
    from codex_core.presentation import blocks

    where = blocks.first_line(message.text or "[image]", _SHOWN_CHARS)
    controller.notice(
        NoticeKind.INFO,
        f"You went back to “{where}”: from here on the model knows nothing of it and of what followed.",
        "Files are as they are now.",
    )


def _said_before(controller: Controller, msg: SessionConfiguredEvent, first: int) -> list[Said]:
    """What the user said in the recorded conversation, with the cells that stand for it."""
    from codex_core.presentation.prompts import shown_prompt
    from codex_protocol.events import UserMessageEvent
    from codex_protocol.message_kind import request_in

    cells = [
        number
        for number, cell in enumerate(controller.history.cells)
        if number >= first and isinstance(cell, PromptCell)
    ]
    prompts = [
        Message(request_in(each.message).strip())
        for each in msg.initial_messages or ()
        if isinstance(each, UserMessageEvent) and shown_prompt(each)
    ]
    return [Said(message, cell) for message, cell in zip(prompts, cells, strict=True)]


def _end_turn(controller: Controller) -> None:
    controller.state.hint = Hint.NONE
    controller.state.is_stopping = False
    controller.set_running(is_running=False)
    controller.questions.withdraw()

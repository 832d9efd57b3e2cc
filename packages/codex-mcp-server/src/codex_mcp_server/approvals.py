"""Questions to the user on their way to a client, and what its answers decide.

By `elicitation/create` for tool calls (spec: servers.md section 4), by `execCommandApproval` and
`applyPatchApproval` for editors (protocol.md section 12.2). Whatever is no answer is a no.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from typing import TYPE_CHECKING

from codex_core.errors import SessionError
from codex_mcp_server.errors import RpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_core.conversation.conversation import CodexConversation
    from codex_mcp_server.peer import Id, Peer, Question
    from codex_protocol.events import (
        ApplyPatchApprovalRequestEvent,
        Event,
    )
    from codex_protocol.jsonio import JSON
    from codex_protocol.ops import ReviewDecision

_log = logging.getLogger(__name__)

_ACTIONS = {"accept": "approved", "decline": "denied", "cancel": "abort"}
"""The answers MCP itself knows, as decisions."""


class Approvals:
    """Asks, waits beside everything else, and hands the decision to the conversation."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._waiting: set[asyncio.Task[None]] = set()

    def ask_editor(self, conversation: CodexConversation, event: Event) -> Question:
        """Asks by a method for editors."""
        return self._ask(conversation, event, *editor_question(event, conversation.conversation_id))

    def ask_tool_caller(self, conversation: CodexConversation, event: Event, call_id: Id) -> Question:
        """Asks by an elicitation."""
        return self._ask(conversation, event, "elicitation/create", elicitation(event, call_id))

    async def aclose(self) -> None:
        """Waits for nothing any more."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _ask(
        self, conversation: CodexConversation, event: Event, method: str, params: dict[str, JSON]
    ) -> Question:
        question = self._peer.ask(method, params)
        task = asyncio.create_task(
            _await_decision(conversation, event, question), name=f"question {question.id}"
        )
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return question


async def _await_decision(conversation: CodexConversation, event: Event, question: Question) -> None:
    from codex_protocol.ops import ExecApprovalOp, PatchApprovalOp, ReviewDecision

    try:
        decision = decision_in(await question.answer)
    except RpcError:
        decision = ReviewDecision.DENIED
    is_command = event.msg.type == "exec_approval_request"
    answer: Callable[..., ExecApprovalOp | PatchApprovalOp] = (
        ExecApprovalOp if is_command else PatchApprovalOp
    )
    try:
        await conversation.submit(answer(id=event.id, decision=decision))
    except SessionError:
        _log.debug("an answer came for a conversation that is over")


def decision_in(result: object) -> ReviewDecision:
    """What an answer decides: our own shape or that of MCP; denied if it is neither."""
    from codex_protocol.ops import ReviewDecision

    if isinstance(result, dict):
        word, action = result.get("decision"), result.get("action")
        if word is None and isinstance(action, str):
            word = _ACTIONS.get(action)
        if isinstance(word, str) and word in list(ReviewDecision):
            return ReviewDecision(word)
    _log.error("the answer to a question is no decision; it counts as a no")
    return ReviewDecision.DENIED


def editor_question(event: Event, conversation_id: str) -> tuple[str, dict[str, JSON]]:
    """Method and parameters of the question an editor is asked."""
    from codex_protocol.events import ApplyPatchApprovalRequestEvent, ExecApprovalRequestEvent
    from codex_protocol.ide import ApplyPatchApprovalParams, ExecCommandApprovalParams

    match event.msg:
        case ExecApprovalRequestEvent() as msg:
            command = ExecCommandApprovalParams(
                conversation_id=conversation_id,
                call_id=msg.call_id,
                command=msg.command,
                cwd=msg.cwd,
                reason=msg.reason,
            )
            return "execCommandApproval", command.to_wire()
        case ApplyPatchApprovalRequestEvent() as msg:
            patch = ApplyPatchApprovalParams(
                conversation_id=conversation_id,
                call_id=msg.call_id,
                file_changes=msg.changes,
                reason=msg.reason,
                grant_root=msg.grant_root,
            )
            return "applyPatchApproval", patch.to_wire()
        case _:
            raise TypeError(f"{event.msg.type} is no question")


def elicitation(event: Event, call_id: Id) -> dict[str, JSON]:
    """The parameters of the question the caller of a tool is asked."""
    from codex_protocol.elicitation import ExecApprovalElicitParams, PatchApprovalElicitParams
    from codex_protocol.events import ApplyPatchApprovalRequestEvent, ExecApprovalRequestEvent

    match event.msg:
        case ExecApprovalRequestEvent() as msg:
            return ExecApprovalElicitParams(
                message=f"Allow Codex to run `{shell_words(msg.command)}` in `{msg.cwd}`?",
                codex_mcp_tool_call_id=str(call_id),
                codex_event_id=event.id,
                codex_call_id=msg.call_id,
                codex_command=msg.command,
                codex_cwd=msg.cwd,
            ).to_wire()
        case ApplyPatchApprovalRequestEvent() as msg:
            return PatchApprovalElicitParams(
                message=patch_message(msg),
                codex_mcp_tool_call_id=str(call_id),
                codex_event_id=event.id,
                codex_call_id=msg.call_id,
                codex_reason=msg.reason,
                codex_grant_root=msg.grant_root,
                codex_changes=msg.changes,
            ).to_wire()
        case _:
            raise TypeError(f"{event.msg.type} is no question")


def shell_words(argv: Sequence[str]) -> str:
    """The words as a shell would take them; as they are, if no shell could."""
    if any("\0" in word for word in argv):
        return " ".join(argv)
    return shlex.join(argv)


def patch_message(msg: ApplyPatchApprovalRequestEvent) -> str:
    """The question about a patch."""
    question = "Allow Codex to apply proposed code changes?"
    return question if msg.reason is None else f"{msg.reason}\n{question}"

"""Questions to the user, one at a time in place of the composer: the agent's, and the pickers of commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_tui.history.notice_cells import Decision
from codex_tui.state import OpenPanel

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_protocol.events import ApplyPatchApprovalRequestEvent, ExecApprovalRequestEvent
    from codex_tui.controller import Controller
    from codex_tui.screens.panel import Panel
    from codex_tui.state import AppState

_DECISIONS = {
    "approved": Decision.APPROVED,
    "approved_for_session": Decision.APPROVED_FOR_SESSION,
}


class Questions:
    """Those that are open. `changed` is called when the one on the screen may be another."""

    def __init__(self, state: AppState, clock: Callable[[], float], changed: Callable[[], None]) -> None:
        self._state = state
        self._clock = clock
        self._changed = changed

    async def ask(self, panel: Panel, *, waits_for_user: bool = False) -> object:
        """Asks, behind what is being asked already; the answer, or None if the question was withdrawn."""
        asked = OpenPanel(panel, asyncio.get_running_loop().create_future(), waits_for_user)
        self._state.panels.append(asked)
        self._state.clock.pause(self._clock())
        self._changed()
        try:
            return await asked.answer
        finally:
            if asked in self._state.panels:
                self._state.panels.remove(asked)
            if not self._state.panels and self._state.is_running:
                self._state.clock.go_on(self._clock())
            self._changed()

    def answer(self, value: object) -> None:
        """Answers the question on the screen."""
        if self._state.panels:
            self._close(self._state.panels[0], value)
        self._changed()

    def withdraw(self) -> None:
        """The agent waits for none of its questions any more."""
        for asked in [each for each in self._state.panels if each.waits_for_user]:
            self._close(asked, None)

    def _close(self, asked: OpenPanel, value: object) -> None:
        self._state.panels.remove(asked)
        if not asked.answer.done():
            asked.answer.set_result(value)


async def settle_approval(
    controller: Controller, event_id: str, request: ExecApprovalRequestEvent | ApplyPatchApprovalRequestEvent
) -> None:
    """Asks whether a command may run or a patch may be applied, and hands the decision in."""
    from codex_protocol import events
    from codex_protocol.ops import ExecApprovalOp, PatchApprovalOp, ReviewDecision
    from codex_tui.screens.approval import ApprovalPanel

    controller.notifications.approval_wanted(request)
    panel = ApprovalPanel(request, cwd=controller.state.config.cwd, home=controller.launch.home)
    decision = await controller.ask(panel, waits_for_user=True)
    if not isinstance(decision, ReviewDecision):
        return
    if isinstance(request, events.ExecApprovalRequestEvent):
        controller.history.decide(request, _DECISIONS.get(decision.value, Decision.CANCELED))
        controller.submit(ExecApprovalOp(id=event_id, decision=decision))
    else:
        if decision is ReviewDecision.APPROVED:
            controller.history.approve_patch(request.call_id)
        controller.submit(PatchApprovalOp(id=event_id, decision=decision))

"""Questions before the first turn: who pays, and may this directory be worked in (spec: tui.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from codex_tui.controller import Controller


async def prepare(controller: Controller) -> None:
    """Asks what has to be known before a conversation begins; what was typed meanwhile waits.

    Ctrl+C and Ctrl+D at a question end all of them: nothing is decided then, and nothing allowed.
    """
    from codex_tui.sign_in import settle_login

    goes_on = await settle_login(controller)
    await _settle_trust(controller, is_asked=goes_on)


async def _settle_trust(controller: Controller, *, is_asked: bool) -> None:
    from codex_core.workspace.trust import Trust, trust_of, trusting
    from codex_tui.session_start import trusted, untrusted

    state = controller.state
    match trust_of(state.config):
        case Trust.SETTLED:
            return
        case Trust.TRUSTED:
            state.config = trusting(state.config)
            return
    if is_asked and await _is_trusted_now(controller):
        state.config, problem = trusted(state.config)
        if problem is not None:
            controller.notice(NoticeKind.WARNING, problem)
    else:
        state.config = untrusted(state.config)


async def _is_trusted_now(controller: Controller) -> bool:
    from codex_core.workspace.git import repository_root
    from codex_tui.screens.onboarding import Step
    from codex_tui.screens.picker import ListPicker, Option

    cwd = controller.state.config.cwd
    is_versioned = repository_root(cwd) is not None
    explanation = (
        "It is under version control, so changes can be looked at and undone."
        if is_versioned
        else "It is not under version control, so changes cannot easily be undone."
    )
    yes = "Yes: read, change and run things inside it; ask for anything beyond"
    no = "No: read only, and ask before every change"
    picker = ListPicker(
        f"Do you trust the files in {cwd}?",
        [Option(yes, True), Option(no, False)],
        explanation=explanation,
        selected=0 if is_versioned else 1,
        takes_numbers=True,
        escape="decide later",
    )
    return await controller.ask(Step(picker), waits_for_user=True) is True

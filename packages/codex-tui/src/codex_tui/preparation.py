"""Questions before the first turn: may this directory be worked in, and who pays (spec: tui.md section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from codex_core.command_line.resume import ResumeRequest
    from codex_tui.controller import Controller

_LISTED_SESSIONS = 50


async def prepare(controller: Controller) -> None:
    """Asks what has to be known before a conversation begins; what was typed meanwhile waits."""
    await _settle_trust(controller)
    await _settle_login(controller)


async def _settle_trust(controller: Controller) -> None:
    from codex_core.workspace.git import repository_root
    from codex_core.workspace.trust import Trust, trust_of, trusting
    from codex_tui.screens.picker import ListPicker, Option
    from codex_tui.session_start import trusted, untrusted

    state = controller.state
    match trust_of(state.config):
        case Trust.SETTLED:
            return
        case Trust.TRUSTED:
            state.config = trusting(state.config)
            return
    cwd = state.config.cwd
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
    answer = await controller.ask(picker, waits_for_user=True)
    if answer is True:
        state.config, problem = trusted(state.config)
        if problem is not None:
            controller.notice(NoticeKind.WARNING, problem)
    else:
        state.config = untrusted(state.config)


async def _settle_login(controller: Controller) -> None:
    from codex_tui.screens.api_key import ApiKeyPanel
    from codex_tui.session_start import is_login_needed, save_api_key

    config, auth = controller.state.config, controller.launch.auth
    if not is_login_needed(config, auth):
        return
    if auth.problem is not None:
        controller.notice(NoticeKind.ERROR, str(auth.problem))
    found = controller.launch.services.environ.get("OPENAI_API_KEY", "")
    panel = ApiKeyPanel(lambda key: save_api_key(config, auth, key), found=found)
    if await controller.ask(panel, waits_for_user=True) is True:
        controller.notice(NoticeKind.INFO, "The API key is stored; its use is billed to its owner.")
    else:
        controller.notice(
            NoticeKind.WARNING,
            "You are not signed in: the model will refuse. Leave and run `codex login`, or start again.",
        )


async def pick_session(controller: Controller) -> ResumeRequest | None:
    """The session to go on with, which the user picks if the command line names none; None for a new one."""
    import asyncio

    from codex_core.command_line.resume import ResumeRequest
    from codex_core.rollout.catalog import list_sessions
    from codex_tui.screens.picker import ListPicker, Option

    resume = controller.launch.options.resume
    if resume is None or resume.session_id is not None or resume.last:
        return resume
    page = await asyncio.to_thread(list_sessions, controller.state.config.codex_home, _LISTED_SESSIONS)
    if not page.entries:
        controller.notice(NoticeKind.INFO, "No sessions found: this is a new one.")
        return None
    options = [
        Option(
            entry.file.place.timestamp.replace("T", " ", 1)[:16].replace("-", ":").replace(":", "-", 2),
            entry.file.conversation_id,
            " ".join((entry.preview or "(no message yet)").split()),
        )
        for entry in page.entries
    ]
    picked = await controller.ask(ListPicker("Resume a previous session", options, escape="start a new one"))
    return ResumeRequest(session_id=picked) if isinstance(picked, str) else None

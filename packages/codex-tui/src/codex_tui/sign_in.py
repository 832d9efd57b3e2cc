"""Signing in from inside the app: which way, and each of them to its end (spec: tui.md section 3)."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING

from codex_login.errors import LoginError, SignInCancelled
from codex_tui.history.notice_cells import NoticeKind
from codex_tui.screens.onboarding import STOPPED, Step

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from codex_login.browser_login import BrowserLogin, SignInSettings
    from codex_tui.controller import Controller
    from codex_tui.screens.panel import Panel
    from codex_tui.screens.picker import ListPicker
    from codex_tui.screens.sign_in import BrowserPanel

_IN_USE = "is already in use"
_ADVICE = "It works on its own within what you allow, and it makes mistakes: look at what it has done."


class Way(Enum):
    """How to sign in."""

    BROWSER = auto()
    API_KEY = auto()
    DEVICE = auto()


class End(Enum):
    """What came of a way that was chosen."""

    SIGNED_IN = auto()
    BACK = auto()
    """The user wants another one."""
    FAILED = auto()
    """It was said why."""
    STOPPED = auto()
    """The user wants to be asked nothing more."""


async def settle_login(controller: Controller) -> bool:
    """Lets the user sign in where that is needed; False if they want to be asked nothing more."""
    from codex_tui.session_start import is_login_needed

    config, auth = controller.state.config, controller.launch.auth
    if not is_login_needed(config, auth):
        return True
    if auth.problem is not None:
        controller.notice(NoticeKind.ERROR, str(auth.problem))
    end: End | None = End.FAILED
    while end in (End.BACK, End.FAILED):
        # After Esc the question was called for; after a failure it comes up by itself.
        way = await controller.ask(Step(_ways(controller)), waits_for_user=end is End.FAILED)
        match way:
            case Way.BROWSER:
                end = await _with_browser(controller)
            case Way.DEVICE:
                end = await _with_device(controller)
            case Way.API_KEY:
                end = await _with_key(controller)
            case _:
                end = End.STOPPED if way is STOPPED else None
    if end is not End.SIGNED_IN:
        controller.notice(
            NoticeKind.WARNING,
            "You are not signed in: the model will refuse. Start again to sign in, or run `codex login`.",
        )
    return end is not End.STOPPED


def _ways(controller: Controller) -> ListPicker[Way]:
    from codex_login.browser import can_open
    from codex_tui.screens.picker import ListPicker, Option

    environ = controller.launch.services.environ
    options = [
        Option("Sign in with ChatGPT", Way.BROWSER, "in a browser; usage counts towards your plan"),
        Option("Provide an API key", Way.API_KEY, "usage is billed to its owner"),
        Option("Sign in with a code", Way.DEVICE, "with ChatGPT, in a browser on another device"),
    ]
    is_remote = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY"))
    return ListPicker(
        "Welcome to Codex. How do you want to sign in?",
        options,
        explanation="The models of OpenAI are used with an account. Without any: codex --demo",
        selected=2 if is_remote or not can_open(environ) else 0,
        takes_numbers=True,
        escape="go on without",
    )


# --- the ways ----------------------------------------------------------------------------------------


async def _with_key(controller: Controller) -> End:
    from codex_tui.screens.api_key import ApiKeyPanel
    from codex_tui.session_start import save_api_key

    launch = controller.launch
    found = launch.services.environ.get("OPENAI_API_KEY", "")
    panel = ApiKeyPanel(lambda key: save_api_key(launch, key), found=found)
    answer = await controller.ask(Step(panel))
    if answer is True:
        controller.notice(NoticeKind.INFO, "The API key is stored; its use is billed to its owner.", _ADVICE)
        return End.SIGNED_IN
    return End.STOPPED if answer is STOPPED else End.BACK


async def _with_browser(controller: Controller) -> End:
    from codex_tui.screens.sign_in import BrowserPanel

    pasted: asyncio.Queue[str] = asyncio.Queue()
    panel = BrowserPanel(pasted.put_nowait, controller.clock)
    return await _until_signed_in(controller, panel, _browse(controller, panel, pasted))


async def _browse(controller: Controller, panel: BrowserPanel, pasted: asyncio.Queue[str]) -> None:
    from codex_login.browser import open_browser
    from codex_login.browser_login import BrowserLogin

    async with BrowserLogin(_settings(controller)) as login:
        environ = controller.launch.services.environ
        panel.is_opened = await asyncio.to_thread(open_browser, login.auth_url, environ)
        panel.url = login.auth_url
        controller.stage.changed()
        taking = asyncio.create_task(_take_pasted(controller, login, panel, pasted))
        try:
            await login.wait()
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)


async def _take_pasted(
    controller: Controller, login: BrowserLogin, panel: BrowserPanel, pasted: asyncio.Queue[str]
) -> None:
    while (problem := await login.paste(await pasted.get())) is not None:
        panel.problem = problem
        controller.stage.changed()


async def _with_device(controller: Controller) -> End:
    from codex_login.device_login import request_device_code, wait_for_device
    from codex_tui.screens.sign_in import DevicePanel

    panel = DevicePanel(controller.clock)

    async def sign_in() -> None:
        settings = _settings(controller)
        code = await request_device_code(settings)
        panel.page, panel.code = code.page, code.user_code
        controller.stage.changed()
        await wait_for_device(settings, code, sleep=controller.launch.services.sleep)

    return await _until_signed_in(controller, panel, sign_in())


def _settings(controller: Controller) -> SignInSettings:
    """Raises: CredentialsError when the configuration names no place to keep credentials in."""
    from codex_login.browser_login import SignInSettings
    from codex_login.oauth import DEFAULT_PORT, Issuer

    launch = controller.launch
    return SignInSettings(
        controller.state.config.codex_home,
        issuer=launch.issuer or Issuer(),
        port=DEFAULT_PORT if launch.sign_in_port is None else launch.sign_in_port,
        store=launch.store,
        environ=launch.services.environ,
        now=launch.services.now,
    )


async def _until_signed_in(
    controller: Controller, panel: Panel, work: Coroutine[object, object, None]
) -> End:
    """Does the work while the panel is shown; it ends with either."""
    from codex_tui.session_start import is_login_needed

    auth = controller.launch.auth
    asking = asyncio.create_task(controller.ask(Step(panel)))
    working = asyncio.create_task(work)
    try:
        await asyncio.wait([asking, working], return_when=asyncio.FIRST_COMPLETED)
    finally:
        both = asking, working
        is_answered = asking.done()
        for task in both:
            task.cancel()
        outcomes = await asyncio.gather(*both, return_exceptions=True)
    auth.reload()
    if not is_login_needed(controller.state.config, auth):  # perhaps in the moment it was cancelled
        stored = auth.auth()
        claims = stored.tokens.claims if stored is not None and stored.tokens is not None else None
        who = f" as {claims.email}" if claims is not None and claims.email else ""
        controller.notice(NoticeKind.INFO, f"You are signed in with ChatGPT{who}.", _ADVICE)
        return End.SIGNED_IN
    answer, outcome = outcomes
    if isinstance(outcome, Exception) and not isinstance(outcome, LoginError):
        raise outcome
    if is_answered:
        return End.STOPPED if answer is STOPPED else End.BACK
    _tell_failure(controller, outcome if isinstance(outcome, LoginError) else auth.problem)
    return End.FAILED


def _tell_failure(controller: Controller, problem: LoginError | None) -> None:
    if problem is None or isinstance(problem, SignInCancelled):
        sentence = "The sign-in was cancelled, perhaps by another one on this machine."
        controller.notice(NoticeKind.ERROR, sentence)
    elif str(problem).endswith(_IN_USE):
        advice = "End the program that uses it, or sign in with a code, which needs no port."
        controller.notice(NoticeKind.ERROR, str(problem), advice)
    else:
        controller.notice(NoticeKind.ERROR, f"You could not be signed in: {problem}")

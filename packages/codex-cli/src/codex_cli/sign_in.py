"""`codex login` with ChatGPT: in a browser, or with a code on another device (spec: auth.md 8, 9, 15)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from codex_login.errors import LoginError, SignInCancelled, SignInError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_cli.typed_line import TypedLines
    from codex_login.browser_login import BrowserLogin, SignInSettings

FAILED = 1
SIGNALLED = 128
PAGE_LIFETIME = "15 minutes"
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def sign_in_with_browser(settings: SignInSettings) -> int:
    """Signs in through a browser and says how that went; returns the exit code."""
    return asyncio.run(_with_browser(settings))


def sign_in_with_device(settings: SignInSettings) -> int:
    """Signs in with a code that is typed on another device; returns the exit code."""
    return asyncio.run(_with_device(settings))


async def _with_browser(settings: SignInSettings) -> int:
    from codex_login.browser import open_browser
    from codex_login.browser_login import BrowserLogin

    stopped: list[int] = []
    try:
        async with BrowserLogin(settings) as login:
            with _stopping(login.cancel, stopped), _typed() as typed:
                open_browser(login.auth_url)
                _say(
                    f"Starting local login server on http://localhost:{login.port}.\n"
                    "If your browser did not open, navigate to this URL to authenticate:\n\n"
                    f"{login.auth_url}\n\n"
                    "On a remote or headless machine? Use `codex login --device-auth` instead."
                )
                if typed is not None:
                    _say(
                        "Or sign in with any browser and paste here the address it ends up at, even if the "
                        "page does not load. Esc cancels."
                    )
                await _signed_in(login, typed)
    except LoginError as error:
        return _failed(error, stopped)
    _say("Successfully logged in")
    return 0


async def _signed_in(login: BrowserLogin, typed: TypedLines | None) -> None:
    """Returns when the browser, or who pastes, has brought the sign-in to its end."""
    pasting = None if typed is None else asyncio.create_task(_take_pasted(login, typed))
    try:
        await login.wait()
    finally:
        if pasting is not None:
            pasting.cancel()
            await asyncio.gather(pasting, return_exceptions=True)


async def _take_pasted(login: BrowserLogin, typed: TypedLines) -> None:
    while isinstance(line := await typed.next(), str):
        problem = await login.paste(line)
        if problem is None:
            return
        _say(problem)
    login.cancel()


async def _with_device(settings: SignInSettings) -> int:
    stopped: list[int] = []
    signing_in = asyncio.create_task(_sign_in_on_device(settings))
    try:
        with _stopping(signing_in.cancel, stopped):
            await asyncio.wait([signing_in])
        await signing_in
    except LoginError as error:
        return _failed(error, stopped)
    except asyncio.CancelledError:
        if not stopped:
            signing_in.cancel()
            raise
        return _failed(SignInCancelled(), stopped)
    _say("Successfully logged in")
    return 0


async def _sign_in_on_device(settings: SignInSettings) -> None:
    from codex_login.device_login import request_device_code, wait_for_device

    code = await request_device_code(settings)
    _say(
        "To sign in to Codex with ChatGPT:\n\n"
        "1. Open this link in your browser and sign in to your account\n\n"
        f"   {code.page}\n\n"
        f"2. Enter this one-time code (expires in {PAGE_LIFETIME})\n\n"
        f"   {code.user_code}\n\n"
        "Never enter a code that somebody sent you, and tell nobody this one: it gives access to your "
        "account."
    )
    await wait_for_device(settings, code)


def _failed(error: LoginError, stopped: list[int]) -> int:
    if stopped:
        _say("Login cancelled")
        return SIGNALLED + stopped[0]
    if isinstance(error, SignInCancelled):
        _say("Error logging in: Login cancelled")
        return FAILED
    _say(f"Error logging in: {error}")
    if isinstance(error, SignInError) and str(error).endswith("is already in use"):
        _say("End the program that uses it, or use `codex login --device-auth`, which needs no port.")
    return FAILED


@contextlib.contextmanager
def _stopping(cancel: Callable[[], object], stopped: list[int]) -> Iterator[None]:
    """Lets signals cancel the sign-in, so that the terminal and the port are given back in order.

    One that is ignored, as `nohup` has it, stays ignored.
    """
    loop = asyncio.get_running_loop()
    handled = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(number: int) -> None:
        stopped.append(number)
        cancel()

    for number in handled:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _typed() -> Iterator[TypedLines | None]:
    """What the user types, if there is a user."""
    from codex_cli.typed_line import can_be_typed_on, typed_lines

    descriptor = None
    if sys.stdin is not None:
        with contextlib.suppress(OSError, ValueError):
            descriptor = sys.stdin.fileno()
    if descriptor is None or not can_be_typed_on(descriptor):
        yield None
        return
    with typed_lines(descriptor) as lines:
        yield lines


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

"""Opens a URL in the user's browser, without ever waiting for it or letting it write to the terminal.

Which one is up to the standard library: `$BROWSER`, else what the desktop says.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")


def can_open(environ: Mapping[str, str]) -> bool:
    """Whether a browser can be expected to show up: one is named, or there is a screen to show it on."""
    if environ.get("BROWSER", "").strip() or sys.platform == "darwin":
        return True
    return any(environ.get(name) for name in _DISPLAY_VARIABLES) or "WSL_DISTRO_NAME" in environ


def open_browser(url: str, environ: Mapping[str, str] | None = None) -> bool:
    """Opens the URL if a browser can be expected to show up; whether one was asked to.

    A process of its own does it: some browsers only return when they are closed, others take the terminal.
    """
    environ = os.environ if environ is None else environ
    if not can_open(environ):
        return False
    import subprocess
    from threading import Thread

    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", "webbrowser", url],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    # Only so that no dead process is left behind in a program that goes on.
    Thread(target=process.wait, name="browser", daemon=True).start()
    return True

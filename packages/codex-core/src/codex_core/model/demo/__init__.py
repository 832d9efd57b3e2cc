"""Models that are no models: a transport that plays scripts, and the tour that the `demo` provider gives.

`ScriptedTransport` stands below the real HTTP client, so request building, stream parsing, tools and the
sandbox run for real above it. Scripts are written as for `codex_core.testing.ModelServer`:

    transport = ScriptedTransport([answer(shell_call(["ls"])), answer(message("Hello"))])
    services = Services(http_transport=transport)

A script file (`codex_core.model.scripted.script_file`) is played without any code:

    CODEX_DEMO_SCRIPT=script.json codex exec --demo "…"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.model.demo.tour import respond
    from codex_core.model.demo.transport import ScriptedTransport

__all__ = ["ScriptedTransport", "respond"]

_HOMES = {"ScriptedTransport": "transport", "respond": "tour"}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value

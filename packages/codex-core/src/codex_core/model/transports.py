"""What lies below the HTTP client: the network, the offline model, or a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.model.errors import InvalidRequest

if TYPE_CHECKING:
    import httpx

    from codex_core.config.providers import ModelProvider
    from codex_core.model.scripted.replies import Reply
    from codex_core.services import Services

SSE_FIXTURE_VARIABLE = "CODEX_RS_SSE_FIXTURE"
"""A file of event lines that answers every Responses request (spec: agent.md section 8)."""
DEMO_SCRIPT_VARIABLE = "CODEX_DEMO_SCRIPT"
"""A script (`model.scripted.script_file`) that the `demo` provider plays instead of its tour."""


def transport_for(provider: ModelProvider, services: Services) -> httpx.AsyncBaseTransport | None:
    """What stands in for the network towards `provider`; None for the network itself.

    Raises: InvalidRequest when a script or recording named by the environment cannot be used.
    """
    from codex_core.config.providers import DEMO_ID, WireApi

    if services.http_transport is not None:
        return services.http_transport
    fixture = services.environ.get(SSE_FIXTURE_VARIABLE)
    if fixture and provider.wire_api is WireApi.RESPONSES:
        from codex_core.model.demo.transport import ScriptedTransport

        recording = _recording(fixture)
        return ScriptedTransport(lambda _request: recording)
    if provider.id != DEMO_ID:
        return None
    from codex_core.model.demo.transport import ScriptedTransport

    script = services.environ.get(DEMO_SCRIPT_VARIABLE)
    if script:
        from codex_core.model.scripted.script_file import load_script

        try:
            return ScriptedTransport(load_script(script))
        except (ValueError, TypeError, LookupError) as error:
            raise InvalidRequest(f"{DEMO_SCRIPT_VARIABLE} names no usable script: {error}") from error
    from codex_core.model.demo.tour import respond

    return ScriptedTransport(respond)


def _recording(path: str) -> Reply:
    """The stream in a file in which every line is one line of server-sent events."""
    from codex_core.model.scripted.replies import sse

    try:
        with open(path, "rb") as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise InvalidRequest(f"{SSE_FIXTURE_VARIABLE} names no usable recording: {error}") from error
    return sse(b"".join(line + b"\n\n" for line in lines))

"""As much of Ollama's HTTP API as it takes to have a model ready (spec: auth.md section 14)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_core.oss.errors import LocalModelError
from codex_core.oss.pull import Failed, PullLines, Succeeded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from codex_core.oss.pull import PullEvent

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 20.0
NOT_RUNNING = (
    "No running Ollama server detected. Start it with: `ollama serve` (after installing). "
    "Install instructions: https://github.com/ollama/ollama?tab=readme-ov-file#ollama"
)


class Ollama:
    """The server below one base URL, as a model provider has it."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        trimmed = base_url.rstrip("/")
        self._has_openai_paths = trimmed.endswith("/v1")
        self.root = trimmed.removesuffix("/v1").rstrip("/")
        self._transport = transport

    async def check(self) -> None:
        """Finds out whether it is there. Raises: LocalModelError; ConnectionSetupError."""
        path = "/v1/models" if self._has_openai_paths else "/api/tags"
        try:
            status, _ = await self._get(path)
        except _unreachable():
            raise LocalModelError(NOT_RUNNING) from None
        if not 200 <= status < 300:
            raise LocalModelError(NOT_RUNNING)

    async def models(self) -> list[str]:
        """The models it has, by their full names; none if it does not say.

        Raises: LocalModelError when there is no answer, or none that can be read; ConnectionSetupError.
        """
        import json

        try:
            status, content = await self._get("/api/tags")
            found = json.loads(content) if 200 <= status < 300 else {}
        except _unreachable() as error:
            raise LocalModelError(f"the models of Ollama cannot be listed: {error}") from None
        except (ValueError, RecursionError):
            raise LocalModelError("the models of Ollama cannot be listed: the answer is not JSON") from None
        models = found.get("models") if isinstance(found, dict) else None
        entries = models if isinstance(models, list) else []
        names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
        return [name for name in names if isinstance(name, str)]

    async def pull(self, model: str) -> AsyncGenerator[PullEvent, None]:
        """Downloads a model and tells how that goes; the last event says that it is there.

        Raises: LocalModelError when it fails; ConnectionSetupError.
        """
        from codex_login.http import import_httpx

        import_httpx()
        import httpx

        lines = PullLines()
        url = f"{self.root}/api/pull"
        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)  # it checks what it got without a word
        try:
            async with (
                self._client() as client,
                client.stream(
                    "POST", url, json={"model": model, "stream": True}, timeout=timeout
                ) as response,
            ):
                if not response.is_success:
                    reason = httpx.codes.get_reason_phrase(response.status_code)
                    raise LocalModelError(
                        f"failed to start pull: HTTP {response.status_code} {reason}".rstrip()
                    )
                async for chunk in response.aiter_bytes():
                    for event in _until_failure(lines.feed(chunk)):
                        yield event
                        if isinstance(event, Succeeded):
                            return
        except (httpx.RequestError, httpx.InvalidURL):
            pass  # what has arrived counts
        for event in _until_failure(lines.finish()):
            yield event
            if isinstance(event, Succeeded):
                return
        raise LocalModelError("Pull stream ended unexpectedly without success.")

    async def _get(self, path: str) -> tuple[int, bytes]:
        from codex_login.http import import_httpx

        import_httpx()
        import httpx

        timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
        async with asyncio.timeout(ANSWER_TIMEOUT_S), self._client() as client:
            response = await client.get(f"{self.root}{path}", timeout=timeout)
            return response.status_code, response.content

    def _client(self) -> httpx.AsyncClient:
        from codex_login.http import make_client

        return make_client(self.root, transport=self._transport)


def _unreachable() -> tuple[type[Exception], ...]:
    """How a request fails that gets no answer."""
    import httpx

    return httpx.RequestError, httpx.InvalidURL, TimeoutError


def _until_failure(events: list[PullEvent]) -> list[PullEvent]:
    for event in events:
        if isinstance(event, Failed):
            from codex_core.presentation.safe_text import exact_text

            raise LocalModelError(f"Pull failed: {exact_text(event.reason)}")
    return events

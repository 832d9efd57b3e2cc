"""What `--oss` does before a session begins: finds the local server, and gets the model if it is missing."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from codex_core.config.providers import OSS_ID
from codex_core.oss.errors import LocalModelError
from codex_core.oss.lm_studio import PROVIDER_ID as LM_STUDIO_ID
from codex_core.oss.servers import LocalServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from codex_core.config import Config
    from codex_core.oss.ollama import Ollama
    from codex_core.services import Services


def with_local_server(
    config: Config, environ: Mapping[str, str], server: LocalServer, *, model: str | None
) -> Config:
    """A configuration resolved with `--oss`, for this server; `model` is what `--model` says."""
    if server is LocalServer.OLLAMA:
        return config
    from codex_core.oss.lm_studio import use_lm_studio

    return use_lm_studio(config, environ, model=model)


async def prepare_local_model(config: Config, services: Services, *, output: TextIO | None = None) -> None:
    """Returns when the configured model of the local provider can be asked; other providers need nothing.

    How a download goes is shown on `output`, stderr if it is None.

    Raises: LocalModelError; ConnectionSetupError when a proxy or the address cannot be used.
    """
    base_url = config.model_provider.base_url or ""
    match config.model_provider.id:
        case provider if provider == OSS_ID:
            await _prepare_ollama(base_url, config.model, services, output or sys.stderr)
        case provider if provider == LM_STUDIO_ID:
            from codex_core.oss.lm_studio import download, list_models

            if config.model not in await list_models(base_url, services.http_transport):
                await download(config.model, services.environ)


async def _prepare_ollama(base_url: str, model: str, services: Services, output: TextIO | None) -> None:
    from codex_core.oss.ollama import Ollama

    ollama = Ollama(base_url, services.http_transport)
    await ollama.check()
    try:
        if model in await ollama.models():
            return
    except LocalModelError as error:
        # The server is there; whether it has the model, the first request will tell.
        logging.getLogger(__name__).warning("%s", error)
        return
    await _pull(ollama, model, services, output)


async def _pull(ollama: Ollama, model: str, services: Services, output: TextIO | None) -> None:
    from contextlib import aclosing

    from codex_core.oss.progress import PullProgress

    is_terminal = output is not None and output.isatty()
    progress = PullProgress(model, services.monotonic, is_terminal=is_terminal)
    _write(output, progress.begin())
    try:
        async with aclosing(ollama.pull(model)) as events:
            async for event in events:
                _write(output, progress.feed(event))
    finally:
        _write(output, progress.end())


def _write(output: TextIO | None, text: str) -> None:
    if output is not None and text:
        output.write(text)
        output.flush()

"""LM Studio as a local server: its provider, and whether it has the model (spec: auth.md section 14)."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.oss.errors import LocalModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from codex_core.config import Config

PROVIDER_ID = "lmstudio"
DEFAULT_PORT = 1234
DEFAULT_MODEL = "openai/gpt-oss-20b"
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 20.0
NOT_RUNNING = (
    "No running LM Studio server detected. Start it with: `lms server start` (after installing LM Studio)."
)


def lm_studio_provider(environ: Mapping[str, str]) -> ModelProvider:
    """The provider; the variables that move Ollama's move this one, too."""
    base_url = environ.get("CODEX_OSS_BASE_URL", "").strip()
    port = environ.get("CODEX_OSS_PORT", "")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535
    return ModelProvider(
        id=PROVIDER_ID,
        name="LM Studio",
        base_url=base_url or f"http://localhost:{int(port) if is_port else DEFAULT_PORT}/v1",
        wire_api=WireApi.RESPONSES,
    )


def use_lm_studio(config: Config, environ: Mapping[str, str], *, model: str | None) -> Config:
    """The configuration with LM Studio as provider; without a `model` it is the default one."""
    provider = lm_studio_provider(environ)
    return replace(
        config,
        model=model or DEFAULT_MODEL,
        model_provider_id=provider.id,
        model_provider=provider,
        model_providers={**config.model_providers, provider.id: provider},
    )


async def list_models(base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> list[str]:
    """The models LM Studio has.

    Raises: LocalModelError when it is not there; ConnectionSetupError.
    """
    import json

    from codex_login.http import import_httpx, make_client

    import_httpx()
    import httpx

    url = f"{base_url.rstrip('/')}/models"
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S), make_client(url, transport=transport) as client:
            response = await client.get(url, timeout=timeout)
        found = json.loads(response.content) if response.is_success else None
    except (httpx.RequestError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError):
        found = None
    entries = found.get("data") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise LocalModelError(NOT_RUNNING)
    names = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    return [name for name in names if isinstance(name, str)]


async def download(model: str, environ: Mapping[str, str]) -> None:
    """Lets LM Studio's own program get the model; it shows how that goes.

    Raises: LocalModelError.
    """
    import shutil
    import sys

    path = environ.get("PATH", os.defpath)
    if os.path.isabs(home := environ.get("HOME", "")):  # nothing is run out of the working directory
        path += os.pathsep + os.path.join(home, ".lmstudio", "bin")
    program = shutil.which("lms", path=path)
    if program is None:
        raise LocalModelError(f"LM Studio does not have the model {model}. Get it with: `lms get {model}`")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            "--yes",
            model,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr if sys.stderr is not None else asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise LocalModelError(f"{program} cannot be run: {error.strerror}") from error
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise LocalModelError(f"`lms get {model}` failed with exit code {code}")

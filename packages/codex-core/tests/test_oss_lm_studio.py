"""LM Studio as a local server (spec: auth.md section 14)."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest

from codex_core.config import ConfigFlags, load_config
from codex_core.config.providers import WireApi
from codex_core.oss.errors import LocalModelError
from codex_core.oss.lm_studio import lm_studio_provider
from codex_core.oss.servers import LocalServer
from codex_core.oss.setup import prepare_local_model, with_local_server
from codex_core.services import Services
from codex_core.testing import ScratchHome


def services_of(home: ScratchHome, answer: httpx.Response | Exception, **environ: str) -> Services:
    def serve(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://localhost:1234/v1/models"
        assert "authorization" not in request.headers
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Services(environ=home.environ(**environ), http_transport=httpx.MockTransport(serve))


async def prepare(services: Services, model: str | None = None) -> None:
    config = load_config(overrides=(), flags=ConfigFlags(oss=True), services=services)
    assert with_local_server(config, services.environ, LocalServer.OLLAMA, model=model) is config
    config = with_local_server(config, services.environ, LocalServer("lmstudio"), model=model)
    assert config.model == (model or "openai/gpt-oss-20b")
    assert config.model_provider.wire_api is WireApi.RESPONSES
    assert config.model_providers["lmstudio"] is config.model_provider
    await prepare_local_model(config, services, output=io.StringIO())


@pytest.mark.parametrize(
    ("environ", "base_url"),
    [
        ({}, "http://localhost:1234/v1"),
        ({"CODEX_OSS_PORT": "99"}, "http://localhost:99/v1"),
        ({"CODEX_OSS_PORT": "99999"}, "http://localhost:1234/v1"),
        ({"CODEX_OSS_PORT": "x", "CODEX_OSS_BASE_URL": " "}, "http://localhost:1234/v1"),
        ({"CODEX_OSS_PORT": "99", "CODEX_OSS_BASE_URL": "http://box:1/v1"}, "http://box:1/v1"),
    ],
)
def test_where_it_is(environ: dict[str, str], base_url: str) -> None:
    assert lm_studio_provider(environ).base_url == base_url


@pytest.mark.parametrize("model", [None, "mine"])
async def test_a_model_that_is_there(scratch_home: ScratchHome, model: str | None) -> None:
    names = [{"id": "mine"}, {"id": "openai/gpt-oss-20b"}]
    await prepare(services_of(scratch_home, httpx.Response(200, json={"data": names})), model)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("no"),
        httpx.Response(500),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b"<"),
    ],
)
async def test_no_server(scratch_home: ScratchHome, answer: httpx.Response | Exception) -> None:
    with pytest.raises(LocalModelError, match=r"^OSS setup failed: No running LM Studio server detected"):
        await prepare(services_of(scratch_home, answer))


async def test_a_missing_model_without_its_program(scratch_home: ScratchHome, tmp_path: Path) -> None:
    services = services_of(scratch_home, httpx.Response(200, json={"data": []}), PATH=str(tmp_path))
    with pytest.raises(LocalModelError, match="Get it with: `lms get openai/gpt-oss-20b`"):
        await prepare(services)


async def test_no_program_of_the_working_directory_is_run(
    scratch_home: ScratchHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".lmstudio" / "bin" / "lms"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    answer = httpx.Response(200, json={"data": []})
    services = services_of(scratch_home, answer, PATH="/nowhere", HOME="")
    with pytest.raises(LocalModelError, match="Get it with: `lms get"):
        await prepare(services)


@pytest.mark.parametrize("code", [0, 3])
async def test_a_missing_model_is_got_by_its_program(scratch_home: ScratchHome, code: int) -> None:
    program = scratch_home.path / ".lmstudio" / "bin" / "lms"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$@" > "$HOME/asked"\nexit {code}\n')
    program.chmod(0o755)
    services = services_of(scratch_home, httpx.Response(200, json={"data": []}))
    if code:
        with pytest.raises(LocalModelError, match="failed with exit code 3"):
            await prepare(services, "a-model")
    else:
        await prepare(services, "a-model")
    assert (scratch_home.path / "asked").read_text() == "get --yes a-model\n"

"""Asking for the model layer loads nothing heavy (start-up)."""

from __future__ import annotations

import subprocess
import sys

import pytest

import codex_core.model
import codex_core.model.demo

HEAVY = {"httpx", "httpcore", "pydantic", "ssl", "codex_protocol.items", "codex_core.testing"}


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    "code", ["import codex_core.model, codex_core.model.families", "import codex_core.model.prompt"]
)
def test_data_modules_load_nothing_heavy(code: str) -> None:
    assert not loaded_by(code) & (HEAVY | {"asyncio"})


def test_the_client_loads_http_and_models_only_when_it_is_used() -> None:
    assert not loaded_by("import codex_core.model.client") & (HEAVY - {"ssl"})


def test_the_real_network_loads_no_demo() -> None:
    code = """
import asyncio
from codex_core.config.providers import ModelProvider, WireApi
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.errors import ConnectionFailed
from codex_core.services import Services
p = ModelProvider(id="x", name="x", base_url="http://127.0.0.1:1/v1", wire_api=WireApi.RESPONSES,
                  request_max_retries=0)
c = ModelClient(provider=p, model="m", family=family_for("m"), conversation_id="c", auth=None,
                services=Services(environ={}), user_agent="u", originator="o")
async def main():
    try:
        async for _ in c.stream(Prompt("", ())): pass
    except ConnectionFailed: print("REFUSED")
    await c.aclose()
asyncio.run(main())
"""
    modules = loaded_by(code)
    assert "REFUSED" in modules
    assert "httpx" in modules
    assert not {name for name in modules if name.startswith(("codex_core.testing", "codex_core.model.demo"))}
    assert "codex_core.model.chat_completions" not in modules
    assert not modules & {"rich", "click", "pygments"}


@pytest.mark.parametrize("package", [codex_core.model, codex_core.model.demo])
def test_every_public_name_is_there(package: object) -> None:
    names = package.__all__  # type: ignore[attr-defined]  # both modules have it
    assert names == sorted(names)
    for name in names:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        package.nonsense  # type: ignore[attr-defined]  # noqa: B018

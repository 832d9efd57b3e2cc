"""The server driven by the official TypeScript SDK and by the inspector's command line.

Install them once and say where, then run this file:

    npm install --prefix DIR @modelcontextprotocol/sdk @modelcontextprotocol/inspector
    CODEX_MCP_CLIENTS=DIR/node_modules pytest tests/test_mcp_server_npm.py
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    message,
    run_script_async,
    script_path,
    shell_call,
    sse,
)

MODULES = os.environ.get("CODEX_MCP_CLIENTS", "")
NODE = shutil.which("node") or ""

pytestmark = [
    pytest.mark.skipif(not MODULES, reason="CODEX_MCP_CLIENTS does not name a node_modules with MCP clients"),
    pytest.mark.skipif(not NODE, reason="there is no node"),
]

SCRIPT = Path(__file__).parent / "mcp_sdk_client.mjs"


async def test_the_typescript_sdk(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    never = sse(created(), message("x", deltas=["x"]), Gate(), completed())
    script = [answer(shell_call(["touch", "made"])), "Done.", "More.", never]
    async with ModelServer(script) as model:
        scratch_home.use_model_server(model.base_url)
        done = await run_script_async(
            [NODE, str(SCRIPT), MODULES, script_path("codex-mcp-server")],
            env=scratch_home.environ(),
            cwd=git_repo.path,
        )
    seen = json.loads(done.check().stdout)
    done.assert_no_processes_left()
    seen["progress"] = seen["progress"][:2]  # the SDK drops what comes right before the result
    assert seen == {
        "questions": [f"Allow Codex to run `touch made` in `{git_repo.path}`?"],
        "progress": ["Thinking", "Running touch made"],
        "server": "codex-mcp-server",
        "tools": ["codex", "codex-reply"],
        "resources": [],
        "first": "Done.",
        "second": "More.",
        "givenUp": True,
        "after": "pong",
    }
    assert (git_repo.path / "made").exists()


PAGE = Path(__file__).parent.parent / "docs" / "mcp-server.md"


async def inspector(home: ScratchHome, repo: ScratchRepo, *arguments: str) -> Any:
    """Runs as the page says, with `codex` in the PATH."""
    bin_directory = os.path.dirname(script_path("codex"))
    env = home.environ()
    env["PATH"] = bin_directory + os.pathsep + env["PATH"]
    command = [os.path.join(MODULES, ".bin", "mcp-inspector"), *arguments]
    done = await run_script_async(command, env=env, cwd=repo.path, timeout_s=60)
    return json.loads(done.check().stdout)


def words_of_the_page(**placeholders: str) -> list[list[str]]:
    """The inspector's command lines on the page, without the program itself."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("npx ")]
    return [[placeholders.get(word, word) for word in shlex.split(line)[2:]] for line in lines]


async def test_the_inspector_as_the_page_says(
    scratch_home: ScratchHome, git_repo: ScratchRepo, tmp_path: Path
) -> None:
    config = tmp_path / "mcp.json"
    said = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    config.write_text(said.replace("/home/me/.codex", str(scratch_home.codex_home)))
    _browser, listing, calling = words_of_the_page(FILE=str(config))
    async with ModelServer(["Hello"]) as model:
        scratch_home.use_model_server(model.base_url)
        listed = await inspector(scratch_home, git_repo, *listing)
        assert [tool["name"] for tool in listed["tools"]] == ["codex", "codex-reply"]
        called = await inspector(scratch_home, git_repo, *calling)
        assert "hi" in str(model.requests[0].json["input"])
    assert called["content"] == [{"type": "text", "text": "Hello"}]

"""What docs/mcp-server.md tells users to write: it can be read, and a Codex can use another as it says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    run_script_async,
    script_path,
    shell_call,
    sse,
)
from mcp_server_client import local_server

PAGE = (Path(__file__).parent.parent / "docs" / "mcp-server.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_configuration_names_the_server() -> None:
    found = [next(iter(json.loads(block).values())) for block in blocks("json")]
    assert len(found) == 3
    for servers in found:
        assert (servers["codex"]["command"], servers["codex"]["args"][0]) == ("codex", "mcp")


async def test_one_codex_finds_the_tools_of_another(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    (block,) = blocks("toml")
    scratch_home.write("config.toml", block)
    env = scratch_home.environ()
    env["PATH"] = os.path.dirname(script_path("codex")) + os.pathsep + env["PATH"]
    done = await run_script_async("codex", "mcp", "check", "--json", env=env, cwd=git_repo.path)
    (server,) = json.loads(done.check().stdout)
    assert server["name"] == "codex"
    assert "codex-reply" in json.dumps(server)
    done.assert_no_processes_left()


def fits(shown: Any, real: Any) -> bool:
    """Whether the page shows what is there; `…` in it stands for anything."""
    match shown:
        case dict():
            return isinstance(real, dict) and all(
                key == "…" or (key in real and fits(value, real[key])) for key, value in shown.items()
            )
        case list():
            return shown == ["…"] or (
                isinstance(real, list) and len(shown) == len(real) and all(map(fits, shown, real))
            )
        case _:
            return bool(shown == real)


async def test_a_conversation_goes_as_the_page_shows(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    gate = Gate()
    script = [answer(shell_call(["touch", "f"])), "Done.", sse(created(), gate, completed())]
    async with ModelServer(script) as model:
        scratch_home.use_model_server(model.base_url, model="gpt-5")
        async with local_server(scratch_home, cwd=git_repo.path) as client:
            real = {"/w/repo": str(git_repo.path)}
            for line in next(block for block in blocks("text") if "→" in block).splitlines():
                text = line.removeprefix("→ ").removeprefix("← ")
                for shown, value in real.items():
                    text = text.replace(f'"{shown}"', json.dumps(value))
                text = text.replace("{…}", '{"…":0}').replace(",…", ',"…":0').replace("[…]", '["…"]')
                wanted = json.loads(text)
                if line.startswith("→"):
                    if wanted.get("method") == "interruptConversation":
                        await gate.reached.wait()
                    await client.send(text)
                    continue
                keys = ("id", "method") if "id" in wanted else ("method",)
                frame = await client.until(lambda frame: all(frame.get(k) == wanted.get(k) for k in keys))  # noqa: B023
                for key, shown in (("conversationId", "C"), ("subscriptionId", "S")):
                    if wanted.get("result", {}).get(key) == shown:
                        real[shown] = wanted["result"][key] = frame["result"][key]
                if "rolloutPath" in wanted.get("result", {}):
                    path = real[wanted["result"]["rolloutPath"]] = frame["result"]["rolloutPath"]
                    wanted["result"]["rolloutPath"] = path
                assert fits(wanted, frame), line
    assert (git_repo.path / "f").exists()

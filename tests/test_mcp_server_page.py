"""What docs/mcp-server.md tells users to write: it can be read, and a Codex can use another as it says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from codex_core.testing import ScratchHome, ScratchRepo, run_script_async, script_path

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

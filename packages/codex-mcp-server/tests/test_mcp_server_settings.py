"""config.toml, the default model, one command, and the diff for editors (spec: servers.md section 5.3)."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from codex_core.testing import ScratchHome, ScratchRepo
from mcp_server_client import local_server

CONFIG = """\
# a comment that stays
approval_policy = "on-request"
sandbox_mode = "workspace-write"
model = "gpt-5"
profile = "p1"

[tools]
web_search = true

[sandbox_workspace_write]
writable_roots = ["/x"]

[profiles.p1]
model = "pm"
"""
FREE = {"sandboxPolicy": {"mode": "danger-full-access"}}


async def test_the_saved_config(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    async with local_server(scratch_home, 'model="from-c"', cwd=git_repo.path) as client:
        assert await client.call("getUserSavedConfig") == {"config": {"profiles": {}}}
        scratch_home.write("config.toml", CONFIG)
        saved = (await client.call("getUserSavedConfig"))["config"]
        assert saved == {
            "approvalPolicy": "on-request",
            "sandboxMode": "workspace-write",
            "sandboxSettings": {
                "writableRoots": ["/x"], "networkAccess": False, "excludeTmpdirEnvVar": False, "excludeSlashTmp": False,
            },
            "model": "gpt-5",
            "tools": {"webSearch": True},
            "profile": "p1",
            "profiles": {
                "p1": {
                    "model": "pm", "modelProvider": None, "approvalPolicy": None, "modelReasoningEffort": None,
                    "modelReasoningSummary": None, "modelVerbosity": None, "chatgptBaseUrl": None,
                }
            },
        }  # fmt: skip
        scratch_home.write("config.toml", "model = [")
        code, text = await client.error("getUserSavedConfig")
        assert (code, text.startswith("failed to load config.toml: ")) == (-32603, True)
        scratch_home.write("config.toml", "model = 5\n")
        code, text = await client.error("getUserSavedConfig")
        assert code == -32603
        assert text == "failed to parse config.toml: invalid type: integer `5`, expected a string in `model`"
        assert (await client.error("setDefaultModel", {"model": "x", "reasoningEffort": "huge"}))[0] == -32602


async def test_the_default_model(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    scratch_home.write("config.toml", CONFIG)
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        assert await client.call("setDefaultModel", {"model": "new", "reasoningEffort": "low"}) == {}
        text = (scratch_home.codex_home / "config.toml").read_text()
        assert text.startswith("# a comment that stays\n")
        assert text.endswith('[profiles.p1]\nmodel = "new"\nmodel_reasoning_effort = "low"\n')
        begun = await client.call("newConversation", {})
        assert (begun["model"], begun["reasoningEffort"]) == ("new", "low")
        assert await client.call("setDefaultModel", {"model": None}) == {}
        assert (await client.call("newConversation", {}))["model"] == "gpt-5"
        scratch_home.write("config.toml", "model = [")
        code, text = await client.error("setDefaultModel", {"model": "x"})
        assert (code, text.startswith("failed to persist overrides: ")) == (-32603, True)


@pytest.mark.parametrize(
    ("params", "result"),
    [
        ({"command": ["echo", "ünï"], **FREE}, (0, "ünï\n", "")),
        ({"command": ["sh", "-c", "echo err >&2; exit 4"], **FREE}, (4, "", "err\n")),
        ({"command": ["cat"], **FREE}, (0, "", "")),
        ({"command": ["cat", "README.md"]}, (0, "A scratch repository.\n", "")),
        (
            {
                "command": ["sh", "-c", "touch made 2>/dev/null || echo refused"],
                "sandboxPolicy": {"mode": "read-only"},
            },
            (0, "refused\n", ""),
        ),
        ({"command": ["sh", "-c", "echo $CODEX_SANDBOX_NETWORK_DISABLED"]}, (0, "1\n", "")),
    ],
)
async def test_one_command(
    params: dict[str, Any], result: tuple[int, str, str], scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        got = await client.call("execOneOffCommand", params)
    assert got == {"exitCode": result[0], "stdout": result[1], "stderr": result[2]}
    assert not (git_repo.path / "made").exists()


async def test_one_command_may_write_where_its_policy_says(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    (git_repo.path / "sub").mkdir()
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        params = {"command": ["touch", "made"], "cwd": "sub", "sandboxPolicy": {"mode": "workspace-write"}}
        assert (await client.call("execOneOffCommand", params))["exitCode"] == 0
    assert (git_repo.path / "sub" / "made").exists()


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"command": []}, -32600, "command must not be empty"),
        ({"command": ["/there/is/none"], **FREE}, -32603, "exec failed: No such file or directory (os error 2)"),
        ({"command": ["sleep", "9"], "timeoutMs": 1, **FREE}, -32603, "exec failed: sandbox error: command timed out"),
        ({"command": ["sh", "-c", "kill -9 $$"], **FREE}, -32603, "exec failed: sandbox error: command was killed by a signal"),
        ({"command": ["a\0b"], **FREE}, -32603, "exec failed: a word of the command, or its directory, holds a NUL character"),
    ],
)  # fmt: skip
async def test_a_command_that_did_not_run(
    params: dict[str, Any], code: int, text: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        assert await client.error("execOneOffCommand", params) == (code, text)


async def test_long_commands_hold_up_nothing(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    fifo = git_repo.path / "fifo"
    async with local_server(scratch_home, cwd=git_repo.path) as client:
        command = {"command": ["sh", "-c", f"mkfifo {fifo}; read -r line < {fifo}; echo $line"], **FREE}
        running = await client.ask("execOneOffCommand", command)
        assert await client.call("ping") == {}
        writer = {"command": ["sh", "-c", f"until [ -p {fifo} ]; do :; done; echo heard > {fifo}"], **FREE}
        await client.call("execOneOffCommand", writer)
        assert (await client.reply(running))["result"]["stdout"] == "heard\n"


def git(home: ScratchHome, repo: ScratchRepo, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=repo.path, env=home.environ(), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


async def test_the_diff_to_a_remote(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    path = git_repo.path
    async with local_server(scratch_home, cwd=path) as client:
        problem = (-32600, f'failed to compute git diff to remote for cwd: "{path}"')
        assert await client.error("gitDiffToRemote", {"cwd": str(path)}) == problem  # no remote
        git(scratch_home, git_repo, "init", "--quiet", "--bare", "--initial-branch=main", "../remote.git")
        git(scratch_home, git_repo, "remote", "add", "elsewhere", "../remote.git")
        git(scratch_home, git_repo, "push", "--quiet", "elsewhere", "main")
        pushed = git(scratch_home, git_repo, "rev-parse", "HEAD")
        (path / "README.md").write_text("committed\n")
        git(scratch_home, git_repo, "commit", "--quiet", "--all", "-m", "ahead")
        (path / "README.md").write_text("changed\n")
        for setting in ("core.fsmonitor", "diff.external"):
            git(scratch_home, git_repo, "config", setting, f"touch {scratch_home.path}/ran; false")
        (path / "ünï new.txt").write_text("new\n")
        (path / "binary").write_bytes(b"\0\1")
        (path / ".gitignore").write_text("ignored\n")
        (path / "ignored").write_text("not to be seen")
        (path / "sub").mkdir()
        found = await client.call("gitDiffToRemote", {"cwd": str(path / "sub")})
        for branch in (["checkout", "--quiet", "-b", "topic"], ["checkout", "--quiet", "--detach"]):
            git(scratch_home, git_repo, "-c", "core.fsmonitor=false", *branch)
            again = await client.call("gitDiffToRemote", {"cwd": str(path)})
            assert again["sha"] == pushed
        for cwd in ("/", "/there/is/none", "a\0b"):
            assert (await client.error("gitDiffToRemote", {"cwd": cwd}))[0] == -32600
    assert found["sha"] == pushed
    assert "-A scratch repository.\n+changed\n" in found["diff"]
    assert "GIT binary patch" in again["diff"]
    assert "+new" in again["diff"]
    assert "not to be seen" not in again["diff"]
    assert not (scratch_home.path / "ran").exists()

"""`git commit` in the sandbox: refused, asked about, and done once the user has agreed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from codex_core.testing import answer, message, script_path, shell_call

if sys.platform != "linux":
    pytest.skip("the repository is protected by namespaces, on Linux", allow_module_level=True)

COMMIT = ["bash", "-lc", "git add -A && git commit -qm 'by the agent'"]
CONFINED = {"sandbox_mode": "workspace-write"}


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    """Skips where the kernel or a container refuses what protects a repository."""
    command = [
        str(script_path("codex-linux-sandbox")),
        "--isolation",
        "namespaces",
        "/",
        '{"mode":"read-only"}',
    ]
    done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip())


def subjects(talk: Any) -> list[str]:
    return str(talk.repo.git("log", "--format=%s")).splitlines()


async def decide(talk: Any, submission: str, decision: str) -> None:
    from codex_protocol.ops import parse_op

    await talk.conversation.submit(
        parse_op({"type": "exec_approval", "id": submission, "decision": decision})
    )


@pytest.mark.parametrize("decision", ["approved", "denied"])
async def test_under_on_failure_the_user_is_asked_after_the_refusal(talk: Any, decision: str) -> None:
    talk.repo.write("new.txt", "new\n")
    settings = {"approval_policy": "on-failure", **CONFINED}
    await talk.start([answer(shell_call(COMMIT)), answer(message("ok"))], settings=settings)
    before = subjects(talk)
    submission = await talk.say("go")
    question = await talk.until("exec_approval_request")
    assert question["command"] == COMMIT
    assert question["reason"] == "command failed; retry without sandbox?"
    assert "Read-only file system" in talk.events[-2]["msg"]["message"]
    assert subjects(talk) == before
    await decide(talk, submission, decision)
    await talk.until("task_complete")
    was_made = decision == "approved"
    assert subjects(talk) == ["by the agent", *before][0 if was_made else 1 :]
    output = talk.input_of(1)[-1]["output"]
    assert ('"exit_code":0' in output) if was_made else (output == "exec command rejected by user")
    assert not (talk.repo.path / ".git" / "index.lock").exists()


async def test_under_on_request_the_model_is_told_and_may_ask(talk: Any) -> None:
    from codex_core.testing import function_call

    talk.repo.write("new.txt", "new\n")
    settings = {"approval_policy": "on-request", **CONFINED}
    asking = {"command": COMMIT, "with_escalated_permissions": True, "justification": "Commits the change."}
    replies = [
        answer(shell_call(COMMIT)),
        answer(function_call("shell", asking, "c2")),
        answer(message("ok")),
    ]
    await talk.start(replies, settings=settings)
    before = subjects(talk)
    submission = await talk.say("go")
    question = await talk.until("exec_approval_request")
    assert (question["reason"], question["call_id"]) == ("Commits the change.", "c2")
    output = talk.input_of(1)[-1]["output"]
    assert output.startswith("failed in sandbox LinuxSeccomp with execution error: sandbox denied exec error")
    assert "Read-only file system" in output
    assert subjects(talk) == before
    await decide(talk, submission, "approved")
    await talk.until("task_complete")
    assert subjects(talk) == ["by the agent", *before]


async def test_reading_the_repository_needs_nobody(talk: Any) -> None:
    script = "git status --short && git diff && git log --oneline && git stash list && git worktree list"
    settings = {"approval_policy": "on-failure", **CONFINED}
    await talk.start([answer(shell_call(["bash", "-c", script])), answer(message("ok"))], settings=settings)
    kinds = await talk.ask("go")
    assert "exec_approval_request" not in kinds
    assert '"exit_code":0' in talk.input_of(1)[-1]["output"]

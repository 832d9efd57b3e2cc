"""Sessions of the reference on our command line, and ours on its: listed, shown, exported, continued.

The reference is the binary that `benchmarks/exec_turn.py` has installed, or the path in CODEX_REFERENCE.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from codex_core.testing import (
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    message,
    read_json_lines,
    reasoning,
    script_path,
    shell_call,
    start_script,
)

SETTINGS = {"approval_policy": "never", "sandbox_mode": "danger-full-access"}
FIRST = [
    answer(reasoning("Hm."), message("Let me look."), shell_call(["echo", "ünï"], call_id="c1")),
    answer(message("That was it.")),
]


async def run(argv: list[str], home: ScratchHome, repo: ScratchRepo, script: list[Any] | None = None) -> Any:
    """A run of a program; what it printed, and the requests it made."""
    async with ModelServer(script or []) as server:
        home.use_model_server(server.base_url, model="gpt-5", settings=SETTINGS)
        async with start_script(argv, env=home.environ(), cwd=repo.path) as process:
            done = (await process.finish()).check()
        server.assert_done()
    return done.stdout, [request.json["input"] for request in server.requests]


@pytest.mark.reference
@pytest.mark.parametrize("writer", ["ours", "reference"])
async def test_either_program_goes_on_with_what_the_other_has_begun(
    writer: str, reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    ours = str(script_path("codex"))
    first, second = (ours, reference) if writer == "ours" else (reference, ours)
    _, begun = await run([first, "exec", "first words"], scratch_home, git_repo, FIRST)
    (path,) = scratch_home.rollouts()
    identifier = read_json_lines(path)[0]["payload"]["id"]
    again = [answer(message("more"))]
    _, (continued,) = await run(
        [second, "exec", "resume", identifier, "again"], scratch_home, git_repo, again
    )
    assert continued[: len(begun[-1])] == begun[-1]
    assert continued[-1]["content"][0]["text"] == "again"
    _, (third,) = await run([first, "exec", "third", "resume", "--last"], scratch_home, git_repo, again)
    assert third[: len(continued)] == continued
    assert scratch_home.rollouts() == [path]

    listed, _ = await run([ours, "sessions", "list", "--json"], scratch_home, git_repo)
    (entry,) = json.loads(listed)["sessions"]
    assert (entry["conversation_id"], entry["turns"], entry["preview"]) == (identifier, 3, "first words")
    found, _ = await run([ours, "sessions", "search", "LET me", "again", "--json"], scratch_home, git_repo)
    assert json.loads(found)["total"] == 1
    shown, _ = await run([ours, "sessions", "show", "--last"], scratch_home, git_repo)
    said = [shown.index(text) for text in ("first words", "Let me look.", "echo", "That was it.", "third")]
    assert said == sorted(said)
    assert "ünï" in shown
    exported, _ = await run([ours, "sessions", "export", "--last"], scratch_home, git_repo)
    assert exported.count("\n## user\n") == 3

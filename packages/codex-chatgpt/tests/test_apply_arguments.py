"""The command line of `codex apply` (spec: auth.md section 12)."""

from __future__ import annotations

import sys
import types

import pytest

from codex_chatgpt.cli import APPLY
from codex_chatgpt.options import ApplyOptions
from codex_core.command_line.program import run_command


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[ApplyOptions]:
    """What would have been applied."""
    started: list[ApplyOptions] = []

    def note(options: ApplyOptions) -> int:
        started.append(options)
        return 7

    room = types.ModuleType("codex_chatgpt.apply")
    monkeypatch.setattr(room, "run", note, raising=False)
    monkeypatch.setitem(sys.modules, "codex_chatgpt.apply", room)
    return started


@pytest.mark.parametrize(
    "arguments", [["-c", "a=1", "task-1"], ["task-1", "-ca=1"], ["-c=a=1", "--", "task-1"]]
)
def test_the_task_and_the_overrides_arrive(arguments: list[str], runs: list[ApplyOptions]) -> None:
    assert run_command(APPLY, arguments) == 7
    assert runs == [ApplyOptions("task-1", ("a=1",))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following required arguments were not provided:\n  <TASK_ID>"),
        (["a", "b"], "unexpected argument 'b' found"),
        (["-x"], "unexpected argument '-x' found\n\n  tip: to pass '-x' as a value, use '-- -x'"),
    ],
)
def test_mistakes(
    arguments: list[str], message: str, runs: list[ApplyOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(APPLY, arguments) == 2
    assert capsys.readouterr().err == (
        f"error: {message}\n\nUsage: apply [OPTIONS] <TASK_ID>\n\nFor more information, try '--help'.\n"
    )
    assert runs == []

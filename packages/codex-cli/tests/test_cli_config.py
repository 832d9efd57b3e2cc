"""`codex config explain` and `codex config path`: what they print, and their mistakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from codex_cli.commands import run_command_line

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.testing import ScratchHome

TEXT = """\
model = "o3"
profile = "work"
modle = 1
service_tier = "x"
[profiles.work]
model_reasoning_effort = "high"
[mcp_servers.docs]
command = "c\\u001b[2J"
args = ["a b", "c"]
env = { KEY = "hidden-value" }
"""


@pytest.fixture
def file(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config.toml of a scratch home that this process lives in."""
    for name, value in scratch_home.environ().items():
        monkeypatch.setenv(name, value)
    return scratch_home.codex_home / "config.toml"


def test_one_key_and_where_it_comes_from(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text(TEXT)
    assert run_command_line(["config", "explain", "model"]) == 0
    assert run_command_line(["config", "explain", "model_reasoning_effort"]) == 0
    assert run_command_line(["config", "explain", "review_model"]) == 0
    assert run_command_line(["config", "explain", "model_verbosity"]) == 0
    assert capsys.readouterr() == (
        (
            f'model = "o3"  {file}:1\n'
            f'model_reasoning_effort = "high"  profile work ({file}:6)\n'
            'review_model = "gpt-5"  default\n'
            "model_verbosity = (not set)  default\n"
        ),
        "",
    )


def test_profile_overrides_and_flags_count(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text(TEXT + "[profiles.home]\nmodel_verbosity = 'low'\n")
    assert run_command_line(["config", "explain", "-p", "home", "model_verbosity"]) == 0
    assert run_command_line(["-c", "model=a", "config", "-c", "model=b", "explain", "model"]) == 0
    assert run_command_line(["config", "explain", "-c", "model=b", "-m", "c", "model"]) == 0
    assert run_command_line(["config", "explain", "-s", "workspace-write", "sandbox_mode"]) == 0
    assert run_command_line(["config", "explain", "-a", "never", "approval_policy"]) == 0
    assert capsys.readouterr().out == (
        f'model_verbosity = "low"  profile home ({file}:12)\n'
        'model = "b"  -c model\n'
        'model = "c"  flag\n'
        'sandbox_mode = "workspace-write"  flag\n'
        'approval_policy = "never"  flag\n'
    )


def test_everything_is_aligned_and_shows_no_secret(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text(TEXT)
    assert run_command_line(["config", "explain"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert 'mcp_servers.docs.args = ["a b", "c"]' in out
    assert 'mcp_servers.docs.env.KEY = "*****"' in out
    assert "hidden-value" not in out
    assert "\x1b" not in out
    assert any(
        line.startswith('service_tier = "x" ') and line.endswith(":4, has no effect") for line in lines
    )
    assert {line.index("  default") for line in lines if line.endswith("  default")} == {
        lines[1].index(f"  {file}:1")
    }
    later, unknown = err.splitlines()
    assert later == "note: `service_tier` is a key of later releases, without effect here"
    assert unknown == f"note: {file}:3:9: unknown key `modle` is ignored (did you mean `model`?)"


def test_a_table_is_all_that_is_in_it(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text("[history]\npersistence = 'none'\n")
    assert run_command_line(["config", "explain", "history"]) == 0
    assert capsys.readouterr().out == (
        f'history.persistence = "none"   {file}:2\nhistory.max_bytes = (not set)  default\n'
    )


def test_json(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text(TEXT)
    assert run_command_line(["config", "explain", "--json", "model_reasoning_effort"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "key": "model_reasoning_effort",
        "value": "high",
        "layer": "profile",
        "file": str(file),
        "line": 6,
        "column": 26,
        "source": "work",
        "has_effect": True,
    }
    assert run_command_line(["config", "explain", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    by_key = {entry["key"]: entry for entry in json.loads(out)}
    assert by_key["mcp_servers.docs.env.KEY"]["value"] == "*****"
    assert by_key["codex_home"]["layer"] == "environment"
    assert run_command_line(["config", "explain", "--json", "mcp_servers"]) == 0
    assert [entry["key"] for entry in json.loads(capsys.readouterr().out)] == [
        "mcp_servers.docs.args",
        "mcp_servers.docs.command",
        "mcp_servers.docs.env.KEY",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mdel"], "nothing is known of a configuration key `mdel` (did you mean `model`?)"),
        (["histry"], "nothing is known of a configuration key `histry` (did you mean `history`?)"),
        (["zzzzzz"], "nothing is known of a configuration key `zzzzzz`"),
        (["-c", "x"], "Invalid override (missing '='): x"),
        (["-p", "nope"], "config profile `nope` not found"),
    ],
)
def test_mistakes(arguments: list[str], sentence: str, file: Path, capsys: pytest.CaptureFixture[str]):
    assert run_command_line(["config", "explain", *arguments]) == 1
    assert capsys.readouterr() == ("", f"Error: {sentence}\n")


def test_a_broken_configuration_is_reported_whole(file: Path, capsys: pytest.CaptureFixture[str]):
    file.write_text("model = 1\nsandbox_mode = 'readonly'\n")
    assert run_command_line(["config", "explain", "model"]) == 1
    err = capsys.readouterr().err
    assert f"Error: {file}:1:9: " in err
    assert f"\n{file}:2:16: " in err
    assert "(did you mean `read-only`?)" in err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["explain", "--bogus"], ["explain", "-s", "x"]])
def test_usage_errors(arguments: list[str], file: Path, capsys: pytest.CaptureFixture[str]):
    assert run_command_line(["config", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_the_path_is_told_whether_there_is_a_file_or_not(file: Path, capsys: pytest.CaptureFixture[str]):
    assert run_command_line(["config", "path"]) == 0
    assert capsys.readouterr().out == f"{file}\n"

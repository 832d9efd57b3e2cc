"""The command line of the MCP server (spec: servers.md section 1)."""

from __future__ import annotations

import sys
import types

import pytest

from codex_mcp_server import cli
from codex_mcp_server.options import McpServerOptions


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[McpServerOptions]:
    """The servers that were started, instead of starting them."""
    started: list[McpServerOptions] = []

    def note(options: McpServerOptions) -> int:
        started.append(options)
        return 7

    room = types.ModuleType("codex_mcp_server.run")
    monkeypatch.setattr(room, "run", note, raising=False)
    monkeypatch.setitem(sys.modules, "codex_mcp_server.run", room)
    return started


def test_overrides_arrive_in_order(runs: list[McpServerOptions]) -> None:
    assert cli.run_command_line(["-c", "a=1", "--config=b=2"]) == 7
    assert runs == [McpServerOptions(overrides=("a=1", "b=2"))]


@pytest.mark.parametrize("arguments", [["x"], ["-m", "x"], ["--json"], ["serve"]])
def test_it_takes_nothing_else(
    arguments: list[str], runs: list[McpServerOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run_command_line(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: unexpected argument '{arguments[0]}' found\n")
    assert (captured.out, runs) == ("", [])


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_of_the_stand_alone_program(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run_command_line([flag]) == 0
    assert capsys.readouterr().out == "codex-mcp-server 0.36.0\n"

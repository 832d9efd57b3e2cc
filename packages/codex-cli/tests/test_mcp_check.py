"""`codex mcp check`: what it prints of servers that work and servers that do not, and its exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_cli.commands import run_command_line
from codex_core.testing import ScratchHome

SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {},
                  "serverInfo": {"name": "bells", "version": "2"}}
    elif message.get("method") == "tools/list":
        result = {"tools": [
            {"name": "ring", "description": "Rings\\nloudly \\u001b[31m", "annotations": {"readOnlyHint": True}},
            {"name": "ding.dong"}, {"name": "ring"}, {}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


@pytest.fixture(autouse=True)
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    for name, value in scratch_home.environ().items():
        monkeypatch.setenv(name, value)
    return scratch_home


@pytest.fixture
def configure(home: ScratchHome, tmp_path: Path) -> Any:
    """Writes servers into config.toml; `bells` is the one that works."""
    script = tmp_path / "bells.py"
    script.write_text(SERVER)
    bells = {"command": sys.executable, "args": ["-S", "-E", str(script)]}

    def write(**servers: dict[str, object]) -> None:
        lines = []
        for name, entry in {**servers}.items():
            lines.append(f"[mcp_servers.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in {**bells, **entry}.items()]
        Path(home.codex_home, "config.toml").write_text("\n".join(lines))

    return write


def test_a_server_that_works(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure(bells={})
    assert run_command_line(["mcp", "check"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.startswith("bells: ok, 2 tools in ")
    assert head.endswith(" s (bells 2)")
    assert rows == [
        "  bells__ding_dong",
        "  bells__ring       Rings",
        "  note: tool number 4 is left out: it has no name",
        "  note: tool `ring` is listed 2 times; the first one counts",
    ]


def test_as_json(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure(bells={}, off={"enabled": False}, bad={"command": "no-such-program-anywhere"})
    assert run_command_line(["mcp", "check", "--json"]) == 1
    bad, bells, off = json.loads(capsys.readouterr().out)
    assert bad == {
        "name": "bad",
        "status": "failed",
        "error": "No such file or directory (os error 2)",
        "server": None,
        "startup_seconds": None,
        "tools": [],
        "notes": [],
    }
    assert (bells["status"], off["status"]) == ("ok", "disabled")
    assert bells["tools"][1] == {
        "name": "bells__ring",
        "tool": "ring",
        "description": "Rings\nloudly \x1b[31m",
        "read_only": True,
    }


def test_one_that_fails_is_told_with_its_last_words(
    configure: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(bad={"args": ["-S", "-E", "-c", "import sys; sys.exit('no \\x1b[1mlicence')"]})
    assert run_command_line(["mcp", "check"]) == 1
    expected = "bad: failed: it ended with exit code 1; its last words on stderr: no licence\n"
    expected += f"  command: {sys.executable}\n"
    assert capsys.readouterr().out == expected


def test_only_the_one_that_is_named_even_if_it_is_off(
    configure: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(bells={"enabled": False}, bad={"command": "no-such-program-anywhere"})
    assert run_command_line(["mcp", "check", "bells"]) == 0
    assert "bells: ok" in capsys.readouterr().out


def test_those_that_are_off_are_not_started(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure(off={"enabled": False, "command": "no-such-program-anywhere"})
    assert run_command_line(["mcp", "check"]) == 0
    assert capsys.readouterr().out == "off: disabled\n"


def test_an_unknown_name(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure(bells={})
    assert run_command_line(["mcp", "check", "bels"]) == 1
    assert capsys.readouterr().err.startswith("Error: No MCP server named 'bels' found.")


def test_overrides_count(configure: Any, capsys: pytest.CaptureFixture[str]) -> None:
    configure(bells={})
    assert run_command_line(["-c", "mcp_servers.bells.enabled=false", "mcp", "check"]) == 0
    assert run_command_line(["mcp", "check", "-c", "mcp_servers.bells.enabled=false"]) == 0
    assert capsys.readouterr().out == "bells: disabled\n" * 2


def test_without_servers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["mcp", "check"]) == 0
    assert "No MCP servers configured yet." in capsys.readouterr().out
    assert run_command_line(["mcp", "check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_configuration_that_cannot_be_read(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    Path(home.codex_home, "config.toml").write_text("[mcp_servers.x]\n")
    assert run_command_line(["mcp", "check"]) == 1
    assert "missing field `command`" in capsys.readouterr().err


def test_more_than_one_name_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["mcp", "check", "a", "b"]) == 2
    assert "unexpected argument 'b' found" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["mcp", "check", "--help"]) == 0
    assert "Usage: codex mcp check" in capsys.readouterr().out

"""`codex mcp …` beside the reference on the same home: same effect, same machine-readable output."""

from __future__ import annotations

import json
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from codex_cli.commands import run_command_line

if TYPE_CHECKING:
    from codex_core.testing import ScratchHome

pytestmark = pytest.mark.reference

HOMES = {
    "nothing": "",
    "no servers": 'model = "o3"\n',
    "two servers": """\
# top
model = "o3"   # trailing

[mcp_servers.zeta]
command = "z"
args = []
[mcp_servers.alpha]
command = "docs-server"
args = ["--port", "4000", "two words", "ä", "\\"q\\""]
env = { B = "2", A = "1", E = "" }
startup_timeout_ms = 20_000
""",
    "inline": 'mcp_servers = { a = { command = "c" }, "b c" = { command = "d", env = {} } }\n',
    "dotted": 'mcp_servers.a.command = "c"\nmcp_servers.a.env.X = "y"\n[tui]\n',
    "later keys": '[mcp_servers.a]\ncommand = "c"\nscopes = ["x"]\nrequired = true\n[features]\nx = true\n',
}


class Sides:
    """Runs a command line here and there, each in a home of its own with the same file."""

    def __init__(
        self,
        reference: str,
        home: ScratchHome,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._reference = reference
        self._capsys = capsys
        self.ours = home.codex_home / "ours"
        self.theirs = home.codex_home / "theirs"
        self._environ = home.environ() | {"RUST_BACKTRACE": "0"}
        for directory in (self.ours, self.theirs):
            directory.mkdir()
        for name, value in self._environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CODEX_HOME", str(self.ours))

    def write(self, text: str) -> None:
        for directory in (self.ours, self.theirs):
            (directory / "config.toml").write_text(text)

    def run(self, *arguments: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
        code = run_command_line(["mcp", *arguments])
        captured = self._capsys.readouterr()
        environ = self._environ | {"CODEX_HOME": str(self.theirs)}
        done = subprocess.run(
            [self._reference, "mcp", *arguments], env=environ, capture_output=True, text=True, timeout=60
        )
        return (code, captured.out, captured.err), (done.returncode, done.stdout, done.stderr)


@pytest.fixture
def sides(
    reference: str,
    scratch_home: ScratchHome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Sides:
    return Sides(reference, scratch_home, monkeypatch, capsys)


@pytest.mark.parametrize("name", HOMES)
def test_lists_are_the_same(name: str, sides: Sides):
    sides.write(HOMES[name])
    ours, theirs = sides.run("list", "--json")
    assert ours == theirs
    for server in json.loads(ours[1]):
        ours, theirs = sides.run("get", "--json", server["name"])
        assert ours == theirs
    ours, theirs = sides.run("-c", "mcp_servers.x.command=y", "list", "--json")
    assert ours == theirs


@pytest.mark.parametrize("name", ["nothing", "no servers", "later keys"])
def test_the_table_is_the_same_where_nothing_is_masked(name: str, sides: Sides):
    sides.write(HOMES[name])
    ours, theirs = sides.run("list")
    assert ours == theirs
    if name == "later keys":
        ours, theirs = sides.run("get", "a")
        assert ours == theirs


@pytest.mark.parametrize("name", HOMES)
@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "new", "prog"],
        ["add", "alpha", "--env", "B=2", "--env", " A = 1=1 ", "--", "docs-server", "--port", "4000"],
        ["add", "a", "x", "--env", "A=1", "-h"],
        ["add", "zeta", "--", 'we"ird', "back\\slash", "new\nline", "--"],
        ["remove", "zeta"],
        ["remove", "a"],
    ],
)
def test_changes_have_the_same_effect(name: str, arguments: list[str], sides: Sides):
    sides.write(HOMES[name])
    ours, theirs = sides.run(*arguments)
    assert ours == theirs
    parsed = [
        tomllib.loads((directory / "config.toml").read_text()) for directory in (sides.ours, sides.theirs)
    ]
    for document in parsed:
        servers = document.pop("mcp_servers", None) or {}
        # The reference drops keys it does not know, and tables that are empty.
        document["servers"] = {
            name: {key: value for key, value in server.items() if value and key not in ("scopes", "required")}
            for name, server in servers.items()
        }
    assert parsed[0] == parsed[1]


def test_new_files_are_the_same_to_the_letter(sides: Sides):
    ours, theirs = sides.run("add", "a", "--env", "K=V", "--", "c", "x")
    assert ours == theirs
    texts = [(directory / "config.toml").read_text() for directory in (sides.ours, sides.theirs)]
    assert texts[0] == texts[1]
    modes = [(directory / "config.toml").stat().st_mode for directory in (sides.ours, sides.theirs)]
    assert modes[0] == modes[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["get", "nope"],
        ["add", "bad name", "x"],
        ["add", "ok"],
        ["add", "ok", "--"],
        ["add", "ok", "--env", "BAD", "x"],
        ["add", "ok", "-c", "nope", "x"],
        ["-c", "nope", "list"],
        ["remove", "bad name"],
        ["remove", "nope"],
        ["remove"],
        ["get"],
        ["list", "extra"],
    ],
)
def test_mistakes_are_the_same(arguments: list[str], sides: Sides):
    ours, theirs = sides.run(*arguments)
    assert ours[:2] == theirs[:2]
    # Usage lines are our own where there are more options than the reference has.
    assert ours[2].partition("\n\nUsage")[0] == theirs[2].partition("\n\nUsage")[0]

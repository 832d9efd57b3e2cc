"""`codex mcp list`, `get`, `add`, `remove`: output, effect on config.toml, mistakes."""

from __future__ import annotations

import json
import stat
import tomllib
from typing import TYPE_CHECKING

import pytest

from codex_cli.commands import run_command_line

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.testing import ScratchHome

TWO_SERVERS = """\
[mcp_servers.zeta]
command = "z"
[mcp_servers.alpha]
command = "docs-server"
args = ["--port", "4000", "two words"]
env = { B = "2", A = "1" }
startup_timeout_ms = 20_000
"""
LATER_SERVERS = """\
[mcp_servers.far]
url = "https://h/mcp"
bearer_token_env_var = "TOKEN_VARIABLE"
http_headers = { X-Key = "secret-value" }
env_http_headers = { Y = "YVAR" }
startup_timeout_sec = 1.5
[mcp_servers.near]
command = "c"
cwd = "/w"
env_vars = ["V"]
enabled = false
tool_timeout_sec = 5
enabled_tools = ["a", "b"]
disabled_tools = ["c"]
"""


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    """A scratch home that this process lives in."""
    for name, value in scratch_home.environ().items():
        monkeypatch.setenv(name, value)
    return scratch_home


@pytest.fixture
def file(home: ScratchHome) -> Path:
    """Its config.toml."""
    return home.codex_home / "config.toml"


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def mcp(home: ScratchHome, capsys: pytest.CaptureFixture[str]):
    """Runs `codex mcp …`."""

    def run(*arguments: str, overrides: tuple[str, ...] = ()) -> Outcome:
        before = [word for override in overrides for word in ("-c", override)]
        code = run_command_line([*before, "mcp", *arguments])
        return Outcome(code, *capsys.readouterr())

    return run


def test_no_servers(mcp):
    done = mcp("list")
    assert done.out == "No MCP servers configured yet. Try `codex mcp add my-tool -- my-command`.\n"
    assert (done.code, done.err) == (0, "")
    assert mcp("list", "--json").out == "[]\n"


def test_the_table_is_aligned_sorted_and_masked(mcp, file: Path):
    file.write_text(TWO_SERVERS)
    assert mcp("list").out == (
        "Name   Command      Args                   Env             \n"
        "alpha  docs-server  --port 4000 two words  A=*****, B=*****\n"
        "zeta   z            -                      -               \n"
    )


def test_json_has_the_keys_of_the_contract_in_their_order(mcp, file: Path):
    file.write_text(TWO_SERVERS)
    done = mcp("list", "--json")
    assert done.out == (
        json.dumps(
            [
                {
                    "name": "alpha",
                    "command": "docs-server",
                    "args": ["--port", "4000", "two words"],
                    "env": {"A": "1", "B": "2"},
                    "startup_timeout_ms": 20000,
                },
                {"name": "zeta", "command": "z", "args": [], "env": None, "startup_timeout_ms": None},
            ],
            indent=2,
        )
        + "\n"
    )


def test_one_server(mcp, file: Path):
    file.write_text(TWO_SERVERS)
    assert mcp("get", "alpha").out == (
        "alpha\n"
        "  command: docs-server\n"
        "  args: --port 4000 two words\n"
        "  env: A=*****, B=*****\n"
        "  startup_timeout_ms: 20000\n"
        "  remove: codex mcp remove alpha\n"
    )
    assert mcp("get", "zeta").out == (
        "zeta\n  command: z\n  args: -\n  env: -\n  remove: codex mcp remove zeta\n"
    )
    assert json.loads(mcp("get", "zeta", "--json").out)["name"] == "zeta"


def test_keys_of_later_releases_are_shown(mcp, file: Path):
    file.write_text(LATER_SERVERS)
    assert mcp("list").out == (
        "Name  Command  Args  Env  Status  \n"
        "near  c        -     -    disabled\n"
        "\n"
        "Name  Url            Bearer Token Env Var  Status \n"
        "far   https://h/mcp  TOKEN_VARIABLE        enabled\n"
    )
    assert mcp("get", "far").out == (
        "far\n"
        "  url: https://h/mcp\n"
        "  bearer_token_env_var: TOKEN_VARIABLE\n"
        "  http_headers: X-Key=*****\n"
        "  env_http_headers: Y=YVAR\n"
        "  startup_timeout_ms: 1500\n"
        "  remove: codex mcp remove far\n"
    )
    assert mcp("get", "near").out == (
        "near\n"
        "  command: c\n"
        "  args: -\n"
        "  env: -\n"
        "  env_vars: V\n"
        "  cwd: /w\n"
        "  enabled: false\n"
        "  tool_timeout_sec: 5.0\n"
        "  enabled_tools: a, b\n"
        "  disabled_tools: c\n"
        "  remove: codex mcp remove near\n"
    )
    far, near = json.loads(mcp("list", "--json").out)
    assert far == {
        "name": "far",
        "url": "https://h/mcp",
        "bearer_token_env_var": "TOKEN_VARIABLE",
        "startup_timeout_ms": 1500,
        "http_headers": {"X-Key": "secret-value"},
        "env_http_headers": {"Y": "YVAR"},
    }
    assert near["cwd"] == "/w"
    assert near["enabled"] is False


def test_control_characters_do_not_reach_the_terminal(mcp, file: Path):
    file.write_text('[mcp_servers.a]\ncommand = "c\\u001b[2J"\nargs = ["x\\ny"]\n')
    for done in (mcp("list"), mcp("get", "a")):
        assert "\x1b" not in done.out
    assert len(mcp("list").out.splitlines()) == 2


def test_overrides_count_when_listing(mcp):
    done = mcp("-c", "mcp_servers.a.args=[]", "list", "--json", overrides=("mcp_servers.a.command=x",))
    assert [server["name"] for server in json.loads(done.out)] == ["a"]


@pytest.mark.parametrize("command", [["list"], ["get", "a"]])
def test_a_configuration_that_cannot_be_used_is_an_error_with_its_cause(command, mcp, file: Path):
    file.write_text("model = 1\nnotify = 2\n")
    done = mcp(*command)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "Error: failed to load configuration\n\nCaused by:\n"
        f"    {file}:1:9: invalid type: integer `1`, expected a string in `model`\n"
        f"    {file}:2:10: invalid type: integer `2`, expected a sequence in `notify`\n"
    )


def test_an_unknown_server_is_an_error(mcp, file: Path):
    file.write_text(TWO_SERVERS)
    assert mcp("get", "nope").err == "Error: No MCP server named 'nope' found.\n"
    done = mcp("get", "alpa")
    assert done.code == 1
    assert done.err == "Error: No MCP server named 'alpa' found. (did you mean `alpha`?)\n"


def test_add_writes_a_private_file(mcp, file: Path):
    done = mcp("add", "alpha", "--env", "B=2", "--env", " A =1=1", "--", "docs-server", "--port", "-h")
    assert (done.code, done.out, done.err) == (0, "Added global MCP server 'alpha'.\n", "")
    assert file.read_text() == (
        '[mcp_servers.alpha]\ncommand = "docs-server"\nargs = ["--port", "-h"]\n'
        '\n[mcp_servers.alpha.env]\nA = "1=1"\nB = "2"\n'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_options_behind_the_command_belong_to_it(mcp, file: Path):
    assert mcp("add", "a", "run", "--env", "X=1", "-c", "k=v").code == 0
    assert json.loads(mcp("get", "a", "--json").out)["args"] == ["--env", "X=1", "-c", "k=v"]


def test_add_replaces_one_server_and_keeps_the_rest(mcp, file: Path):
    file.write_text("# top\nmodel = 1 # not even valid\n\n# z\n" + TWO_SERVERS)
    assert mcp("add", "zeta", "new").code == 0
    assert file.read_text() == (
        "# top\nmodel = 1 # not even valid\n\n# z\n" + TWO_SERVERS.replace('"z"', '"new"')
    )


def test_add_a_server_over_http(mcp, file: Path):
    assert mcp("add", "far", "--url", "https://h/mcp", "--bearer-token-env-var", "TOK").code == 0
    assert (
        file.read_text()
        == '[mcp_servers.far]\nurl = "https://h/mcp"\nbearer_token_env_var = "TOK"\n'
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bad name", "x"], "invalid server name 'bad name' (use letters, numbers, '-', '_')"),
        (["", "x"], "invalid server name '' (use letters, numbers, '-', '_')"),
        (["ok"], "command is required"),
        (["ok", "--"], "command is required"),
        (["ok", "-c", "nope", "x"], "Invalid override (missing '='): nope"),
        (
            ["ok", "--url", "ftp://h"],
            "the URL of an MCP server starts with https:// or http:// and names a host",
        ),
        (
            ["ok", "--url", "http://"],
            "the URL of an MCP server starts with https:// or http:// and names a host",
        ),
        (
            ["ok", "--url", "http://h", "--bearer-token-env-var", "sk-secret"],
            "--bearer-token-env-var takes the name of an environment variable, not its value",
        ),
    ],
)
def test_what_cannot_be_added(arguments: list[str], sentence: str, mcp, file: Path):
    done = mcp("add", *arguments)
    assert (done.code, done.out, done.err) == (1, "", f"Error: {sentence}\n")
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["add", "a", "--env", "BAD", "x"],
            "error: invalid value 'BAD' for '--env <KEY=VALUE>': environment entries must be in KEY=VALUE form",
        ),
        (
            ["add", "a", "--env", " =x", "x"],
            "error: invalid value ' =x' for '--env <KEY=VALUE>': environment entries must be in KEY=VALUE form",
        ),
        (["add"], "error: the following required arguments were not provided:\n  <NAME>"),
        (["get"], "error: the following required arguments were not provided:\n  <NAME>"),
        (["remove"], "error: the following required arguments were not provided:\n  <NAME>"),
        (["list", "extra"], "error: unexpected argument 'extra' found"),
        (["remov"], "error: unrecognized subcommand 'remov'"),
        (["add", "a", "--url", "http://h", "x"], "error: the argument '--url <URL>' cannot be used with '[COMMAND]...'"),
        (["add", "a", "--url", "http://h", "--env", "A=1"], "error: the argument '--url <URL>' cannot be used with '--env <KEY=VALUE>'"),
        (["add", "a", "--bearer-token-env-var", "T", "x"], "error: the following required arguments were not provided:\n  --url <URL>"),
    ],
)  # fmt: skip
def test_usage_errors(arguments: list[str], message: str, mcp, file: Path):
    done = mcp(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)
    assert done.err.endswith("For more information, try '--help'.\n")
    assert not file.exists()


def test_remove(mcp, file: Path):
    file.write_text(TWO_SERVERS)
    done = mcp("remove", "zeta")
    assert (done.code, done.out, done.err) == (0, "Removed global MCP server 'zeta'.\n", "")
    assert file.read_text() == TWO_SERVERS.partition('"z"\n')[2]
    done = mcp("remove", "zeta")
    assert (done.code, done.out) == (0, "No MCP server named 'zeta' found.\n")
    assert mcp("remove", "bad name").code == 1


@pytest.mark.parametrize("command", [["add", "a", "x"], ["remove", "a"]])
def test_a_broken_file_is_named_and_left_alone(command: list[str], mcp, file: Path):
    file.write_text("model = \n")
    done = mcp(*command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(
        f"Error: failed to load MCP servers from {file.parent}\n\nCaused by:\n    {file}:1:9: TOML parse error"
    )
    assert file.read_text() == "model = \n"


def test_a_home_that_is_not_there_is_an_error(mcp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "none"))
    done = mcp("add", "a", "x")
    assert done.code == 1
    assert done.err.startswith("Error: failed to resolve CODEX_HOME\n\nCaused by:\n    CODEX_HOME names")


def test_the_default_home_is_made(mcp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("CODEX_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    assert mcp("add", "a", "x").code == 0
    made = tmp_path / "user" / ".codex"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert (made / "config.toml").exists()


def test_help_is_printed(mcp):
    done = mcp("add", "--help")
    assert done.code == 0
    assert "--bearer-token-env-var <ENV_VAR>" in done.out


def test_passwords_in_addresses_are_masked(mcp, file: Path):
    file.write_text('[mcp_servers.u]\nurl = "https://user:secret@host/x?key=hidden"\n')
    for shown in (mcp("list").out, mcp("get", "u").out):
        assert "host/x" in shown
        assert "secret" not in shown
        assert "hidden" not in shown
    assert "secret" in mcp("get", "u", "--json").out


def test_a_server_that_could_not_have_been_added_can_be_removed(mcp, file: Path):
    file.write_text('# kept\n[mcp_servers."b.c"]\ncommand = "c"\n\n[mcp_servers.d]\ncommand = "d"\n')
    assert mcp("remove", "b.c").out == "Removed global MCP server 'b.c'.\n"
    assert mcp("remove", "b.c").code == 1
    assert list(tomllib.loads(file.read_text())["mcp_servers"]) == ["d"]


def test_a_name_cannot_steer_the_terminal_from_an_error(mcp, file: Path):
    file.write_text('[mcp_servers."doc\\u001b[31m"]\ncommand = "c"\n')
    done = mcp("get", "doc[31m")
    assert done.code == 1
    assert "did you mean" in done.err
    assert "\x1b" not in done.err

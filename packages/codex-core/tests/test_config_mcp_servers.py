"""`[mcp_servers]`: what each key means, those of later releases among them (spec: config-cli.md section 17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_core.config import (
    InvalidConfigError,
    McpHttpTransport,
    McpServerConfig,
    McpStdioTransport,
    load_config,
)
from codex_core.config.mcp_servers import is_valid_server_name
from codex_core.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codex_core.config import Config


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Config]:
    """Loads a config.toml of this text."""

    def load(text: str) -> Config:
        (tmp_path / "config.toml").write_text(text)
        return load_config(services=Services(environ={"CODEX_HOME": str(tmp_path)}))

    return load


def test_a_server_over_http(load):
    config = load(
        """
        [mcp_servers.far]
        url = "https://h/mcp"
        bearer_token_env_var = "T"
        http_headers = { X = "1" }
        env_http_headers = { Y = "YVAR" }
        """
    )
    transport = McpHttpTransport("https://h/mcp", "T", {"X": "1"}, {"Y": "YVAR"})
    assert config.mcp_servers == {"far": McpServerConfig("far", transport)}
    assert config.notices == ()


def test_later_keys_of_a_server_on_stdio(load):
    config = load(
        """
        [mcp_servers.near]
        command = "c"
        cwd = "sub"
        env_vars = ["A", { name = "B", source = "local" }]
        enabled = false
        startup_timeout_sec = 2.5
        tool_timeout_sec = 7
        enabled_tools = ["a", "b"]
        disabled_tools = ["b"]
        required = true
        scopes = ["x"]
        supports_parallel_tool_calls = true
        default_tools_approval_mode = "auto"
        tools.a.approval_mode = "approve"
        """
    )
    server = config.mcp_servers["near"]
    assert server.transport == McpStdioTransport("c", env_vars=("A", "B"), cwd="sub")
    assert not server.enabled
    assert (server.startup_timeout_s, server.startup_timeout_ms) == (2.5, 2500)
    assert server.tool_timeout_s == 7.0
    assert [server.offers(tool) for tool in ("a", "b", "c")] == [True, False, False]
    (notice,) = config.notices
    assert "`mcp_servers.near.required`, `mcp_servers.near.scopes`, " in notice


def test_times_not_said_are_the_defaults(load):
    server = load("[mcp_servers.a]\ncommand = 'c'").mcp_servers["a"]
    assert (server.startup_timeout_s, server.startup_timeout_ms) == (10.0, None)
    assert server.tool_timeout_s == 60.0
    assert server.enabled
    assert server.offers("anything")


def test_a_time_may_be_nothing_at_all(load):
    server = load("[mcp_servers.a]\ncommand = 'c'\nstartup_timeout_sec = 0\ntool_timeout_sec = 0.0")
    assert server.mcp_servers["a"].startup_timeout_s == 0.0
    assert server.mcp_servers["a"].tool_timeout_s == 0.0


def test_no_enabled_tools_are_none_at_all(load):
    server = load("[mcp_servers.a]\ncommand = 'c'\nenabled_tools = []").mcp_servers["a"]
    assert not server.offers("anything")


def test_seconds_win_over_milliseconds(load):
    server = load(
        "[mcp_servers.a]\ncommand = 'c'\nstartup_timeout_ms = 1\nstartup_timeout_sec = 3"
    ).mcp_servers["a"]
    assert server.startup_timeout_s == 3.0


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        (
            "[mcp_servers.a]\ncommand = 'c'\nurl = 'u'",
            "MCP server `a` is started by its `command`, so its `url` has no effect",
        ),
        (
            "[mcp_servers.a]\nurl = 'u'\nargs = ['x']\ncwd = '/'",
            "MCP server `a` is reached over its `url`, so its `args`, `cwd` has no effect",
        ),
    ],
)
def test_keys_of_the_other_transport_are_noted(text: str, notice: str, load):
    assert load(text).notices == (notice,)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("startup_timeout_sec = -1", "invalid value: integer `-1`, expected a number of seconds"),
        ("tool_timeout_sec = -0.5", "invalid value: floating point `-0.5`, expected a number of seconds"),
        ("tool_timeout_sec = inf", "invalid value: floating point `inf`, expected a number of seconds"),
        ("tool_timeout_sec = nan", "invalid value: floating point `nan`, expected a number of seconds"),
        ("tool_timeout_sec = 'x'", 'invalid type: string "x", expected a number of seconds'),
        ("tool_timeout_sec = true", "invalid type: boolean `true`, expected a number of seconds"),
        ("env_vars = [1]", "invalid type: integer `1`, expected a string"),
        ("env_vars = [{}]", "invalid type: map, expected a string"),
        ("enabled = 'yes'", 'invalid type: string "yes", expected a boolean'),
        ("enabled_tools = 'x'", 'invalid type: string "x", expected a sequence'),
        ("url = 1", "invalid type: integer `1`, expected a string"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error(line: str, message: str, load):
    with pytest.raises(InvalidConfigError) as caught:
        load(f"[mcp_servers.a]\ncommand = 'c'\n{line}")
    (problem,) = caught.value.problems
    assert problem.message == message
    assert problem.key == f"mcp_servers.a.{line.partition(' ')[0]}"
    assert problem.line == 3


@pytest.mark.parametrize("name", ["a", "A-1_b"])
def test_names_of_servers(name: str):
    assert is_valid_server_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "a\n", "a/b"])
def test_what_is_no_name_of_a_server(name: str):
    assert not is_valid_server_name(name)

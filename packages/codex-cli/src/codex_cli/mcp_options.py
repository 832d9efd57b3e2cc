"""What `codex mcp list`, `get`, `add` and `remove` take (spec: config-cli.md sections 2, 3 and 17)."""

from __future__ import annotations

from codex_core.command_line.grammar import Argument, Command, Option
from codex_core.command_line.options import CONFIG

_VARIABLE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


def problem_with_pair(text: str) -> str | None:
    """What is wrong with the value of `--env`."""
    name, equals, _ = text.partition("=")
    return None if equals and name.strip() else "environment entries must be in KEY=VALUE form"


def is_variable_name(text: str) -> bool:
    """Whether it can be the name of an environment variable."""
    return bool(text) and not text[0].isdigit() and _VARIABLE_CHARACTERS.issuperset(text)


NAME = Argument("NAME", key="name", is_required=True, help="Name of the server: letters, digits, - and _")
JSON = Option("--json", key="json", help="Print JSON, for scripts; it has secrets in clear")
ENV = Option(
    "--env",
    key="env",
    value="KEY=VALUE",
    is_repeatable=True,
    problem_with=problem_with_pair,
    conflicts=("url",),
    help="Variable for the program; repeatable",
)
URL = Option("--url", key="url", value="URL", help="Where a server that speaks streamable HTTP is reached")
BEARER = Option(
    "--bearer-token-env-var",
    key="bearer_token_env_var",
    value="ENV_VAR",
    help="Name of the environment variable with the token for --url",
)

LIST = Command(
    "list",
    summary="List the configured servers",
    options=(JSON, CONFIG),
    run="codex_cli.mcp_servers:list_servers",
)
GET = Command(
    "get",
    summary="Show one configured server",
    options=(JSON, CONFIG),
    arguments=(NAME,),
    run="codex_cli.mcp_servers:show_server",
)
ADD = Command(
    "add",
    summary="Add a server, or replace the one of that name",
    about="Add a server to config.toml, or replace the one of that name: a program that is started and "
    "spoken to over its stdin and stdout, or with --url one that speaks streamable HTTP.",
    options=(ENV, URL, BEARER, CONFIG),
    arguments=(
        NAME,
        Argument("COMMAND", key="command", is_trailing=True, help="The program and its arguments"),
    ),
    run="codex_cli.mcp_servers:add_server",
    examples=(
        ("codex mcp add docs --env TOPIC=python -- docs-server --port 4000", "a program"),
        ("codex mcp add far --url https://mcp.example.com/mcp", "a server somewhere else"),
    ),
)
REMOVE = Command(
    "remove",
    summary="Remove a server",
    options=(CONFIG,),
    arguments=(NAME,),
    run="codex_cli.mcp_servers:remove_server",
)

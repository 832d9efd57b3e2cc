"""The commands of `codex`: what they take, and which module runs them (spec: config-cli.md section 2).

The definitions of the front ends come from their distributions. What runs is imported when it runs.
"""

from __future__ import annotations

import sys

from codex_chatgpt.cli import APPLY
from codex_cli import __version__
from codex_cli import sessions_options as sessions
from codex_cli.config_options import CONFIG_COMMAND
from codex_cli.doctor.options import DOCTOR
from codex_cli.login_options import LOGIN, LOGOUT
from codex_cli.mcp_check import CHECK
from codex_cli.mcp_options import ADD, GET, LIST, REMOVE
from codex_cli.sandbox_options import DEBUG, SANDBOX
from codex_core.command_line.grammar import Argument, Command, Option
from codex_core.command_line.options import CONFIG
from codex_core.command_line.parser import OVERRIDES_KEY, parse
from codex_core.command_line.program import answered, run_invocation, write_line
from codex_exec.cli import EXEC, PROTO
from codex_exec.cli import FORK as EXEC_FORK
from codex_exec.cli import RESUME as EXEC_RESUME
from codex_exec.cli import REVIEW as EXEC_REVIEW
from codex_mcp_server.cli import SERVE
from codex_tui.cli import FORK, RESUME, TUI
from codex_tui.cli import OPTIONS as TUI_OPTIONS
from codex_tui.cli import PROMPT as TUI_PROMPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_core.command_line.parser import Invocation, Level

MCP = Command(
    "mcp",
    summary="Be an MCP server, or manage those the agent uses",
    about="Be an MCP server on stdin and stdout (also without a command), or manage the servers the agent "
    "uses, which are in config.toml.",
    options=(CONFIG,),
    commands=(SERVE, LIST, GET, ADD, REMOVE, CHECK),
    run=SERVE.run,
    examples=(
        ("codex mcp add docs -- docs-server --port 4000", "let the agent use it"),
        ("codex mcp list --json", "for scripts"),
    ),
)
COMPLETION = Command(
    "completion",
    summary="Print a script that completes commands in your shell",
    about="Print a script that makes your shell complete commands, options and values of codex.",
    options=(CONFIG,),
    arguments=(
        Argument(
            "SHELL",
            key="shell",
            choices=("bash", "elvish", "fish", "powershell", "zsh"),
            help="The shell (default: bash)",
        ),
    ),
    run="codex_cli.completion.command:run_completion",
    examples=(
        ('eval "$(codex completion bash)"', "in ~/.bashrc"),
        ("codex completion zsh > ~/.zfunc/_codex", "with ~/.zfunc in fpath, before compinit"),
        ("codex completion fish > ~/.config/fish/completions/codex.fish", "read at the next start"),
    ),
)
GENERATE_TS = Command(
    "generate-ts",
    summary="Write TypeScript declarations of the editor protocol",
    about="Write TypeScript declarations of the editor protocol, one file per type.",
    options=(
        Option(
            "-o",
            "--out",
            key="out",
            value="DIR",
            is_required=True,
            completes="directory",
            help="Where to; made if missing",
        ),
        Option(
            "-p",
            "--prettier",
            key="prettier",
            value="PRETTIER_BIN",
            completes="file",
            help="Formatter to run on the files",
        ),
        CONFIG,
    ),
    run="codex_cli.generate_ts:run_generate_ts",
    is_hidden=True,
)
RESERVED = (
    "features",
    "cloud",
    "update",
    "app-server",
)
"""Commands of later releases that this one does not have: said so, and not taken as a prompt."""

ROOT = Command(
    "codex",
    summary="A coding agent that lives in your terminal",
    about="Codex: a coding agent that lives in your terminal. Without a command it opens the terminal app.",
    options=TUI_OPTIONS,
    arguments=(TUI_PROMPT,),
    commands=(
        EXEC,
        EXEC_REVIEW,
        RESUME,
        FORK,
        LOGIN,
        LOGOUT,
        sessions.GROUP,
        *(sessions.alone(each) for each in (sessions.ARCHIVE, sessions.UNARCHIVE, sessions.DELETE)),
        MCP,
        APPLY,
        SANDBOX,
        CONFIG_COMMAND,
        DOCTOR,
        DEBUG,
        PROTO,
        COMPLETION,
        GENERATE_TS,
        Command("mcp-server", summary=SERVE.summary, options=SERVE.options, run=SERVE.run, is_hidden=True),
        *(
            Command(name, summary="Not part of this version", is_hidden=True, is_reserved=True)
            for name in RESERVED
        ),
    ),
    run=TUI.run,
    version=f"codex-cli {__version__}",
    examples=(
        ('codex exec --demo "show me around"', "try it: no key, no network"),
        ('codex "explain this repository"', "the terminal app, with a first message"),
        ('codex exec --full-auto "make the tests pass"', "one headless run"),
        ("codex resume --last", "go on where you were"),
    ),
)


def run_command_line(arguments: Sequence[str]) -> int:
    """Runs `codex` with these arguments and returns the exit code."""

    def run() -> int:
        invocation = parse((ROOT,), arguments)
        for line in ineffective(invocation):
            write_line(f"warning: {line}", sys.stderr)
        return run_invocation(invocation)

    return answered(run)


def ineffective(invocation: Invocation) -> list[str]:
    """What stands before a command that cannot use it, a sentence each."""
    told: list[str] = []
    for outer, inner in zip(invocation.levels, invocation.levels[1:], strict=False):
        taken = {OVERRIDES_KEY, *_inherited(outer, inner.command)}
        labels = {option.key: option.names[-1] for option in outer.command.options}
        labels |= {argument.key: outer.text(argument.key) or "" for argument in outer.command.arguments}
        told += [
            f"'{labels[key]}' has no effect before '{inner.command.name}'"
            for key in outer.values
            if key not in taken
        ]
    return told


def _inherited(outer: Level, command: Command) -> Iterable[str]:
    """What a command takes from the level before it."""
    if command is EXEC_REVIEW:
        return (*(option.key for option in EXEC_REVIEW.options), "search")
    if command in (EXEC_RESUME, EXEC_FORK, RESUME, FORK) or outer.command is SANDBOX:
        return outer.values
    if command is PROTO:
        return ("demo",)
    if command is not EXEC:
        return ()
    # `exec` never asks, so that policy is what it does anyway.
    silent = ("approval",) if outer.text("approval") == "never" else ()
    return (*(option.key for option in EXEC.options), "prompt", "search", *silent)

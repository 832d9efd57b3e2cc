"""The commands of `codex`: a table of names; a command's module is imported only when it runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its names, one line of help, and who runs it."""

    names: tuple[str, ...]
    summary: str
    run: Callable[[Sequence[str], Sequence[str]], int]
    """Gets the arguments behind the name and the `-c` overrides before it; returns the exit code."""
    hidden: bool = False
    """Whether help leaves it out."""


def _exec(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    from codex_exec.cli import run_command_line

    return run_command_line(arguments, program="codex exec", overrides=overrides)


def _login(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    from codex_cli.login import run_login

    return run_login(arguments, overrides)


def _logout(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    from codex_cli.login import run_logout

    return run_logout(arguments, overrides)


def _debug(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    from codex_cli.debug import run_debug

    return run_debug(arguments, overrides)


def _sandbox(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    from codex_cli.sandbox import run_sandbox

    return run_sandbox(arguments, overrides)


def _generate_ts(arguments: Sequence[str], overrides: Sequence[str]) -> int:  # noqa: ARG001
    from codex_cli.generate_ts import run_generate_ts

    return run_generate_ts(arguments)


def _help(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    if not arguments:
        print(help_page())
        return 0
    command = _find(arguments[0])
    if command is None:
        return unrecognized(arguments[0], [name for command in COMMANDS for name in command.names])
    if command.run is _help:
        return _help((), overrides)
    return command.run([*arguments[1:], "--help"], overrides)


COMMANDS = (
    Command(("exec", "e"), "Run the agent once, without a terminal: for scripts and CI", _exec),
    Command(("login",), "Store an API key, or say how you are logged in (login status)", _login),
    Command(("logout",), "Remove the stored credentials", _logout),
    Command(("sandbox",), "Run a command in the sandbox, or prove the sandbox", _sandbox),
    Command(("debug",), "Look behind: the sandbox, and decisions about commands", _debug),
    Command(
        ("generate-ts",), "Write TypeScript declarations of the editor protocol", _generate_ts, hidden=True
    ),
    Command(("help",), "Print help, or the help of a command", _help),
)


COMING = ("resume", "mcp", "proto", "p", "completion", "apply", "a")
"""Commands of the reference that a coming version brings."""


def run_command_line(arguments: Sequence[str]) -> int:
    """Runs `codex` with these arguments and returns the exit code."""
    overrides, rest = split_overrides(arguments)
    if rest is None:
        return usage_error("a value is required for '--config <key=value>' but none was supplied")
    if not rest:
        print(
            'The interactive app is not part of this version. Run `codex exec "your request"`, or '
            '`codex exec --demo "show me around"`, which needs no key.',
            file=sys.stderr,
        )
        return 1
    name = rest[0]
    if name in ("-h", "--help"):
        print(help_page())
        return 0
    if name in ("-V", "--version"):
        from codex_cli import __version__

        print(f"codex-cli {__version__}")
        return 0
    command = _find(name)
    if command is None:
        if name.startswith("-"):
            return usage_error(f"unexpected argument '{name}' found")
        if name in COMING:
            return usage_error(f"`codex {name}` is not part of this version")
        if " " in name:
            return usage_error(
                'the interactive app is not part of this version; for one request: codex exec "…"'
            )
        return unrecognized(name, [each for command in COMMANDS for each in command.names])
    return command.run(rest[1:], overrides)


def split_overrides(arguments: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """The `-c` values at the front, and what follows them; None if the last one has no value."""
    overrides: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest[0]
        if word in ("-c", "--config"):
            if len(rest) < 2:
                return overrides, None
            overrides.append(rest[1])
            del rest[:2]
        elif word.startswith("--config="):
            overrides.append(word.removeprefix("--config="))
            del rest[0]
        elif word.startswith("-c") and not word.startswith("--"):
            overrides.append(word[2:].removeprefix("="))
            del rest[0]
        else:
            break
    return overrides, rest


def usage_error(message: str) -> int:
    """Says what is wrong with the command line (spec: config-cli.md section 4)."""
    from codex_exec.usage import refuse

    return refuse(message, sys.stderr)


def unrecognized(name: str, known: Sequence[str]) -> int:
    """Says that there is no such command, and which one may have been meant."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    tip = f"\n\n  tip: a similar subcommand exists: '{close[0]}'" if close else ""
    return usage_error(f"unrecognized subcommand '{name}'{tip}")


def help_page() -> str:
    """The help of `codex` itself."""
    shown = [(", ".join(command.names), command.summary) for command in COMMANDS if not command.hidden]
    width = max(len(names) for names, _ in shown)
    rows = [f"  {names:<{width}}  {summary}" for names, summary in shown]
    return "\n".join(
        [
            "Codex: a coding agent that lives in your terminal.",
            "",
            "Usage: codex [OPTIONS] <COMMAND> [ARGS]",
            "",
            "Commands:",
            *rows,
            "",
            "Options:",
            "  -c, --config <key=value>  Override one configuration value; repeatable",
            "  -h, --help                Print help",
            "  -V, --version             Print the version",
            "",
            'Try it without a key or network: codex exec --demo "show me around"',
        ]
    )


def _find(name: str) -> Command | None:
    return next((command for command in COMMANDS if name in command.names), None)

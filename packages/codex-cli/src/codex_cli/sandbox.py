"""`codex sandbox`: run any command in the sandbox, say what the sandbox comes to, or prove it here."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codex_cli.debug import NO_COMMAND, Overrides, Trailing
from codex_core.execution.sandbox import Isolation, SandboxType, platform_sandbox
from codex_exec.lean_typer import TrailingCommand, new_app, split_options
from codex_exec.usage import usage_error
from codex_protocol.config_types import SandboxMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Platform(StrEnum):
    """Whose sandbox is meant."""

    LINUX = "linux"
    MACOS = "macos"


_SANDBOXES = {Platform.LINUX: SandboxType.LINUX_SECCOMP, Platform.MACOS: SandboxType.MACOS_SEATBELT}


class _SandboxCommand(TrailingCommand):
    """Takes the name of a platform before the command line."""

    def split(self, args: list[str], parameters: list[Any]) -> tuple[list[str], list[str]]:
        own, rest = split_options(args, parameters)
        if rest and rest[0] in list(Platform):
            more, behind = split_options(rest[1:], parameters)
            own, rest = [*own, "--platform", rest[0], *more], behind
        return own, rest[1:] if rest[:1] == ["--"] else rest


def run_sandbox(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    """Becomes the confined command; returns the exit code where none was started."""
    app, command = new_app(_SandboxCommand)
    outcome: list[int] = []

    @command(help=_HELP, epilog=_EPILOG)
    def sandbox(
        words: Trailing = None,
        mode: Annotated[
            SandboxMode | None,
            typer.Option(
                "-s",
                "--sandbox",
                metavar="SANDBOX_MODE",
                help="read-only (the default), workspace-write or danger-full-access.",
            ),
        ] = None,
        full_auto: Annotated[
            bool, typer.Option("--full-auto", help="The same as -s workspace-write.")
        ] = False,
        add_dir: Annotated[
            list[str] | None,
            typer.Option("--add-dir", metavar="DIR", help="Let it write there too; repeatable."),
        ] = None,
        network: Annotated[bool, typer.Option("--network", help="Let it use the network.")] = False,
        cd: Annotated[
            str | None,
            typer.Option("-C", "--cd", metavar="DIR", help="Directory to work in (default: this one)."),
        ] = None,
        isolation: Annotated[
            Isolation | None,
            typer.Option(
                "--isolation",
                metavar="KIND",
                help="landlock (the default), namespaces, or auto: namespaces where the kernel allows them.",
            ),
        ] = None,
        config: Overrides = None,
        explain: Annotated[
            bool, typer.Option("--explain", help="Say what may be written and reached; run nothing.")
        ] = False,
        self_test: Annotated[
            bool,
            typer.Option("--self-test", help="Try on this machine what is refused and possible; report."),
        ] = False,
        json: Annotated[bool, typer.Option("--json", help="With --self-test: report as JSON.")] = False,
        platform: Annotated[Platform | None, typer.Option("--platform", hidden=True)] = None,
    ) -> None:
        from codex_cli import confined
        from codex_core.config.config import ConfigFlags

        given = {
            "--sandbox <SANDBOX_MODE>": mode is not None,
            "--full-auto": full_auto,
            "--add-dir <DIR>": bool(add_dir),
            "--network": network,
            "--cd <DIR>": cd is not None,
            "--explain": explain,
        }
        _check_combination(given, words or (), mode=mode, self_test=self_test, json=json)
        kind = platform_sandbox() if platform is None else _SANDBOXES[platform]
        if self_test:
            options = [] if isolation is None else ["--isolation", isolation.value]
            outcome.append(confined.run_self_test([*options, *(["--json"] if json else [])], sandbox=kind))
            return
        for directory in add_dir or ():
            _require_directory(directory, cd)
        flags = ConfigFlags(
            sandbox_mode=SandboxMode.WORKSPACE_WRITE if full_auto else mode or SandboxMode.READ_ONLY,
            cwd=cd,
            add_dirs=tuple(add_dir or ()),
            network_access=network,
            sandbox_isolation=isolation,
        )
        merged = (*overrides, *(config or ()))
        if explain:
            outcome.append(confined.run_explain(sandbox=kind, flags=flags, overrides=merged))
        else:
            outcome.append(
                confined.run_confined(tuple(words or ()), sandbox=kind, flags=flags, overrides=merged)
            )

    try:
        app(list(arguments), prog_name="codex sandbox [linux|macos]", standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    return outcome[0] if outcome else 0


def _check_combination(
    given: Mapping[str, bool],
    words: Sequence[str],
    *,
    mode: SandboxMode | None,
    self_test: bool,
    json: bool,
) -> None:
    """Nothing that was said is ignored in silence: what cannot count is an error."""
    if self_test:
        for other, is_given in given.items():
            if is_given:
                raise typer.BadParameter(f"the argument '--self-test' cannot be used with '{other}'")
    elif json:
        raise typer.BadParameter("the argument '--json' needs '--self-test'")
    if self_test or given["--explain"]:
        if words:
            raise typer.BadParameter(f"unexpected argument '{words[0]}' found")
    elif not words:
        raise typer.BadParameter(NO_COMMAND)
    if given["--full-auto"] and mode is not None:
        raise typer.BadParameter("the argument '--full-auto' cannot be used with '--sandbox <SANDBOX_MODE>'")
    if not given["--full-auto"] and mode is not SandboxMode.WORKSPACE_WRITE:
        for argument in ("--add-dir <DIR>", "--network"):
            if given[argument]:
                raise typer.BadParameter(f"the argument '{argument}' needs '--sandbox workspace-write'")


def _require_directory(directory: str, cwd: str | None) -> None:
    """The helper leaves out a root it cannot open, and JSON has no bytes but UTF-8: better said here."""
    problem = "it is not a directory"
    if os.path.isdir(os.path.join(cwd or "", directory)):
        try:
            directory.encode()
            return
        except UnicodeEncodeError:
            problem = "its name is not UTF-8"
    raise typer.BadParameter(f"invalid value {directory!r} for '--add-dir <DIR>': {problem}")


_HELP = """Run a command in the sandbox, with the environment that commands of the agent get.

Without --sandbox it may write nothing and has no network. With workspace-write it may write in this
directory and for temporary files, and where [sandbox_workspace_write] says. A configured sandbox_mode does
not count here.

The exit code is the command's: 127 if there is no such program, 101 if the sandbox could not be set up and
nothing was run."""

_EPILOG = "Example: codex sandbox -s workspace-write --network -- make test"

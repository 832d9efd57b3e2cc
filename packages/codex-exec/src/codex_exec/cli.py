"""The command line of `codex exec` and `codex-exec`, defined once (spec: config-cli.md section 3)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from codex_exec.lean_typer import new_app
from codex_exec.options import Color, ExecOptions
from codex_protocol.config_types import SandboxMode  # noqa: TC001 - typer reads the annotation

if TYPE_CHECKING:
    from collections.abc import Sequence

_RULES = "Run"
_OUTPUT = "Output"


def run_command_line(
    arguments: Sequence[str], *, program: str = "codex-exec", overrides: Sequence[str] = ()
) -> int:
    """Parses `arguments`, runs, and returns the exit code: 0 done, 1 failed, 2 wrong usage.

    `overrides` are `-c` values given before the command; those in `arguments` come after them.
    """
    from codex_exec.usage import refuse, usage_error

    app, command = new_app()
    parsed: list[ExecOptions | None] = []

    @command(help=_HELP, epilog=_EPILOG)
    def exec_command(
        prompt: Annotated[
            str | None,
            typer.Argument(metavar="PROMPT", help="What to do; left out or `-`: read it from stdin."),
        ] = None,
        image: Annotated[
            list[str] | None,
            typer.Option(
                "-i", "--image", metavar="FILE", help="Image to send along; repeat it or use commas."
            ),
        ] = None,
        config: Annotated[
            list[str] | None,
            typer.Option(
                "-c", "--config", metavar="key=value", help="Override one configuration value; repeatable."
            ),
        ] = None,
        model: Annotated[
            str | None, typer.Option("-m", "--model", metavar="MODEL", help="Model to ask.")
        ] = None,
        profile: Annotated[
            str | None,
            typer.Option(
                "-p", "--profile", metavar="CONFIG_PROFILE", help="Use this profile of config.toml."
            ),
        ] = None,
        sandbox: Annotated[
            SandboxMode | None,
            typer.Option(
                "-s",
                "--sandbox",
                metavar="SANDBOX_MODE",
                help="read-only (the default), workspace-write or danger-full-access.",
            ),
        ] = None,
        cd: Annotated[
            str | None,
            typer.Option("-C", "--cd", metavar="DIR", help="Directory to work in (default: this one)."),
        ] = None,
        full_auto: Annotated[
            bool,
            typer.Option(
                "--full-auto",
                help="Let commands write in the workspace and in temporary directories: -s workspace-write.",
            ),
        ] = False,
        bypass: Annotated[
            bool,
            typer.Option(
                "--dangerously-bypass-approvals-and-sandbox",
                help="No sandbox at all. Only where the machine itself is one.",
            ),
        ] = False,
        yolo: Annotated[bool, typer.Option("--yolo", hidden=True)] = False,
        demo: Annotated[
            bool,
            typer.Option(
                "--demo", help="Use the scripted offline model: no key, no network, real tools and sandbox."
            ),
        ] = False,
        oss: Annotated[bool, typer.Option("--oss", help="Use a local open-weight model (Ollama).")] = False,
        skip_git_repo_check: Annotated[
            bool, typer.Option("--skip-git-repo-check", help="Also run outside a git repository.")
        ] = False,
        color: Annotated[
            Color, typer.Option("--color", metavar="COLOR", help="always, never or auto.")
        ] = Color.AUTO,
        json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")] = False,
        output_last_message: Annotated[
            str | None,
            typer.Option(
                "-o", "--output-last-message", metavar="FILE", help="Also write the final answer to FILE."
            ),
        ] = None,
        version: Annotated[bool, typer.Option("-V", "--version", help="Print the version.")] = False,
    ) -> None:
        if full_auto and (bypass or yolo):
            raise typer.BadParameter(
                "the argument '--full-auto' cannot be used with '--dangerously-bypass-approvals-and-sandbox'"
            )
        parsed.append(
            None
            if version
            else ExecOptions(
                prompt=prompt,
                images=tuple(path for value in image or () for path in value.split(",") if path),
                overrides=(*overrides, *(config or ())),
                model=model,
                profile=profile,
                sandbox=sandbox,
                cwd=cd,
                oss=oss,
                demo=demo,
                full_auto=full_auto,
                bypass=bypass or yolo,
                skip_git_repo_check=skip_git_repo_check,
                color=color,
                json=json,
                last_message_file=output_last_message,
            )
        )

    try:
        app(list(arguments), prog_name=program, standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer's own way to say that nobody reads its help
            raise end.__context__ from None
        raise
    if parsed and parsed[0] is not None and parsed[0].prompt in _COMING and "--" not in arguments:
        return refuse(
            f"`{program} {parsed[0].prompt}` is not part of this version; "
            f"if it is your prompt, put `--` in front of it",
            sys.stderr,
        )
    if not parsed:
        return 0  # the parser has printed the help
    if (options := parsed[0]) is None:
        from codex_exec import __version__

        print(f"codex-cli-exec {__version__}")
        return 0
    from codex_exec.run import run

    return run(options)


_COMING = ("resume", "review", "help")
"""Commands below `exec` that users of the reference know."""

_HELP = """Run the agent once, without asking anything, and print what it does.

Commands that the sandbox refuses fail; nothing is ever approved on your behalf."""

_EPILOG = 'Example: codex exec --full-auto "make the tests pass"'

"""What `codex sandbox` and `codex debug` take (spec: config-cli.md sections 3, 7 and 17)."""

from __future__ import annotations

from codex_core.command_line.grammar import DIRECTORY, Argument, Command, Option
from codex_core.command_line.options import CONFIG

_MODES = ("read-only", "workspace-write", "danger-full-access")
_COMMAND = "Program and arguments, taken word for word"

CD = Option(
    "-C", "--cd", key="cd", value="DIR", completes=DIRECTORY, help="Directory to work in (default: this one)"
)
MODE = Option(
    "-s",
    "--sandbox",
    key="sandbox",
    value="SANDBOX_MODE",
    choices=_MODES,
    help="read-only (the default), workspace-write or danger-full-access",
)
FULL_AUTO = Option("--full-auto", key="full_auto", help="The same as -s workspace-write")
ADD_DIR = Option(
    "--add-dir",
    key="add_dir",
    value="DIR",
    is_repeatable=True,
    completes=DIRECTORY,
    help="Let it write there too; repeatable",
)
NETWORK = Option("--network", key="network", help="Let it use the network")
ISOLATION = Option(
    "--isolation",
    key="isolation",
    value="KIND",
    choices=("auto", "namespaces", "landlock"),
    help="auto (the default: namespaces where the kernel allows them), namespaces or landlock",
)
EXPLAIN = Option("--explain", key="explain", help="Say what may be written and reached; run nothing")
SELF_TEST = Option(
    "--self-test", key="self_test", help="Try on this machine what is refused and possible; report"
)
JSON = Option("--json", key="json", help="With --self-test: report as JSON")

_SANDBOX_OPTIONS = (MODE, FULL_AUTO, ADD_DIR, NETWORK, CD, ISOLATION, EXPLAIN, SELF_TEST, JSON, CONFIG)
_SANDBOX_ARGUMENTS = (Argument("COMMAND", key="command", is_trailing=True, help=_COMMAND),)

SANDBOX = Command(
    "sandbox",
    summary="Run a command in the sandbox, or prove the sandbox",
    about="Run a command in the sandbox, with the environment that commands of the agent get.\n\n"
    "Without --sandbox it may write nothing and has no network. With workspace-write it may write in this "
    "directory and for temporary files, and where [sandbox_workspace_write] says. A configured sandbox_mode "
    "does not count here. `codex sandbox linux` and `codex sandbox macos` insist on the sandbox of that "
    "system.\n\n"
    "The exit code is the command's: 127 if there is no such program, 101 if the sandbox could not be set "
    "up and nothing was run.",
    options=_SANDBOX_OPTIONS,
    arguments=_SANDBOX_ARGUMENTS,
    commands=tuple(
        Command(
            name,
            summary=f"Run a command in the sandbox of {system}",
            options=_SANDBOX_OPTIONS,
            arguments=_SANDBOX_ARGUMENTS,
            run="codex_cli.sandbox:run_sandbox",
            is_hidden=True,
        )
        for name, system in (("linux", "Linux"), ("macos", "macOS"))
    ),
    run="codex_cli.sandbox:run_sandbox",
    examples=(
        ("codex sandbox -- make test", "reads everything, writes nothing"),
        ("codex sandbox -s workspace-write --network -- make test", "writes here, has a network"),
        ("codex sandbox --self-test", "what is refused on this machine"),
    ),
)


def _confined(name: str, system: str, target: str) -> Command:
    return Command(
        name,
        summary=f"Run a command in the sandbox of {system}",
        about=f"Run a command in the sandbox of {system}, read-only and without network, with the "
        "environment that commands of the agent get.\n\n"
        "The exit code is the command's: 127 if there is no such program, 101 if the sandbox could not be "
        "set up and nothing was run. A configured sandbox_mode does not count here.",
        options=(
            Option(
                "--full-auto",
                key="full_auto",
                help="Let it write here: workspace-write, as [sandbox_workspace_write] says",
            ),
            CONFIG,
        ),
        arguments=(Argument("COMMAND", key="command", is_required=True, is_trailing=True, help=_COMMAND),),
        run=target,
    )


DEBUG = Command(
    "debug",
    summary="Look behind: the sandbox, and decisions about commands",
    options=(CONFIG,),
    commands=(
        _confined("landlock", "Linux", "codex_cli.sandbox:run_landlock"),
        _confined("seatbelt", "macOS", "codex_cli.sandbox:run_seatbelt"),
        Command(
            "approval",
            summary="Say whether a command would run, be asked about or be refused, and why",
            about="Say how a command reads, which rule judges it, and whether it would run, be asked about "
            "or be refused.\n\n"
            "Nothing is run. The command is what a tool call holds, so a line for the shell is given as: "
            "bash -lc 'LINE'.",
            options=(
                Option(
                    "-a",
                    "--ask-for-approval",
                    key="approval",
                    value="APPROVAL_POLICY",
                    choices=("untrusted", "on-failure", "on-request", "never"),
                    help="untrusted, on-failure, on-request or never (default: as configured)",
                ),
                Option(
                    "-s",
                    "--sandbox",
                    key="sandbox",
                    value="SANDBOX_MODE",
                    choices=_MODES,
                    help="read-only, workspace-write or danger-full-access (default: as configured)",
                ),
                CD,
                Option(
                    "--escalated",
                    key="escalated",
                    help="As if the model had asked to run it without the sandbox",
                ),
                Option(
                    "--approved", key="approved", help="As if it had been approved for the session before"
                ),
                Option("--json", key="json", help="Print one JSON object"),
                CONFIG,
            ),
            arguments=(
                Argument("COMMAND", key="command", is_required=True, is_trailing=True, help=_COMMAND),
            ),
            run="codex_cli.approval:run_approval",
            examples=(("codex debug approval -a untrusted -- bash -lc 'ls | wc -l'", ""),),
        ),
    ),
    is_command_required=True,
)

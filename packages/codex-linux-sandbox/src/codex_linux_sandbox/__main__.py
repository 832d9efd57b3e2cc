"""The command `codex-linux-sandbox`: confines itself as a policy says and becomes the command.

One process, one thread, no fork: what the caller started is what it can wait for and signal.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

NAME = "codex-linux-sandbox"
USAGE_ERROR = 2
CANNOT_CONFINE = 101  # spec: exec-sandbox.md C.2

USAGE = f"Usage: {NAME} [OPTIONS] <SANDBOX_POLICY_CWD> <SANDBOX_POLICY> [--] <COMMAND>..."
HELP = f"""\
Runs one command confined by the Linux kernel (Landlock, seccomp, no new privileges).

{USAGE}

Arguments:
  <SANDBOX_POLICY_CWD>  Directory that workspace-write is about
  <SANDBOX_POLICY>      JSON object; its "mode" is read-only, workspace-write or danger-full-access.
                        workspace-write also takes writable_roots, network_access,
                        exclude_tmpdir_env_var and exclude_slash_tmp
  <COMMAND>...          Program, looked up in PATH inside the sandbox, and its arguments

Options:
      --parent-pid <PID>  End at once if this process is no longer the parent
  -h, --help              Print this help
  -V, --version           Print the version

The exit status is the command's. 2: usage error. {CANNOT_CONFINE}: the policy cannot be enforced here,
nothing was run. 126, 127: the command cannot be executed, was not found.
"""


def main() -> NoReturn:
    """Runs the command line in `sys.argv`; returns to nobody."""
    arguments = sys.argv[1:]
    parent: int | None = None
    while arguments and arguments[0].startswith("-"):
        option, *arguments = arguments
        if option in ("-h", "--help"):
            sys.stdout.write(HELP)
            sys.exit(0)
        if option in ("-V", "--version"):
            from . import __version__

            sys.stdout.write(f"{NAME} {__version__}\n")
            sys.exit(0)
        name, separator, value = option.partition("=")
        if name != "--parent-pid":
            _usage_error(f"unexpected option '{option}'")
        if not separator:
            if not arguments:
                _usage_error("option '--parent-pid' needs a value")
            value, *arguments = arguments
        if not (value.isascii() and value.isdigit()):
            _usage_error(f"invalid value '{value}' for '--parent-pid': expected a process id")
        parent = int(value)
    _run(arguments, parent)


def _run(arguments: list[str], parent: int | None) -> NoReturn:
    from .errors import ConfinementError, PolicyError
    from .policy import parse_policy

    if len(arguments) < 2:
        names = ("<SANDBOX_POLICY_CWD>", "<SANDBOX_POLICY>")[len(arguments) :]
        _usage_error(f"missing {' and '.join(names)}")
    cwd, text, *command = arguments
    if command[:1] == ["--"]:
        del command[0]
    if not cwd:
        _usage_error("invalid value '' for '<SANDBOX_POLICY_CWD>': it must not be empty")
    try:
        policy = parse_policy(text)
    except PolicyError as error:
        _usage_error(f"invalid value '{text}' for '<SANDBOX_POLICY>': {error}")
    if not command:
        _usage_error("missing <COMMAND>")

    from . import launch

    try:
        launch.die_with_parent(parent)
        environment = launch.original_environment()
        if policy.confines:
            from .confinement import confine

            confine(policy, cwd=cwd, tmpdir=os.fsdecode(environment.get(b"TMPDIR", b"")))
    except (ConfinementError, OSError) as error:
        _fail(f"cannot confine the command, so it was not run: {error}", CANNOT_CONFINE)
    failure = launch.execute([os.fsencode(argument) for argument in command], environment)
    _fail(f"cannot run '{command[0]}': {failure.strerror} (os error {failure.errno})", failure.exit_code)


def _usage_error(message: str) -> NoReturn:
    _write(f"error: {message}\n\n{USAGE}\n\nFor more information, try '--help'.\n")
    sys.exit(USAGE_ERROR)


def _fail(message: str, code: int) -> NoReturn:
    _write(f"{NAME}: {message}\n")
    sys.exit(code)


def _write(text: str) -> None:
    """Writes to standard error whatever bytes the command line held, even where standard error is closed."""
    try:
        os.write(2, os.fsencode(text))
    except OSError:
        pass


if __name__ == "__main__":
    main()

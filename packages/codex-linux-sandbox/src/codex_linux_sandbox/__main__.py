"""The command `codex-linux-sandbox`: confines itself as a policy says and becomes the command."""

from __future__ import annotations

import os
import sys

from .isolation import AUTO, DEFAULT_ISOLATION, ISOLATIONS, LANDLOCK, NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .enclosure import Enclosure
    from .policy import SandboxPolicy

NAME = "codex-linux-sandbox"
USAGE_ERROR = 2
CANNOT_CONFINE = 101  # spec: exec-sandbox.md C.2

USAGE = f"Usage: {NAME} [OPTIONS] <SANDBOX_POLICY_CWD> <SANDBOX_POLICY> [--] <COMMAND>..."
EXPLAIN, SELF_TEST, AS_JSON = "--explain", "--self-test", "--json"
OUTLIVE_PARENT = "--outlive-parent"
FLAGS = (EXPLAIN, SELF_TEST, AS_JSON, OUTLIVE_PARENT)
ISOLATION, PARENT_PID, SERVE, SETTINGS = "--isolation", "--parent-pid", "--serve", "--settings"
ENVIRONMENT = "--environment"
VALUED = (ISOLATION, PARENT_PID, SERVE, SETTINGS, ENVIRONMENT)
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
      --isolation <KIND>  auto: namespaces where the kernel allows them, Landlock and seccomp always;
                          namespaces: an error where it does not; landlock: never namespaces
                          [default: {DEFAULT_ISOLATION}]
      --settings <DIR>    Keep this directory read-only below a writable root, as .git, .codex and .agents
                          are; in namespaces only. May be given more than once
      --parent-pid <PID>  End at once if this process is no longer the parent
      --outlive-parent    Go on when the process that started this one ends
      --environment <FD>  Read the command's environment from this descriptor: NAME=VALUE, each ended by a
                          null character. What this program itself is started with may then be empty
      --serve <FD>        Start the commands that the agent at the other end of this socket asks for, each
                          as its own policy says, until that end is closed
      --explain           Say what the policy comes to here, instead of running a command
      --self-test         Try on this machine what is refused and what is possible, and report
      --json              With --self-test: report as JSON
  -h, --help              Print this help
  -V, --version           Print the version

The exit status is the command's. 2: usage error. {CANNOT_CONFINE}: the policy cannot be enforced here,
nothing was run. 126, 127: the command cannot be executed, was not found. --self-test ends with 0 when
everything is as it must be, else with 1.
"""


class _Options:
    """What stands before the arguments."""

    def __init__(self) -> None:
        self.isolation: str | None = None
        self.parent: int | None = None
        self.served: int | None = None
        self.settings: tuple[str, ...] = ()
        self.given: int | None = None
        self.flags: set[str] = set()
        # In a process of the command server:
        self.environment: dict[bytes, bytes] | None = None

    @property
    def kind(self) -> str:
        """The isolation that is asked for."""
        return self.isolation or DEFAULT_ISOLATION


class _CommandLine:
    """What stands after the options: the policy, what it is about, and the command."""

    def __init__(self, cwd: str, policy: SandboxPolicy, command: list[str]) -> None:
        self.cwd = cwd
        self.policy = policy
        self.command = command


def main() -> NoReturn:
    """Runs the command line in `sys.argv`; returns to nobody."""
    _main(sys.argv[1:], _Options())


def run(arguments: list[str], environment: dict[bytes, bytes]) -> NoReturn:
    """As `main`, in a process forked for one command, which gets `environment`. See `server`."""
    options = _Options()
    options.environment = environment
    _main(arguments, options)


def run_enclosed(
    enclosure: Enclosure, command: list[bytes], environment: dict[bytes, bytes], *, is_confined: bool
) -> NoReturn:
    """Becomes `command`, in a process forked for it, confined as `enclosure` says unless it is already."""
    from .errors import ConfinementError

    if not command:
        _usage_error("missing <COMMAND>")
    try:
        if not is_confined:
            enclosure.confine()
    except (ConfinementError, OSError) as error:
        _cannot_confine(error)
    _become(command, environment)


def enclosure_for(arguments: list[str], environment: dict[bytes, bytes]) -> Enclosure | None:
    """What is ready for these arguments and others like them; see `enclosure`.

    None when the arguments ask for nothing that could be. Raises: ConfinementError, OSError, and SystemExit
    for arguments that are wrong.
    """
    options = _Options()
    line = _read(_read_options(arguments, options), options)
    if options.flags - {OUTLIVE_PARENT} or not line.policy.confines or not os.path.isabs(line.cwd):
        return None
    from .enclosure import Enclosure
    from .errors import ConfinementError
    from .namespaces import NamespacesError

    def make(*, in_namespaces: bool) -> Enclosure:
        tmpdir = os.fsdecode(environment.get(b"TMPDIR", b""))
        return Enclosure(
            line.policy,
            cwd=line.cwd,
            tmpdir=tmpdir,
            settings=options.settings,
            in_namespaces=in_namespaces,
        )

    if options.kind == LANDLOCK:
        return make(in_namespaces=False)
    try:
        return make(in_namespaces=True)
    except NamespacesError as error:
        if options.kind == NAMESPACES:
            raise ConfinementError(str(error)) from error
        return make(in_namespaces=False)


def _main(arguments: list[str], options: _Options) -> NoReturn:
    arguments = _read_options(arguments, options)
    if SELF_TEST in options.flags:
        _self_test(arguments, options)
    _run(arguments, options)


def _read_options(arguments: list[str], options: _Options) -> list[str]:
    """Reads what stands in front; the arguments left."""
    while arguments and arguments[0].startswith("-"):
        option, *arguments = arguments
        if option in ("-h", "--help"):
            sys.stdout.write(HELP)
            sys.exit(0)
        if option in ("-V", "--version"):
            from . import __version__

            sys.stdout.write(f"{NAME} {__version__}\n")
            sys.exit(0)
        if option in FLAGS:
            options.flags.add(option)
        else:
            arguments = _valued_option(option, arguments, options)
        if options.served is not None:
            _serve(options.served)
    return arguments


def _valued_option(option: str, arguments: list[str], options: _Options) -> list[str]:
    """Reads an option that takes a value, which may be the next argument; the arguments left."""
    name, separator, value = option.partition("=")
    if name not in VALUED:
        _usage_error(f"unexpected option '{option}'")
    if not separator:
        if not arguments:
            _usage_error(f"option '{name}' needs a value")
        value, *arguments = arguments
    if name == ISOLATION:
        if value not in ISOLATIONS:
            _usage_error(
                f"invalid value '{value}' for '--isolation': expected one of {', '.join(ISOLATIONS)}"
            )
        options.isolation = value
        return arguments
    if name == SETTINGS:
        options.settings = (*options.settings, os.path.join(os.getcwd(), value))
        return arguments
    if not (value.isascii() and value.isdigit()):
        what = "process id" if name == PARENT_PID else "descriptor"
        _usage_error(f"invalid value '{value}' for '{name}': expected a {what}")
    if name == PARENT_PID:
        options.parent = int(value)
    elif name == ENVIRONMENT:
        options.given = int(value)
    else:
        options.served = int(value)
    return arguments


def _read(arguments: list[str], options: _Options) -> _CommandLine:
    from .errors import PolicyError
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
    if not command and EXPLAIN not in options.flags:
        _usage_error("missing <COMMAND>")
    return _CommandLine(cwd, policy, command)


def _run(arguments: list[str], options: _Options) -> NoReturn:
    from . import launch
    from .errors import ConfinementError

    line = _read(arguments, options)
    policy, command = line.policy, line.command
    if EXPLAIN in options.flags:
        from .explain import explain

        given = options.environment or (
            os.environb if options.given is None else launch.read_environment(options.given)
        )
        tmpdir = os.fsdecode(given.get(b"TMPDIR", b""))
        sys.stdout.write(
            explain(policy, cwd=line.cwd, tmpdir=tmpdir, isolation=options.kind, settings=options.settings)
        )
        sys.exit(0)

    if sys.platform != "linux":
        _fail("cannot confine the command, so it was not run: this is not Linux", CANNOT_CONFINE)

    try:
        if options.environment is None:
            if OUTLIVE_PARENT not in options.flags:
                launch.die_with_parent(options.parent)
            if options.given is not None:
                environment = launch.read_environment(options.given)
            else:
                environment = launch.original_environment()
        else:  # bound to its parent already
            environment = options.environment
        if policy.confines:
            from .confinement import confine_command

            tmpdir = os.fsdecode(environment.get(b"TMPDIR", b""))
            confine_command(
                policy,
                cwd=line.cwd,
                tmpdir=tmpdir,
                isolation=options.kind,
                settings=options.settings,
                outlives_parent=OUTLIVE_PARENT in options.flags,
            )
    except (ConfinementError, OSError) as error:
        _cannot_confine(error)
    _become([os.fsencode(argument) for argument in command], environment)


def _cannot_confine(error: Exception) -> NoReturn:
    reason = str(error)
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    _fail(f"cannot confine the command, so it was not run: {reason}", CANNOT_CONFINE)


def _become(command: list[bytes], environment: dict[bytes, bytes]) -> NoReturn:
    from . import launch

    failure = launch.execute(command, environment)
    program = os.fsdecode(command[0])
    _fail(f"cannot run '{program}': {failure.strerror} (os error {failure.errno})", failure.exit_code)


def _serve(descriptor: int) -> NoReturn:
    if sys.platform != "linux":
        _fail("commands are served on Linux only", CANNOT_CONFINE)

    from .server import serve

    try:
        serve(descriptor, run, run_enclosed, enclosure_for)
    except OSError as error:
        _fail(f"cannot serve commands: {error.strerror} (os error {error.errno})", CANNOT_CONFINE)


def _self_test(arguments: list[str], options: _Options) -> NoReturn:
    from .errors import ConfinementError
    from .selftest import run_self_test

    if arguments:
        _usage_error(f"unexpected argument '{arguments[0]}'")
    try:
        report, is_as_it_must = run_self_test(options.isolation or AUTO, as_json=AS_JSON in options.flags)
    except ConfinementError as error:
        _fail(f"commands cannot be confined here: {error}", CANNOT_CONFINE)
    sys.stdout.write(report)
    sys.exit(not is_as_it_must)


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

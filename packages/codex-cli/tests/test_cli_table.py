"""Every command and every flag of the specification, each with each (spec: config-cli.md sections 2-4).

What a command takes is written here as the specification has it, and once more what ours takes besides; all
other flags must be refused.
"""

from __future__ import annotations

import pytest

from codex_cli.commands import ROOT, run_command_line
from codex_core.command_line.parser import Asked, Invocation, parse
from codex_core.command_line.usage import UsageError

# Flags by their long name: short one, name of the value (empty: a switch), a good value.
FLAGS = {
    "--config": ("-c", "key=value", "a=1"),
    "--image": ("-i", "FILE", "a.png"),
    "--model": ("-m", "MODEL", "m"),
    "--oss": ("", "", ""),
    "--profile": ("-p", "CONFIG_PROFILE", "p"),
    "--sandbox": ("-s", "SANDBOX_MODE", "read-only"),
    "--ask-for-approval": ("-a", "APPROVAL_POLICY", "never"),
    "--full-auto": ("", "", ""),
    "--dangerously-bypass-approvals-and-sandbox": ("", "", ""),
    "--yolo": ("", "", ""),
    "--cd": ("-C", "DIR", "/"),
    "--search": ("", "", ""),
    "--last": ("", "", ""),
    "--skip-git-repo-check": ("", "", ""),
    "--color": ("", "COLOR", "auto"),
    "--json": ("", "", ""),
    "--output-last-message": ("", "LAST_MESSAGE_FILE", "f"),
    "--api-key": ("", "API_KEY", "k"),
    "--env": ("", "KEY=VALUE", "K=V"),
    "--out": ("-o", "DIR", "d"),
    "--prettier": ("-p", "PRETTIER_BIN", "b"),
}
REPEATABLE = {"--config", "--image", "--env"}
LABELS = {"--image": "--image <FILE>...", "--yolo": "--dangerously-bypass-approvals-and-sandbox"}

_COMMON = {"--image", "--model", "--oss", "--profile", "--sandbox", "--full-auto", "--cd", "--yolo"}
_COMMON |= {"--dangerously-bypass-approvals-and-sandbox"}
_ROOT = _COMMON | {"--ask-for-approval", "--search"}
_EXEC = _COMMON | {"--skip-git-repo-check", "--color", "--json", "--output-last-message"}

# Command: words it needs behind its options, its flags besides `-c`, and those only ours has.
COMMANDS: dict[str, tuple[list[str], set[str], set[str]]] = {
    "": ([], _ROOT, set()),
    "exec": ([], _EXEC, set()),
    "e": ([], _EXEC, set()),
    "exec resume": ([], {"--last"}, _EXEC),
    "resume": ([], _ROOT | {"--last"}, set()),
    "login": ([], {"--api-key"}, set()),
    "login status": ([], set(), set()),
    "logout": ([], set(), set()),
    "mcp": ([], set(), set()),
    "mcp serve": ([], set(), set()),
    "mcp list": ([], {"--json"}, set()),
    "mcp get": (["n"], {"--json"}, set()),
    "mcp add": (["n", "--", "cmd"], {"--env"}, set()),
    "mcp remove": (["n"], set(), set()),
    "proto": ([], set(), set()),
    "p": ([], set(), set()),
    "completion": ([], set(), set()),
    "debug landlock": (["--", "true"], {"--full-auto"}, set()),
    "debug seatbelt": (["--", "true"], {"--full-auto"}, set()),
    "apply": (["t"], set(), set()),
    "a": (["t"], set(), set()),
    "generate-ts": ([], {"--out", "--prettier"}, set()),
}
CASES = [(command, flag) for command in COMMANDS for flag in FLAGS]
TAKEN = [
    (command, flag)
    for command, flag in CASES
    if flag in {"--config"} | COMMANDS[command][1] | COMMANDS[command][2]
]


def understood(command: str, arguments: list[str]) -> Invocation:
    """What `codex COMMAND ARGUMENTS` means."""
    return parse((ROOT,), [*command.split(), *arguments])


def required(command: str, flag: str = "") -> list[str]:
    """What the command needs to make sense."""
    return ["--out", "d"] if command == "generate-ts" and flag != "--out" else []


def forms(flag: str) -> list[list[str]]:
    """All ways to write it."""
    short, value_name, value = FLAGS[flag]
    if not value_name:
        return [[flag]]
    long_forms = [[flag, value], [f"{flag}={value}"]]
    return [*long_forms, *([[short, value], [f"{short}{value}"], [f"{short}={value}"]] if short else [])]


@pytest.mark.parametrize(
    ("command", "flag"), CASES, ids=[f"{command or 'codex'} {flag}" for command, flag in CASES]
)
def test_a_flag_is_taken_in_every_form_or_refused_in_every_form(command: str, flag: str) -> None:
    behind, _, _ = COMMANDS[command]
    is_taken = (command, flag) in TAKEN
    found = set()
    for form in forms(flag):
        if not is_taken and not form[0].startswith("--"):
            continue  # the short name may be another flag of this command
        arguments = [*required(command, flag), *form, *behind]
        if is_taken:
            values = understood(command, arguments).inner.values
            found.add(tuple(sorted((key, str(value)) for key, value in values.items())))
        else:
            with pytest.raises(UsageError, match=f"^unexpected argument '{flag}' found$"):
                understood(command, arguments)
    assert len(found) == is_taken, "all forms mean the same"


@pytest.mark.parametrize(
    ("command", "flag"), TAKEN, ids=[f"{command or 'codex'} {flag}" for command, flag in TAKEN]
)
def test_a_flag_twice_or_without_its_value(command: str, flag: str) -> None:
    behind, _, _ = COMMANDS[command]
    _, value_name, value = FLAGS[flag]
    label = LABELS.get(flag, f"{flag} <{value_name}>" if value_name else flag)
    twice = [*required(command, flag), *forms(flag)[0], *forms(flag)[0], *behind]
    if flag in REPEATABLE:
        assert value in str(understood(command, twice).inner.values)
    else:
        with pytest.raises(UsageError) as caught:
            understood(command, twice)
        assert str(caught.value) == f"the argument '{label}' cannot be used multiple times"
    if value_name:
        with pytest.raises(UsageError) as caught:
            understood(command, [*required(command, flag), flag])
        assert str(caught.value).startswith(f"a value is required for '{label}' but none was supplied")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(command: str, flag: str) -> None:
    with pytest.raises(Asked):
        understood(command, [flag])


@pytest.mark.parametrize("command", COMMANDS)
def test_only_three_commands_have_a_version(command: str) -> None:
    if command in ("", "exec", "e", "resume"):
        with pytest.raises(Asked):
            understood(command, ["--version"])
    else:
        with pytest.raises(UsageError, match="unexpected argument '--version' found"):
            understood(command, ["--version"])


@pytest.mark.parametrize("command", COMMANDS)
def test_no_long_option_can_be_abbreviated(command: str) -> None:
    with pytest.raises(UsageError, match="unexpected argument '--conf' found"):
        understood(command, ["--conf", "a=1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-s bogus", "invalid value 'bogus' for '--sandbox <SANDBOX_MODE>'"),
        ("-a bogus", "invalid value 'bogus' for '--ask-for-approval <APPROVAL_POLICY>'"),
        ("exec --color bogus", "invalid value 'bogus' for '--color <COLOR>'"),
        ("completion tcsh", "invalid value 'tcsh' for '[SHELL]'"),
        (
            "mcp add n --env BAD x",
            "invalid value 'BAD' for '--env <KEY=VALUE>': environment entries must be in",
        ),
        ("hi ho", "unexpected argument 'ho' found"),
        ("ex hi", "unexpected argument 'hi' found"),
        ("exec a b", "unexpected argument 'b' found"),
        ("exec resume a b c", "unexpected argument 'c' found"),
        ("resume a b c", "unexpected argument 'c' found"),
        ("logout x", "unexpected argument 'x' found"),
        ("proto x", "unexpected argument 'x' found"),
        ("mcp serve x", "unexpected argument 'x' found"),
        ("mcp get a b", "unexpected argument 'b' found"),
        ("completion bash zsh", "unexpected argument 'zsh' found"),
        ("apply", "the following required arguments were not provided:\n  <TASK_ID>"),
        ("mcp get", "the following required arguments were not provided:\n  <NAME>"),
        ("mcp add", "the following required arguments were not provided:\n  <NAME>"),
        ("mcp remove", "the following required arguments were not provided:\n  <NAME>"),
        ("generate-ts", "the following required arguments were not provided:\n  --out <DIR>"),
        ("mcp bogus", "unrecognized subcommand 'bogus'"),
        ("login bogus", "unrecognized subcommand 'bogus'"),
        ("help bogus", "unrecognized subcommand 'bogus'"),
        ("mcp help bogus", "unrecognized subcommand 'bogus'"),
        ("exec help bogus", "unrecognized subcommand 'bogus'"),
        ("--full-auto --yolo", "the argument '--full-auto' cannot be used with '--dangerously-bypass-"),
        ("exec --full-auto --yolo", "the argument '--full-auto' cannot be used with '--dangerously-bypass-"),
        ("-a never --yolo", "the argument '--ask-for-approval <APPROVAL_POLICY>' cannot be used with"),
        ("login --api-key -foo", "a value is required for '--api-key <API_KEY>' but none was supplied"),
        ("exec -- resume -h", "unexpected argument '-h' found"),
    ],
)
def test_mistakes_have_the_words_of_the_specification(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}")
    assert captured.err.endswith("\n\nFor more information, try '--help'.\n")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("line", "code"), [("--help", 0), ("-h", 0), ("--no-such-flag", 2)])
def test_help_goes_to_stdout_and_mistakes_to_stderr(
    command: str, line: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line([*command.split(), line]) == code
    captured = capsys.readouterr()
    assert (captured.out == "", captured.err == "") == (code == 2, code == 0)
    full = {"e": "exec", "p": "proto", "a": "apply"}.get(command, command)
    assert f"Usage: codex {full}".rstrip() in captured.out + captured.err
    assert max(map(len, captured.out.splitlines()), default=0) <= 80

"""Completion scripts: made from the definitions, and tried in the shells that are here."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codex_cli.commands import ROOT
from codex_cli.completion.command import script
from codex_cli.completion.places import Place, places
from codex_core.testing.pytest_plugin import RunCodex

SHELLS = ("bash", "elvish", "fish", "powershell", "zsh")
COMMANDS = {
    "exec",
    "resume",
    "fork",
    "login",
    "logout",
    "mcp",
    "apply",
    "sandbox",
    "doctor",
    "debug",
    "proto",
    "completion",
}
MODES = {"read-only", "workspace-write", "danger-full-access"}

# What stands there, the last word half typed, and what must be among the answers and what must not.
CASES = [
    ([""], COMMANDS | {"e", "a", "p", "help", "generate-ts"}, {"--model", "features"}),
    (["co"], {"completion"}, {"exec"}),
    (["--"], {"--model", "--full-auto", "--search", "--ask-for-approval"}, {"--yolo", "--json", "exec"}),
    (["exec", "--s"], {"--sandbox", "--skip-git-repo-check"}, {"--search", "--json"}),
    (["e", "--j"], {"--json"}, {"--image"}),
    (["exec", "-s", ""], MODES, {"--json", "resume"}),
    (["exec", "--sandbox", "w"], {"workspace-write"}, {"read-only"}),
    (["-a", "on"], {"on-failure", "on-request"}, {"never"}),
    (["exec", "-m", "resume", "r"], {"resume"}, set()),
    (["-c", "model=x", "mcp", ""], {"serve", "list", "get", "add", "remove", "check"}, {"exec"}),
    (["mcp", "add", "name", "--e"], {"--env"}, {"--url"}),
    (["mcp", "add", "name", "command", "--e"], set(), {"--env"}),
    (["mcp", "list", "--"], {"--json", "--config", "--help"}, {"--env"}),
    (["login", ""], {"status", "help"}, {"exec"}),
    (["help", "m"], {"mcp"}, {"exec"}),
    (["completion", ""], set(SHELLS), {"exec"}),
    (["debug", "l"], {"landlock"}, {"approval"}),
    (["debug", "approval", "-a", "un"], {"untrusted"}, {"never"}),
    (["sandbox", "--is"], {"--isolation"}, {"--sandbox"}),
    (["sandbox", "ls", "--is"], set(), {"--isolation"}),
    (["exec", "--", "r"], set(), {"resume"}),
]
IDS = [" ".join(words) or "nothing" for words, _, _ in CASES]


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def answers(shell: str, source: str, tmp_path: Path, *arguments: str) -> set[str]:
    """What a script prints that loads ours and asks it."""
    (tmp_path / "completion").write_text(script(shell))
    path = tmp_path / "ask"
    path.write_text(source)
    argv = [tool(shell), *arguments, str(path)]
    done = subprocess.run(
        argv,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.splitlines())


def check(found: set[str], present: set[str], absent: set[str]) -> None:
    assert present <= found
    assert not absent & found


BASH = """
source ./completion
COMP_WORDS=(codex {words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_codex
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def bash(words: list[str], tmp_path: Path) -> set[str]:
    return answers("bash", BASH.format(words=shlex.join(words)), tmp_path)


@pytest.mark.parametrize(("words", "present", "absent"), CASES, ids=IDS)
def test_bash_completes(words: list[str], present: set[str], absent: set[str], tmp_path: Path) -> None:
    check(bash(words, tmp_path), present, absent)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["exec", "--sandbox", "=", "w"], {"workspace-write"}),  # as bash parts words by default
        (["exec", "--sandbox", "="], MODES),
        (["exec", "--sandbox=w"], {"--sandbox=workspace-write"}),  # and where `=` is no word break
        (["-c", "model", "=", "x", "completion", "z"], {"zsh"}),
        (["-C", ""], {"inner dir"}),
    ],
)
def test_bash_parts_words_at_equals_signs(words: list[str], expected: set[str], tmp_path: Path) -> None:
    (tmp_path / "inner dir").mkdir()
    assert bash(words, tmp_path) == expected


def test_bash_registers_as_the_reference_does(tmp_path: Path) -> None:
    (line,) = answers("bash", "source ./completion; complete -p codex", tmp_path)
    words = line.split()
    assert words[-3:] == ["-F", "_codex", "codex"]
    assert {"bashdefault", "default", "nosort"} <= set(words)


ZSH = """
compdef() {{ }}
compadd() {{ shift; print -rl -- "$@" }}
compset() {{ words[CURRENT]="${{words[CURRENT]#*=}}" }}
_files() {{ }}
_message() {{ }}
_describe() {{
    local -a described
    described=("${{(@P)@[-1]}}")
    print -rl -- "${{(@)described%%:*}}"
}}
source ./completion
words=(codex {words})
CURRENT=$#words
_codex
"""


@pytest.mark.parametrize(("words", "present", "absent"), CASES, ids=IDS)
def test_zsh_completes(words: list[str], present: set[str], absent: set[str], tmp_path: Path) -> None:
    # zsh itself leaves out what does not begin as the word does.
    found = answers("zsh", ZSH.format(words=shlex.join(words)), tmp_path, "-f")
    check({name for name in found if name.startswith(words[-1])}, present, absent)


@pytest.mark.parametrize(("words", "present", "absent"), CASES, ids=IDS)
def test_fish_completes(words: list[str], present: set[str], absent: set[str], tmp_path: Path) -> None:
    line = " ".join(["codex", *words])
    found = answers(
        "fish", f"source ./completion\ncomplete -C {shlex.quote(line)}\n", tmp_path, "--no-config"
    )
    if words[-1] == "--" or words[-2:] == ["mcp", "add"]:
        found |= {"--help"}
    check({name.partition("\t")[0] for name in found}, present, absent)


ELVISH = """
var edit: = (ns [
    &completion:=(ns [&arg-completer=[&]])
    &complex-candidate~={{|name &display=''| put $name }}
    &complete-filename~={{|@words| nop }}
])
eval (slurp < ./completion) &ns=(ns [&edit:=$edit:])
$edit:completion:arg-completer[codex] codex {words} | each $echo~
"""


@pytest.mark.parametrize(("words", "present", "absent"), CASES, ids=IDS)
def test_elvish_completes(words: list[str], present: set[str], absent: set[str], tmp_path: Path) -> None:
    quoted = " ".join("'" + word.replace("'", "''") + "'" for word in words)
    found = answers("elvish", ELVISH.format(words=quoted), tmp_path)
    check(
        {name for name in found if name.startswith(words[-1])},
        present,
        {a for a in absent if a[:1] != "-" or words[-1]},
    )


POWERSHELL = """
. ./completion.ps1
$line = {line}
(TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches | ForEach-Object {{ $_.CompletionText }}
"""


@pytest.mark.parametrize(("words", "present", "absent"), CASES, ids=IDS)
def test_powershell_completes(words: list[str], present: set[str], absent: set[str], tmp_path: Path) -> None:
    program = tool("pwsh")
    (tmp_path / "completion.ps1").write_text(script("powershell"))
    line = " ".join(["codex", *words]).replace("'", "''")
    (tmp_path / "ask.ps1").write_text(POWERSHELL.format(line=f"'{line}'"))
    argv = [program, "-NoProfile", "-NonInteractive", "-File", "ask.ps1"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True)
    check(set(done.stdout.splitlines()), present, absent)


# -- every script -------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_holds_every_command_option_and_choice(shell: str) -> None:
    text = script(shell)
    for place in places(ROOT):
        assert place.path in text
        for name, _, _ in place.below:
            assert name in text
        for option in place.options:
            for name in option.names:
                assert (
                    f"-l {name[2:]} " if shell == "fish" and name.startswith("--") else name.lstrip("-")
                ) in text
            assert all(choice in text for choice in option.choices)
    assert "--yolo" not in text
    assert "yolo" not in text
    assert "generate-ts" in text


@pytest.mark.parametrize(
    ("shell", "begin"),
    [
        ("bash", "_codex() {"),
        ("zsh", "#compdef codex"),
        ("fish", "function __fish_codex_"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName 'codex'"),
        ("elvish", "set edit:completion:arg-completer[codex] = "),
    ],
)
def test_a_script_has_the_marks_of_its_shell(shell: str, begin: str, run_codex: RunCodex) -> None:
    done = run_codex("completion", shell).check()
    assert begin in done.stdout
    assert done.stderr == ""
    assert "@" not in done.stdout.replace("@(", "").replace("[@]", "").replace('"$@"', "").replace(
        "|@words|", ""
    )
    if shell == "bash":
        assert run_codex("completion").check().stdout == done.stdout


def test_it_needs_no_home_and_no_configuration(run_codex: RunCodex) -> None:
    done = run_codex("completion", "fish", env={"CODEX_HOME": "/nowhere", "HOME": "/nowhere"})
    assert (done.exit_code, done.stderr) == (0, "")


def test_places_of_commands_that_parse_by_themselves_know_their_options() -> None:
    found: dict[str, Place] = {place.path: place for place in places(ROOT)}
    assert "--self-test" in found["codex sandbox"].flags
    assert "--platform" not in found["codex sandbox"].flags
    assert "--network" in found["codex doctor"].flags
    assert {"--ask-for-approval", "--json"} <= set(found["codex debug approval"].flags)
    assert found["codex debug landlock"].after_word == ""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_made_without_anything_heavy(shell: str) -> None:
    source = (
        "import sys; before = set(sys.modules)\n"
        "from codex_cli.commands import run_command_line\n"
        f"run_command_line(['completion', '{shell}'])\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {
        "typer",
        "dataclasses",
        "enum",
        "re",
        "shlex",
        "typing",
        "inspect",
        "subprocess",
        "json",
        "asyncio",
    }
    assert not loaded & heavy

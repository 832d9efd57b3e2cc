"""Ours beside the reference: versions, mistakes and overrides on the command line (spec: config-cli.md 1, 4-6)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from codex_core.testing import ScratchHome, script_path

pytestmark = pytest.mark.reference

# Where ours has another rule, `docs/differences.md` says so, and the line is not here.
MISTAKES = [
    "--bogus",
    "--modl x",
    "-c",
    "-i",
    "-i=a,,b",
    "-s bogus",
    "-a bogus",
    "-m a -m b",
    "--oss --oss",
    "--oss=true",
    "--full-auto --yolo",
    "-a never --yolo",
    "hi ho",
    "exec --bogus",
    "exec -x",
    "exec -a never",
    "exec --search",
    "exec --color",
    "exec --color=x",
    "exec --cd=",
    "exec --json=1",
    "exec a b",
    "exec -- resume -h",
    "exec --full-auto --yolo",
    "exec resume a b c",
    "exec help bogus",
    "resume a b c",
    "resume --last a b",
    "resume --skip-git-repo-check",
    "login bogus",
    "login --bogus status",
    "login status x",
    "login --api-key",
    "logout x",
    "mcp bogus",
    "mcp rmove",
    "mcp --bogus",
    "mcp serve x",
    "mcp list x",
    "mcp list --jsn",
    "mcp get",
    "mcp get a b",
    "mcp add",
    "mcp add a --env BAD x",
    "mcp remove",
    "mcp help bogus",
    "proto x",
    "completion tcsh",
    "completion bash zsh",
    "debug bogus",
    "debug landlock -c",
    "apply",
    "apply -x",
    "apply a b",
    "generate-ts",
    "generate-ts -o",
    "help bogus",
    "help mcp bogus",
    "--version=1",
    "--help=1",
]


def both(
    reference: str, home: ScratchHome, *arguments: str
) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """What ours and the reference did with the same arguments."""

    def run(program: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            env=home.environ(),
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run(script_path("codex")), run(reference)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The sentence about the mistake: everything before the tip, the usage and the hint."""
    return done.stderr.partition("\n\n")[0].splitlines()


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_told_in_the_same_words(reference: str, scratch_home: ScratchHome, line: str) -> None:
    ours, theirs = both(reference, scratch_home, *line.split())
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout) == (2, "")
    if "cannot be used with" in theirs.stderr:  # the two may be named in either order
        assert sorted(told(ours)[0].split()) == sorted(told(theirs)[0].split())
    else:
        assert told(ours) == told(theirs)
    assert ours.stderr.splitlines()[-2:] == theirs.stderr.splitlines()[-2:]
    assert ("\nUsage: " in ours.stderr) == ("\nUsage: " in theirs.stderr)


@pytest.mark.parametrize(
    "line",
    ["--version", "-V", "exec --version", "exec -V", "resume -V", "-c a=1 --version", "-V=1", "exec -Vx"],
)
def test_versions_are_the_same(reference: str, scratch_home: ScratchHome, line: str) -> None:
    ours, theirs = both(reference, scratch_home, *line.split())
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "-h",
        "exec --help",
        "help mcp add",
        "mcp help list",
        "login help status",
        "help help",
        "e -h",
        "help p",
    ],
)
def test_help_goes_where_theirs_goes(reference: str, scratch_home: ScratchHome, line: str) -> None:
    ours, theirs = both(reference, scratch_home, *line.split())
    assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr) == (0, "")
    assert ours.stdout
    assert theirs.stdout


def test_a_group_alone_prints_its_help_on_stderr(reference: str, scratch_home: ScratchHome) -> None:
    ours, theirs = both(reference, scratch_home, "debug")
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout) == (2, "")
    assert "Usage: codex debug [OPTIONS] <COMMAND>" in ours.stderr
    assert "Usage: codex debug [OPTIONS] <COMMAND>" in theirs.stderr


SERVER = 'mcp_servers.{name}={{command="{name}"}}'


@pytest.mark.parametrize(
    ("before", "behind"), [(["a", "b"], []), ([], ["a", "b"])], ids=["all at the root", "all at the command"]
)
def test_overrides_of_one_level_count_as_theirs(
    reference: str, scratch_home: ScratchHome, before: list[str], behind: list[str]
) -> None:
    def given(names: list[str]) -> list[str]:
        return [word for name in names for word in ("-c", SERVER.format(name=name))]

    ours, theirs = both(reference, scratch_home, *given(before), "mcp", "list", "--json", *given(behind))
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    assert [server["name"] for server in json.loads(ours.stdout)] == ["a", "b"]


def test_overrides_of_all_levels_count_where_theirs_are_lost(
    reference: str, scratch_home: ScratchHome
) -> None:
    levels = [word for name in "abc" for word in ("-c", SERVER.format(name=name))]
    line = [*levels[:2], "mcp", *levels[2:4], "list", *levels[4:], "--json"]
    ours, theirs = both(reference, scratch_home, *line)
    assert [server["name"] for server in json.loads(ours.stdout)] == ["a", "b", "c"]
    assert [server["name"] for server in json.loads(theirs.stdout)] == ["c"]


def test_the_last_override_of_a_key_counts(reference: str, scratch_home: ScratchHome) -> None:
    values = [word for command in ("x", "y") for word in ("-c", f'mcp_servers.a={{command="{command}"}}')]
    ours, theirs = both(reference, scratch_home, "mcp", "list", "--json", *values)
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)
    assert json.loads(ours.stdout)[0]["command"] == "y"


@pytest.mark.parametrize(
    "line", ["exec -c bad hi", "login status -c bad", "logout -c =x", "mcp list -c bad", "mcp get -c bad n"]
)
def test_an_override_that_is_none_is_told_in_the_same_words(
    reference: str, scratch_home: ScratchHome, line: str
) -> None:
    ours, theirs = both(reference, scratch_home, *line.split())
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout) == (1, "")
    assert ours.stderr.splitlines()[0] == theirs.stderr.splitlines()[0]


def test_commands_of_the_reference_are_completed(
    reference: str, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    """Whatever its bash script offers at a place, ours offers there too."""
    ask = tmp_path / "ask"
    ask.write_text(
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        '_codex codex "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"\n'
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ours, theirs = both(reference, scratch_home, "completion", "bash")
    for name, done in (("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(done.stdout)

    def offered(name: str, words: list[str]) -> set[str]:
        argv = ["bash", str(ask), str(tmp_path / name), "codex", *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return {word for word in done.stdout.split() if not word.startswith(("<", "["))}

    for place in (
        "",
        "exec",
        "resume",
        "login",
        "logout",
        "mcp",
        "mcp list",
        "mcp add",
        "debug",
        "apply",
        "proto",
    ):
        for half in ("", "-"):
            words = [*place.split(), half]
            missing = {word for word in offered("theirs", words) if word.startswith(half)} - offered(
                "ours", words
            )
            # Theirs offers options where nothing is typed yet, too.
            assert {word for word in missing if half or not word.startswith("-")} == set(), words

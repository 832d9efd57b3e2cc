"""Which scripts are plain, and what their words are."""

from __future__ import annotations

import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.approval import shell_syntax
from codex_core.approval.shell_syntax import (
    Quoting,
    ScriptWord,
    parse_script,
    plain_commands,
    read_plain_script,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECES = [
    *"abc-/.~?*#=,'\"\\ \t\n;|&()<>{}[]!$`@^%+:1é", " && ", " || ", " | ", "; ", "a ", "'a b'", '"a b"', "\r", "\r\n",
    "\\\n", "\\\r\n", "\\ ", "\\$", '\\"', "\x0b", "\u2003", "\u00a0", "then", "if", "time", "in", "$'x'", "=(",
    "[a]", "2>", "<<", "\0", "\ud800",
]  # fmt: skip
SCRIPTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("", []),
        (" \n", []),
        ("ls", [["ls"]]),
        ("a && b || c ; d | e", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("a;b|c&&d", [["a"], ["b"], ["c"], ["d"]]),
        ("a\nb\r\nc\n", [["a"], ["b"], ["c"]]),
        ("ls;", [["ls"]]),
        ("echo 'x y' '' \"x y\"", [["echo", "x y", "", "x y"]]),
        (r'echo "a\"b" "a\$b"', [["echo", r"a\"b", r"a\$b"]]),
        ("echo 'a\nb'", [["echo", "a\nb"]]),
        ("echo *.py a?b ~ ~/x a=b =x a,b a#b ! HEAD^ 12", [
            ["echo", "*.py", "a?b", "~", "~/x", "a=b", "=x", "a,b", "a#b", "!", "HEAD^", "12"]
        ]),
        ("echo ]; echo {; echo }", [["echo", "]"], ["echo", "{"], ["echo", "}"]]),
        (r"echo a\;b", [["echo", r"a\;b"]]),
        (r"ls\ -l", [[r"ls\ -l"]]),
        ("ls \\\n -l", [["ls", "-l"]]),
        ("time ls", [["time", "ls"]]),
    ],
)  # fmt: skip
def test_a_plain_script_is_read_as_words(script: str, commands: list[list[str]]) -> None:
    assert plain_commands(script) == commands


@pytest.mark.parametrize(
    "script",
    [
        "ls &", "ls |& wc", "! ls", "ls;;pwd", "ls &&", "; ls", "ls | | wc", 'echo ""', 'echo "a\nb"', 'echo "$"',
        'echo "$X"', 'echo "`x`"', "echo $'x'", 'echo $"x"', "echo [a-z]*", "echo [x]", "echo {1..3}", "echo a{b,c}",
        "echo {a}", "git show HEAD@{1}", "echo a[0]=1", "echo $", "echo $X", "echo ${X}", "ls > x", "ls 2>&1",
        "cat < x", "cat <<E\nx\nE", "cat <<<x", "cat <(ls)", "(ls)", "{ ls; }", "((1))", "echo $(ls)", "echo `ls`",
        "ls # c", "# c", "f() { ls; }", "if true; then ls; fi", "for i in a; do ls; done", "while true; do ls; done",
        "case a in a) ls;; esac", "[ -f x ]", "[[ -f x ]]", "X=1", "X=1 ls", "export X=1", "declare X", "unset X",
        'echo "a"b', "echo a'b'", "'ls'", '"ls" -l', "12 x", "echo 'x", 'echo "x', "ls )", "ls \\",
    ],
)  # fmt: skip
def test_any_other_script_is_refused(script: str) -> None:
    assert plain_commands(script) is None


def test_positions_in_the_tree_count_bytes() -> None:
    root = parse_script("é; ls")
    assert root is not None
    assert root.end_byte == 6


def test_a_tree_may_hold_errors() -> None:
    root = parse_script("echo 'x")
    assert root is not None
    assert root.has_error


def test_text_that_is_not_unicode_is_not_parsed() -> None:
    assert parse_script("ls \ud800") is None
    assert plain_commands("ls \ud800") is None


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(shell_syntax, "_bash", lambda: None)
    read_plain_script.cache_clear()
    yield
    read_plain_script.cache_clear()


@pytest.mark.usefixtures("no_parser")
def test_without_the_parser_nothing_is_plain() -> None:
    assert parse_script("ls") is None
    assert plain_commands("ls") is None


def test_a_grammar_that_is_not_installed_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.machinery.PathFinder.find_spec", lambda *_: None)
    assert shell_syntax._bash.__wrapped__() is None


@pytest.mark.parametrize(
    "script",
    [
        "ls\\\n../evil",  # one word to bash
        "echo \\\r\nrm x",  # two commands to bash
        "a \r\n\\\n:x\\ y",
        "ls\r../evil",
        "ls\x0b../evil",
        "echo 'a'\\ b",
        "echo 'a'\u2003b",
        "a \n\\$",
    ],
)
def test_a_script_bash_cuts_otherwise_is_not_exact(script: str) -> None:
    plain = read_plain_script(script)
    assert plain is not None
    assert not plain.is_exact


@pytest.mark.parametrize(
    ("word", "value"),
    [
        (ScriptWord(r"\-delete"), "-delete"),
        (ScriptWord("-del\\\nete"), "-delete"),
        (ScriptWord("-del\\\nete", Quoting.DOUBLE), "-delete"),
        (ScriptWord(r"a\nb\$", Quoting.DOUBLE), r"a\nb$"),
        (ScriptWord(r"\-delete", Quoting.SINGLE), r"\-delete"),
    ],
)
def test_the_value_of_a_word_is_what_bash_passes_on(word: ScriptWord, value: str) -> None:
    assert word.value == value


@pytest.mark.parametrize(
    ("word", "ends"),
    [
        (ScriptWord("*.py"), ("", ".py")),
        (ScriptWord("src/*/x?y"), ("src/", "y")),
        (ScriptWord(r"\**"), ("*", "")),
        (ScriptWord(r"a\*b"), None),
        (ScriptWord("*", Quoting.SINGLE), None),
        (ScriptWord("*", Quoting.DOUBLE), None),
    ],
)
def test_a_pattern_knows_how_its_file_names_begin_and_end(
    word: ScriptWord, ends: tuple[str, str] | None
) -> None:
    assert word.pattern_ends == ends


@given(SCRIPTS)
def test_reading_a_script_never_raises(script: str) -> None:
    plain = read_plain_script(script)
    commands = plain_commands(script)
    assert (plain is None) == (commands is None)
    for command in commands or []:
        assert command


RECORDER = r"""
command_not_found_handle() { local words=$'\x03' word; for word in "$@"; do words+="$word"$'\x01'; done; printf '%s' "$words" >&3; return "$STATUS"; }
set -f
while IFS= read -r -d '' script; do ( eval -- "$script" ) <&-; printf '\x02' >&3; done
"""


BASH = shutil.which("bash")


@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize("status", [0, 1])
def test_bash_runs_only_commands_that_were_read(status: int, tmp_path: Path) -> None:
    # The letters are chosen so that no program of that name exists; `$STATUS` decides between && and ||.
    scripts = list(_exact_scripts(random.Random(status), count=1000))
    record = tmp_path / "record"
    with record.open("wb") as output:
        subprocess.run(
            [str(BASH), "--norc", "--noprofile", "-c", f"exec 3>&1 1>&2\n{RECORDER}"],
            input=b"".join(script.encode() + b"\0" for script, _ in scripts),
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/nonexistent", "STATUS": str(status), "LC_ALL": "C"},
            cwd=tmp_path,
            check=True,
        )
    runs = record.read_bytes().decode().split("\x02")[:-1]
    assert len(runs) == len(scripts)
    ran_something = 0
    for (script, expected), run in zip(scripts, runs, strict=True):
        for command in run.split("\x03")[1:]:
            # Before a newline bash keeps the carriage return that the grammar skips.
            words = [word.rstrip("\r") for word in command.split("\x01")[:-1]]
            assert [word for word in words if word] in [*expected, []], (script, run)
            ran_something += 1
    assert ran_something > 700


def _exact_scripts(rng: random.Random, *, count: int) -> Iterator[tuple[str, list[list[str]]]]:
    pieces = [piece for piece in PIECES if piece not in {"\0", "\ud800", "%", "/", ".", ":", "~", "time"}]
    while count:
        script = "".join(rng.choices(pieces, k=rng.randint(1, 9)))
        if rng.random() < 0.7:
            script = "a " + script
        plain = read_plain_script(script)
        if plain is None or not plain.is_exact or not plain.commands:
            continue
        values = [[word.value for word in command] for command in plain.commands]
        count -= 1
        yield script, [[value for value in command if value] for command in values]

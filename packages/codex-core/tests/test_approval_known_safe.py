"""Which commands are known to be harmless."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.approval import shell_syntax
from codex_core.approval.known_safe import Rule, is_known_safe, judge, judge_commands
from codex_core.approval.shell_syntax import read_plain_script

VECTORS = json.loads((Path(__file__).parent / "data" / "command_safety.json").read_text("utf-8"))["vectors"]


def script(text: str) -> list[str]:
    return ["bash", "-lc", text]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: json.dumps(vector["argv"]))
def test_the_shared_vectors_hold(vector: dict[str, object]) -> None:
    # Where the reference trusts more than is safe ("bug") we do not.
    assert is_known_safe(vector["argv"]) is (vector["safe"] and "bug" not in vector)


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "branch", "-D", "main"],
        ["git", "branch", "new"],
        ["git", "branch", "-m", "old", "new"],
        ["git", "branch", "--edit-description"],
        ["git", "branch", "-l", "new"],
        ["git", "branch", "--format", "--list", "new"],
        ["git", "branch", "--", "new"],
        ["git", "log", "--output=/x"],
        ["git", "log", "--output", "/x"],
        ["git", "diff", "--outp=/x"],
        ["git", "diff", "--ext-diff"],
        ["git", "log", "-p", "--ext-d"],
        ["git", "show", "--textconv"],
        ["rg", "-nz", "x"],
        ["rg", "-z"],
        ["rg", "--search-zip=true", "x"],
        ["sed", "-n", "1p", "-i"],
        ["sed", "-n", "1p", "-fscript"],
        ["sed", "-n", "1p", "--expression=e"],
        ["sed", "-n", "1p", ""],
        ["find", ".", "-delete"],
    ],
)
def test_what_can_write_or_start_a_program_is_not_safe(argv: list[str]) -> None:
    assert not is_known_safe(argv)


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "branch", "-a", "-vv"],
        ["git", "branch", "--list", "feature/*", "--sort=-committerdate"],
        ["git", "branch", "--contains", "HEAD~3", "--all"],
        ["git", "branch", "--show-current"],
        ["git", "branch", "--format", "%(refname)"],
        ["git", "diff", "--text", "--stat", "--", "a"],
        ["git", "diff", "--output-indicator-new=>"],
        ["git", "log", "--no-ext-diff", "--no-textconv", "-c"],
        ["rg", "-tzig", "-ez", "x"],
        ["rg", "--pretty", "--pre-glob=*.z", "x"],
        ["sed", "-n", "1p", "-"],
    ],
)
def test_what_only_reads_is_safe(argv: list[str]) -> None:
    assert is_known_safe(argv)


@pytest.mark.parametrize(
    "option",
    ["--contains", "--no-contains", "--merged", "--no-merged", "--points-at", "--format", "--sort"],
)
def test_every_option_that_lists_branches_by_a_value_takes_it_joined_or_behind(option: str) -> None:
    assert is_known_safe(["git", "branch", option, "x"])
    assert is_known_safe(["git", "branch", f"{option}=x"])
    assert not is_known_safe(["git", "branch", option, "x", "new"])


@pytest.mark.parametrize("option", ["--abbrev=4", "--color=always", "--column=row"])
def test_a_listing_flag_may_have_a_joined_value_but_none_behind(option: str) -> None:
    assert is_known_safe(["git", "branch", option])
    assert not is_known_safe(["git", "branch", option.partition("=")[0], "new"])


@pytest.mark.parametrize("word", ["quiz", "z", "oz.py", "--quiz", "--max-filesize=1M"])
def test_a_z_is_an_option_of_rg_only_in_a_bundle_of_letters(word: str) -> None:
    assert is_known_safe(["rg", "x", word])


@pytest.mark.parametrize("text", [r"l\s", r"git statu\s", r"git bran\ch -a", r"sed -\n 1p a"])
def test_a_word_counts_as_it_is_written_too(text: str) -> None:
    assert read_plain_script(text) is not None
    assert not is_known_safe(script(text))


@pytest.mark.parametrize(
    "text",
    [
        r"find . \-delete",
        'find . "-del\\\nete"',
        r"rg \--pre=x y",
        "git diff --out\\put=x",
        "find *",
        "find . -name *e",
        "rg x *",
        "rg x -* --",
        "rg -e -- *",
        "git diff *.py",
        "git log --author -- *",
        "sed -n 1p *.txt",
    ],
)
def test_a_word_counts_as_what_the_program_gets(text: str) -> None:
    assert not is_known_safe(script(text))


@pytest.mark.parametrize(
    "text",
    [
        "ls *",
        "cat *.py",
        r"find . \( -name a -o -name b \) -type f",
        "find . -name *.py",
        "rg x src/*.py",
        "rg x -- *.py",
        "git log -n 5 -- *.py",
        "sed -n 1,5p src/*.py",
        "rg 'a*' \"b?\"",
    ],
)
def test_harmless_patterns_and_escapes_stay_safe(text: str) -> None:
    assert is_known_safe(script(text))


@pytest.mark.parametrize("text", ["ls\\\n../evil", "echo \\\r\nrm x", "ls\r../evil", "echo 'a'\\ b"])
def test_a_script_the_shell_may_cut_otherwise_is_not_safe(text: str) -> None:
    assert judge(script(text)).rule is Rule.SCRIPT_NOT_EXACT


def test_compiling_is_safe_only_in_a_sandbox() -> None:
    assert judge(["cargo", "check"]).rule is Rule.RUNS_PROJECT_CODE
    assert judge(script("ls && cargo check | head -n 5")).rule is Rule.RUNS_PROJECT_CODE


@pytest.mark.parametrize(
    ("argv", "rule", "word"),
    [
        ([], Rule.UNKNOWN_PROGRAM, None),
        (["rm", "x"], Rule.UNKNOWN_PROGRAM, "rm"),
        (["git"], Rule.UNKNOWN_SUBCOMMAND, None),
        (["git", "push"], Rule.UNKNOWN_SUBCOMMAND, "push"),
        (["find", ".", "-exec", "x"], Rule.ACTING_OPTION, "-exec"),
        (script("ls > x"), Rule.SCRIPT_NOT_PLAIN, None),
        (script(" "), Rule.SCRIPT_EMPTY, None),
        (script("ls && rm x"), Rule.UNKNOWN_PROGRAM, "rm"),
        (script("ls && pwd"), Rule.SAFE_SCRIPT, None),
        (script("rg x *"), Rule.PATTERN_MAY_ACT, "*"),
    ],
)
def test_a_verdict_names_the_rule_and_the_word(argv: list[str], rule: Rule, word: str | None) -> None:
    verdict = judge(argv)
    assert (verdict.rule, verdict.word) == (rule, word)


def test_every_rule_has_a_sentence() -> None:
    assert all(rule.sentence for rule in Rule)


def test_each_command_of_a_script_has_its_verdict() -> None:
    judged = judge_commands("ls && rm x")
    assert judged is not None
    assert [(words, verdict.is_safe) for words, verdict in judged] == [(["ls"], True), (["rm", "x"], False)]
    assert judge_commands("ls > x") is None


def test_no_script_is_safe_without_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_syntax, "_bash", lambda: None)
    read_plain_script.cache_clear()
    try:
        assert not is_known_safe(script("ls"))
        assert is_known_safe(["ls"])
    finally:
        read_plain_script.cache_clear()


@given(
    st.lists(
        st.text(max_size=8) | st.sampled_from(["git", "branch", "--list", "find", "-n", "rg"]), max_size=5
    )
)
def test_judging_never_raises(argv: list[str]) -> None:
    assert judge(argv).is_safe in {True, False}


COMMANDS = st.sampled_from(
    ["ls", "cat f", "git status", "rg x", "find . -name a", "echo 'a b'", "rm x", "ls > f"]
)
JOINTS = st.sampled_from(
    [" && ", " | ", "; ", "\n", " & ", " $(", "`", "\\", "\r", " # ", "'", '"', ">", "(", "{ "]
)


@given(st.lists(st.tuples(COMMANDS, JOINTS), min_size=1, max_size=5), COMMANDS)
def test_a_script_that_was_not_fully_understood_is_never_safe(
    parts: list[tuple[str, str]], last: str
) -> None:
    text = "".join(command + joint for command, joint in parts) + last
    plain = read_plain_script(text)
    if is_known_safe(script(text)):
        assert plain is not None
        assert plain.is_exact
        assert all(is_known_safe([word.value for word in command]) for command in plain.commands)

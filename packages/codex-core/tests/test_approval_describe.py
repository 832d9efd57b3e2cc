"""How a command is described to a person."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.approval.describe import parse_command
from codex_core.approval.words import NUL_TEXT

VECTORS = json.loads((Path(__file__).parent / "data" / "parse_command.json").read_text("utf-8"))["vectors"]


def parsed(*argv: str) -> list[dict[str, object]]:
    return [part.to_wire() for part in parse_command(argv)]


def unknown(cmd: str) -> dict[str, object]:
    return {"type": "unknown", "cmd": cmd}


def read(cmd: str, name: str) -> dict[str, object]:
    return {"type": "read", "cmd": cmd, "name": name}


def search(cmd: str, query: str | None = None, path: str | None = None) -> dict[str, object]:
    return {"type": "search", "cmd": cmd, "query": query, "path": path}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: json.dumps(vector["argv"]))
def test_the_shared_vectors_hold(vector: dict[str, object]) -> None:
    assert [part.to_wire() for part in parse_command(vector["argv"])] == vector["parsed"]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["&&"], []),
        (["y", "|", "|"], []),
        (["yes", "|"], [unknown("")]),
        (["yes", "|", "bash", "-c", "cat f"], [unknown("bash -c 'cat f'")]),
        (["bash", "-c", "'"], [unknown('bash -c "\'"')]),
        (["bash", "-c", "#x"], [unknown("")]),
        (["bash", "-lc", "true; true"], []),
        (["bash", "-lc", "true && true && cd x"], [unknown("cd x")]),
        (["bash", "-lc", "cd a && cd b"], [unknown("cd b")]),
        (["bash", "-lc", "echo a && echo b"], [unknown("echo b")]),
        (["bash", "-lc", "cat f | nl -- -f"], [read("cat f", "f")]),
        (["bash", "-lc", "grep a '|' b"], [search("grep a '|' b", "a")]),
        (["bash", "-lc", "find a '|' -name b"], [search("find a '|' -name b", None, "a")]),
        (["bash", "-lc", "fd a '|' b"], [search("fd a '|' b", "a")]),
        (["bash", "-lc", "ls\0 a"], [unknown(NUL_TEXT)]),
        (["bash", "-lc", "echo a\\"], [unknown("echo a\\")]),
        (["fd", "-e"], [search("fd -e")]),
        (["fd", "-e", "rs", "x"], [search("fd -e rs x", "x")]),
        (["find", ".", "-name"], [search("find . -name", None, ".")]),
        (["find", "!", "(", "-name", "a"], [search("find '!' '(' -name a", "a", "a")]),
        (["head", "-n", "", "f"], [read("head -n '' f", "f")]),
        (["tail", "-n", "", "f"], [unknown("tail -n '' f")]),
        (["tail", "-n", "+", "f"], [unknown("tail -n + f")]),
        (["head", "-n", "\u0661", "f"], [unknown("head -n '\u0661' f")]),
        (["head", "-n5", "-q", "f"], [read("head -n5 -q f", "f")]),
        (["cat", "--"], [unknown("cat --")]),
        (["cat", ""], [read("cat ''", "")]),
        (["sed", "-n", "1,2,3p", "f"], [unknown("sed -n '1,2,3p' f")]),
    ],
)
def test_corner_cases_agree_with_the_reference(argv: list[str], expected: list[dict[str, object]]) -> None:
    assert parsed(*argv) == expected


def test_a_cd_at_the_end_stays_while_others_go() -> None:
    assert parsed("bash", "-lc", "cd a; ls; true; cd b") == [
        {"type": "list_files", "cmd": "ls", "path": None},
        unknown("cd b"),
    ]


def test_dropping_a_cd_makes_an_echo_the_leading_command() -> None:
    assert parsed("cd", "a", "&&", "echo", "x", "&&", "pwd") == [unknown("pwd")]


WORDS = st.sampled_from(
    [
        "bash", "-lc", "-c", "ls", "cat", "rg", "fd", "find", "grep", "head", "tail", "nl", "sed", "wc", "cd", "echo",
        "true", "-n", "1p", "5", "--", "-", "src/", "f", "|", "&&", ";", "yes", "y",
    ]
)  # fmt: skip


@given(st.lists(WORDS | st.text(max_size=6), max_size=8))
def test_describing_never_raises(argv: list[str]) -> None:
    for part in parse_command(argv):
        assert isinstance(part.cmd, str)


@given(st.lists(WORDS, max_size=10).map(" ".join) | st.text(max_size=30))
def test_describing_a_script_never_raises(script: str) -> None:
    described = parse_command(["bash", "-lc", script])
    assert all(before != after for before, after in pairwise(described))

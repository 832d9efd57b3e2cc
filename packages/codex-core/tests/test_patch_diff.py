"""Unified diffs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.patch import line_changes
from codex_core.patch.diff import unified_diff
from codex_core.patch.line_changes import changes

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines

CASES = json.loads((Path(__file__).parent / "data" / "line_diff.json").read_text("utf-8"))["cases"]

HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")


def split(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def apply(old: str, diff: str) -> str:
    """What a strict reader of unified diffs makes of `old`; every number in a header is checked."""
    source, out = split(old), list[str]()
    lines = re.sub(r"\n\\ No newline at end of file\n", "\0", diff)
    at = 0
    for part in re.split(r"(?m)^(?=@@ )", lines)[1:]:
        header, *body = split(part.replace("\0", "\0\n"))
        body = [line.removesuffix("\n") if line.endswith("\0\n") else line for line in body]
        body = [line.replace("\0", "") for line in body]
        match = HEADER.fullmatch(header)
        assert match is not None
        old_start, old_count, new_start, new_count = (
            1 if group is None else int(group) for group in match.groups()
        )
        start = old_start if old_count == 0 else old_start - 1
        out += source[at:start]
        assert len(out) == (new_start if new_count == 0 else new_start - 1)
        removed = [line[1:] for line in body if line[0] in " -"]
        added = [line[1:] for line in body if line[0] in " +"]
        assert (len(removed), len(added)) == (old_count, new_count)
        assert source[start : start + old_count] == removed
        out += added
        at = start + old_count
    return "".join(out + source[at:])


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_the_diff_is_the_one_of_the_reference(case: dict[str, str]) -> None:
    assert unified_diff(case["old"], case["new"], 1) == case["diff"]


TEXT = st.one_of(
    st.lists(st.sampled_from(["a\n", "b\n", "\n", "c\n", "d\r\n", "e\rf\n"]), max_size=25).map("".join),
    st.text("ab\n\r\u2028", max_size=12),
)


@calm
@given(TEXT, TEXT, st.integers(0, 4))
def test_applying_a_diff_to_the_old_text_gives_the_new(old: str, new: str, context: int) -> None:
    assert apply(old, unified_diff(old, new, context)) == new


@calm
@given(TEXT, st.integers(0, 3))
def test_equal_texts_have_no_diff(text: str, context: int) -> None:
    assert unified_diff(text, text, context) == ""


def naive_distance(old: list[str], new: list[str]) -> int:
    """Lines deleted and inserted by a shortest edit script."""
    row = list(range(len(new) + 1))
    for x, line in enumerate(old, 1):
        before, row[0] = row[0], x
        for y, other in enumerate(new, 1):
            before, row[y] = row[y], before if line == other else 1 + min(row[y], row[y - 1])
    return row[-1]


LINES = st.lists(st.sampled_from("abcd"), max_size=14)


@calm
@given(LINES, LINES)
def test_no_edit_script_is_shorter(old: list[str], new: list[str]) -> None:
    edits = sum(c.old_end - c.old_start + c.new_end - c.new_start for c in changes(old, new))
    assert edits == naive_distance(old, new)


@calm
@given(LINES, LINES, st.integers(0, 12))
def test_a_comparison_that_runs_out_of_steps_is_coarser_but_right(
    old: list[str], new: list[str], steps: int
) -> None:
    before = line_changes._MAX_STEPS
    line_changes._MAX_STEPS = steps
    try:
        found = changes(old, new)
    finally:
        line_changes._MAX_STEPS = before
    out: list[str] = []
    at = 0
    for change in found:
        out += old[at : change.old_start]
        assert len(out) == change.new_start
        out += new[change.new_start : change.new_end]
        at = change.old_end
    assert out + old[at:] == new


def test_lines_unique_to_both_sides_hold_a_coarse_comparison_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_changes, "_MAX_STEPS", 0)
    # A and C stand in the same order on both sides; A and B do too, B and C do not.
    found = changes(list("xAyBzCw"), list("pAqCrBs"))
    assert [(c.old_start, c.old_end, c.new_start, c.new_end) for c in found] == [
        (0, 1, 0, 1),
        (2, 5, 2, 3),
        (6, 7, 4, 7),
    ]


def test_large_texts_without_a_common_line_take_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_changes._Comparison, "_middle", None)  # would raise
    old, new = [f"old {n}" for n in range(500)], [f"new {n}" for n in range(400)]
    assert changes(old, new) == [line_changes.Change(0, 500, 0, 400)]


def test_headers_count_right_where_an_insertion_slid_past_a_deletion() -> None:
    # The reference writes `@@ -1,2 +1,3 @@` here.
    assert unified_diff("b\no\na\n", "b\na\na\n", 1) == "@@ -1,3 +1,3 @@\n b\n-o\n a\n+a\n"


def test_hunks_join_when_at_most_twice_the_context_is_between_them() -> None:
    old = "a\n1\n2\n3\n4\n5\n6\nb\n"
    far = old.replace("a", "A").replace("b", "B")
    assert unified_diff(old, far, 3).count("@@ -") == 1
    assert (
        unified_diff("0\n" + old.replace("6", "6\n7"), "0\n" + far.replace("6", "6\n7"), 3).count("@@ -") == 2
    )


def test_only_a_line_feed_ends_a_line() -> None:
    # The reference also ends lines at a lone carriage return, and then glues `-y\r` and `+X` together.
    assert unified_diff("a\rb\nx\n", "a\rb\ny\r", 1) == (
        "@@ -1,2 +1,2 @@\n a\rb\n-x\n+y\r\n\\ No newline at end of file\n"
    )

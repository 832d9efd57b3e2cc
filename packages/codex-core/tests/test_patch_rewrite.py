"""Fitting the chunks of an update to a text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.patch.grammar import Chunk
from codex_core.patch.rewrite import MatchError, rewrite
from codex_core.patch.seek import LineSearch

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines


def chunk(*marked: str, context: str | None = None, at_end: bool = False) -> Chunk:
    """A chunk from lines with their marks."""
    old = tuple(line[1:] for line in marked if line[0] in " -")
    new = tuple(line[1:] for line in marked if line[0] in " +")
    return Chunk(context, old, new, at_end=at_end)


# -- where a block is found -----------------------------------------------------------------------


def naive_find(lines: list[str], block: list[str], start: int) -> int | None:
    return next(
        (at for at in range(start, len(lines) - len(block) + 1) if lines[at : at + len(block)] == block), None
    )


@calm
@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
    st.integers(0, 14),
)
def test_the_first_exact_hit_is_the_one_of_a_plain_search(
    lines: list[str], block: list[str], start: int
) -> None:
    assert LineSearch(lines).find(block, start) == naive_find(lines, block, start)


def test_lines_whose_hashes_collide_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex_core.patch.seek._CHARACTERS", 1)
    assert LineSearch(["a", "b", "c", "b", "d"]).find(["b", "d"], 0) == 3
    assert LineSearch(["a", "b"]).find(["c"], 0) is None


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("x\t\u00a0", "x"),
        ("\u3000x", "x"),
        ("a\u2010b\u2011c\u2012d\u2013e\u2014f\u2015g\u2212h", "a-b-c-d-e-f-g-h"),
        ("\u2018a\u2019b\u201ac\u201bd", "'a'b'c'd"),
        ("\u201ca\u201db\u201ec\u201fd", '"a"b"c"d'),
        ("a\u00a0b\u2002c\u200ad\u202fe\u205ff\u3000g", "a b c d e f g"),
        ("a-b", " a\u2013b "),
    ],
)
def test_spacing_around_and_typographic_spelling_are_forgiven(line: str, wanted: str) -> None:
    assert LineSearch(["other", line]).find([wanted], 0) == 1


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("a\tb", "a b"), ("A", "a"), ("a\u2026", "a..."), ("a\u200b", "a"), ("a\x1c", "a"), ("a\u2001b", "a b")],
)
def test_other_differences_are_not(line: str, wanted: str) -> None:
    assert LineSearch([line]).find([wanted], 0) is None


def test_a_more_exact_hit_further_down_wins() -> None:
    lines = ["\u201cx\u201d", '  "x"', '"x"  ', '"x"']
    assert [LineSearch(lines[:count]).find(['"x"'], 0) for count in (1, 2, 3, 4)] == [0, 1, 2, 3]


def test_looser_readings_of_the_file_are_made_only_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    search = LineSearch([f"line {number}" for number in range(100)])
    monkeypatch.setattr("codex_core.patch.seek._PASSES", (str, None))  # the second would raise
    assert [search.find([f"line {number}"], 0) for number in (0, 50, 99)] == [0, 50, 99]


def test_nothing_is_longer_than_the_file_and_the_empty_block_is_anywhere() -> None:
    search = LineSearch(["a"])
    assert search.find(["a", "b"], 0, at_end=True) is None
    assert search.find([], 7) == 7
    assert search.find(["a"], 5) is None


# -- what becomes of the text ---------------------------------------------------------------------


def test_each_chunk_is_looked_for_behind_the_one_before() -> None:
    assert rewrite("x\nx\nx\n", [chunk("-x", "+1"), chunk("-x", "+2")], "f") == "1\n2\nx\n"
    with pytest.raises(MatchError, match=r"^Failed to find expected lines in f:\na$"):
        rewrite("a\nb\n", [chunk("-b"), chunk("-a")], "f")


def test_a_context_line_is_looked_for_behind_the_chunk_before_and_not_replaced() -> None:
    text = "def f\n  x\ndef g\n  x\n"
    assert rewrite(text, [chunk("-  x", "+  y", context="def g")], "f") == "def f\n  x\ndef g\n  y\n"
    with pytest.raises(MatchError, match=r"^Failed to find context 'def f' in f$"):
        rewrite(text, [chunk("-  x", context="def g"), chunk("-  x", context="def f")], "f")


def test_the_end_marker_looks_at_the_end_only_and_forgets_the_position() -> None:
    assert rewrite("x\ny\nx\n", [chunk("-x", "+z", at_end=True)], "f") == "x\ny\nz\n"
    with pytest.raises(MatchError):
        rewrite("x\ny\n", [chunk("-x", at_end=True)], "f")
    twice = [chunk("-b", "+c", at_end=True), chunk(" a", "-b", "+d", at_end=True)]
    assert rewrite("a\nb\na\nb\n", twice, "f") == "a\nb\na\nd\n"


def test_lines_without_any_old_one_go_to_the_end_in_the_order_of_the_patch() -> None:
    additions = [chunk("+1", context="a"), chunk("+2")]
    assert rewrite("a\nb\n", additions, "f") == "a\nb\n1\n2\n"
    assert rewrite("", additions[1:], "f") == "2\n"


def test_an_empty_last_line_of_a_chunk_is_given_up_when_it_does_not_fit() -> None:
    assert rewrite("a\nb\n", [chunk("-a", "+A", " ")], "f") == "A\nb\n"
    assert rewrite("a\n\nb\n", [chunk("-a", "+A", " ")], "f") == "A\n\nb\n"
    # Of a chunk that was only an empty line nothing is left to look for: it goes where the search stood.
    assert rewrite("a\nb\n", [chunk("-a", "+A"), chunk("+new", " ")], "f") == "A\nnew\nb\n"
    assert rewrite("", [chunk("-", "+x")], "f") == "x\n"


def test_the_error_shows_the_lines_as_the_patch_has_them() -> None:
    with pytest.raises(MatchError) as caught:
        rewrite("a\n", [chunk("-q", " ", " ")], "dir/f")
    assert str(caught.value) == "Failed to find expected lines in dir/f:\nq\n\n"


def test_replaced_lines_take_the_spelling_of_the_patch() -> None:
    assert rewrite("    foo\n  \u201cbar\u201d\n", [chunk(" foo", '-"bar"', "+baz")], "f") == "foo\nbaz\n"


def test_a_missing_newline_at_the_end_is_added() -> None:
    assert rewrite("a\nb", [chunk("-a", "+A")], "f") == "A\nb\n"


def test_nothing_is_left_of_a_file_that_loses_all_lines() -> None:
    assert rewrite("a\nb\n", [chunk("-a", "-b")], "f") == ""


@pytest.mark.parametrize(
    ("text", "chunks", "result"),
    [
        ("a\n\n\n", [chunk("-a", "+b")], "b\n\n\n"),
        ("\n", [chunk(" ")], "\n"),
        ("a\n\n", [chunk("+b")], "a\nb\n\n"),
        ("a\n", [chunk(" a", "+")], "a\n\n"),
    ],
)
def test_blank_lines_at_the_end_of_a_file_stay(text: str, chunks: list[Chunk], result: str) -> None:
    assert rewrite(text, chunks, "f") == result


@pytest.mark.parametrize(
    ("text", "chunks", "result"),
    [
        ("a\r\nb\r\nc\r\n", [chunk("-b", "+B", "+x")], "a\r\nB\r\nx\r\nc\r\n"),
        ("a\r\nb\r\n", [chunk("+c")], "a\r\nb\r\nc\r\n"),
        ("a\r\nb", [chunk("-a", "+A")], "A\r\nb\r\n"),
        ("a\r\nb\r\n", [chunk("-b\r", "+B\r")], "a\r\nB\r\n"),
        # Mixed line ends decide nothing, and of a file that is replaced whole nothing is left to decide.
        ("a\r\nb\nc\r\n", [chunk("-a", "+A")], "A\nb\nc\r\n"),
        ("a\r\nb\r\n", [chunk(" a", "-b", "+B")], "a\nB\n"),
    ],
)
def test_a_file_with_crlf_line_ends_keeps_them(text: str, chunks: list[Chunk], result: str) -> None:
    assert rewrite(text, chunks, "f") == result


@pytest.mark.parametrize(
    ("chunks", "result"),
    [
        ([chunk("-b", "+B")], "\ufeffa\nB\n"),
        ([chunk("-a", "+A")], "\ufeffA\nb\n"),
        ([chunk("-\ufeffa", "+A")], "\ufeffA\nb\n"),
        ([chunk("+top", " \ufeffa")], "\ufefftop\na\nb\n"),
        ([chunk("-b", "+B", context="a")], "\ufeffa\nB\n"),
        ([chunk("-a")], "\ufeffb\n"),
        ([chunk("-a", "-b")], ""),
    ],
)
def test_a_byte_order_mark_stays_at_the_start_and_is_not_in_the_way(chunks: list[Chunk], result: str) -> None:
    assert rewrite("\ufeffa\nb\n", chunks, "f") == result


def test_a_byte_order_mark_is_taken_off_lines_at_the_start_only() -> None:
    result = rewrite("\ufeffa\nb\nc\n", [chunk("-b", "+\ufeffB")], "f")
    assert result == "\ufeffa\n\ufeffB\nc\n"


def test_a_byte_order_mark_a_patch_brings_is_its_own_affair() -> None:
    assert rewrite("a\n", [chunk("-a", "+\ufeffb")], "f") == "\ufeffb\n"


LINE = st.sampled_from(["a", "b", "", " a", "a ", "\u2013", "-", "\ufeffa", "a\r"])
TEXT = st.lists(LINE, max_size=8).map("\n".join)
CHUNK = st.builds(
    lambda context, old, new, at_end: Chunk(context, tuple(old), tuple(new), at_end=at_end),
    st.none() | LINE,
    st.lists(LINE, max_size=3),
    st.lists(LINE, max_size=3),
    st.booleans(),
)


@calm
@given(TEXT, st.lists(CHUNK, max_size=4))
def test_any_chunks_fit_or_are_said_not_to(text: str, chunks: list[Chunk]) -> None:
    try:
        result = rewrite(text, chunks, "f")
    except MatchError:
        return
    assert result == "" or result.endswith("\n")


@calm
@given(st.lists(st.text("abc", max_size=3), min_size=1, max_size=30, unique=True), st.data())
def test_what_a_diff_of_unique_lines_says_is_what_comes_out(lines: list[str], data: st.DataObject) -> None:
    chosen = sorted(data.draw(st.sets(st.integers(0, len(lines) - 1), min_size=1)))
    chunks = [chunk(f"-{lines[at]}", f"+new {at}") for at in chosen]
    expected = [f"new {at}" if at in chosen else line for at, line in enumerate(lines)]
    assert rewrite("\n".join(lines) + "\n", chunks, "f") == "\n".join(expected) + "\n"

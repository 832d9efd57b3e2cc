"""What a patch does, with line numbers: from unified diffs as they come, however odd they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.patch.diff import unified_diff
from codex_core.presentation.diffs import count_spans, diff_paragraphs, file_diffs, shown_path
from codex_core.presentation.reports import patch
from codex_core.presentation.spans import Style, plain_text, unwrapped
from codex_protocol.file_change import AddChange, DeleteChange, UpdateChange

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "-- x", "++ y", "@@ -1 +1 @@", "diff "]), max_size=12)


def update(diff: str, move_path: str | None = None) -> UpdateChange:
    return UpdateChange(unified_diff=diff, move_path=move_path)


def signs(diff: str) -> list[tuple[str, int, str]]:
    (found,) = file_diffs({"/w/a": update(diff)}, "/w")
    return [(row.sign, row.number, row.text) for row in found.rows]


def test_changes_are_told_file_by_file_in_the_order_of_their_paths() -> None:
    rows = patch(
        {
            "/w/sub/a.txt": update("@@ -1 +1 @@\n-a\n+b\n"),
            "/w/new.txt": AddChange(content="one\ntwo\n"),
            "/w/empty": AddChange(content=""),
            "/w/old.txt": DeleteChange(content="gone"),
            "/other/b": update("", "/w/c"),
            "/home/me/x": DeleteChange(content=""),
        },
        "/w",
        "/home/me",
    )
    assert [plain_text(row) for row in unwrapped(rows)] == [
        "D ~/x (+0 -0)",
        "R /other/b → c (+0 -0)",
        "A empty (+0 -0)",
        "A new.txt (+2 -0)",
        "    1 +one",
        "    2 +two",
        "D old.txt (+0 -1)",
        "    1 -gone",
        "M sub/a.txt (+1 -1)",
        "    1 -a",
        "    1 +b",
    ]


def test_deleted_lines_have_their_old_numbers_and_hunks_are_told_apart() -> None:
    diff = "@@ -3,3 +3,4 @@\n \n-old\n+new\n+more\n c\n@@ -90 +91,0 @@\n-end\n"
    assert signs(diff) == [
        (" ", 3, ""), ("-", 4, "old"), ("+", 4, "new"), ("+", 5, "more"), (" ", 6, "c"),
        ("⋮", 0, ""), ("-", 90, "end"),
    ]  # fmt: skip


def test_content_that_looks_like_a_header_is_content() -> None:
    diff = "--- a/q.sql\n+++ b/q.sql\n@@ -1,2 +1,2 @@\n--- comment\n+++ counter\n kept\n"
    assert signs(diff) == [("-", 1, "-- comment"), ("+", 1, "++ counter"), (" ", 2, "kept")]


def test_what_is_no_diff_is_shown_as_it_is() -> None:
    assert signs("no diff at all\n+x\n") == [("", 0, "no diff at all"), ("", 0, "+x")]
    assert signs("@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n")[-1][2].startswith("\\ No newline")


@given(LINES, LINES)
def test_every_line_that_differs_is_there_with_its_number(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{row}\n" for row in rows) for rows in (old, new))
    rows = signs(unified_diff(before, after, 2))
    for sign, number, text in rows:
        if sign in ("+", " "):
            assert new[number - 1] == text
        elif sign == "-":
            assert old[number - 1] == text
    left = [row for number, row in enumerate(old, 1) if ("-", number, row) not in rows]
    kept = [row for number, row in enumerate(new, 1) if ("+", number, row) not in rows]
    assert left == kept


def shown(change: AddChange | UpdateChange) -> list[str]:
    (diff,) = file_diffs({"/w/a": change}, "/w")
    return [plain_text(row) for row in unwrapped(diff_paragraphs(diff))]


def test_a_change_of_line_ends_alone_is_seen() -> None:
    assert shown(update("@@ -1,2 +1,2 @@\n-a\n+a\r\n b\n")) == ["    1 -a", "    1 +a␍", "    2  b"]
    assert shown(AddChange(content="a\r\nb\n")) == ["    1 +a␍", "    2 +b"]


def test_line_ends_of_a_dos_file_are_not() -> None:
    assert shown(update("@@ -1,2 +1,2 @@\n-a\r\n+b\r\n c\r\n")) == ["    1 -a", "    1 +b", "    2  c"]
    assert shown(AddChange(content="a\r\nb\r\n")) == ["    1 +a", "    2 +b"]


def test_a_change_that_changes_nothing_says_so() -> None:
    assert shown(update("")) == ["    nothing in it changes"]


def test_numbers_stand_below_each_other() -> None:
    assert shown(update("@@ -9,2 +9,2 @@\n-a\n+b\n c\n@@ -120 +120 @@\n-x\n+y\n")) == [
        "      9 -a", "      9 +b", "     10  c", "      ⋮", "    120 -x", "    120 +y",
    ]  # fmt: skip


def test_rows_have_the_colours_of_what_they_are() -> None:
    (diff,) = file_diffs({"/w/a": update("@@ -1,2 +1,2 @@\n-a\n+b\n c\n")}, "/w")
    rows = unwrapped(diff_paragraphs(diff))
    assert [row[-1].style for row in rows] == [Style.REMOVED, Style.ADDED, Style.PLAIN]
    assert plain_text(count_spans(3, 2)) == "(+3 -2)"


def test_names_and_lines_cannot_command_the_terminal_or_hide() -> None:
    rows = unwrapped(patch({"/w/\x1b]0;owned\x07a\rb\n": AddChange(content="evil()\rgood()\n")}, "/w"))
    assert [plain_text(row) for row in rows] == ["A ␛]0;owned␇a␍b␊ (+1 -0)", "    1 +evil()␍good()"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/w/a/b", "a/b"), ("/home/me/a", "~/a"), ("/home/me2/a", "/home/me2/a"), ("/w", "/w"), ("rel", "rel")],
)
def test_paths_are_as_short_as_they_can_be(path: str, shown: str) -> None:
    assert shown_path(path, "/w", "/home/me") == shown

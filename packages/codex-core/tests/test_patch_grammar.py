"""Reading patch text."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.patch.grammar import (
    AddFile,
    Chunk,
    DeleteFile,
    Hunk,
    Patch,
    PatchSyntaxError,
    UpdateFile,
    parse_patch,
)

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines

TEXT = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=8)
PATH = st.text(st.sampled_from("ab/.é x"), min_size=1, max_size=6).map(str.strip).filter(bool)


def chunk_text(chunk: Chunk) -> list[str]:
    header = "@@" if chunk.context is None else f"@@ {chunk.context}"
    lines = [f"-{line}" for line in chunk.old_lines] + [f"+{line}" for line in chunk.new_lines]
    return [header, *lines, *(["*** End of File"] if chunk.at_end else [])]


def hunk_text(hunk: Hunk) -> list[str]:
    match hunk:
        case AddFile():
            return [f"*** Add File: {hunk.path}", *[f"+{line}" for line in hunk.content.split("\n")[:-1]]]
        case DeleteFile():
            return [f"*** Delete File: {hunk.path}"]
        case UpdateFile():
            move = [] if hunk.move_to is None else [f"*** Move to: {hunk.move_to}"]
            chunks = [line for chunk in hunk.chunks for line in chunk_text(chunk)]
            return [f"*** Update File: {hunk.path}", *move, *chunks]


def patch_text(patch: Patch) -> str:
    lines = [line for hunk in patch.hunks for line in hunk_text(hunk)]
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


LINES = st.lists(TEXT, max_size=4).map(tuple)
CHUNK = st.builds(
    lambda context, old, new, at_end: Chunk(context, old, new if old or new else ("x",), at_end=at_end),
    st.none() | TEXT,
    LINES,
    LINES,
    st.booleans(),
)
HUNK = st.one_of(
    st.builds(AddFile, PATH, LINES.map(lambda lines: "".join(line + "\n" for line in lines))),
    st.builds(DeleteFile, PATH),
    st.builds(UpdateFile, PATH, st.lists(CHUNK, min_size=1, max_size=3).map(tuple), st.none() | PATH),
)
PATCH = st.lists(HUNK, max_size=4).map(lambda hunks: Patch(tuple(hunks)))


@calm
@given(PATCH)
def test_a_patch_that_is_written_down_reads_the_same(patch: Patch) -> None:
    assert parse_patch(patch_text(patch)) == patch


@calm
@given(
    PATCH,
    st.sampled_from(["<<EOF\n{}\nEOF", "<<'EOF'\n{}\nEOF\n", '\n<<"EOF"\n{}\nEOF', " \u3000\n{}\n\u2028"]),
)
def test_white_space_and_a_here_document_around_it_change_nothing(patch: Patch, frame: str) -> None:
    assert parse_patch(frame.format(patch_text(patch))) == patch


@calm
@given(PATCH)
def test_crlf_line_ends_change_nothing(patch: Patch) -> None:
    assert parse_patch(patch_text(patch).replace("\n", "\r\n")) == patch


SNIPPETS = st.sampled_from(
    [
        *("*** Begin Patch", "*** End Patch", "*** Add File: a", "*** Delete File: a", "*** Update File: a"),
        *(
            "*** Move to: b",
            "*** End of File",
            "@@",
            "@@ c",
            " x",
            "+x",
            "-x",
            "",
            " ",
            "***",
            "<<EOF",
            "EOF",
            "\r",
        ),
    ]
)


@calm
@given(st.lists(SNIPPETS | st.text(max_size=5), max_size=15).map("\n".join), st.booleans())
def test_any_text_is_a_patch_or_a_syntax_error(inside: str, framed: bool) -> None:
    text = f"*** Begin Patch\n{inside}\n*** End Patch" if framed else inside
    try:
        result: Patch | PatchSyntaxError = parse_patch(text)
    except PatchSyntaxError as error:
        result = error
    if isinstance(result, PatchSyntaxError):
        assert result.report.startswith("Invalid patch")
        assert result.line is None or 2 <= result.line <= text.count("\n") + 1


def update(*lines: str) -> tuple[Chunk, ...]:
    patch = parse_patch("\n".join(["*** Begin Patch", "*** Update File: a", *lines, "*** End Patch"]))
    (hunk,) = patch.hunks
    assert isinstance(hunk, UpdateFile)
    return hunk.chunks


def problem(*lines: str) -> str:
    with pytest.raises(PatchSyntaxError) as caught:
        parse_patch("\n".join(["*** Begin Patch", *lines, "*** End Patch"]))
    return str(caught.value)


def test_blank_lines_before_the_first_chunk_and_after_an_end_of_file_marker_are_skipped() -> None:
    chunks = update("\u00a0", "@@", "-x", "*** End of File", "", " \t", "@@", "+y")
    assert chunks == (Chunk(None, ("x",), (), at_end=True), Chunk(None, (), ("y",)))


def test_an_empty_line_in_a_chunk_is_context() -> None:
    assert update("@@", "-x", "", "@@", " ", "+y") == (
        Chunk(None, ("x", ""), ("",)),
        Chunk(None, ("",), ("", "y")),
    )


def test_a_header_with_leading_blanks_inside_an_update_is_context() -> None:
    assert update("@@", "-x", " *** Add File: q") == (
        Chunk(None, ("x", "*** Add File: q"), ("*** Add File: q",)),
    )


def test_only_the_first_chunk_may_lack_its_header() -> None:
    assert update(" x", "+y") == (Chunk(None, ("x",), ("x", "y")),)
    expected = "invalid hunk at line 5, Expected update hunk to start with a @@ context marker, got: ' z'"
    assert problem("*** Update File: a", "-x", "*** End of File", " z") == expected


def test_a_context_line_is_taken_as_it_is() -> None:
    assert update("@@  def f():  ", "+y") == (Chunk(" def f():  ", (), ("y",)),)
    assert update("@@ ", "+y") == (Chunk("", (), ("y",)),)


def test_the_move_line_stands_right_below_the_header_in_the_first_column() -> None:
    assert "is empty" in problem("*** Update File: a", "", "*** Move to: b", "@@", "+x")
    assert update(" *** Move to: b")[0].old_lines == ("*** Move to: b",)


def test_white_space_of_a_path_is_trimmed_in_headers_but_not_in_a_move() -> None:
    text = "*** Begin Patch\n *** Update File:  a b \u3000\n*** Move to:  c \n@@\n+x\n*** End Patch"
    assert parse_patch(text).hunks == (UpdateFile(" a b", (Chunk(None, (), ("x",)),), " c "),)


def test_separators_python_takes_for_white_space_belong_to_the_path() -> None:
    text = "*** Begin Patch\n*** Delete File: a\x1c\n*** End Patch"
    assert parse_patch(text).hunks == (DeleteFile("a\x1c"),)


def test_one_carriage_return_before_a_line_feed_is_dropped() -> None:
    text = "*** Begin Patch\r\n*** Add File: a\r\n+1\r\r\n+2\r3\n*** End Patch"
    assert parse_patch(text).hunks == (AddFile("a", "1\r\n2\r3\n"),)


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (
            ["*** Update File: a", "@@", "@@", "+x"],
            "invalid hunk at line 4, Unexpected line found in update hunk: '@@'.",
        ),
        (
            ["*** Update File: a", "nonsense"],
            "invalid hunk at line 4, Unexpected line found in update hunk: 'nonsense'.",
        ),
        (["*** Update File: a", "@@"], "invalid hunk at line 4, Update hunk does not contain any lines"),
        (
            ["*** Update File: a", "@@ x", "*** End of File"],
            "invalid hunk at line 4, Update hunk does not contain any lines",
        ),
        (
            ["*** Delete File: a", "*** Update File: b"],
            "invalid hunk at line 3, Update file hunk for path 'b' is empty",
        ),
        (["*** End of File "], "invalid hunk at line 2, '*** End of File' is not a valid hunk header."),
        (
            ["*** Add File: a", "+x", "*** Begin Patch"],
            "invalid hunk at line 4, '*** Begin Patch' is not a valid hunk header.",
        ),
    ],
)
def test_an_error_names_the_line(lines: list[str], text: str) -> None:
    assert problem(*lines).startswith(text)


@pytest.mark.parametrize(
    "text",
    [
        "<<EOF\n  *** Begin Patch\n*** End Patch\nEOF",
        "<<EOF\n*** Begin Patch\n*** End Patch \nEOF",
        "<<EOF\n*** Begin Patch\nEOF",
        "<<EOF\n\n*** Begin Patch\n*** End Patch\nEOF",
        "<<EOF\n*** Begin Patch\n*** End Patch\nEOF x",
        "<<'EOF\"\n*** Begin Patch\n*** End Patch\nEOF",
    ],
)
def test_the_here_document_form_is_narrow(text: str) -> None:
    with pytest.raises(PatchSyntaxError):
        parse_patch(text)


def test_values_compare_and_print_by_what_they_hold() -> None:
    assert AddFile("a", "x") != AddFile("a", "y")
    assert AddFile("a", "x") != DeleteFile("a")
    assert hash(DeleteFile("a")) == hash(DeleteFile("a"))
    assert repr(DeleteFile("a")) == "DeleteFile(path='a')"

"""The dry run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_core.errors import PatchError
from codex_core.patch.grammar import Patch, parse_patch
from codex_core.patch.verify import verify_patch


def patch(*lines: str) -> Patch:
    return parse_patch("\n".join(["*** Begin Patch", *lines, "*** End Patch"]))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "a").write_text("1\n2\n")
    (tmp_path / "sub").mkdir()
    return tmp_path


def problem(what: Patch, directory: Path) -> str:
    with pytest.raises(PatchError) as caught:
        verify_patch(what, str(directory))
    return str(caught.value).replace(str(directory), "$D")


def test_changes_come_by_absolute_path_in_the_order_of_the_patch(directory: Path) -> None:
    (directory / "b").write_text("b\n")
    verified = verify_patch(
        patch("*** Update File: a", "@@", "-2", "+two", "*** Delete File: b", "*** Add File: sub/./n", "+n"),
        str(directory),
    )
    assert [(path, change.to_wire()) for path, change in verified.changes.items()] == [
        (
            f"{directory}/a",
            {"update": {"unified_diff": "@@ -1,2 +1,2 @@\n 1\n-2\n+two\n", "move_path": None}},
        ),
        (f"{directory}/b", {"delete": {"content": "b\n"}}),
        (f"{directory}/sub/./n", {"add": {"content": "n\n"}}),
    ]
    assert (directory / "a").read_text() == "1\n2\n"
    assert not (directory / "sub/n").exists()


def test_every_place_that_is_written_or_removed_is_listed(directory: Path) -> None:
    verified = verify_patch(
        patch(
            *(f"*** Update File: ../{directory.name}/a", "*** Move to: ../evil", "@@", " 1"),
            *("*** Add File: /elsewhere/n", "+x", "*** Delete File: a", "*** Delete File: a"),
        ),
        str(directory / "sub" / ".."),
    )
    here = f"{directory}/sub/.."
    assert verified.paths == (
        f"{here}/../{directory.name}/a",
        f"{here}/../evil",
        "/elsewhere/n",
        f"{here}/a",
    )


def test_a_move_is_shown_to_where_it_will_go(directory: Path) -> None:
    (directory / "sub/f").write_text("x\n")
    verified = verify_patch(patch("*** Update File: f", "*** Move to: g", "@@", " x"), str(directory / "sub"))
    assert verified.changes[f"{directory}/sub/f"].to_wire() == {
        "update": {"unified_diff": "", "move_path": f"{directory}/sub/g"}
    }


def test_of_two_hunks_for_one_file_the_last_is_shown(directory: Path) -> None:
    verified = verify_patch(
        patch("*** Update File: a", "@@", "-1", "+one", "*** Update File: a", "@@", "-2", "+two"),
        str(directory),
    )
    (change,) = verified.changes.values()
    assert change.to_wire()["update"]["unified_diff"] == "@@ -1,2 +1,2 @@\n 1\n-2\n+two\n"


def test_an_empty_patch_changes_nothing(directory: Path) -> None:
    verified = verify_patch(patch(), str(directory))
    assert (verified.changes, verified.paths) == ({}, ())


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["*** Delete File: x"], "Failed to read $D/x: No such file or directory (os error 2)"),
        (["*** Delete File: sub"], "Failed to read $D/sub: Is a directory (os error 21)"),
        (["*** Delete File: binary"], "Failed to read $D/binary: stream did not contain valid UTF-8"),
        (["*** Delete File: n\0"], "Failed to read $D/n\0: file name contained an unexpected NUL byte"),
        (
            ["*** Update File: x", "@@", "+1"],
            "Failed to read file to update $D/x: No such file or directory (os error 2)",
        ),
        (["*** Update File: a", "@@ q", "+1"], "Failed to find context 'q' in $D/a"),
        (["*** Update File: a", "@@", "-q", "-r"], "Failed to find expected lines in $D/a:\nq\nr"),
        (["*** Add File: sub/"], "Failed to write file $D/sub/"),
        (["*** Update File: a", "*** Move to: ", "@@", " 1"], "Failed to write file $D/"),
    ],
)
def test_what_does_not_fit_is_said_with_absolute_paths(
    directory: Path, lines: list[str], message: str
) -> None:
    (directory / "binary").write_bytes(b"\xff")
    assert problem(patch(*lines), directory) == message


@pytest.mark.parametrize(
    "lines",
    [
        ["*** Update File: link", "@@", "-x"],
        ["*** Add File: dir/n", "+x"],
        ["*** Delete File: dir/a"],
        ["*** Update File: a", "*** Move to: link", "@@", " 1"],
    ],
)
def test_a_link_out_of_the_workspace_is_refused_before_anybody_is_asked(
    directory: Path, lines: list[str]
) -> None:
    workspace = directory / "sub"
    (workspace / "a").write_text("1\n")
    os.symlink(directory / "a", workspace / "link")
    os.symlink("..", workspace / "dir")
    assert problem(patch(*lines), workspace).startswith(
        "Refused to follow a symbolic link out of the workspace: $D/"
    )
    (directory / "a").write_text("x\n")
    verify_patch(patch(*lines), str(workspace), link_roots=[str(directory)])

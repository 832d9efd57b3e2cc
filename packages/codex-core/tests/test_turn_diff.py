"""The diff of a turn."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codex_core.errors import PatchError
from codex_core.patch.apply import apply_patch
from codex_core.patch.grammar import parse_patch
from codex_core.patch.verify import verify_patch
from codex_core.workspace.turn_diff import TurnDiffTracker

ZERO = "0" * 40


class Turn:
    """A directory, a tracker, and patches as a turn applies them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tracker = TurnDiffTracker(str(root))

    def patch(self, *lines: str, fails: bool = False) -> str:
        patch = parse_patch("\n".join(["*** Begin Patch", *lines, "*** End Patch"]))
        self.tracker.patch_begins(verify_patch(patch, str(self.root)).changes)
        if fails:
            with pytest.raises(PatchError):
                apply_patch(patch, str(self.root))
        else:
            apply_patch(patch, str(self.root))
        return self.diff()

    def diff(self) -> str:
        return self.tracker.unified_diff()

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def id_of(self, *lines: str) -> str:
        return self.id_of_bytes("".join(f"{line}\n" for line in lines).encode())

    def id_of_bytes(self, content: bytes) -> str:
        command = ["git", "hash-object", "--stdin", "--no-filters"]
        return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode().strip()


@pytest.fixture
def turn(tmp_path: Path) -> Turn:
    (tmp_path / ".git").mkdir()
    return Turn(tmp_path)


def test_files_come_sorted_by_path_with_git_headers(turn: Turn) -> None:
    turn.write("u", "1\n2\n")
    turn.write("d", "x\n")
    turn.write("s/q", "1\n", 0o755)

    diff = turn.patch(
        *("*** Update File: u", "@@", "-1", "+one", "*** Delete File: d", "*** Add File: é b"),
        *("*** Update File: s/q", "@@", "-1", "+2", "*** Add File: a", "+1"),
    )

    assert diff == (
        f"diff --git a/a b/a\nnew file mode 100644\nindex {ZERO}..{turn.id_of('1')}\n"
        "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+1\n"
        f"diff --git a/d b/d\ndeleted file mode 100644\nindex {turn.id_of('x')}..{ZERO}\n"
        "--- a/d\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        f"diff --git a/s/q b/s/q\nindex {turn.id_of('1')}..{turn.id_of('2')}\n"
        "--- a/s/q\n+++ b/s/q\n@@ -1 +1 @@\n-1\n+2\n"
        f"diff --git a/u b/u\nindex {turn.id_of('1', '2')}..{turn.id_of('one', '2')}\n"
        "--- a/u\n+++ b/u\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n"
        f"diff --git a/é b b/é b\nnew file mode 100644\nindex {ZERO}..{turn.id_of()}\n"
    )


def test_three_lines_around_a_change_are_shown(turn: Turn) -> None:
    turn.write("f", "".join(f"{n}\n" for n in range(10)))
    assert "@@ -2,7 +2,7 @@\n 1\n 2\n 3\n-4\n+x\n 5\n 6\n 7\n" in turn.patch(
        "*** Update File: f", "@@", "-4", "+x"
    )


def test_the_diff_is_against_the_state_before_the_first_patch(turn: Turn) -> None:
    turn.write("f", "1\n2\n")
    turn.patch("*** Update File: f", "@@", "-1", "+one")
    diff = turn.patch("*** Update File: f", "@@", "-2", "+two")
    assert diff.endswith("@@ -1,2 +1,2 @@\n-1\n-2\n+one\n+two\n")
    assert turn.patch("*** Update File: f", "@@", "-one", "-two", "+1", "+2") == ""


def test_a_file_that_came_and_went_is_not_shown(turn: Turn) -> None:
    turn.patch("*** Add File: f", "+x")
    assert turn.patch("*** Delete File: f") == ""


def test_a_file_without_a_difference_adds_no_empty_line(turn: Turn) -> None:
    turn.write("a", "1\n")
    assert turn.patch("*** Update File: a", "@@", " 1") == ""
    assert turn.patch("*** Add File: z", "+1").startswith("diff --git a/z b/z\n")


def test_asking_twice_gives_the_same(turn: Turn) -> None:
    diff = turn.patch("*** Add File: f", "+x")
    assert diff
    assert turn.diff() == diff


def test_what_commands_do_to_a_tracked_file_shows_and_to_others_not(turn: Turn) -> None:
    turn.write("f", "1\n")
    turn.patch("*** Update File: f", "@@", "-1", "+2")
    turn.write("f", "3\n", 0o755)
    turn.write("g", "new\n")
    assert turn.diff() == (
        f"diff --git a/f b/f\nold mode 100644\nnew mode 100755\nindex {turn.id_of('1')}..{turn.id_of('3')}\n"
        "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+3\n"
    )


def test_text_without_a_last_newline_says_so(turn: Turn) -> None:
    turn.write("f", "1\n2")
    diff = turn.patch("*** Update File: f", "@@", "-1", "+one")
    assert diff.endswith("-1\n-2\n\\ No newline at end of file\n+one\n+2\n")


def test_what_is_not_text_is_called_binary(turn: Turn) -> None:
    content = b"\xff\n"
    turn.write("f", content)
    diff = turn.patch("*** Add File: f", "+x")
    assert diff == (
        f"diff --git a/f b/f\nindex {turn.id_of_bytes(content)}..{turn.id_of('x')}\n"
        "--- a/f\n+++ b/f\nBinary files differ\n"
    )
    (turn.root / "f").unlink()
    assert turn.diff().endswith("--- a/f\n+++ /dev/null\nBinary files differ\n")
    turn.patch("*** Add File: g", "+x")
    turn.write("g", b"\xff")
    assert turn.diff().endswith("--- /dev/null\n+++ b/g\nBinary files differ\n")


def test_outside_of_a_repository_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex_core.workspace.git.repository_root", lambda _: None)
    diff = Turn(tmp_path).patch("*** Add File: f", "+x")
    assert diff.startswith(f"diff --git a/{tmp_path}/f b/{tmp_path}/f\n")
    assert f"\n+++ b/{tmp_path}/f\n" in diff


def test_each_file_belongs_to_the_nearest_repository(turn: Turn) -> None:
    turn.write("inner/.git", "gitdir: elsewhere\n")
    assert turn.patch("*** Add File: inner/d/f", "+x").startswith("diff --git a/d/f b/d/f\n")


def test_one_file_by_two_spellings_is_one_file(turn: Turn) -> None:
    turn.write("f", "1\n")
    (turn.root / "d").mkdir()
    turn.patch("*** Update File: d/../f", "@@", "-1", "+2")
    diff = turn.patch("*** Update File: ./f", "@@", "-2", "+3")
    assert diff.count("diff --git") == 1
    assert diff.startswith("diff --git a/f b/f\n")
    assert diff.endswith("-1\n+3\n")


# -- moves ----------------------------------------------------------------------------------------


def test_a_move_is_an_edit_from_one_path_to_the_other(turn: Turn) -> None:
    turn.write("a", "1\n2\n")
    diff = turn.patch("*** Update File: a", "*** Move to: d/b", "@@", "-1", "+one")
    assert diff.startswith(f"diff --git a/a b/d/b\nindex {turn.id_of('1', '2')}..")
    assert diff.endswith("--- a/a\n+++ b/d/b\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n")


def test_a_moved_file_is_followed_and_its_old_path_is_free(turn: Turn) -> None:
    turn.write("a", "1\n2\n")
    turn.patch("*** Update File: a", "*** Move to: b", "@@", "-1", "+one")
    turn.patch("*** Update File: b", "*** Move to: c", "@@", "-2", "+two")
    diff = turn.patch("*** Add File: a", "+new")
    assert [line for line in diff.splitlines() if line.startswith(("diff", "new file", "---", "+++"))] == [
        *("diff --git a/a b/a", "new file mode 100644", "--- /dev/null", "+++ b/a"),
        *("diff --git a/a b/c", "--- a/a", "+++ b/c"),
    ]


def test_a_file_moved_there_and_back_is_unchanged(turn: Turn) -> None:
    turn.write("a", "1\n")
    turn.patch("*** Update File: a", "*** Move to: b", "@@", "-1", "+2")
    assert turn.patch("*** Update File: b", "*** Move to: a", "@@", "-2", "+1") == ""


def test_a_move_onto_a_tracked_file_takes_its_place(turn: Turn) -> None:
    turn.write("a", "1\n")
    turn.patch("*** Add File: b", "+x")
    diff = turn.patch("*** Update File: a", "*** Move to: b", "@@", "-1", "+2")
    assert diff.count("diff --git") == 1
    assert diff.startswith("diff --git a/a b/b\n")


def test_a_move_onto_itself_is_an_edit(turn: Turn) -> None:
    turn.write("a", "1\n")
    assert turn.patch("*** Update File: a", "*** Move to: ./a", "@@", "-1", "+2").startswith(
        "diff --git a/a b/a\n"
    )


@pytest.mark.parametrize("destination_tracked", [False, True])
def test_a_move_that_failed_did_not_happen(turn: Turn, destination_tracked: bool) -> None:
    turn.write("a", "1\n")
    if destination_tracked:
        turn.patch("*** Add File: b", "+x")
        (turn.root / "b").unlink()
    (turn.root / "b").mkdir()
    assert turn.patch("*** Update File: a", "*** Move to: b", "@@", "-1", "+2", fails=True) == ""
    (turn.root / "b").rmdir()
    assert turn.patch("*** Update File: a", "@@", "-1", "+2").startswith("diff --git a/a b/a\n")
    diff = turn.patch("*** Add File: b", "+y")
    assert diff.count("diff --git") == 2
    assert "new file mode" in diff


def test_the_half_of_a_patch_that_was_applied_shows(turn: Turn) -> None:
    diff = turn.patch("*** Add File: n", "+1", "*** Add File: n/x", "+1", fails=True)
    assert diff.count("diff --git") == 1
    assert "b/n\n" in diff


def test_a_directory_is_no_file(turn: Turn) -> None:
    (turn.root / "d").mkdir()
    assert turn.patch("*** Add File: d", "+x", fails=True) == ""


# -- links ----------------------------------------------------------------------------------------


def test_a_link_is_what_it_points_to(turn: Turn) -> None:
    turn.write("t", "1\n")
    (turn.root / "l").symlink_to("t")
    diff = turn.patch("*** Delete File: l")
    assert diff == (
        f"diff --git a/l b/l\ndeleted file mode 120000\nindex {turn.id_of_bytes(b't')}..{ZERO}\n"
        "--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-t\n\\ No newline at end of file\n"
    )


def test_an_edit_through_a_link_shows_at_the_file(turn: Turn) -> None:
    turn.write("t", "1\n")
    (turn.root / "l").symlink_to("t")
    assert turn.patch("*** Update File: l", "@@", "-1", "+2").startswith("diff --git a/t b/t\n")


def test_a_link_that_becomes_a_file_changes_its_mode(turn: Turn) -> None:
    turn.write("t", "1\n")
    (turn.root / "l").symlink_to("t")
    diff = turn.patch("*** Delete File: l", "*** Add File: l", "+x")
    assert diff.startswith("diff --git a/l b/l\nold mode 120000\nnew mode 100644\n")
    assert diff.count("diff --git") == 1


# -- git agrees -----------------------------------------------------------------------------------


@pytest.fixture
def repository(git_repo: object, tmp_path: Path) -> Path:
    root: Path = git_repo.path  # type: ignore[attr-defined]  # a ScratchRepo of codex_core.testing
    return root


EDITS: list[tuple[str, Callable[[Turn], object]]] = [
    (
        "edit",
        lambda t: t.patch("*** Update File: f", "@@", "-3", "+three", "@@", "-17", "*** Add File: n/m", "+x"),
    ),
    ("delete", lambda t: t.patch("*** Delete File: f")),
    ("empty", lambda t: t.patch("*** Add File: e")),
    ("mode", lambda t: (t.patch("*** Update File: f", "@@", "-3", "+x"), os.chmod(t.root / "f", 0o755))),
]


@pytest.mark.parametrize(("name", "edit"), EDITS, ids=[name for name, _ in EDITS])
def test_git_applies_the_diff_and_gets_the_same_tree(
    repository: Path, name: str, edit: Callable[[Turn], object]
) -> None:
    def git(*arguments: str, **options: object) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
            cwd=repository,
            capture_output=True,
            text=True,
            check=True,
            **options,  # type: ignore[call-overload]  # passed through
        )
        return str(done.stdout)

    turn = Turn(repository)
    turn.write("f", "".join(f"{n}\n" for n in range(20)))
    git("add", "-A")
    git("commit", "-qm", "before")
    edit(turn)
    diff = turn.diff()
    git("add", "-A")
    wanted = git("write-tree")
    git("reset", "-q", "--hard")
    git("apply", "--index", "-", input=diff)
    assert git("write-tree") == wanted

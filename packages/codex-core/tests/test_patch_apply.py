"""Applying patches to files."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.errors import PatchError
from codex_core.patch.apply import ApplyError, Summary, apply_patch
from codex_core.patch.files import LinkError
from codex_core.patch.grammar import Patch, parse_patch


def patch(*lines: str) -> Patch:
    return parse_patch("\n".join(["*** Begin Patch", *lines, "*** End Patch"]))


def update(path: str, *lines: str, to: str | None = None) -> Patch:
    return patch(f"*** Update File: {path}", *([] if to is None else [f"*** Move to: {to}"]), "@@", *lines)


def add(path: str, *lines: str) -> Patch:
    return patch(f"*** Add File: {path}", *[f"+{line}" for line in lines])


def delete(path: str) -> Patch:
    return patch(f"*** Delete File: {path}")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory beside the workspace with a file `f`."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "f").write_text("1\n")
    return directory


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


# -- what is done ---------------------------------------------------------------------------------


def test_the_summary_groups_paths_and_lists_a_moved_file_by_its_new_one(workspace: Path) -> None:
    for name in ("a", "b", "c"):
        (workspace / name).write_text("1\n")
    everything = patch(
        "*** Delete File: b",
        *("*** Update File: a", "*** Move to: d/e", "@@", "-1", "+2"),
        *("*** Add File: n", "+x", "*** Update File: c", "@@", " 1"),
    )

    summary = apply_patch(everything, str(workspace))

    assert summary == Summary(added=("n",), modified=("d/e", "c"), deleted=("b",))
    assert str(summary) == "Success. Updated the following files:\nA n\nM d/e\nM c\nD b\n"
    assert contents(workspace) == {"c": "1\n", "d/e": "2\n", "n": "x\n"}


def test_a_patch_without_hunks_is_refused(workspace: Path) -> None:
    with pytest.raises(ApplyError, match=r"^No files were modified\.$"):
        apply_patch(patch(), str(workspace))


def test_what_earlier_hunks_did_stays_when_a_later_one_fails(workspace: Path) -> None:
    (workspace / "a").write_text("1\n")
    half = patch("*** Add File: n", "+x", "*** Delete File: gone", "*** Delete File: a")
    with pytest.raises(ApplyError, match=r"^Failed to delete file gone$"):
        apply_patch(half, str(workspace))
    assert contents(workspace) == {"a": "1\n", "n": "x\n"}


def test_relative_paths_start_at_the_directory_and_absolute_ones_do_not(
    workspace: Path, outside: Path
) -> None:
    apply_patch(add(f"{outside}/new", "x"), str(workspace))
    apply_patch(add("../beside", "y"), str(workspace))
    assert (outside / "new").read_text() == "x\n"
    assert (workspace.parent / "beside").read_text() == "y\n"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (add("file/x", "1"), "Failed to create parent directories for file/x"),
        (add("file/../x", "1"), "Failed to create parent directories for file/../x"),
        (add("dir", "1"), "Failed to write file dir"),
        (add("new/", "1"), "Failed to write file new/"),
        (add("dir/.", "1"), "Failed to write file dir/."),
        (add("nul\0", "1"), "Failed to write file nul\0"),
        (add("x" * 300, "1"), f"Failed to write file {'x' * 300}"),
        (delete("dir"), "Failed to delete file dir"),
        (delete("nul\0"), "Failed to delete file nul\0"),
        (update("gone", "+1"), "Failed to read file to update gone: No such file or directory (os error 2)"),
        (update("dir", "+1"), "Failed to read file to update dir: Is a directory (os error 21)"),
        (update("file/", "+1"), "Failed to read file to update file/: Not a directory (os error 20)"),
        (update("binary", "+1"), "Failed to read file to update binary: stream did not contain valid UTF-8"),
        (
            update("nul\0", "+1"),
            "Failed to read file to update nul\0: file name contained an unexpected NUL byte",
        ),
        (update("file", "-2"), "Failed to find expected lines in file:\n2"),
        (update("file", "-1", to="dir"), "Failed to write file dir"),
        (update("file", "-1", to="binary/x"), "Failed to create parent directories for binary/x"),
        (update("file", "-1", to=""), "Failed to write file "),
    ],
)
def test_a_failure_names_the_path_and_changes_nothing(workspace: Path, bad: Patch, message: str) -> None:
    (workspace / "file").write_text("1\n")
    (workspace / "binary").write_bytes(b"\xff\n")
    (workspace / "dir").mkdir()
    before = sorted(workspace.rglob("*"))

    with pytest.raises(PatchError) as caught:
        apply_patch(bad, str(workspace))

    assert str(caught.value) == message
    assert sorted(workspace.rglob("*")) == before
    assert (workspace / "file").read_text() == "1\n"


def test_a_lone_surrogate_cannot_be_written(workspace: Path) -> None:
    for bad in (add("f", "\ud800"), add("\ud800", "x")):
        with pytest.raises(ApplyError):
            apply_patch(bad, str(workspace))
    assert contents(workspace) == {}


def test_a_pipe_is_neither_waited_for_nor_replaced(workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    with pytest.raises(ApplyError, match="Failed to read file to update pipe: Not a regular file"):
        apply_patch(update("pipe", "+1"), str(workspace))
    with pytest.raises(ApplyError, match="Failed to write file pipe"):
        apply_patch(add("pipe", "1"), str(workspace))
    assert (workspace / "pipe").is_fifo()


# -- what a file keeps ----------------------------------------------------------------------------


def test_an_update_keeps_mode_and_line_ends_and_bytes_it_does_not_touch(workspace: Path) -> None:
    file = workspace / "f"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo \r\n\r\n")
    file.chmod(0o4750)
    apply_patch(update("f", "-one", "+ONE"), str(workspace))
    assert file.read_bytes() == b"\xef\xbb\xbfONE\r\ntwo \r\n\r\n"
    assert file.stat().st_mode & 0o7777 == 0o4750


def test_a_new_file_gets_the_mode_the_umask_leaves(workspace: Path) -> None:
    before = os.umask(0o027)
    try:
        apply_patch(add("d/f", "x"), str(workspace))
    finally:
        os.umask(before)
    assert (workspace / "d/f").stat().st_mode & 0o777 == 0o640
    assert (workspace / "d").stat().st_mode & 0o777 == 0o750


def test_a_moved_file_keeps_its_mode(workspace: Path) -> None:
    (workspace / "a").write_text("1\n")
    (workspace / "a").chmod(0o755)
    (workspace / "b").write_text("old\n")
    apply_patch(update("a", "-1", "+2", to="b"), str(workspace))
    assert contents(workspace) == {"b": "2\n"}
    assert (workspace / "b").stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_the_owner_stays(workspace: Path) -> None:
    (workspace / "f").write_text("1\n")
    os.chown(workspace / "f", 1234, 2345)
    apply_patch(update("f", "-1", "+2"), str(workspace))
    status = (workspace / "f").stat()
    assert (status.st_uid, status.st_gid, (workspace / "f").read_text()) == (1234, 2345, "2\n")


def test_extended_attributes_stay(workspace: Path) -> None:
    file = workspace / "f"
    file.write_text("1\n")
    try:
        os.setxattr(file, "user.origin", b"here")
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")
    apply_patch(update("f", "-1", "+2"), str(workspace))
    assert os.getxattr(file, "user.origin") == b"here"


def test_an_update_that_changes_nothing_does_not_touch_the_file(workspace: Path) -> None:
    (workspace / "f").write_text("1\n")
    before = (workspace / "f").stat()
    assert apply_patch(update("f", " 1"), str(workspace)).modified == ("f",)
    after = (workspace / "f").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


# -- never half a file ----------------------------------------------------------------------------


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_readers_see_the_old_file_or_the_new(workspace: Path) -> None:
    (workspace / "f").write_text("1\n")
    with open(workspace / "f") as reader:
        apply_patch(update("f", "-1", "+2"), str(workspace))
        assert reader.read() == "1\n"
    assert contents(workspace) == {"f": "2\n"}


@pytest.mark.parametrize("call", ["replace", "fchmod"])
def test_a_write_that_fails_leaves_the_old_file_and_no_copy(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (workspace / "f").write_text("1\n")
    monkeypatch.setattr(os, call, failing(errno.ENOSPC))
    for bad in (update("f", "-1", "+2"), add("f", "2"), update("f", "-1", "+2", to="g")):
        with pytest.raises(ApplyError, match="Failed to write file"):
            apply_patch(bad, str(workspace))
        assert contents(workspace) == {"f": "1\n"}


def test_an_interrupt_leaves_the_old_file_and_no_copy(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    (workspace / "f").write_text("1\n")
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        apply_patch(update("f", "-1", "+2"), str(workspace))
    assert contents(workspace) == {"f": "1\n"}


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EACCES, errno.EROFS])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file = workspace / "f"
    file.write_text("a longer text\n1\n")
    before = file.stat().st_ino
    monkeypatch.setattr(os, "replace", failing(number))
    apply_patch(update("f", "-a longer text"), str(workspace))
    assert contents(workspace) == {"f": "1\n"}
    assert file.stat().st_ino == before


def test_a_new_file_is_never_written_in_place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", failing(errno.EACCES))
    with pytest.raises(ApplyError):
        apply_patch(add("f", "1"), str(workspace))
    assert contents(workspace) == {}


def test_a_file_we_may_not_write_is_not_replaced_either(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "f").write_text("1\n")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ApplyError, match="Failed to write file f"):
        apply_patch(update("f", "-1", "+2"), str(workspace))
    assert contents(workspace) == {"f": "1\n"}


# -- moves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("destination", ["a", "./a", "d/../a", "{root}/a"])
def test_a_file_moved_onto_itself_is_updated(workspace: Path, destination: str) -> None:
    (workspace / "a").write_text("1\n")
    (workspace / "d").mkdir()
    destination = destination.format(root=workspace)
    assert apply_patch(update("a", "-1", "+2", to=destination), str(workspace)).modified == (destination,)
    assert contents(workspace) == {"a": "2\n"}


def test_a_file_moved_onto_a_link_to_itself_is_updated(workspace: Path) -> None:
    (workspace / "a").write_text("1\n")
    (workspace / "l").symlink_to("a")
    apply_patch(update("a", "-1", "+2", to="l"), str(workspace))
    assert contents(workspace) == {"a": "2\n", "l": "-> a"}


def test_a_link_that_is_moved_goes_and_its_text_is_written_to_the_destination(workspace: Path) -> None:
    (workspace / "a").write_text("1\n")
    (workspace / "l").symlink_to("a")
    apply_patch(update("l", "-1", "+2", to="b"), str(workspace))
    assert contents(workspace) == {"a": "1\n", "b": "2\n"}
    (workspace / "l").symlink_to("a")
    apply_patch(update("l", "-1", "+3", to="a"), str(workspace))
    assert contents(workspace) == {"a": "3\n", "b": "2\n"}


def test_moving_onto_another_name_of_one_file_leaves_one_name(workspace: Path) -> None:
    (workspace / "a").write_text("1\n")
    os.link(workspace / "a", workspace / "b")
    apply_patch(update("a", "-1", "+2", to="b"), str(workspace))
    assert contents(workspace) == {"b": "2\n"}


def test_a_source_that_cannot_be_removed_is_said(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "a").write_text("1\n")
    monkeypatch.setattr(os, "unlink", failing(errno.EACCES))
    with pytest.raises(ApplyError, match=r"^Failed to remove original a$"):
        apply_patch(update("a", "-1", "+2", to="b"), str(workspace))


# -- links ----------------------------------------------------------------------------------------


def test_links_inside_the_workspace_are_followed_and_stay(workspace: Path) -> None:
    (workspace / "d").mkdir()
    (workspace / "d/f").write_text("1\n")
    (workspace / "file").symlink_to("d/f")
    (workspace / "dir").symlink_to(workspace / "d")
    apply_patch(update("file", "-1", "+2"), str(workspace))
    apply_patch(update("dir/f", "-2", "+3"), str(workspace))
    apply_patch(add("dir/n", "x"), str(workspace))
    (workspace / "dangling").symlink_to("d/new")
    apply_patch(add("dangling", "y"), str(workspace))
    apply_patch(delete("file"), str(workspace))
    assert contents(workspace) == {
        "d/f": "3\n",
        "d/n": "x\n",
        "d/new": "y\n",
        "dangling": "-> d/new",
        "dir": f"-> {workspace}/d",
    }


@pytest.mark.parametrize(
    "bad",
    [
        update("file", "-1", "+2"),
        update("dir/f", "-1", "+2"),
        add("file", "2"),
        add("dir/new/deep", "2"),
        add("new", "2"),
        delete("dir/f"),
        update("own", "-own", "+2", to="file"),
        update("own", "-own", "+2", to="dir/new"),
        update("file", "-1", "+2", to="mine"),
        update("dir/f", "-1", "+2", to="mine"),
        add("dir/../x", "2"),
    ],
)
def test_no_link_is_followed_out_of_the_workspace(workspace: Path, outside: Path, bad: Patch) -> None:
    (workspace / "file").symlink_to(outside / "f")
    (workspace / "dir").symlink_to("../outside")
    (workspace / "new").symlink_to(outside / "new")
    (workspace / "own").write_text("own\n")
    before = contents(workspace.parent)
    with pytest.raises(LinkError, match="Refused to follow a symbolic link out of the workspace"):
        apply_patch(bad, str(workspace))
    assert contents(workspace.parent) == before


def test_links_may_lead_to_roots_that_are_named(workspace: Path, outside: Path) -> None:
    (workspace / "file").symlink_to(outside / "f")
    apply_patch(update("file", "-1", "+2"), str(workspace), link_roots=[str(outside)])
    assert (outside / "f").read_text() == "2\n"


def test_a_link_itself_may_be_deleted_wherever_it_leads(workspace: Path, outside: Path) -> None:
    (workspace / "file").symlink_to(outside / "f")
    apply_patch(delete("file"), str(workspace))
    assert contents(workspace) == {}
    assert (outside / "f").read_text() == "1\n"


def test_outside_too_a_link_does_not_lead_away_from_the_directory_named(
    workspace: Path, outside: Path
) -> None:
    (outside / "l").symlink_to(workspace.parent / "elsewhere")
    with pytest.raises(LinkError):
        apply_patch(add(f"{outside}/l", "x"), str(workspace))
    apply_patch(update("../outside/f", "-1", "+2"), str(workspace))
    assert (outside / "f").read_text() == "2\n"


def test_the_workspace_may_itself_be_reached_through_a_link(workspace: Path) -> None:
    (workspace.parent / "l").symlink_to(workspace)
    apply_patch(add("f", "x"), str(workspace.parent / "l"))
    apply_patch(add(f"{workspace.parent}/l/g", "y"), str(workspace))
    assert contents(workspace) == {"f": "x\n", "g": "y\n"}


# -- random patches on random trees ---------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "d/c", "d", "l", "d/../a", "l/c", "out/f"])
LINES = st.lists(st.sampled_from(["1", "2", "", "  1"]), max_size=4)
HUNKS = st.one_of(
    st.builds(lambda name, lines: [f"*** Add File: {name}", *[f"+{line}" for line in lines]], NAMES, LINES),
    st.builds(lambda name: [f"*** Delete File: {name}"], NAMES),
    st.builds(
        lambda name, to, old, new: [
            f"*** Update File: {name}",
            *([] if to is None else [f"*** Move to: {to}"]),
            "@@",
            *[f"-{line}" for line in old],
            *[f"+{line}" for line in new or ["x"]],
        ],
        NAMES,
        st.none() | NAMES,
        LINES,
        LINES,
    ),
)
TREES = st.dictionaries(st.sampled_from(["a", "b", "d/c"]), LINES)


def plant(tree: dict[str, list[str]], *, link: bool) -> Path:
    root = Path(tempfile.mkdtemp())
    (root / "w/d").mkdir(parents=True)
    (root / "o").mkdir()
    (root / "o/f").write_text("1\n")
    for name, lines in tree.items():
        (root / "w" / name).write_text("".join(f"{line}\n" for line in lines))
    if link:
        (root / "w/l").symlink_to("d")
        (root / "w/out").symlink_to("../o")
    return root


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, st.lists(HUNKS, min_size=1, max_size=4), st.booleans())
def test_a_patch_is_done_hunk_by_hunk_and_never_half_a_hunk(
    tree: dict[str, list[str]], hunks: list[list[str]], link: bool
) -> None:
    whole = patch(*[line for hunk in hunks for line in hunk])
    roots = [plant(tree, link=link) for _ in range(len(hunks) + 1)]
    try:
        states: list[dict[str, str]] = []
        for count, root in enumerate(roots):
            try:
                if count:
                    apply_patch(Patch(whole.hunks[:count]), str(root / "w"))
            except PatchError:
                break
            states.append(contents(root))
        succeeded = len(states) > len(hunks)
        last = plant(tree, link=link)
        roots.append(last)
        try:
            apply_patch(whole, str(last / "w"))
        except PatchError:
            assert not succeeded
        else:
            assert succeeded
        # What is there is what the hunks before the failing one made, and nothing besides.
        assert contents(last) == states[-1]
        assert (last / "o/f").read_text() == "1\n"
    finally:
        for root in roots:
            shutil.rmtree(root)

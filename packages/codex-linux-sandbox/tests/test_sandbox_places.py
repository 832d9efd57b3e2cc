"""Place holders of missing protected names: never missing while needed, never left behind."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from codex_linux_sandbox import protected
from codex_linux_sandbox.protected import NAMES, Placeholders, PlaceTakenError, names_in, sweep

ONLY_WORKSPACE = json.dumps(
    {"mode": "workspace-write", "exclude_slash_tmp": True, "exclude_tmpdir_env_var": True}
)


@pytest.fixture
def place(workspace: Path) -> str:
    return str(workspace / ".git")


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("generation", ["outside", "first inside", "command", "session"])
def test_nothing_is_left_whichever_process_is_killed(
    helper: str, landlock: int, workspace: Path, generation: str
) -> None:
    command = [helper, "--isolation", "namespaces", str(workspace), ONLY_WORKSPACE, "--"]
    alive, held = os.pipe()  # ends when all of the helper's processes have
    with subprocess.Popen(
        [*command, "sh", "-c", "echo ready; exec sleep 600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[held],
        start_new_session=True,
    ) as process:
        os.close(held)
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            pytest.skip("no namespaces here")
        assert sorted(os.listdir(workspace)) == sorted(NAMES)
        inside = children(process.pid)
        if generation == "session":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            chosen = {"outside": [process.pid], "first inside": inside, "command": children(inside[0])}
            os.kill(chosen[generation][0], signal.SIGKILL)
        assert os.read(alive, 1) == b""
        os.close(alive)
    assert process.returncode == -signal.SIGKILL
    assert os.listdir(workspace) == []


def test_what_the_command_started_dies_with_the_helper(helper: str, landlock: int, workspace: Path) -> None:
    command = [helper, str(workspace), ONLY_WORKSPACE, "--", "sh", "-c"]
    with subprocess.Popen(
        [*command, "setsid sleep 600 & echo ready; sleep 600"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        assert process.stdout.read() == b""  # all of them held it


def test_a_place_is_held_by_all_and_removed_by_the_last(place: str) -> None:
    first, second = Placeholders(), Placeholders()
    first.hold([place])
    second.hold([place])
    first.release()
    assert os.path.isdir(place)
    second.release()
    assert not os.path.lexists(place)


def test_who_leaves_early_changes_nothing_of_a_place_that_others_hold(place: str) -> None:
    early, late = Placeholders(), Placeholders()
    early.hold([place])
    late.hold([place])
    before = os.lstat(place)
    early.release()
    after = os.lstat(place)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    late.release()
    assert not os.path.lexists(place)


def test_the_umask_does_not_hide_what_it_is(place: str) -> None:
    before = os.umask(0o077)
    try:
        holder = Placeholders()
        holder.hold([place])
        assert names_in(os.path.dirname(place))[1] == [place, *(place[:-4] + name for name in NAMES[1:])]
        holder.release()
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)


def test_a_place_that_is_just_being_removed_is_made_anew(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir(place, 0o755)
    os.chmod(place, 0o1755)
    real = fcntl.flock

    def removed_first(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(protected.fcntl, "flock", real)
        os.rmdir(place)  # as one does who has locked it for that
        real(descriptor, operation)

    monkeypatch.setattr(protected.fcntl, "flock", removed_first)
    holder = Placeholders()
    holder.hold([place])
    assert os.path.samestat(os.fstat(holder.held[place]), os.stat(place))
    holder.release()
    assert not os.path.lexists(place)


def test_what_somebody_else_has_put_there_is_not_removed(place: str) -> None:
    holder = Placeholders()
    holder.hold([place])
    os.rmdir(place)
    os.mkdir(place)
    holder.release()
    assert os.path.isdir(place)


def test_a_place_that_is_used_becomes_an_ordinary_directory(place: str) -> None:
    holder = Placeholders()
    holder.hold([place])
    Path(place, "config").touch()
    holder.release()
    assert os.listdir(place) == ["config"]
    assert os.stat(place).st_mode & 0o7777 == 0o755
    assert place in names_in(os.path.dirname(place))[0]


@pytest.mark.parametrize("kind", ["directory", "file", "link", "used"])
def test_a_place_that_is_taken_is_not_held(place: str, kind: str) -> None:
    match kind:
        case "directory":
            os.mkdir(place)
        case "file":
            Path(place).touch()
        case "link":
            os.symlink("/", place)
        case _:
            os.mkdir(place)
            os.chmod(place, 0o1755)
            Path(place, "config").touch()
    holder = Placeholders()
    with pytest.raises(PlaceTakenError):
        holder.hold([place.replace(".git", ".agents"), place])
    assert holder.held == {}
    assert os.listdir(os.path.dirname(place)) == [".git"]
    assert place in names_in(os.path.dirname(place))[0]  # it is to be protected, then
    assert place not in names_in(os.path.dirname(place))[1]


@pytest.mark.parametrize(("number", "is_refused"), [(errno.ENOSPC, True), (errno.EROFS, False)])
def test_where_only_the_disk_is_full_nothing_is_run(
    place: str, monkeypatch: pytest.MonkeyPatch, number: int, *, is_refused: bool
) -> None:
    def fail(path: str, mode: int) -> NoReturn:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "mkdir", fail)
    holder = Placeholders()
    if is_refused:
        with pytest.raises(OSError, match=rf"cannot keep {place} from being created: No space left"):
            holder.hold([place])
    else:
        holder.hold([place])
    assert holder.held == {}


def test_sweeping_takes_only_what_nobody_holds(workspace: Path) -> None:
    held, abandoned, users = (str(workspace / name) for name in NAMES)
    holder = Placeholders()
    holder.hold([held])
    os.mkdir(users)
    os.mkdir(abandoned)
    os.chmod(abandoned, 0o1755)
    sweep([held, abandoned, users, str(workspace / "missing")])
    assert sorted(os.listdir(workspace)) == sorted([os.path.basename(held), os.path.basename(users)])
    holder.release()

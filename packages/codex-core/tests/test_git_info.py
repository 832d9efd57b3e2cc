"""What git tells of a workspace: the root, and commit, branch and origin (spec: exec-sandbox.md G.1)."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import ScratchHome, ScratchRepo
from codex_core.workspace import git
from codex_core.workspace.git import git_info, merge_base, repository_root

URL = "https://example.invalid/x.git"


async def info(directory: Path, home: ScratchHome, **extra: str) -> dict[str, Any] | None:
    found = await git_info(str(directory), home.environ(**extra))
    return None if found is None else found.to_wire()


async def test_commit_branch_and_origin(git_repo: ScratchRepo, scratch_home: ScratchHome) -> None:
    head = git_repo.git("rev-parse", "HEAD").strip()
    assert await info(git_repo.path, scratch_home) == {"commit_hash": head, "branch": "main"}
    git_repo.git("remote", "add", "origin", URL)
    git_repo.git("checkout", "--quiet", "-b", "feature/ü x".replace(" ", "-"))
    (git_repo.path / "deep" / "er").mkdir(parents=True)
    assert await info(git_repo.path / "deep" / "er", scratch_home) == {
        "commit_hash": head,
        "branch": "feature/ü-x",
        "repository_url": URL,
    }


async def test_a_detached_head_has_no_branch(git_repo: ScratchRepo, scratch_home: ScratchHome) -> None:
    head = git_repo.git("rev-parse", "HEAD").strip()
    git_repo.git("checkout", "--quiet", "--detach")
    assert await info(git_repo.path, scratch_home) == {"commit_hash": head}


async def test_a_branch_without_commits_has_only_its_origin(
    tmp_path: Path, scratch_home: ScratchHome
) -> None:
    repo = ScratchRepo(tmp_path)
    repo.git("init", "--quiet", "--template=")
    repo.git("remote", "add", "origin", URL)
    assert await info(tmp_path, scratch_home) == {"repository_url": URL}


async def test_a_worktree_has_a_branch_of_its_own(
    git_repo: ScratchRepo, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    head = git_repo.git("rev-parse", "HEAD").strip()
    git_repo.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "tree"))
    assert (tmp_path / "tree" / ".git").is_file()
    assert repository_root(str(tmp_path / "tree")) == str(tmp_path / "tree")
    assert await info(tmp_path / "tree", scratch_home) == {"commit_hash": head, "branch": "side"}


async def test_outside_of_a_repository_there_is_nothing(tmp_path: Path, scratch_home: ScratchHome) -> None:
    assert await info(tmp_path, scratch_home) is None


async def test_git_dir_of_the_environment_counts(
    git_repo: ScratchRepo, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    found = await info(tmp_path / "elsewhere", scratch_home, GIT_DIR=str(git_repo.path / ".git"))
    assert found is not None
    assert found["branch"] == "main"


async def test_without_git_nothing_is_known(
    git_repo: ScratchRepo, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    assert not (await info(git_repo.path, scratch_home, PATH=str(tmp_path)))


async def test_a_repository_git_refuses_is_unknown(git_repo: ScratchRepo, scratch_home: ScratchHome) -> None:
    (git_repo.path / ".git" / "HEAD").write_text("broken")
    assert not (await info(git_repo.path, scratch_home))


@pytest.fixture
def hanging_git(tmp_path: Path) -> Path:
    """A directory with a `git` that never answers; it writes its process id to `pids`."""
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\necho $$ >> {shlex.quote(str(tmp_path / 'pids'))}\nexec sleep 600\n")
    script.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found through /proc")
async def test_a_git_that_hangs_is_given_up_and_killed(
    hanging_git: Path, git_repo: ScratchRepo, scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "_GIT_TIMEOUT_S", 0.3)
    path = f"{hanging_git / 'bin'}:{os.environ['PATH']}"
    assert not (await info(git_repo.path, scratch_home, PATH=path))
    for pid in (hanging_git / "pids").read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.parametrize("kind", ["directory", "file", "dangling link"])
def test_any_entry_called_git_marks_the_root(kind: str, tmp_path: Path) -> None:
    entry = tmp_path / "root" / ".git"
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    match kind:
        case "directory":
            entry.mkdir()
        case "file":
            entry.write_text("gitdir: /nowhere")
        case _:
            entry.symlink_to("/nowhere")
    assert repository_root(str(tmp_path / "root" / "a" / "b")) == str(tmp_path / "root")
    assert repository_root(str(tmp_path / "root")) == str(tmp_path / "root")
    assert repository_root(str(tmp_path / "root" / "missing" / "below")) == str(tmp_path / "root")
    assert repository_root(str(tmp_path)) is None


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="processes are found through /proc")
async def test_a_git_that_hangs_is_given_up_with_all_it_started(
    git_repo: ScratchRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_core.testing.processes import MARK_VARIABLE, assert_none_left

    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 600 &\nsleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(git, "_GIT_TIMEOUT_S", 0.3)
    mark = f"hanging-git-{os.getpid()}"
    environ = {"PATH": f"{program.parent}:{os.environ['PATH']}", MARK_VARIABLE: mark}
    info = await git.git_info(str(git_repo.path), environ)
    assert info is not None
    assert info.commit_hash is None
    assert_none_left(mark)


async def test_where_branches_parted(
    git_repo: ScratchRepo, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    environ = scratch_home.environ()
    fork = git_repo.git("rev-parse", "HEAD").strip()
    git_repo.git("checkout", "--quiet", "-b", "topic")
    git_repo.commit("work", {"w.txt": "w\n"})
    assert await merge_base(str(git_repo.path), "main", environ) == fork
    # An upstream that is ahead counts: its commits are not this branch's changes.
    git_repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote"))
    git_repo.git("remote", "add", "origin", str(tmp_path / "remote"))
    git_repo.git("checkout", "--quiet", "main")
    ahead = git_repo.commit("newer", {"n.txt": "n\n"})
    git_repo.git("push", "--quiet", "--set-upstream", "origin", "main")
    git_repo.git("reset", "--quiet", "--hard", fork)
    git_repo.git("checkout", "--quiet", "topic")
    git_repo.git("merge", "--quiet", "--no-edit", "origin/main")
    assert await merge_base(str(git_repo.path), "main", environ) == ahead
    for unknown in ("nowhere", "--help", "", "a b"):
        assert await merge_base(str(git_repo.path), unknown, environ) is None

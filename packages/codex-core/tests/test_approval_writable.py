"""Which files lie where commands may not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_core.approval.writable import paths_outside, repository_of
from codex_protocol.sandbox_policy import DangerFullAccessPolicy, ReadOnlyPolicy, WorkspaceWritePolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NO_TMP = WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)


def outside(
    *paths: str,
    policy: WorkspaceWritePolicy = NO_TMP,
    links: dict[str, str] | None = None,
    tmpdir: str | None = None,
) -> Sequence[str]:
    """The paths outside, in a made-up file system where `links` says what a name really is."""
    found = links or {}

    def resolve(path: str) -> str:
        for link, target in found.items():
            if path == link or path.startswith(link + "/"):
                return target + path[len(link) :]
        return path

    return paths_outside(paths, sandbox_policy=policy, cwd="/w", tmpdir=tmpdir, resolve=resolve)


def test_files_below_the_working_directory_are_inside() -> None:
    assert outside("/w/a", "/w/d/e/f", "b/c", "./x/../y") == []


@pytest.mark.parametrize("path", ["/etc/x", "/wx", "/w/../etc/x", "../x", "a/../../x", "/", "//etc/x"])
def test_files_elsewhere_are_outside(path: str) -> None:
    assert outside("/w/a", path) == [path]


@pytest.mark.parametrize(
    "path",
    ["/w/.git", "/w/.git/config", "/w/x/../.git/hooks/y", "/w/.GIT/config", "/w/.codex/x", "/w/.agents"],
)
def test_protected_places_are_outside_even_when_missing(path: str) -> None:
    assert outside(path) == [path]


@pytest.mark.parametrize("path", ["/w/.gitignore", "/w/sub/.git/config", "/w/.github/x", "//w/x"])
def test_names_that_only_look_protected_are_inside(path: str) -> None:
    assert outside(path) == []


def test_protection_wins_over_another_root() -> None:
    policy = WorkspaceWritePolicy(("/", "/w/.git"), exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    assert outside("/etc/x", "/w/.git/config", "/.git/x", policy=policy) == ["/w/.git/config", "/.git/x"]


def test_a_root_that_is_a_file_is_inside() -> None:
    policy = WorkspaceWritePolicy(("/srv/log",), exclude_slash_tmp=True)
    assert outside("/srv/log", "/srv/log2", policy=policy) == ["/srv/log2"]


def test_the_temporary_directory_counts_when_the_policy_says_so() -> None:
    policy = WorkspaceWritePolicy(exclude_slash_tmp=True)
    assert outside("/var/t/x", policy=policy, tmpdir="/var/t") == []
    assert outside("/var/t/x", policy=NO_TMP, tmpdir="/var/t") == ["/var/t/x"]


def test_a_link_out_of_the_workspace_is_outside() -> None:
    assert outside("/w/link/x", "/w/y", links={"/w/link": "/etc"}) == ["/w/link/x"]


def test_a_link_into_a_protected_place_is_outside() -> None:
    assert outside("/w/link/config", links={"/w/link": "/w/.git"}) == ["/w/link/config"]


def test_a_link_within_the_workspace_is_inside() -> None:
    assert outside("/w/link/x", links={"/w/link": "/w/real"}) == []


def test_a_link_from_outside_into_the_workspace_is_outside() -> None:
    assert outside("/srv/link/x", links={"/srv/link": "/w"}) == ["/srv/link/x"]


def test_a_workspace_that_is_a_link_itself_is_inside() -> None:
    assert outside("/w/x", "/w/.git/x", links={"/w": "/real/w"}) == ["/w/.git/x"]


def test_a_parent_step_through_a_link_is_followed_as_the_kernel_does(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    elsewhere = tmp_path / "elsewhere" / "deep"
    workspace.mkdir()
    elsewhere.mkdir(parents=True)
    (workspace / "link").symlink_to(elsewhere)
    paths = [str(workspace / "link/../x"), str(workspace / "new/../x"), str(workspace / "link")]
    found = paths_outside(paths, sandbox_policy=NO_TMP, cwd=str(workspace), tmpdir=None)
    assert found == [paths[0], paths[2]]


def test_links_are_followed_on_disk(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    (workspace / "out").symlink_to(tmp_path)
    (workspace / "loop").symlink_to(workspace / "loop")
    (workspace / "dangling").symlink_to(tmp_path / "nothing")
    paths = [str(workspace / name) for name in ("x", "out/x", "dangling", "loop")]
    found = paths_outside(paths, sandbox_policy=NO_TMP, cwd=str(workspace), tmpdir=None)
    assert found == paths[1:3]


def test_read_only_has_no_inside_and_full_access_no_outside() -> None:
    arguments = {"cwd": "/w", "tmpdir": None}
    assert paths_outside(["/w/a"], sandbox_policy=ReadOnlyPolicy(), **arguments) == ["/w/a"]
    assert paths_outside(["/etc/x"], sandbox_policy=DangerFullAccessPolicy(), **arguments) == []


def test_settings_are_outside_where_they_lie_below_a_root() -> None:
    arguments = {"sandbox_policy": NO_TMP, "cwd": "/w", "tmpdir": None, "resolve": lambda path: path}
    found = paths_outside(["/w/home/config.toml", "/w/x"], settings=["/w/home"], **arguments)
    assert found == ["/w/home/config.toml"]
    assert paths_outside(["/w/x"], settings=["/w"], **arguments) == ["/w/x"]
    assert paths_outside(["/w/x"], settings=["/"], **arguments) == []  # the workspace is inside the settings


def test_settings_are_outside_by_whatever_link_they_are_reached(tmp_path: Path) -> None:
    workspace, home = tmp_path / "w", tmp_path / "w" / "home"
    home.mkdir(parents=True)
    (workspace / "link").symlink_to("home")
    found = paths_outside(
        ["link/config.toml", "home2"],
        sandbox_policy=NO_TMP,
        cwd=str(workspace),
        tmpdir=None,
        settings=[str(workspace / "link")],
    )
    assert found == ["link/config.toml"]
    assert paths_outside(
        ["home/config.toml"],
        sandbox_policy=NO_TMP,
        cwd=str(workspace),
        tmpdir=None,
        settings=[str(workspace / "link")],
    ) == ["home/config.toml"]


def test_repository_around_the_workspace_is_found_also_where_a_worktree_keeps_it(tmp_path: Path) -> None:
    data = tmp_path / "main" / ".git" / "worktrees" / "tree"
    data.mkdir(parents=True)
    (data / "commondir").write_text("../..\n")
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / ".git").write_text(f"gitdir: {data}\n")
    pytest.importorskip("codex_linux_sandbox", reason="known on Linux only")
    found = repository_of(str(tmp_path / "tree" / "sub"))
    assert found == (str(tmp_path / "tree" / ".git"), str(data), str(tmp_path / "main" / ".git"))

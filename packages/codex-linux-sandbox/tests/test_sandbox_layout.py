"""What a policy makes of the files there are: which places are writable, protected, or kept vacant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_linux_sandbox.layout import Layout, survey
from codex_linux_sandbox.policy import SandboxPolicy
from codex_linux_sandbox.protected import NAMES, names_in, repository_around, settings_at


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return Path(os.path.realpath(tmp_path))


def policy(*roots: str, exclude_tmpdir: bool = False) -> SandboxPolicy:
    return SandboxPolicy(
        "workspace-write",
        writable_roots=roots,
        exclude_slash_tmp=True,
        exclude_tmpdir_env_var=exclude_tmpdir,
    )


def laid_out(chosen: SandboxPolicy, cwd: Path, *, tmpdir: str = "", settings: tuple[str, ...] = ()) -> Layout:
    return survey(chosen, cwd=str(cwd), tmpdir=tmpdir, settings=settings)


def directory(*parts: str | Path) -> Path:
    path = Path(*parts)
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize("mode", ["read-only", "danger-full-access"])
def test_without_writable_roots_nothing_is_protected(here: Path, mode: str) -> None:
    directory(here, ".git")
    layout = laid_out(SandboxPolicy(mode), here, settings=(str(here / "settings"),))
    assert (layout.writable, layout.protected, layout.vacant) == ([], [], [])


def test_names_that_are_there_are_protected_and_missing_ones_kept_vacant(here: Path) -> None:
    directory(here, ".git")
    layout = laid_out(policy(), here)
    assert layout.writable == [str(here)]
    assert layout.protected == [str(here / ".git")]
    assert layout.vacant == [str(here / ".codex"), str(here / ".agents")]


def test_named_roots_count_like_the_workspace(here: Path) -> None:
    work, other = directory(here, "work"), directory(here, "other")
    directory(other, ".codex")
    layout = laid_out(policy("../other"), work)
    assert layout.writable == [str(other), str(work)]
    assert layout.protected == [str(other / ".codex")]
    missing = [other / ".git", other / ".agents", *(work / name for name in NAMES)]
    assert layout.vacant == list(map(str, missing))


def test_a_temporary_directory_protects_what_is_there_and_keeps_nothing_vacant(here: Path) -> None:
    work, scratch = directory(here, "work"), directory(here, "scratch")
    directory(scratch, ".git")
    layout = laid_out(policy(), work, tmpdir=str(scratch))
    assert layout.writable == [str(work), str(scratch)]
    assert layout.protected == [str(scratch / ".git")]
    assert layout.vacant == [str(work / name) for name in NAMES]


def test_the_repository_around_is_protected_where_it_lies_below_a_root(here: Path) -> None:
    repository = directory(here, "repository")
    directory(repository, ".git")
    work = directory(repository, "deep", "work")
    assert laid_out(policy(), work).protected == []  # not writable anyway
    assert laid_out(policy(str(repository)), work).protected == [str(repository / ".git")]


def test_a_repository_between_a_root_and_the_workspace_is_protected(here: Path) -> None:
    repository = directory(here, "root", "repository")
    directory(repository, ".git")
    work = directory(repository, "deep", "work")
    layout = laid_out(policy(str(here / "root")), work)
    assert layout.protected == [str(repository / ".git")]


def test_the_root_of_the_system_is_not_protected_as_a_whole(here: Path) -> None:
    layout = laid_out(policy("/"), here, settings=("/", str(here)))
    assert layout.writable == ["/"]
    assert "/" not in layout.protected
    assert str(here) in layout.protected


def test_settings_are_protected_below_a_root_and_nowhere_else(here: Path) -> None:
    work, far = directory(here, "work"), directory(here, "far")
    near = directory(work, "settings")
    (near / "config.toml").symlink_to(directory(work, "dotfiles"))
    missing, lost = work / "missing", work / "no" / "where"
    places = tuple(map(str, (near, far, missing, lost)))
    layout = laid_out(policy(), work, settings=places)
    assert layout.protected == [str(near), str(work / "dotfiles")]
    assert layout.vacant == [*(str(work / name) for name in NAMES), str(missing)]


def test_a_root_that_is_a_place_of_settings_is_protected_itself(here: Path) -> None:
    layout = laid_out(policy(), here, settings=(str(here),))
    assert layout.protected == [str(here)]


def test_a_place_holder_is_vacant_and_not_protected_at_once(here: Path) -> None:
    from codex_linux_sandbox.protected import Placeholders

    places = Placeholders()
    places.hold([str(here / ".codex")])
    try:
        layout = laid_out(policy(), here)
    finally:
        places.release()
    assert layout.protected == []
    assert str(here / ".codex") in layout.vacant


def test_the_identity_changes_with_places_and_with_what_is_there(here: Path) -> None:
    git = directory(here, ".git")
    before = laid_out(policy(), here).identity()
    assert before == laid_out(policy(), here).identity()
    git.rename(here / "kept")
    without = laid_out(policy(), here).identity()
    directory(here, ".git")
    assert len({before, without, laid_out(policy(), here).identity()}) == 3
    assert Layout(["/gone/a"], [], []).identity()[1:] == (("/gone/a", 0, 0),)


def test_a_link_is_protected_with_what_it_leads_to(here: Path) -> None:
    real = directory(here, "real")
    (here / ".git").symlink_to("real")
    (here / ".codex").symlink_to("nowhere")
    present, vacant = names_in(str(here))
    assert present == [str(here / ".git"), str(real), str(here / ".codex")]
    assert vacant == [str(here / ".agents")]


def test_a_git_file_is_protected_with_the_directories_it_names(here: Path) -> None:
    main, work = directory(here, "main", ".git"), directory(here, "work")
    own = directory(main, "worktrees", "work")
    (own / "commondir").write_text("../..\n")
    (work / ".git").write_text(f"gitdir: {own}\n")
    assert repository_around(str(work)) == [str(work / ".git"), str(own), str(main)]
    (own / "commondir").unlink()
    assert repository_around(str(work)) == [str(work / ".git"), str(own)]


@pytest.mark.parametrize("text", ["", "gitdir:", "x: ../main", "gitdir: missing", "gitdir: a\0b"])
def test_a_git_file_that_names_no_directory_is_protected_alone(here: Path, text: str) -> None:
    directory(here, "main")
    work = directory(here, "work")
    (work / ".git").write_text(text)
    found = repository_around(str(work))
    assert found[0] == str(work / ".git")
    assert found[1:] in ([], [str(work)])  # `gitdir:` alone names where it stands
    assert (len(found) == 2) is (text == "gitdir:")


def test_settings_that_are_not_there_are_vacant_where_they_could_be_made(here: Path) -> None:
    assert settings_at(str(here / "new")) == ([], [str(here / "new")])
    assert settings_at(str(here / "no" / "new")) == ([], [])
    (here / "file").write_text("")
    assert settings_at(str(here / "file")) == ([str(here / "file")], [])

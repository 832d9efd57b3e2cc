"""Trust in directories: who inherits it, who cannot forge it, and what it changes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from codex_core.config import ConfigFlags, load_config
from codex_core.config.edit import set_trust
from codex_core.services import Services
from codex_core.workspace.trust import Trust, is_trusted, project_of, trust_of, trusting
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_protocol.sandbox_policy import ReadOnlyPolicy, WorkspaceWritePolicy

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.config import Config


def git(directory: Path, *arguments: str) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.invalid")
    subprocess.run(
        ["git", *identity, *arguments], cwd=directory, env=environ, check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, so that work trees can be linked to it."""
    root = tmp_path / "main"
    (root / "sub").mkdir(parents=True)
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


def load(home: Path, cwd: Path, text: str = "", **flags: object) -> Config:
    home.mkdir(exist_ok=True)
    with (home / "config.toml").open("a") as file:
        file.write(text)
    services = Services(environ={"CODEX_HOME": str(home)})
    return load_config(flags=ConfigFlags(cwd=str(cwd), **flags), services=services)  # type: ignore[arg-type]


def test_outside_of_git_the_directory_itself_counts(tmp_path: Path):
    inner = tmp_path / "a"
    inner.mkdir()
    assert project_of(str(inner)) == str(inner)
    assert is_trusted({str(inner): "trusted"}, str(inner))
    assert not is_trusted({str(tmp_path): "trusted"}, str(inner))


@pytest.mark.parametrize("level", ["untrusted", "TRUSTED", "", None])
def test_only_one_word_means_trust(level: str | None, tmp_path: Path):
    assert not is_trusted({str(tmp_path): level}, str(tmp_path))


def test_directories_of_a_repository_inherit(repository: Path):
    sub = repository / "sub"
    assert project_of(str(sub)) == str(repository)
    assert is_trusted({str(repository): "trusted"}, str(sub))
    assert is_trusted({str(sub): "trusted"}, str(sub))
    assert not is_trusted({str(sub): "trusted"}, str(repository))


def test_linked_work_trees_inherit(repository: Path, tmp_path: Path):
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    (linked / "deep").mkdir()
    assert project_of(str(linked / "deep")) == str(repository)
    assert is_trusted({str(repository): "trusted"}, str(linked))


def test_a_directory_cannot_claim_to_belong_to_a_trusted_repository(repository: Path, tmp_path: Path):
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    forged = tmp_path / "forged"
    forged.mkdir()
    claims = [f"gitdir: {repository}/.git\n", (linked / ".git").read_text(), "gitdir: .\n", "x" * 9000, ""]
    for claim in claims:
        (forged / ".git").write_text(claim)
        assert project_of(str(forged)) == str(forged)
        assert not is_trusted({str(repository): "trusted"}, str(forged))


def test_a_directory_cannot_bring_its_own_repository_that_points_at_a_trusted_one(
    repository: Path, tmp_path: Path
):
    forged = tmp_path / "forged"
    fake = forged / "fake"
    fake.mkdir(parents=True)
    (forged / ".git").write_text("gitdir: fake\n")
    (fake / "gitdir").write_text(f"{forged}/.git\n")
    (fake / "commondir").write_text(f"{repository}/.git\n")
    assert project_of(str(forged)) == str(forged)


def test_nothing_is_known_of_a_new_directory(tmp_path: Path):
    config = load(tmp_path / "home", tmp_path)
    assert trust_of(config) is Trust.UNDECIDED
    assert config.sandbox_policy == ReadOnlyPolicy()


def test_a_yes_counts_from_the_next_start_on(repository: Path, tmp_path: Path):
    home, sub = tmp_path / "home", repository / "sub"
    set_trust(str(home), project_of(str(sub)))
    config = load(home, sub)
    assert trust_of(config) is Trust.TRUSTED


def test_trust_means_work_in_the_workspace_with_the_configured_details(tmp_path: Path):
    config = load(
        tmp_path / "home",
        tmp_path,
        "[sandbox_workspace_write]\nnetwork_access = true\nwritable_roots = ['x']\n",
    )
    trusted = trusting(config)
    assert trusted.approval_policy is AskForApproval.ON_REQUEST
    assert trusted.sandbox_policy == WorkspaceWritePolicy((str(tmp_path / "x"),), network_access=True)
    assert trusted.model == config.model


@pytest.mark.parametrize(
    "text", ["approval_policy = 'never'\n", "sandbox_mode = 'read-only'\n", "profile = 'p'\nprofiles.p.approval_policy = 'never'\n"]
)  # fmt: skip
def test_configured_policies_settle_it(text: str, tmp_path: Path):
    assert trust_of(load(tmp_path / "home", tmp_path, text)) is Trust.SETTLED


@pytest.mark.parametrize(
    "flags",
    [
        {"approval_policy": AskForApproval.NEVER},
        {"sandbox_mode": SandboxMode.READ_ONLY},
        {"full_auto": True},
        {"bypass_approvals_and_sandbox": True},
    ],
)
def test_flags_settle_it(flags: dict[str, object], tmp_path: Path):
    assert trust_of(load(tmp_path / "home", tmp_path, **flags)) is Trust.SETTLED

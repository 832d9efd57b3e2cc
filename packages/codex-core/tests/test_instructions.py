"""Which AGENTS.md files are read, how much of them, and how they are joined (spec: agent.md section 21)."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from codex_core.conversation.instructions import project_instructions, user_instructions
from codex_core.testing import ScratchRepo

ENOUGH = 32_768


@pytest.fixture
def tree(git_repo: ScratchRepo) -> ScratchRepo:
    """A repository with files in its root, two levels below, and outside."""
    git_repo.write("AGENTS.md", "ROOT\n")
    git_repo.write("sub/AGENTS.md", "SUB")
    git_repo.write("sub/deep/code.py", "")
    git_repo.write("other/AGENTS.md", "OTHER")
    (git_repo.path.parent / "AGENTS.md").write_text("ABOVE THE ROOT")
    return git_repo


def read(directory: Path, budget: int = ENOUGH) -> str | None:
    return project_instructions(str(directory), budget)


def test_files_from_the_root_down_are_joined_by_blank_lines(tree: ScratchRepo) -> None:
    assert read(tree.path) == "ROOT\n"
    assert read(tree.path / "sub") == "ROOT\n\n\nSUB"
    assert read(tree.path / "sub" / "deep") == "ROOT\n\n\nSUB"
    assert read(tree.path / "other") == "ROOT\n\n\nOTHER"


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (0, None),
        (1, "R"),
        (5, "ROOT\n"),
        (6, "ROOT\n\n\nS"),
        (7, "ROOT\n\n\nSU"),
        (8, "ROOT\n\n\nSUB"),
        (9, "ROOT\n\n\nSUB"),
    ],
)
def test_the_budget_is_shared_from_the_root_down(budget: int, text: str | None, tree: ScratchRepo) -> None:
    assert read(tree.path / "sub", budget) == text


def test_blank_files_cost_nothing(tree: ScratchRepo) -> None:
    tree.write("AGENTS.md", " \n\t\n ")
    assert read(tree.path / "sub", 3) == "SUB"
    tree.write("sub/AGENTS.md", "\n")
    assert read(tree.path / "sub") is None


def test_texts_are_not_trimmed(tree: ScratchRepo) -> None:
    tree.write("AGENTS.md", "\n  indented \n\n")
    assert read(tree.path) == "\n  indented \n\n"


def test_a_cut_in_the_middle_of_a_character_is_marked(git_repo: ScratchRepo) -> None:
    git_repo.write("AGENTS.md", "aé")
    assert read(git_repo.path, 2) == "a\N{REPLACEMENT CHARACTER}"
    git_repo.write("AGENTS.md", b"\xff ok")
    assert read(git_repo.path) == "\N{REPLACEMENT CHARACTER} ok"


def test_outside_of_a_repository_only_the_directory_counts(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "AGENTS.md").write_text("PARENT")
    assert read(tmp_path / "here") is None
    (tmp_path / "here" / "AGENTS.md").write_text("HERE")
    assert read(tmp_path / "here") == "HERE"


def test_a_worktrees_git_file_marks_a_root_too(tree: ScratchRepo) -> None:
    tree.write("sub/.git", "gitdir: elsewhere")
    assert read(tree.path / "sub" / "deep") == "SUB"


def test_a_link_into_the_repository_is_followed_first(tree: ScratchRepo, tmp_path: Path) -> None:
    os.symlink(tree.path / "sub", tmp_path / "link")
    assert read(tmp_path / "link") == "ROOT\n\n\nSUB"


def test_directories_and_pipes_of_that_name_are_no_instructions(tree: ScratchRepo) -> None:
    (tree.path / "AGENTS.md").unlink()
    (tree.path / "AGENTS.md").mkdir()
    (tree.path / "other" / "AGENTS.md").unlink()
    os.mkfifo(tree.path / "other" / "AGENTS.md")  # opened plainly, it would wait for a writer for ever
    assert read(tree.path / "sub") == "SUB"
    assert read(tree.path / "other") is None


def test_endless_devices_are_no_instructions(git_repo: ScratchRepo) -> None:
    os.symlink("/dev/zero", git_repo.path / "AGENTS.md")
    assert read(git_repo.path) is None


def test_an_unreadable_file_drops_the_projects_part_and_is_logged(
    tree: ScratchRepo, caplog: pytest.LogCaptureFixture
) -> None:
    (tree.path / "sub" / "AGENTS.md").unlink()
    os.symlink("AGENTS.md", tree.path / "sub" / "AGENTS.md")  # a link to itself
    with caplog.at_level(logging.ERROR):
        assert user_instructions("HOME", str(tree.path / "sub"), ENOUGH) == "HOME"
    assert "project instructions are left out" in caplog.text


def test_home_and_project_are_told_apart(tree: ScratchRepo, tmp_path: Path) -> None:
    assert user_instructions("HOME", str(tree.path), ENOUGH) == "HOME\n\n--- project-doc ---\n\nROOT\n"
    assert user_instructions(None, str(tree.path), ENOUGH) == "ROOT\n"
    assert user_instructions("HOME", str(tree.path), 0) == "HOME"
    assert user_instructions(None, str(tree.path), 0) is None

"""Fixtures of the test kit, for all tests of this distribution."""

from __future__ import annotations

from codex_core.testing.pytest_plugin import git_repo, scratch_home

__all__ = ["git_repo", "scratch_home"]

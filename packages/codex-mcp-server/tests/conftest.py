"""Fixtures for tests of the MCP server: those of the test kit."""

from __future__ import annotations

from codex_core.testing.pytest_plugin import git_repo, model_server, scratch_home

__all__ = ["git_repo", "model_server", "scratch_home"]

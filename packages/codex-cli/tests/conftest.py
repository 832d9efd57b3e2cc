"""Fixtures for tests of `codex`: those of the test kit, and the reference."""

from __future__ import annotations

import os

import pytest

from codex_core.testing.pytest_plugin import git_repo, model_server, run_codex, scratch_home

__all__ = ["git_repo", "model_server", "reference", "run_codex", "scratch_home"]


@pytest.fixture
def reference() -> str:
    """The launcher of the reference 0.36.0, as `benchmarks/exec_turn.py` installs it, or CODEX_REFERENCE."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    installed = os.path.join(cache, "codex-python-benchmarks", "npm-0.36.0", "node_modules", ".bin", "codex")
    path = os.environ.get("CODEX_REFERENCE", installed)
    if not os.access(path, os.X_OK):
        pytest.skip(f"the reference is not installed at {path}")
    return path

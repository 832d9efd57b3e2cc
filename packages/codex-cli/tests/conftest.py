"""Fixtures for tests of `codex`: those of the test kit."""

from __future__ import annotations

import pytest

from codex_core.testing.pytest_plugin import git_repo, model_server, reference, run_codex, scratch_home

__all__ = ["command", "git_repo", "model_server", "reference", "run_codex", "scratch_home"]


@pytest.fixture(params=[("debug", "landlock"), ("sandbox",)], ids=" ".join)
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Both names of running a command in the sandbox."""
    return tuple(request.param)

"""Fixtures for tests of `codex exec`: those of the test kit, and a configuration to print."""

from __future__ import annotations

import pytest

from codex_core.config import Config, ConfigFlags, load_config
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_core.testing.pytest_plugin import git_repo, model_server, run_codex, scratch_home
from codex_protocol.config_types import AskForApproval

__all__ = ["config", "git_repo", "model_server", "run_codex", "scratch_home"]


@pytest.fixture
def config(scratch_home: ScratchHome) -> Config:
    """The configuration of an empty home, approval `never`."""
    flags = ConfigFlags(cwd=str(scratch_home.path), approval_policy=AskForApproval.NEVER)
    return load_config(flags=flags, services=Services(environ=scratch_home.environ()))

"""Fixtures of the tests that cross distributions: those of the test kit, and the recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_core.testing.pytest_plugin import git_repo, model_server, run_codex, scratch_home
from codex_core.testing.transcripts import Transcript, load_transcript

__all__ = ["git_repo", "model_server", "run_codex", "scratch_home", "transcript"]

TRANSCRIPTS = Path(__file__).parent / "data" / "transcripts"


@pytest.fixture
def transcript(request: pytest.FixtureRequest) -> Transcript:
    """The recording whose file name begins with the parameter: `@pytest.mark.parametrize("transcript", ["01"], indirect=True)`."""
    (path,) = TRANSCRIPTS.glob(f"{request.param}-*.json")
    return load_transcript(path)


@pytest.fixture
def reference() -> str:
    """The launcher of the reference 0.36.0: the path in CODEX_REFERENCE, or what the benchmarks installed."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    installed = os.path.join(cache, "codex-python-benchmarks", "npm-0.36.0", "node_modules", ".bin", "codex")
    path = os.environ.get("CODEX_REFERENCE", installed)
    if not os.access(path, os.X_OK):
        pytest.skip(f"the reference is not installed at {path}")
    return path

"""Fixtures of the tests that cross distributions: those of the test kit, and the recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_core.testing.pytest_plugin import git_repo, model_server, reference, run_codex, scratch_home
from codex_core.testing.transcripts import Transcript, load_transcript

__all__ = ["git_repo", "model_server", "reference", "run_codex", "scratch_home", "transcript"]

TRANSCRIPTS = Path(__file__).parent / "data" / "transcripts"


@pytest.fixture
def transcript(request: pytest.FixtureRequest) -> Transcript:
    """The recording whose file name begins with the parameter: `@pytest.mark.parametrize("transcript", ["01"], indirect=True)`."""
    (path,) = TRANSCRIPTS.glob(f"{request.param}-*.json")
    return load_transcript(path)

"""The default edges of the core are the real ones."""

from __future__ import annotations

import os
import uuid
from datetime import UTC

import pytest

from codex_core.services import Services


def test_ids_are_random_uuids_in_canonical_form() -> None:
    services = Services()
    ids = [services.new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    for text in ids:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)


def test_time_is_aware_and_durations_never_go_back() -> None:
    services = Services()
    assert services.now().tzinfo is UTC
    assert services.monotonic() <= services.monotonic()


def test_jitter_stays_near_one() -> None:
    assert all(0.9 <= Services().jitter() <= 1.1 for _ in range(100))


def test_the_environment_is_the_one_of_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services()
    monkeypatch.setenv("COMES_LATER", "1")
    assert "COMES_LATER" not in services.environ
    assert "COMES_LATER" in Services().environ
    assert services.environ["PATH"] == os.environ["PATH"]

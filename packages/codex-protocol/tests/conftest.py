"""Fixtures for tests of the wire types: the reference, from the test kit."""

from __future__ import annotations

from codex_core.testing.pytest_plugin import reference

__all__ = ["reference"]

"""What holds for every test of the workspace: no secret goes to a server that it does not belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import secret_watch

if TYPE_CHECKING:
    from collections.abc import Iterator

secret_watch.install()


@pytest.fixture(autouse=True)
def secrets() -> Iterator[secret_watch.Watch]:
    """What the test sends is watched; see `tests/secret_watch.py`."""
    with secret_watch.watching() as watch:
        yield watch
    if found := watch.take_findings():
        pytest.fail("secrets went where they do not belong:\n" + "\n".join(found), pytrace=False)

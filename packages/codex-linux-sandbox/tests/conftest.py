"""Fixtures of the sandbox tests: the real console script, and a way to run commands through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING, Protocol

import pytest

from codex_linux_sandbox.errors import ConfinementError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

READ_ONLY = '{"mode":"read-only"}'


class RunConfined(Protocol):
    """Runs a command line of the helper and waits for its end."""

    def __call__(
        self,
        *command: str,
        policy: str | Mapping[str, object] = READ_ONLY,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(autouse=True)
def only_on_linux(request: pytest.FixtureRequest) -> None:
    """Skips elsewhere what needs the kernel; reading a policy does not."""
    if sys.platform != "linux" and request.path.stem != "test_sandbox_policy":
        pytest.skip("Landlock, seccomp and namespaces exist on Linux only")


@pytest.fixture(scope="session")
def helper() -> str:
    """The installed console script."""
    path = os.path.join(sysconfig.get_path("scripts"), "codex-linux-sandbox")
    if not os.path.exists(path):
        pytest.skip(f"the console script is not installed: {path}")
    return path


@pytest.fixture(scope="session")
def landlock() -> int:
    """The Landlock ABI of this kernel; tests that use it are skipped where there is none."""
    if sys.platform != "linux":
        pytest.skip("Landlock exists on Linux only")
    from codex_linux_sandbox.landlock import kernel_abi

    try:
        return kernel_abi()
    except ConfinementError as error:
        pytest.skip(str(error))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The directory the policy is about; `tmp_path` around it is not writable under `ONLY_WORKSPACE`."""
    directory = tmp_path / "workspace"
    directory.mkdir()
    return directory


@pytest.fixture
def run_confined(helper: str, landlock: int, workspace: Path) -> RunConfined:
    def run(
        *command: str,
        policy: str | Mapping[str, object] = READ_ONLY,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        return subprocess.run(
            [helper, str(workspace), text, "--", *command],
            cwd=workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run

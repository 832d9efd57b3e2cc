"""Every probe through the real helper: refused where the policy forbids it, possible where it does not.

Each probe first runs without the sandbox. One that does not succeed there is left out, because its refusal
would prove nothing; so no probe can pass by being broken, and a test says that nearly all of them take part.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_linux_sandbox.launcher import write_launcher
from codex_linux_sandbox.probes.catalog import NETWORK, POLICIES, all_probes
from codex_linux_sandbox.probes.stage import Outcome, Stage, outcomes, runner_command

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = all_probes()
NAMES = [probe.name for probe in PROBES]
NOBODY = 65534

GROUPS = list(dict.fromkeys(probe.group for probe in PROBES))
SIGNAL_ABI = 6  # before it, Landlock cannot refuse signals

# What depends on the kernel's configuration, or on who started the test.
MAY_BE_REFUSED = {
    "crypto_socket",
    "foreign_architecture",
    "io_uring_setup",
    "performance_events",
    "signal_outer_process",
    "user_fault_handling",
    "user_namespace",
    "user_namespace_by_clone",
    "user_namespace_by_clone3",
    "vsock_socket",
    "x32_system_call",
}

# Probes that a healthy Linux lets through for root without the sandbox. Fewer would mean a broken runner.
LEAST_FREE_AS_ROOT = 120
LEAST_FREE_AS_USER = 90


class Results:
    """What became of the probes for one user: free, and under each policy."""

    def __init__(self, free: dict[str, Outcome], confined: dict[str, dict[str, Outcome]]) -> None:
        self.free = free
        self.confined = confined
        self.changed: dict[str, list[str]] = {}


def python_for(owner: int | None) -> str | None:
    """An interpreter `owner` can start; None when there is none new enough."""
    check = "import ctypes, sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-IS", "-c", check],
                user=owner,
                group=owner,
                capture_output=True,
                check=False,
                cwd="/",
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


def run_all(helper: str, directory: Path, owner: int | None, python: str) -> Results:
    directory.chmod(0o755)
    results = Results({}, {})
    for policy in (None, *POLICIES):
        place = directory / f"{POLICIES.index(policy) if policy else 'free'}"
        place.mkdir(mode=0o755)
        with Stage(str(place), names=NAMES, owner=owner) as stage:
            command = runner_command(stage.facts, NAMES, python=python)
            if policy is not None:
                command = [helper, stage.inside, json.dumps(policy_for(policy, stage)), "--", *command]
            done = subprocess.run(
                command,
                cwd=stage.inside,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                user=owner,
                group=owner,
                extra_groups=None if owner is None else [],
            )
            assert done.returncode == 0, done.stderr
            if policy is None:
                results.free = outcomes(done.stdout)
            else:
                results.confined[policy] = outcomes(done.stdout)
                results.changed[policy] = stage.changed_outside()
    return results


def policy_for(name: str, stage: Stage) -> dict[str, object]:
    return {
        "mode": name.split()[0],
        "writable_roots": [stage.second_root],
        "network_access": name == NETWORK,
        "exclude_slash_tmp": True,
        "exclude_tmpdir_env_var": True,
    }


@pytest.fixture(scope="module")
def as_self(helper: str, landlock: int, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_all(helper, tmp_path_factory.mktemp("self"), None, sys.executable)


@pytest.fixture(scope="module")
def as_nobody(landlock: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the probes already ran as an ordinary one")
    python = python_for(NOBODY)
    if python is None:
        pytest.skip("no Python 3.11 that an ordinary user may start")
    # Below the temporary directory of pytest, which is private to root, nobody could reach it.
    import tempfile

    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chmod(directory, 0o755)
        helper = write_launcher(directory, python=python)
        os.chmod(helper, 0o755)
        place = Path(directory) / "stages"
        place.mkdir()
        yield run_all(helper, place, NOBODY, python)


def wrong(results: Results, policy: str, group: str, *, abi: int) -> dict[str, str]:
    """The probes of `group` that ended otherwise than `policy` says, and how."""
    found = {}
    for probe in PROBES:
        if probe.group != group or not results.free[probe.name].succeeded:
            continue
        outcome = results.confined[policy][probe.name]
        if policy in probe.allowed:
            if not outcome.succeeded:
                found[probe.name] = f"refused: {outcome.detail}"
        elif policy in probe.beyond_landlock or (abi < SIGNAL_ABI and probe.name.startswith("signal")):
            continue
        elif outcome.succeeded:
            found[probe.name] = "succeeded"
    return found


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("group", GROUPS)
def test_probes(group: str, policy: str, as_self: Results, landlock: int) -> None:
    assert wrong(as_self, policy, group, abi=landlock) == {}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("group", GROUPS)
def test_probes_as_ordinary_user(group: str, policy: str, as_nobody: Results, landlock: int) -> None:
    assert wrong(as_nobody, policy, group, abi=landlock) == {}


def test_nearly_every_probe_succeeds_without_the_sandbox(as_self: Results) -> None:
    least = LEAST_FREE_AS_ROOT if os.geteuid() == 0 else LEAST_FREE_AS_USER
    assert sum(outcome.succeeded for outcome in as_self.free.values()) >= least
    broken = {name: outcome.detail for name, outcome in as_self.free.items() if "broken" in outcome.detail}
    assert broken == {}


def test_probes_of_ordinary_users_succeed_without_the_sandbox(as_nobody: Results) -> None:
    refused = {name for name, outcome in as_nobody.free.items() if not outcome.succeeded}
    needs_root = {probe.name for probe in PROBES if probe.root_only}
    assert refused - needs_root <= MAY_BE_REFUSED


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_outside_has_changed(policy: str, as_self: Results) -> None:
    beyond = {probe.name for probe in PROBES if policy in probe.beyond_landlock}
    assert set(as_self.changed[policy]) <= beyond


def test_names_are_unique_and_every_probe_says_what_it_tries() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 100
    assert all(probe.summary for probe in PROBES)

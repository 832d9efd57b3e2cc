"""Every probe through the real helper: refused where the policy forbids it, possible where it does not.

Each probe first runs without the sandbox. One that does not succeed there is left out, because its refusal
would prove nothing; so no probe can pass by being broken, and a test says that nearly all of them take part.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

import codex_linux_sandbox
from codex_linux_sandbox.isolation import LANDLOCK, NAMESPACES
from codex_linux_sandbox.launcher import helper_command
from codex_linux_sandbox.probes.catalog import POLICIES, all_probes
from codex_linux_sandbox.probes.trial import Trial, try_probes, wrong_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBES = all_probes()
NAMES = [probe.name for probe in PROBES]
NOBODY = 65534
USERS = ("self", "nobody")

# What depends on the kernel's configuration, or on who started the test.
MAY_BE_REFUSED = {
    "attach_shared_memory",
    "crypto_socket",
    "flags_outside",
    "foreign_architecture",
    "io_uring_setup",
    "open_hostname_setting",
    "open_sys_setting",
    "open_sysrq_trigger",
    "performance_events",
    "port_access",
    "setxattr_inside",
    "setxattr_outside",
    "signal_outer_process",
    "user_fault_handling",
    "user_namespace",
    "user_namespace_by_clone",
    "user_namespace_by_clone3",
    "vsock_socket",
    "x32_system_call",
}


class User:
    """Somebody the probes run as: user id (None: the one that runs the tests), interpreter, place for stages."""

    def __init__(self, owner: int | None, python: str, directory: str) -> None:
        self.owner = owner
        self.is_root = owner is None and os.geteuid() == 0
        self._python = python
        self._directory = directory
        self._helper = helper_command(python)
        self._trials: dict[tuple[str | None, str], Trial] = {}

    def trial(self, policy: str | None, isolation: str = "") -> Trial:
        key = (policy, isolation)
        if key not in self._trials:
            self._trials[key] = try_probes(
                PROBES,
                policy=policy,
                helper=self._helper,
                directory=self._directory,
                isolation=isolation,
                owner=self.owner,
                python=self._python,
            )
        return self._trials[key]

    def has_namespaces(self) -> bool:
        command = [*self._helper, "--isolation", NAMESPACES, "/", '{"mode":"read-only"}', "--", "true"]
        done = subprocess.run(
            command, user=self.owner, group=self.owner, capture_output=True, check=False, cwd="/"
        )
        return done.returncode == 0


def python_for(owner: int) -> str | None:
    """An interpreter `owner` can start; None when there is none new enough."""
    places = [os.path.dirname(os.path.dirname(codex_linux_sandbox.__file__))]
    places += [path for path in sys.path if path.endswith("site-packages")]
    check = (
        f"import sys; sys.path += {places!r}; import ctypes, pyseccomp, codex_linux_sandbox; "
        "sys.exit(sys.version_info < (3, 11))"
    )
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


@pytest.fixture(scope="module", params=USERS)
def user(request: pytest.FixtureRequest, landlock: int) -> Iterator[User]:
    owner: int | None = None
    python = sys.executable
    if request.param == "nobody":
        if os.geteuid() != 0:
            pytest.skip("only root can become another user; the probes run as an ordinary one already")
        found = python_for(NOBODY)
        if found is None:
            pytest.skip("no Python 3.11 that an ordinary user may start")
        owner, python = NOBODY, found
    # The temporary directory of pytest is private; another user could not reach it.
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield User(owner, python, directory)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("isolation", [LANDLOCK, NAMESPACES])
def test_every_probe_ends_as_it_must(user: User, isolation: str, policy: str, landlock: int) -> None:
    in_namespaces = isolation == NAMESPACES
    if in_namespaces and not user.has_namespaces():
        pytest.skip("the kernel or a container refuses namespaces")
    confined = user.trial(policy, isolation)
    wrong = wrong_outcomes(
        PROBES, user.trial(None), confined, policy, in_namespaces=in_namespaces, abi=landlock
    )
    assert wrong == {}
    not_covered = {
        probe.name for probe in PROBES if probe.must_succeed(policy, in_namespaces=in_namespaces) is None
    }
    assert set(confined.changed) <= not_covered


def test_nearly_every_probe_succeeds_without_the_sandbox(user: User) -> None:
    free = user.trial(None)
    refused = {name for name, outcome in free.outcomes.items() if not outcome.succeeded}
    expected = MAY_BE_REFUSED | {probe.name for probe in PROBES if probe.root_only and not user.is_root}
    # Bare calls need privileges, or do not exist on every architecture.
    expected |= {
        name
        for name in refused
        if name.startswith("call_") and (free.outcomes[name].detail == "ENOSYS" or not user.is_root)
    }
    details = {name: free.outcomes[name].detail for name in refused - expected}
    assert details == {}
    assert len(free.changed) >= 25


def test_names_are_unique_and_every_probe_says_what_it_tries() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 100
    assert all(probe.summary for probe in PROBES)


def test_an_outcome_that_must_not_be_is_found(user: User) -> None:
    # The free run stands in for a sandbox that refuses nothing.
    free = user.trial(None)
    wrong = wrong_outcomes(PROBES, free, free, "read-only", in_namespaces=True, abi=7)
    must_be_refused = {
        probe.name
        for probe in PROBES
        if probe.must_succeed("read-only", in_namespaces=True) is False
        and free.outcomes[probe.name].succeeded
    }
    assert set(wrong) == must_be_refused
    assert len(wrong) > 60

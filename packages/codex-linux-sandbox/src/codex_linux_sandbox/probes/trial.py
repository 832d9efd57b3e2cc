"""Runs probes on a fresh stage, free or under a policy through the helper, and compares with what must be."""

from __future__ import annotations

import json
import subprocess
import tempfile
from typing import TYPE_CHECKING

from .catalog import NETWORK
from .stage import Outcome, Stage, outcomes, runner_command

if TYPE_CHECKING:
    from .catalog import Probe

SIGNAL_ABI = 6  # before it, Landlock cannot refuse signals


class TrialError(RuntimeError):
    """The runner itself did not get through; carries what it said."""


class Trial:
    """How the probes ended, and the names of those that left traces outside."""

    __slots__ = ("changed", "outcomes")

    def __init__(self, results: dict[str, Outcome], changed: list[str]) -> None:
        self.outcomes = results
        self.changed = changed


def try_probes(
    probes: list[Probe],
    *,
    policy: str | None,
    helper: list[str],
    directory: str,
    isolation: str = "auto",
    owner: int | None = None,
    python: str | None = None,
) -> Trial:
    """Tries `probes` under `policy` (None: free) in a scratch directory below `directory`.

    `helper` is the command line of the helper without arguments, `owner` the user and group to run as,
    `python` the interpreter of the probes.

    Raises: TrialError.
    """
    names = [probe.name for probe in probes]
    furnished = [probe.name for probe in probes if probe.furnished]
    with (
        tempfile.TemporaryDirectory(dir=directory, ignore_cleanup_errors=True) as place,
        Stage(place, furnished=furnished, owner=owner) as stage,
    ):
        command = runner_command(stage.facts, names, python=python)
        if policy is not None:
            confined = json.dumps(_policy_for(policy, stage))
            command = [*helper, "--isolation", isolation, stage.inside, confined, "--", *command]
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
        results = outcomes(done.stdout)
        if done.returncode != 0 or set(results) != set(names):
            raise TrialError(done.stderr.strip() or f"the probes ended with {done.returncode}")
        return Trial(results, stage.changed_outside())


def _policy_for(name: str, stage: Stage) -> dict[str, object]:
    return {
        "mode": name.split()[0],
        "writable_roots": [stage.second_root],
        "network_access": name == NETWORK,
        "exclude_slash_tmp": True,  # the stage itself is below it
        "exclude_tmpdir_env_var": True,
    }


def wrong_outcomes(
    probes: list[Probe], free: Trial, confined: Trial, policy: str, *, in_namespaces: bool, abi: int
) -> dict[str, str]:
    """The names of the probes that ended otherwise than they must, and how.

    Probes that do not succeed without the sandbox prove nothing and are left out.
    """
    wrong = {}
    for probe in probes:
        if not free.outcomes[probe.name].succeeded:
            continue
        must = probe.must_succeed(policy, in_namespaces=in_namespaces)
        if must is False and not in_namespaces and abi < SIGNAL_ABI and probe.name.startswith("signal"):
            must = None
        outcome = confined.outcomes[probe.name]
        if must is True and not outcome.succeeded:
            wrong[probe.name] = f"refused ({outcome.detail})"
        elif must is False and (outcome.succeeded or outcome.detail.startswith("broken")):
            wrong[probe.name] = "not refused" if outcome.succeeded else outcome.detail
    return wrong

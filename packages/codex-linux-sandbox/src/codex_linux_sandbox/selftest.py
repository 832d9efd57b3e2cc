"""`--self-test`: proves on this machine what the sandbox refuses, and says what it cannot refuse here.

Every probe first runs free, in a scratch directory; those that succeed run again under every policy.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile

from . import __version__
from .errors import ConfinementError
from .explain import why_no_namespaces
from .isolation import AUTO, LANDLOCK, NAMESPACES
from .landlock import kernel_abi
from .launcher import helper_command
from .probes.catalog import POLICIES, Probe, all_probes
from .probes.trial import Trial, TrialError, try_probes, wrong_outcomes

_LONGEST_PLACE = 70
"""In bytes; what is made below takes 26 more."""
_TITLES = {NAMESPACES: "Namespaces, Landlock and seccomp", LANDLOCK: "Landlock and seccomp only"}


def run_self_test(isolation: str, *, as_json: bool) -> tuple[str, bool]:
    """The report, and whether everything is as it must be. `isolation` auto tries both kinds.

    Raises: ConfinementError when the sandbox cannot be had at all.
    """
    report = examine(isolation)
    return (json.dumps(report, indent=2) + "\n" if as_json else _as_text(report)), bool(report["ok"])


def examine(isolation: str) -> dict[str, object]:
    """The facts of the report, ready for JSON. Raises: ConfinementError."""
    abi = kernel_abi()
    probes = all_probes()
    helper = helper_command()
    no_namespaces = why_no_namespaces(helper)
    kinds = [NAMESPACES, LANDLOCK] if isolation == AUTO else [isolation]
    if no_namespaces is not None and isolation == AUTO:
        kinds.remove(NAMESPACES)
    with tempfile.TemporaryDirectory(dir=_place()) as directory:
        try:
            free = try_probes(probes, policy=None, helper=helper, directory=directory)
            results = {
                kind: {
                    policy: _examine_policy(
                        probes,
                        free,
                        try_probes(probes, policy=policy, helper=helper, directory=directory, isolation=kind),
                        policy,
                        in_namespaces=kind == NAMESPACES,
                        abi=abi,
                    )
                    for policy in POLICIES
                }
                for kind in kinds
            }
        except TrialError as error:
            raise ConfinementError(str(error)) from error
    return {
        "version": __version__,
        "kernel": platform.release(),
        "machine": platform.machine(),
        "user_id": os.geteuid(),
        "landlock_abi": abi,
        "namespaces": no_namespaces is None,
        "why_no_namespaces": no_namespaces,
        "probes": len(probes),
        "not_possible_without_sandbox": {
            name: outcome.detail for name, outcome in free.outcomes.items() if not outcome.succeeded
        },
        "results": results,
        "ok": not any(entry["wrong"] for policies in results.values() for entry in policies.values()),
    }


def _place() -> str:
    """Where to work: unix sockets have names of at most 107 bytes, for which TMPDIR may be too deep."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= _LONGEST_PLACE else "/tmp"  # noqa: S108 - a private directory is made in it


def _examine_policy(
    probes: list[Probe], free: Trial, confined: Trial, policy: str, *, in_namespaces: bool, abi: int
) -> dict[str, dict[str, str]]:
    wrong = wrong_outcomes(probes, free, confined, policy, in_namespaces=in_namespaces, abi=abi)
    tried = [probe for probe in probes if free.outcomes[probe.name].succeeded]
    beyond = [
        probe
        for probe in tried
        if probe.must_succeed(policy, in_namespaces=in_namespaces) is None
        and confined.outcomes[probe.name].succeeded
    ]
    return {
        "refused": {
            probe.name: confined.outcomes[probe.name].detail
            for probe in tried
            if not confined.outcomes[probe.name].succeeded and probe.name not in wrong
        },
        "possible": {
            probe.name: probe.summary
            for probe in tried
            if confined.outcomes[probe.name].succeeded and probe.name not in wrong and probe not in beyond
        },
        "not_covered": {probe.name: probe.summary for probe in beyond},
        "wrong": wrong,
    }


def _as_text(report: dict[str, object]) -> str:
    lines = [
        f"codex-linux-sandbox {report['version']}",
        f"Linux {report['kernel']} {report['machine']}, user {report['user_id']}",
        f"Landlock: ABI {report['landlock_abi']}",
        "Namespaces: "
        + ("available" if report["namespaces"] else f"not available: {report['why_no_namespaces']}"),
    ]
    results = report["results"]
    assert isinstance(results, dict)
    for kind, policies in results.items():
        lines += ["", f"{_TITLES[kind]}:"]
        for policy, entry in policies.items():
            lines.append(
                f"  {policy}: {len(entry['refused'])} acts refused, {len(entry['possible'])} possible, "
                f"{len(entry['not_covered'])} not covered, {len(entry['wrong'])} wrong"
            )
            lines += [f"    WRONG: {name}: {how}" for name, how in entry["wrong"].items()]
            lines += [f"    not covered: {summary}" for summary in entry["not_covered"].values()]
    untested = report["not_possible_without_sandbox"]
    assert isinstance(untested, dict)
    lines += ["", f"Not possible for this user even without the sandbox, so not tested: {len(untested)}"]
    lines += [f"  {name}: {detail}" for name, detail in untested.items()]
    lines += ["", "Everything is as it must be." if report["ok"] else "NOT everything is as it must be."]
    return "\n".join(lines) + "\n"

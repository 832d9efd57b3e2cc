"""The system, and what its sandbox really refuses here: the helper's own self-test, summed up."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import TYPE_CHECKING

from codex_cli.doctor.programs import ProgramError, run
from codex_cli.doctor.result import Check, Result, Status, skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_cli.doctor.result import Patient, Value

GROUP = "Sandbox"
SELF_TEST_TIMEOUT_S = 90.0
SEATBELT = "/usr/bin/sandbox-exec"
_WITHOUT = "without a sandbox every command is refused, unless `sandbox_mode` is danger-full-access"


def judge_system(name: str, release: str, machine: str, environ: Mapping[str, str]) -> Result:
    """Whether we know this system."""
    summary = f"{'macOS' if name == 'Darwin' else name} {release} on {machine}"
    data: dict[str, Value] = {"system": name, "release": release, "machine": machine}
    if name not in ("Linux", "Darwin"):
        return Result(
            Status.FAIL, f"{summary}: not a system this version runs on", advice="use Linux, macOS or WSL 2"
        )
    if environ.get("CODEX_SANDBOX_NETWORK_DISABLED") or environ.get("CODEX_SANDBOX"):
        return Result(
            Status.WARN,
            f"{summary}; this runs inside the sandbox of Codex: much of this is different outside",
            advice="run `codex doctor` in a terminal of your own",
            data=data,
        )
    return Result(Status.OK, summary, data=data)


def judge_self_test(report: Mapping[str, object], *, isolation: str) -> Result:
    """What the report of the self-test comes to; `isolation` is what commands are run with."""
    results = report.get("results")
    kinds = results if isinstance(results, dict) else {}
    namespaces, reason = bool(report.get("namespaces")), report.get("why_no_namespaces")
    data: dict[str, Value] = {
        "landlock_abi": _number(report.get("landlock_abi")),
        "namespaces": namespaces,
        "why_no_namespaces": reason if isinstance(reason, str) else None,
        "isolation": isolation,
        "ok": bool(report.get("ok")),
    }
    details = []
    wrong = []
    for kind, policies in kinds.items():
        for policy, entry in policies.items():
            refused, beyond = len(entry["refused"]), len(entry["not_covered"])
            wrong += [f"{kind}, {policy}: {name}: {how}" for name, how in entry["wrong"].items()]
            tail = f", {beyond} that only namespaces would refuse" if beyond else ""
            details.append(f"{kind}, {policy}: {refused} acts refused{tail}")
    summary = f"Landlock (ABI {data['landlock_abi']}) and seccomp work"
    summary += ", namespaces too" if namespaces else f"; no namespaces ({reason})"
    if wrong or not report.get("ok"):
        return Result(
            Status.FAIL,
            "the sandbox does not do on this machine what it must",
            tuple(wrong),
            advice="do not rely on it; `codex sandbox --self-test` has the whole report",
            data=data,
        )
    if not namespaces and isolation != "landlock":
        status = Status.FAIL if isolation == "namespaces" else Status.WARN
        advice = 'allow user namespaces, or set sandbox_isolation = "landlock"'
        return Result(status, summary, tuple(details), advice=advice, data=data)
    if namespaces and isolation == "landlock":
        details.append('sandbox_isolation = "auto" would use namespaces as well')
    return Result(Status.OK, summary, tuple(details), data=data)


def judge_no_sandbox(reason: str, *, is_needed: bool) -> Result:
    """Commands cannot be confined."""
    status = Status.FAIL if is_needed else Status.WARN
    return Result(status, f"commands cannot be confined: {reason}", (_WITHOUT,) if is_needed else ())


def _check_system(patient: Patient) -> Result:
    return judge_system(platform.system(), platform.release(), platform.machine(), patient.environ)


def _check_sandbox(patient: Patient) -> Result:
    config = patient.config
    needed = config is None or config.sandbox_policy.mode.value != "danger-full-access"
    if sys.platform == "darwin":
        if os.access(SEATBELT, os.X_OK):
            return Result(Status.OK, f"{SEATBELT} is there")
        return judge_no_sandbox(f"there is no {SEATBELT}", is_needed=needed)
    if sys.platform != "linux":
        return skipped("there is no sandbox for this system")
    from codex_linux_sandbox.__main__ import CANNOT_CONFINE
    from codex_linux_sandbox.isolation import DEFAULT_ISOLATION
    from codex_linux_sandbox.launcher import helper_command

    chosen = None if config is None or config.sandbox_isolation is None else config.sandbox_isolation.value
    isolation = chosen or DEFAULT_ISOLATION
    # A test of namespaces where there are none would fail in each of its parts; `auto` says it once.
    tested = "auto" if isolation == "namespaces" else isolation
    try:
        done = run(
            [*helper_command(), "--self-test", "--json", "--isolation", tested],
            environ=patient.environ,
            timeout_s=SELF_TEST_TIMEOUT_S - 10,
        )
    except ProgramError as error:
        return judge_no_sandbox(str(error), is_needed=needed)
    lines = done.complaint.strip().splitlines()
    reason = lines[-1].rpartition("confined here: ")[2] if lines else f"it ended with {done.exit_code}"
    if done.exit_code == CANNOT_CONFINE:
        return judge_no_sandbox(reason, is_needed=needed)
    try:
        report = json.loads(done.output)
    except ValueError:
        return Result(Status.WARN, f"the self-test of the sandbox cannot be run here: {reason}")
    return judge_self_test(report, isolation=isolation)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


CHECKS: tuple[Check, ...] = (
    Check("system", GROUP, _check_system),
    Check("sandbox", GROUP, _check_sandbox, SELF_TEST_TIMEOUT_S),
)

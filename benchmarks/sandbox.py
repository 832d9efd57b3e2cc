"""What confining, running and patching costs, for ours and for the reference, in four measurements.

`helper`: one confined `/bin/true` over a bare one. `calls`: what one more `shell` call costs in a turn.
`patch`: a patch of 200 hunks on a file of 20,000 lines. `output`: a turn whose command prints 50 MB. The runs
are interleaved and their order rotates; every run is checked. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from codex_core.model.scripted.replies import completed, created, message, shell_call, token_usage
from codex_core.testing.home import make_home
from codex_core.testing.scripts import ScriptNotInstalledError, script_path
from harness import InvalidRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

READ_ONLY = '{"mode":"read-only"}'
CALLS = 50
HUNKS, LINES = 200, 20_000
OUTPUT_BYTES = 50_000_000
ANSWER = "The benchmark answer."
MEASUREMENTS = ("helper", "calls", "patch", "output")
WARM_UPS = 1


@dataclass
class Case:
    """One thing to run again and again; `run` gives its wall time in ms and its peak memory in MiB."""

    measurement: str
    name: str
    run: Callable[[int], tuple[float, float]]
    walls: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    failure: str | None = None

    def measure(self, number: int, counts: bool) -> None:
        """One run."""
        wall_ms, peak_mib = self.run(number)
        if counts:
            self.walls.append(wall_ms)
            self.peaks.append(peak_mib)


@dataclass(frozen=True)
class Row:
    """A figure: of a case, or what comes out of two."""

    measurement: str
    name: str
    runs: int
    median_ms: float
    min_ms: float
    peak_mib: float
    ratio_to_reference: float | None = None


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 when something did not do its work."""
    options = _options(argv)
    reference = None
    if not options.only_ours:
        try:
            reference = options.reference or harness.native_reference(may_install=not options.no_install)
        except InvalidRunError as error:
            harness.tell_skipped([f"reference: {error}"])
    chosen = options.measure or MEASUREMENTS
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch, ExitStack() as stack:
        cases: list[Case] = []
        for name in chosen:
            cases += _CASES[name](Path(scratch), reference, stack)
        harness.compete(cases, options.runs, warm_ups=WARM_UPS, measure=Case.measure)
    rows = _rows(cases)
    document = {"load_1_min": os.getloadavg()[0], "rows": [asdict(row) for row in rows]}
    failures = [f"{case.measurement}, {case.name}: {case.failure}" for case in cases if case.failure]
    return harness.tell(_table(rows), document, failures, target=options.json)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time confined commands, shell calls, a patch, much output.")
    parser.add_argument("measure", nargs="*", help=f"any of {', '.join(MEASUREMENTS)} (default: all)")
    harness.add_run_options(parser, runs=15, per="case")
    harness.add_reference_options(parser, what=f"native program of {harness.REFERENCE_VERSION}")
    options = parser.parse_args(argv)
    unknown = set(options.measure) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"unknown measurement: {', '.join(sorted(unknown))}")
    return options


def timed(
    argv: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Wall time in ms and peak memory in MiB of a program that ends well."""
    run = harness.timed(argv, cwd=cwd, env=env)
    if run.exit_code != 0:
        raise InvalidRunError(f"exit code {run.exit_code}: {run.shown}")
    return run.sample.wall_ms, run.sample.peak_mib


# --- helper --------------------------------------------------------------------------------------------


def _helper_cases(scratch: Path, reference: str | None, stack: ExitStack) -> list[Case]:
    from codex_linux_sandbox import write_launcher

    launcher = write_launcher(str(scratch))
    command = [launcher, str(scratch), READ_ONLY, "--", "/bin/true"]
    served = stack.enter_context(_served(launcher))
    cases = [
        Case("helper", "bare", lambda _: timed(["/bin/true"])),
        Case("helper", "ours, one start", lambda _: timed(command)),
        Case("helper", "ours, served", lambda _: served(command)),
    ]
    if reference is not None:
        home = make_home(scratch / "landlock-home").environ()
        landlock = [reference, "debug", "landlock", "--", "/bin/true"]
        cases.append(Case("helper", "reference", lambda _: timed(landlock, env=home)))
    return cases


@contextmanager
def _served(helper: str) -> Iterator[Callable[[Sequence[str]], tuple[float, float]]]:
    """Runs commands through one command server, as a conversation does."""
    from codex_core.execution.command import ExecRequest, run_command
    from codex_core.execution.command_server import CommandServer

    server = CommandServer(helper)

    async def once(command: Sequence[str]) -> float:
        request = ExecRequest(tuple(command), "/", {"PATH": os.defpath}, 60_000)
        started = time.perf_counter()
        outcome = await run_command(request, server=server)
        if outcome.exit_code != 0:
            raise InvalidRunError(outcome.stderr.decode(errors="replace"))
        return (time.perf_counter() - started) * 1000

    with asyncio.Runner() as runner:
        try:
            yield lambda command: (runner.run(once(command)), 0.0)
        finally:
            runner.run(server.aclose())


# --- turns ---------------------------------------------------------------------------------------------


class Turns(harness.Workplace):
    """One program with its own home, repository and model; every run is one turn with these calls."""

    def __init__(self, program: str, scratch: Path, commands: Sequence[Sequence[str]]) -> None:
        last = {"sse": [created(), *message(ANSWER, deltas=True), completed(token_usage())]}
        calls = [shell_call(list(command), f"call_{n}") for n, command in enumerate(commands)]
        first = {"sse": [created(), *calls, completed(token_usage())]}
        super().__init__(scratch, [first, last] if calls else [last])
        self._program = program
        self._calls = len(commands)

    def run(self, number: int) -> tuple[float, float]:
        """One turn, timed and checked."""
        run = self.exec_turn([self._program, "exec"], f"Benchmark turn {number}.")
        if ANSWER.encode() not in run.stdout:
            raise InvalidRunError(f"did not print the answer:\n{run.shown}")
        items = json.loads(self.asked()[-1])["input"]
        outputs = [item for item in items if item.get("type") == "function_call_output"]
        good = [item for item in outputs if '"exit_code":0' in item["output"]]
        if len(good) != self._calls:
            raise InvalidRunError(f"{len(good)} of {self._calls} commands ran: {outputs[-1:]}")
        return run.sample.wall_ms, run.sample.peak_mib


def _turn_cases(
    measurement: str,
    label: str,
    commands: Sequence[Sequence[str]],
    scratch: Path,
    reference: str | None,
    stack: ExitStack,
) -> list[Case]:
    programs = {"ours": script_path("codex")} | ({} if reference is None else {"reference": reference})
    cases = []
    for name, program in programs.items():
        directory = scratch / f"{measurement}-{len(commands)}-{name}"
        directory.mkdir()
        turns = Turns(program, directory, commands)
        stack.enter_context(turns.model())
        cases.append(Case(measurement, f"{name}, {label}" if label else name, turns.run))
    return cases


def _call_cases(scratch: Path, reference: str | None, stack: ExitStack) -> list[Case]:
    # By its path, or it would be known as harmless and not be confined.
    commands = [["/bin/true"]] * CALLS
    return [
        *_turn_cases("calls", "0 calls", [], scratch, reference, stack),
        *_turn_cases("calls", "1 call", commands[:1], scratch, reference, stack),
        *_turn_cases("calls", f"{CALLS} calls", commands, scratch, reference, stack),
    ]


def _output_cases(scratch: Path, reference: str | None, stack: ExitStack) -> list[Case]:
    commands = [["bash", "-c", f"yes 'a line of output of an ordinary length' | head -c {OUTPUT_BYTES}"]]
    return _turn_cases("output", "", commands, scratch, reference, stack)


# --- patch ---------------------------------------------------------------------------------------------


def _patch_cases(scratch: Path, reference: str | None, stack: ExitStack) -> list[Case]:
    del stack
    programs = {"ours": script_path("apply_patch")}
    if reference is not None:
        link = scratch / "reference-bin" / "apply_patch"
        link.parent.mkdir()
        link.symlink_to(reference)
        programs["reference"] = str(link)
    before = [f"line {number} of the file\n" for number in range(LINES)]
    after = list(before)
    hunks = []
    for number in range(50, LINES, LINES // HUNKS):
        after[number] = f"changed {number}\n"
        context = [f" {before[number + offset]}" for offset in (-2, -1)]
        hunks.append("".join(["@@\n", *context, f"-{before[number]}", f"+{after[number]}"]))
    patch = f"*** Begin Patch\n*** Update File: big.txt\n{''.join(hunks)}*** End Patch\n"

    def run(name: str, program: str, _number: int) -> tuple[float, float]:
        directory = scratch / f"patch-{name}"
        directory.mkdir(exist_ok=True)
        target = directory / "big.txt"
        target.write_text("".join(before), encoding="utf-8")
        sample = timed([program, patch], cwd=str(directory))
        if target.read_text(encoding="utf-8") != "".join(after):
            raise InvalidRunError("the file is not what the patch says")
        return sample

    return [Case("patch", name, partial(run, name, program)) for name, program in programs.items()]


_CASES: dict[str, Callable[[Path, str | None, ExitStack], list[Case]]] = {
    "helper": _helper_cases,
    "calls": _call_cases,
    "patch": _patch_cases,
    "output": _output_cases,
}


# --- telling -------------------------------------------------------------------------------------------


def _rows(cases: Sequence[Case]) -> list[Row]:
    measured = {(case.measurement, case.name): case for case in cases if case.walls}
    rows = [
        Row(kind, name, len(case.walls), statistics.median(case.walls), min(case.walls), max(case.peaks))
        for (kind, name), case in measured.items()
    ]
    for name in ("ours, one start", "ours, served", "reference"):
        rows += _difference(measured, ("helper", "bare"), ("helper", name), f"{name}, over bare", 1)
    for name in ("ours", "reference"):
        pair = (("calls", f"{name}, 0 calls"), ("calls", f"{name}, {CALLS} calls"))
        rows += _difference(measured, *pair, f"{name}, per call", CALLS)
        one = ("calls", f"{name}, 1 call")
        rows += _difference(measured, pair[0], one, f"{name}, first call", 1)
        rows += _difference(measured, one, pair[1], f"{name}, each call after it", CALLS - 1)
    medians = {(row.measurement, row.name): row.median_ms for row in rows}
    compared = []
    for row in rows:
        _, comma, label = row.name.partition(", ")
        label = "over bare" if label.endswith("over bare") else label
        other = medians.get((row.measurement, f"reference{comma}{label}")) or medians.get(
            (row.measurement, "reference")
        )
        is_ours = row.name.startswith("ours") and other is not None
        ratio = row.median_ms / other if is_ours and other else None
        compared.append(Row(**{**asdict(row), "ratio_to_reference": ratio}))
    return compared


def _difference(
    measured: Mapping[tuple[str, str], Case],
    less: tuple[str, str],
    more: tuple[str, str],
    name: str,
    divisor: int,
) -> list[Row]:
    if less not in measured or more not in measured:
        return []
    small, large = measured[less].walls, measured[more].walls
    median = (statistics.median(large) - statistics.median(small)) / divisor
    return [Row(more[0], name, len(large), median, (min(large) - min(small)) / divisor, 0.0)]


def _table(rows: Sequence[Row]) -> str:
    lines = [("measurement", "case", "runs", "median ms", "min", "peak MiB", "/ reference")]
    for row in rows:
        ratio = "" if row.ratio_to_reference is None else f"{row.ratio_to_reference:.2f}"
        peak = f"{row.peak_mib:.0f}" if row.peak_mib else ""
        figures = (f"{row.median_ms:.1f}", f"{row.min_ms:.1f}", peak, ratio)
        lines.append((row.measurement, row.name, str(row.runs), *figures))
    return harness.aligned(lines, left=2)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ScriptNotInstalledError as not_installed:
        sys.exit(str(not_installed))

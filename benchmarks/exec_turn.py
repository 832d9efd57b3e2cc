"""How long one short turn of `codex exec` takes, from spawn to exit, for ours and for the reference.

Every program asks a mock model in a process of its own (one per program, on loopback) and runs as its
users start it: ours by its console script, the reference by the launcher npm installs. The runs are
interleaved, the order rotates, and a run counts only if its requests, the output of its command and
the answer on its stdout are what they must be. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from codex_core.model.scripted.replies import (
    completed,
    created,
    function_call,
    message,
    shell_call,
    token_usage,
)
from harness import InvalidRunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANSWER = "The benchmark answer."
COMMAND_OUTPUT = "benchmark-command-output"
WARM_UPS = 2
VARIANTS = ("message", "shell")
REFERENCES = ("reference", "newest")


@dataclass(frozen=True)
class Program:
    """One command to measure."""

    name: str
    argv: tuple[str, ...]
    version: str
    uses_exec_command: bool = False
    """Whether it offers `exec_command` in place of `shell`."""


@dataclass(frozen=True)
class Row:
    """The result for one program."""

    variant: str
    program: str
    version: str
    runs: int
    median_ms: float
    min_ms: float
    p90_ms: float
    median_cpu_ms: float
    median_peak_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a program did not do the turn, 2 when there was nothing to measure."""
    options = _options(argv)
    programs, skipped = find_versions(options)
    if not programs:
        return 2
    variants = VARIANTS if options.variant == "both" else (options.variant,)
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch:
        benches = [
            Bench(program, variant, Path(scratch) / variant / program.name, fresh_homes=options.fresh_homes)
            for variant in variants
            for program in programs
        ]
        return measure_and_tell(benches, options, skipped)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a short turn of `codex exec` against a mock model.")
    harness.add_run_options(parser, runs=15, per="program")
    parser.add_argument("--variant", choices=(*VARIANTS, "both"), default="both")
    parser.add_argument(
        "--fresh-homes", action="store_true", help="a new CODEX_HOME for each run, as in a CI job"
    )
    harness.add_program_options(parser, newest=True)
    return parser.parse_args(argv)


def find_versions(options: argparse.Namespace) -> tuple[list[Program], list[str]]:
    """The programs that tell their version, and why others are left out, told on stderr."""
    paths, skipped = harness.find_programs(options)
    programs: list[Program] = []
    for name, path in paths.items():
        try:
            programs.append(Program(name, (path,), _version(path), uses_exec_command=name == "newest"))
        except InvalidRunError as error:
            skipped.append(f"{name}: {error}")
    harness.tell_skipped(skipped)
    if not programs:
        print("nothing to measure", file=sys.stderr)
    return programs, skipped


def _version(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=harness.RUN_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidRunError(f"{path} --version: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or "failed").splitlines()[-1]
        raise InvalidRunError(f"{path} --version: exit code {done.returncode}: {reason}")
    return done.stdout.split()[-1]


# --- measuring ---------------------------------------------------------------------------------------


def measure_and_tell(benches: Sequence[Bench], options: argparse.Namespace, skipped: Sequence[str]) -> int:
    """The table of these benches, or their figures as JSON; the exit code."""
    with ExitStack() as models:
        for bench in benches:
            models.enter_context(bench.model())
        harness.compete(benches, options.runs, warm_ups=WARM_UPS, measure=Bench.take_sample)
    rows = [bench.row() for bench in benches if bench.failure is None]
    failures = [
        f"{bench.program.name} ({bench.variant}): {bench.failure}" for bench in benches if bench.failure
    ]
    return harness.tell(_table(rows), _document(rows, skipped, failures), failures, target=options.json)


class Bench(harness.Workplace):
    """One program with its own home, repository and model for one variant."""

    def __init__(
        self,
        program: Program,
        variant: str,
        scratch: Path,
        *,
        fresh_homes: bool = False,
        script: Sequence[Mapping[str, object]] | None = None,
    ) -> None:
        super().__init__(scratch, script or _script(variant, program))
        self.program = program
        self.variant = variant
        self.samples: list[harness.Sample] = []
        self.failure: str | None = None
        self._fresh_homes = fresh_homes

    def take_sample(self, number: int, counts: bool) -> None:
        """One turn, timed and checked."""
        if self._fresh_homes:
            self.renew_home(number)
        sample = self.run(number)
        if counts:
            self.samples.append(sample)

    def run(self, number: int) -> harness.Sample:
        """One turn."""
        token = f"{self.program.name}-{self.variant}-{number}"
        run = self.exec_turn([*self.program.argv, "exec"], f"Benchmark turn {token}.")
        if ANSWER.encode() not in run.stdout:
            raise InvalidRunError(f"did not print the answer:\n{run.shown}")
        self._check_requests(token)
        return run.sample

    def _check_requests(self, token: str) -> None:
        asked = self.asked()
        wanted = 2 if self.variant == "shell" else 1
        if len(asked) != wanted:
            raise InvalidRunError(f"asked the model {len(asked)} times, not {wanted}")
        if any(token not in body for body in asked):
            raise InvalidRunError("asked for something else than it was told")
        if self.variant == "shell" and not _command_ran(json.loads(asked[-1])):
            raise InvalidRunError("did not send the output of the command back")

    def row(self) -> Row:
        """The figures of this program."""
        walls = sorted(sample.wall_ms for sample in self.samples)
        return Row(
            self.variant,
            self.program.name,
            self.program.version,
            len(walls),
            statistics.median(walls),
            walls[0],
            harness.p90(walls),
            statistics.median(sample.cpu_ms for sample in self.samples),
            statistics.median(sample.peak_mib for sample in self.samples),
        )


def _script(variant: str, program: Program) -> list[Mapping[str, object]]:
    last = {"sse": [created(), *message(ANSWER, deltas=True), completed(token_usage())]}
    if variant == "message":
        return [last]
    call = shell_call(["echo", COMMAND_OUTPUT])
    if program.uses_exec_command:
        call = function_call("exec_command", {"cmd": f"echo {COMMAND_OUTPUT}"})
    return [{"sse": [created(), call, completed(token_usage())]}, last]


def _command_ran(body: Mapping[str, list[Mapping[str, object]]]) -> bool:
    outputs = [item for item in body["input"] if item.get("type") == "function_call_output"]
    return any(COMMAND_OUTPUT in json.dumps(item["output"]) for item in outputs)


# --- telling -----------------------------------------------------------------------------------------


def _ratio(row: Row, rows: Sequence[Row], other: str) -> float | None:
    for candidate in rows:
        if candidate.variant == row.variant and candidate.program == other:
            return row.median_ms / candidate.median_ms
    return None


def _table(rows: Sequence[Row]) -> str:
    figures = ("median ms", "min", "p90", "cpu ms", "peak MiB")
    lines = [
        ("variant", "program", "version", "runs", *figures, *(f"/ {name}" for name in REFERENCES)),
    ]
    for row in rows:
        ratios = tuple(
            "" if (ratio := _ratio(row, rows, other)) is None else f"{ratio:.2f}" for other in REFERENCES
        )
        measured = (row.median_ms, row.min_ms, row.p90_ms, row.median_cpu_ms, row.median_peak_mib)
        numbers = tuple(f"{figure:.0f}" for figure in measured)
        lines.append((row.variant, row.program, row.version, str(row.runs), *numbers, *ratios))
    return harness.aligned(lines, left=3)


def _document(rows: Sequence[Row], skipped: Sequence[str], failures: Sequence[str]) -> dict[str, object]:
    return {
        "machine": harness.machine(),
        "rows": [
            {
                **asdict(row),
                "ratio_to_reference": _ratio(row, rows, "reference"),
                "ratio_to_newest": _ratio(row, rows, "newest"),
            }
            for row in rows
        ],
        "skipped": list(skipped),
        "invalid": list(failures),
    }


if __name__ == "__main__":
    sys.exit(main())

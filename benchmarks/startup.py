"""How long `codex` takes to answer what needs no model: versions, help pages, completion scripts, mistakes.

Programs are measured as their users start them: ours by its console script, the reference by the launcher
npm installs. Bare Python, which ours cannot beat, is a row of its own. The runs are interleaved, the order
rotates, and every answer is checked. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from codex_core.testing.home import make_home

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WARM_UPS = 3
RUN_LIMIT_S = 60

ANSWERS = {
    "--version": (0, "codex-cli "),
    "--help": (0, "Usage: codex"),
    "exec --help": (0, "Usage: codex exec"),
    "completion bash": (0, "complete -F _codex"),
    "--bogus": (2, "unexpected argument '--bogus' found"),
}
"""What is asked; the exit code, and what is in the answer of a program that understood it."""
GOALS = {"--version": 0.5, "--help": 1.0, "exec --help": 1.0, "completion bash": 1.0}
"""The share of the reference's time that ours should take at most."""


@dataclass
class Case:
    """One program and one thing it is asked."""

    question: str
    program: str
    argv: tuple[str, ...]
    walls: list[float] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True)
class Row:
    """The figures of a case, in ms."""

    question: str
    program: str
    runs: int
    median_ms: float
    min_ms: float
    p90_ms: float
    ratio: float | None
    """Of the medians, ours or Python's over the reference's."""
    goal: float | None


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when an answer was wrong, 2 when there was nothing to measure."""
    options = _options(argv)
    programs, skipped = harness.find_programs(options)
    harness.tell_skipped(skipped)
    if not programs:
        print("nothing to measure", file=sys.stderr)
        return 2
    cases = [
        Case(question, name, (path, *question.split()))
        for question in options.question or ANSWERS
        for name, path in programs.items()
    ]
    cases.append(Case("pass", "python", (sys.executable, "-c", "pass")))
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch:
        home = make_home(Path(scratch) / "home")
        # What is compiled once is compiled once: users' machines keep it.
        environ = {name: value for name, value in home.environ().items() if name != "PYTHONDONTWRITEBYTECODE"}
        measure = partial(_measure, environ=environ, scratch=Path(scratch))
        harness.compete(cases, options.runs, warm_ups=WARM_UPS, measure=measure)
    rows = _rows(cases)
    failures = [f"{case.program} ({case.question}): {case.failure}" for case in cases if case.failure]
    document = harness.document(rows, skipped, failures)
    return harness.tell(_table(rows), document, failures, target=options.json)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time what `codex` answers without a model.")
    parser.add_argument("question", nargs="*", help=f"what to ask (default: {', '.join(map(repr, ANSWERS))})")
    harness.add_run_options(parser, runs=30, per="case")
    harness.add_program_options(parser)
    options = parser.parse_args(argv)
    unknown = [question for question in options.question if question not in ANSWERS]
    if unknown:
        parser.error(f"nothing is known of {unknown[0]!r}")
    return options


def _measure(case: Case, _number: int, counts: bool, *, environ: Mapping[str, str], scratch: Path) -> None:
    """One run, checked."""
    run = harness.timed(case.argv, env=environ, cwd=scratch, limit_s=RUN_LIMIT_S)
    exit_code, text = ANSWERS.get(case.question, (0, ""))
    if run.exit_code != exit_code:
        raise harness.InvalidRunError(f"ended with exit code {run.exit_code}, not {exit_code}")
    if text.encode() not in run.stdout + run.stderr:
        raise harness.InvalidRunError(f"did not print {text!r}")
    if counts:
        case.walls.append(run.sample.wall_ms)


def _rows(cases: Sequence[Case]) -> list[Row]:
    medians = {(case.question, case.program): statistics.median(case.walls) for case in cases if case.walls}
    rows: list[Row] = []
    for case in cases:
        if not case.walls:
            continue
        walls = sorted(case.walls)
        median = medians[case.question, case.program]
        other = medians.get((case.question, "reference"))
        is_other = case.program == "reference" or other is None
        rows.append(
            Row(
                case.question,
                case.program,
                len(walls),
                median,
                walls[0],
                harness.p90(walls),
                None if is_other or other is None else median / other,
                None if is_other else GOALS.get(case.question),
            )
        )
    return rows


def _table(rows: Sequence[Row]) -> str:
    lines = [
        f"{'question':<16} {'program':<10} {'runs':>4} {'median ms':>9} {'min':>6} {'p90':>6}  / reference"
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        goal = "" if row.goal is None else f"  (goal: {row.goal:.2f})"
        lines.append(
            f"{row.question:<16} {row.program:<10} {row.runs:>4} {row.median_ms:>9.1f} {row.min_ms:>6.1f} "
            f"{row.p90_ms:>6.1f}  {ratio}{goal}".rstrip()
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

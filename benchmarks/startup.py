"""How long `codex` takes to answer what needs no model: versions, help pages, completion scripts, mistakes.

Programs are measured as their users start them: ours by its console script, the reference by the launcher
npm installs. Bare Python, which ours cannot beat, is a row of its own. The runs are interleaved, the order
rotates, and every answer is checked. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codex_core.testing.home import make_home
from codex_core.testing.scripts import ScriptNotInstalledError, script_path
from exec_turn import REFERENCE_VERSION, InvalidRunError, _installed, _write_json

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
    programs, skipped = _programs(options)
    for line in skipped:
        print(f"skipped: {line}", file=sys.stderr)
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
        _measure(cases, options.runs, environ, Path(scratch))
    rows = _rows(cases)
    failures = [f"{case.program} ({case.question}): {case.failure}" for case in cases if case.failure]
    if options.json is not None:
        document = {
            "machine": _machine(),
            "rows": list(map(asdict, rows)),
            "skipped": skipped,
            "invalid": failures,
        }
        _write_json(document, options.json)
    if options.json != "-":
        print(_table(rows))
    for failure in failures:
        print(f"INVALID: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time what `codex` answers without a model.")
    parser.add_argument("question", nargs="*", help=f"what to ask (default: {', '.join(map(repr, ANSWERS))})")
    parser.add_argument("--runs", type=int, default=30, help="counted runs per case (default: 30)")
    parser.add_argument("--ours", metavar="PATH", help="our `codex` (default: of this Python environment)")
    parser.add_argument("--reference", metavar="PATH", help=f"launcher of the reference {REFERENCE_VERSION}")
    parser.add_argument("--only-ours", action="store_true", help="do not look for the reference")
    parser.add_argument("--no-install", action="store_true", help="use an npm package in the cache only")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON, `-` for stdout")
    options = parser.parse_args(argv)
    unknown = [question for question in options.question if question not in ANSWERS]
    if unknown:
        parser.error(f"nothing is known of {unknown[0]!r}")
    return options


def _programs(options: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    programs: dict[str, str] = {}
    skipped: list[str] = []
    try:
        programs["ours"] = options.ours or script_path("codex")
    except ScriptNotInstalledError as error:
        skipped.append(f"ours: {error}")
    if not options.only_ours:
        try:
            programs["reference"] = options.reference or _installed(
                REFERENCE_VERSION, may_install=not options.no_install, refresh=False
            )
        except InvalidRunError as error:
            skipped.append(f"reference: {error}")
    return programs, skipped


def _measure(cases: Sequence[Case], runs: int, environ: Mapping[str, str], scratch: Path) -> None:
    for number in range(WARM_UPS + runs):
        turn = number % len(cases)
        for case in (*cases[turn:], *cases[:turn]):
            if case.failure is not None:
                continue
            try:
                wall_ms = _run(case, environ, scratch)
            except InvalidRunError as error:
                case.failure = str(error)
                continue
            if number >= WARM_UPS:
                case.walls.append(wall_ms)


def _run(case: Case, environ: Mapping[str, str], scratch: Path) -> float:
    """One run, checked; wall time in ms."""
    output = scratch / "output"
    with open(output, "wb") as file:
        started = time.perf_counter()
        try:
            process = subprocess.Popen(
                case.argv,
                env=environ,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise InvalidRunError(str(error)) from error
        # Waiting with a time limit looks every 16 ms only; so what ends a hanging program stands beside.
        watchdog = threading.Timer(RUN_LIMIT_S, process.kill)
        watchdog.start()
        try:
            returncode = process.wait()
            wall_s = time.perf_counter() - started
        finally:
            watchdog.cancel()
            watchdog.join()
    exit_code, text = ANSWERS.get(case.question, (0, ""))
    if returncode != exit_code:
        raise InvalidRunError(f"ended with exit code {returncode}, not {exit_code}")
    if text not in output.read_text(errors="replace"):
        raise InvalidRunError(f"did not print {text!r}")
    return wall_s * 1000


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
                walls[min(len(walls) - 1, int(len(walls) * 0.9))],
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


def _machine() -> dict[str, object]:
    return {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load_1_min": os.getloadavg()[0],
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())

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
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codex_core.testing.home import FEW_RETRIES, make_home, make_repo
from codex_core.testing.replies import completed, created, message, shell_call, token_usage
from codex_core.testing.scripts import ScriptNotInstalledError, script_path
from exec_turn import InvalidRunError, _installed, _write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REFERENCE_VERSION = "0.36.0"
READ_ONLY = '{"mode":"read-only"}'
CALLS = 50
HUNKS, LINES = 200, 20_000
OUTPUT_BYTES = 50_000_000
ANSWER = "The benchmark answer."
MEASUREMENTS = ("helper", "calls", "patch", "output")
RUN_LIMIT_S = 120
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
            reference = options.reference or native_reference(may_install=not options.no_install)
        except InvalidRunError as error:
            print(f"skipped: reference: {error}", file=sys.stderr)
    chosen = options.measure or MEASUREMENTS
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch, ExitStack() as stack:
        cases: list[Case] = []
        for name in chosen:
            cases += _CASES[name](Path(scratch), reference, stack)
        _run_all(cases, options.runs)
    rows = _rows(cases)
    if options.json is not None:
        _write_json(
            {"load_1_min": os.getloadavg()[0], "rows": [asdict(row) for row in rows]},
            options.json,
        )
    if options.json != "-":
        print(_table(rows))
    failed = [case for case in cases if case.failure is not None]
    for case in failed:
        print(f"INVALID: {case.measurement}, {case.name}: {case.failure}", file=sys.stderr)
    return 1 if failed else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time confined commands, shell calls, a patch, much output.")
    parser.add_argument("measure", nargs="*", help=f"any of {', '.join(MEASUREMENTS)} (default: all)")
    parser.add_argument("--runs", type=int, default=15, help="counted runs of each case (default: 15)")
    parser.add_argument("--reference", metavar="PATH", help=f"native program of {REFERENCE_VERSION}")
    parser.add_argument("--only-ours", action="store_true", help="do not look for the reference")
    parser.add_argument("--no-install", action="store_true", help="use what is in the cache only")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON, `-` for stdout")
    options = parser.parse_args(argv)
    unknown = set(options.measure) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"unknown measurement: {', '.join(sorted(unknown))}")
    return options


def native_reference(*, may_install: bool) -> str:
    """The reference's program for this machine, without the launcher in JavaScript around it."""
    launcher = os.path.realpath(_installed(REFERENCE_VERSION, may_install=may_install, refresh=False))
    name = f"codex-{os.uname().machine}-unknown-linux-musl"
    path = os.path.join(os.path.dirname(launcher), name)
    if not os.path.exists(path):
        raise InvalidRunError(f"there is no {path}")
    return path


# --- running -------------------------------------------------------------------------------------------


def _run_all(cases: Sequence[Case], runs: int) -> None:
    for number in range(WARM_UPS + runs):
        turn = number % len(cases)
        for case in (*cases[turn:], *cases[:turn]):
            if case.failure is not None:
                continue
            try:
                wall_ms, peak_mib = case.run(number)
            except (InvalidRunError, OSError) as error:
                case.failure = str(error)
                continue
            if number >= WARM_UPS:
                case.walls.append(wall_ms)
                case.peaks.append(peak_mib)


def timed(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    expect: bytes = b"",
) -> tuple[float, float]:
    """Wall time in ms and peak memory in MiB of a program that ends well and prints `expect`."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=given, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall_ms = (time.perf_counter() - started) * 1000
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed = out.read()
        if process.returncode != 0 or expect not in printed:
            tail = (printed[-300:] + err.read()[-300:]).decode(errors="replace")
            raise InvalidRunError(f"exit code {process.returncode}: {tail}")
    return wall_ms, usage.ru_maxrss / 1024


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


class Turns:
    """One program with its own home, repository and model; every run is one turn with these calls."""

    def __init__(self, program: str, scratch: Path, commands: Sequence[Sequence[str]]) -> None:
        self._program = program
        self._scratch = scratch
        self._calls = len(commands)
        self._home = make_home(scratch / "home")
        self._repo = make_repo(scratch / "repo", {"README.md": "A scratch repository.\n"})
        self._log = scratch / "requests.jsonl"
        self._seen_bytes = 0
        last = {"sse": [created(), *message(ANSWER, deltas=True), completed(token_usage())]}
        calls = [shell_call(list(command), f"call_{n}") for n, command in enumerate(commands)]
        first = {"sse": [created(), *calls, completed(token_usage())]}
        self._script = [first, last] if calls else [last]

    @contextmanager
    def model(self) -> Iterator[None]:
        """The mock model in a process of its own, as long as the block lasts."""
        script = self._scratch / "script.json"
        script.write_text(json.dumps(self._script), encoding="utf-8")
        self._log.touch()
        command = [sys.executable, "-m", "codex_core.testing.model_server", "--script", str(script)]
        command += ["--cycle", "--until-eof", "--log", str(self._log)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                port = server.stdout.readline().strip()
                self._home.use_model_server(f"http://127.0.0.1:{port}/v1", provider=FEW_RETRIES)
                yield
            finally:
                server.stdin.close()
                server.wait()

    def run(self, number: int) -> tuple[float, float]:
        """One turn, timed and checked."""
        argv = [self._program, "exec", "--skip-git-repo-check", f"Benchmark turn {number}."]
        sample = timed(argv, cwd=str(self._repo.path), env=self._home.environ(), expect=ANSWER.encode())
        with open(self._log, encoding="utf-8") as file:
            file.seek(self._seen_bytes)
            bodies = [
                json.loads(entry["body"]) for entry in map(json.loads, file) if "/responses" in entry["path"]
            ]
            self._seen_bytes = file.tell()
        outputs = [item for item in bodies[-1]["input"] if item.get("type") == "function_call_output"]
        good = [item for item in outputs if '"exit_code":0' in item["output"]]
        if len(good) != self._calls:
            raise InvalidRunError(f"{len(good)} of {self._calls} commands ran: {outputs[-1:]}")
        return sample


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

    def run(name: str, program: str) -> tuple[float, float]:
        directory = scratch / f"patch-{name}"
        directory.mkdir(exist_ok=True)
        target = directory / "big.txt"
        target.write_text("".join(before), encoding="utf-8")
        sample = timed([program, patch], cwd=str(directory))
        if target.read_text(encoding="utf-8") != "".join(after):
            raise InvalidRunError("the file is not what the patch says")
        return sample

    return [
        Case("patch", name, lambda _, name=name, program=program: run(name, program))
        for name, program in programs.items()
    ]


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
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ScriptNotInstalledError as not_installed:
        sys.exit(str(not_installed))

"""How long one short turn of `codex exec` takes, from spawn to exit, for ours and for the reference.

Every program asks a mock model in a process of its own (one per program, on loopback) and runs as its
users start it: ours by its console script, the reference by the launcher npm installs. The runs are
interleaved, the order rotates, and a run counts only if its requests, the output of its command and
the answer on its stdout are what they must be. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_core.testing.home import FEW_RETRIES, ScratchHome, make_home, make_repo
from codex_core.testing.replies import completed, created, function_call, message, shell_call, token_usage
from codex_core.testing.scripts import ScriptNotInstalledError, script_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGE = "@openai/codex"
REFERENCE_VERSION = "0.36.0"
ANSWER = "The benchmark answer."
COMMAND_OUTPUT = "benchmark-command-output"
RUN_LIMIT_S = 120
WARM_UPS = 2
VARIANTS = ("message", "shell")
REFERENCES = ("reference", "newest")


class InvalidRunError(Exception):
    """A program did not do the turn, so its time means nothing."""


@dataclass(frozen=True)
class Program:
    """One command to measure."""

    name: str
    argv: tuple[str, ...]
    version: str
    uses_exec_command: bool = False
    """Whether it offers `exec_command` in place of `shell`."""


@dataclass(frozen=True)
class Sample:
    """What one run cost."""

    wall_ms: float
    cpu_ms: float
    peak_mib: float


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
    programs, skipped = _programs(options)
    for line in skipped:
        print(f"skipped: {line}", file=sys.stderr)
    if not programs:
        print("nothing to measure", file=sys.stderr)
        return 2
    variants = VARIANTS if options.variant == "both" else (options.variant,)
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch:
        benches = [
            Bench(program, variant, Path(scratch) / variant / program.name, fresh_homes=options.fresh_homes)
            for variant in variants
            for program in programs
        ]
        rows = _measure(benches, options.runs, failures)
    document = _document(rows, skipped, failures)
    if options.json is not None:
        _write_json(document, options.json)
    if options.json != "-":
        print(_table(rows))
    for failure in failures:
        print(f"INVALID: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time a short turn of `codex exec` against a mock model.")
    parser.add_argument("--runs", type=int, default=15, help="counted runs per program (default: 15)")
    parser.add_argument("--variant", choices=(*VARIANTS, "both"), default="both")
    parser.add_argument("--ours", metavar="PATH", help="our `codex` (default: of this Python environment)")
    parser.add_argument("--reference", metavar="PATH", help=f"launcher of {PACKAGE}@{REFERENCE_VERSION}")
    parser.add_argument("--newest", metavar="PATH", help=f"launcher of the newest {PACKAGE}")
    parser.add_argument(
        "--fresh-homes", action="store_true", help="a new CODEX_HOME for each run, as in a CI job"
    )
    parser.add_argument("--only-ours", action="store_true", help="do not look for the reference")
    parser.add_argument(
        "--no-install", action="store_true", help="use npm packages already in the cache only"
    )
    parser.add_argument("--refresh", action="store_true", help="install again what is in the cache")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON, `-` for stdout")
    return parser.parse_args(argv)


# --- which programs ----------------------------------------------------------------------------------


def _programs(options: argparse.Namespace) -> tuple[list[Program], list[str]]:
    programs: list[Program] = []
    skipped: list[str] = []
    try:
        ours = options.ours or script_path("codex")
        programs.append(Program("ours", (ours,), _version(ours)))
    except (ScriptNotInstalledError, InvalidRunError) as error:
        skipped.append(f"ours: {error}")
    if options.only_ours:
        return programs, skipped
    for name, tag, given in (
        ("reference", REFERENCE_VERSION, options.reference),
        ("newest", "latest", options.newest),
    ):
        try:
            path = given or _installed(tag, may_install=not options.no_install, refresh=options.refresh)
            programs.append(Program(name, (path,), _version(path), uses_exec_command=name == "newest"))
        except InvalidRunError as error:
            skipped.append(f"{name}: {error}")
    return programs, skipped


def _installed(tag: str, *, may_install: bool, refresh: bool) -> str:
    """The launcher of the npm package at a version or tag, installed into the cache if need be."""
    directory = cache_directory() / f"npm-{tag}"
    launcher = directory / "node_modules" / ".bin" / "codex"
    if launcher.exists() and not refresh:
        return str(launcher)
    if not may_install:
        raise InvalidRunError(f"{PACKAGE}@{tag} is not in {directory}, and installing was ruled out")
    npm_install(f"{PACKAGE}@{tag}", directory)
    if not launcher.exists():
        raise InvalidRunError(f"npm installed {PACKAGE}@{tag}, but there is no {launcher}")
    return str(launcher)


def cache_directory() -> Path:
    """Where npm packages are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "codex-python-benchmarks"


def npm_install(package: str, directory: Path) -> None:
    """Install one npm package into a directory of its own; its install scripts are not run."""
    npm = shutil.which("npm")
    if npm is None:
        raise InvalidRunError("npm is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    arguments = (
        "install",
        "--prefix",
        str(directory),
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        package,
    )
    print(f"installing {package} into {directory}", file=sys.stderr)
    done = subprocess.run([npm, *arguments], capture_output=True, text=True, check=False, cwd=directory)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "npm failed").splitlines()[0]
        raise InvalidRunError(f"npm could not install {package}: {reason}")


def _version(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=RUN_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidRunError(f"{path} --version: {error}") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or "failed").splitlines()[-1]
        raise InvalidRunError(f"{path} --version: exit code {done.returncode}: {reason}")
    return done.stdout.split()[-1]


# --- measuring ---------------------------------------------------------------------------------------


def _measure(benches: Sequence[Bench], runs: int, failures: list[str]) -> list[Row]:
    with ExitStack() as stack:
        for bench in benches:
            stack.enter_context(bench.model())
        for number in range(WARM_UPS + runs):
            turn = number % len(benches)
            for bench in (*benches[turn:], *benches[:turn]):
                if bench.failed:
                    continue
                try:
                    sample = bench.run(number)
                except InvalidRunError as error:
                    bench.failed = True
                    failures.append(f"{bench.program.name} ({bench.variant}): {error}")
                    continue
                if number >= WARM_UPS:
                    bench.samples.append(sample)
        return [bench.row() for bench in benches if not bench.failed]


class Bench:
    """One program with its own home, repository and model for one variant."""

    def __init__(self, program: Program, variant: str, scratch: Path, *, fresh_homes: bool) -> None:
        self.program = program
        self.variant = variant
        self.samples: list[Sample] = []
        self.failed = False
        self._scratch = scratch
        self._fresh_homes = fresh_homes
        self._port = ""
        self._home: ScratchHome = make_home(scratch / "home")
        self._repo = make_repo(scratch / "repo", {"README.md": "A scratch repository.\n"})
        self._log = scratch / "requests.jsonl"
        self._seen_bytes = 0

    @contextmanager
    def model(self) -> Iterator[None]:
        """The mock model in a process of its own, as long as the block lasts."""
        script = self._scratch / "script.json"
        script.write_text(json.dumps(_script(self.variant, self.program)), encoding="utf-8")
        self._log.touch()
        command = [sys.executable, "-m", "codex_core.testing.model_server", "--script", str(script)]
        command += ["--cycle", "--until-eof", "--log", str(self._log)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                self._port = server.stdout.readline().strip()
                self._point_home_at_model()
                yield
            finally:
                server.stdin.close()
                server.wait()

    def _point_home_at_model(self) -> None:
        self._home.use_model_server(f"http://127.0.0.1:{self._port}/v1", provider=FEW_RETRIES)

    def run(self, number: int) -> Sample:
        """One turn, timed and checked."""
        token = f"{self.program.name}-{self.variant}-{number}"
        if self._fresh_homes:
            self._home = make_home(self._scratch / f"home-{number}")
            self._point_home_at_model()
        argv = [*self.program.argv, "exec", "--skip-git-repo-check", f"Benchmark turn {token}."]
        stdout, stderr = self._scratch / "stdout", self._scratch / "stderr"
        with open(stdout, "wb") as out, open(stderr, "wb") as err:
            started = time.perf_counter()
            process = subprocess.Popen(
                argv,
                cwd=self._repo.path,
                env=self._home.environ(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            # wait4, not wait: it tells what the process and those it waited for have used.
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        shown = f"{_end(stdout)}\n{_end(stderr)}"
        if process.returncode != 0:
            raise InvalidRunError(f"run {number} ended with exit code {process.returncode}:\n{shown}")
        if ANSWER not in stdout.read_text(errors="replace"):
            raise InvalidRunError(f"run {number} did not print the answer:\n{shown}")
        self._check_requests(number, token)
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Sample(wall_s * 1000, (usage.ru_utime + usage.ru_stime) * 1000, peak_bytes / 2**20)

    def _check_requests(self, number: int, token: str) -> None:
        with open(self._log, encoding="utf-8") as file:
            file.seek(self._seen_bytes)
            requests = [json.loads(line) for line in file]
            self._seen_bytes = file.tell()
        asked = [request for request in requests if request["path"].endswith("/responses")]
        wanted = 2 if self.variant == "shell" else 1
        if len(asked) != wanted:
            raise InvalidRunError(f"run {number} asked the model {len(asked)} times, not {wanted}")
        if any(token not in request["body"] for request in asked):
            raise InvalidRunError(f"run {number} asked for something else than it was told")
        if self.variant == "shell" and not _command_ran(json.loads(asked[-1]["body"])):
            raise InvalidRunError(f"run {number} did not send the output of the command back")

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
            walls[min(len(walls) - 1, int(len(walls) * 0.9))],
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


def _end(path: Path) -> str:
    """The last lines of an output, for a report."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-12:])


def _ratio(row: Row, rows: Sequence[Row], other: str) -> float | None:
    for candidate in rows:
        if candidate.variant == row.variant and candidate.program == other:
            return row.median_ms / candidate.median_ms
    return None


def _table(rows: Sequence[Row]) -> str:
    ratio_names = tuple(f"/ {name}" for name in REFERENCES)
    head = (
        "variant",
        "program",
        "version",
        "runs",
        "median ms",
        "min",
        "p90",
        "cpu ms",
        "peak MiB",
        *ratio_names,
    )
    lines: list[tuple[str, ...]] = [head]
    for row in rows:
        ratios = tuple(
            "" if (ratio := _ratio(row, rows, other)) is None else f"{ratio:.2f}" for other in REFERENCES
        )
        figures = (row.median_ms, row.min_ms, row.p90_ms, row.median_cpu_ms, row.median_peak_mib)
        numbers = tuple(f"{figure:.0f}" for figure in figures)
        lines.append((row.variant, row.program, row.version, str(row.runs), *numbers, *ratios))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _document(rows: Sequence[Row], skipped: Sequence[str], failures: Sequence[str]) -> dict[str, object]:
    return {
        "machine": {
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "load_1_min": os.getloadavg()[0],
            "python": platform.python_version(),
        },
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


def _write_json(document: Mapping[str, object], target: str) -> None:
    text = json.dumps(document, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())

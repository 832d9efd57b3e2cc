"""What the benchmarks share: which programs compete, fair rounds, timed runs, a mock model, tables and JSON.

A benchmark says what is run and what a run must have done to count; see README.md beside this file.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from codex_core.testing.home import FEW_RETRIES, ScratchHome, make_home, make_repo
from codex_core.testing.scripts import ScriptNotInstalledError, script_path

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from _typeshed import DataclassInstance

PACKAGE = "@openai/codex"
REFERENCE_VERSION = "0.36.0"
RUN_LIMIT_S = 120
SHOWN_LINES = 12


class InvalidRunError(Exception):
    """A program did not do its work, so its time means nothing."""


# --- options -----------------------------------------------------------------------------------------


def add_run_options(parser: argparse.ArgumentParser, *, runs: int, per: str) -> None:
    """How often to measure and where to write it."""
    parser.add_argument("--runs", type=int, default=runs, help=f"counted runs per {per} (default: {runs})")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON, `-` for stdout")


def add_reference_options(
    parser: argparse.ArgumentParser, *, what: str = f"launcher of {PACKAGE}@{REFERENCE_VERSION}"
) -> None:
    """Where the reference is, and whether it may be got from npm."""
    parser.add_argument("--reference", metavar="PATH", help=what)
    parser.add_argument("--only-ours", action="store_true", help="do not look for the reference")
    parser.add_argument(
        "--no-install", action="store_true", help="use npm packages already in the cache only"
    )


def add_program_options(parser: argparse.ArgumentParser, *, newest: bool = False) -> None:
    """Which programs compete: ours, the reference and, if wanted, its newest release."""
    parser.add_argument("--ours", metavar="PATH", help="our `codex` (default: of this Python environment)")
    add_reference_options(parser)
    if newest:
        parser.add_argument("--newest", metavar="PATH", help=f"launcher of the newest {PACKAGE}")
        parser.add_argument("--refresh", action="store_true", help="install again what is in the cache")


# --- which programs ----------------------------------------------------------------------------------


def find_programs(options: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """The programs to compare, name to path, and why others are left out."""
    programs: dict[str, str] = {}
    skipped: list[str] = []
    try:
        programs["ours"] = options.ours or script_path("codex")
    except ScriptNotInstalledError as error:
        skipped.append(f"ours: {error}")
    if options.only_ours:
        return programs, skipped
    tags = {"reference": REFERENCE_VERSION}
    if hasattr(options, "newest"):
        tags["newest"] = "latest"
    for name, tag in tags.items():
        try:
            programs[name] = getattr(options, name) or installed(
                tag, may_install=not options.no_install, refresh=getattr(options, "refresh", False)
            )
        except InvalidRunError as error:
            skipped.append(f"{name}: {error}")
    return programs, skipped


def installed(tag: str, *, may_install: bool, refresh: bool = False) -> str:
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


def native_reference(*, may_install: bool) -> str:
    """The reference's program for this machine, without the launcher in JavaScript around it."""
    launcher = os.path.realpath(installed(REFERENCE_VERSION, may_install=may_install))
    name = f"codex-{os.uname().machine}-unknown-linux-musl"
    path = os.path.join(os.path.dirname(launcher), name)
    if not os.path.exists(path):
        raise InvalidRunError(f"there is no {path}")
    return path


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
    arguments = ("install", "--prefix", str(directory), "--no-audit", "--no-fund", "--ignore-scripts")
    print(f"installing {package} into {directory}", file=sys.stderr)
    command = [npm, *arguments, package]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "npm failed").splitlines()[0]
        raise InvalidRunError(f"npm could not install {package}: {reason}")


# --- measuring ---------------------------------------------------------------------------------------


class Contestant(Protocol):
    """Something that is run again and again, until it does not do its work."""

    failure: str | None


ContestantT = TypeVar("ContestantT", bound=Contestant)


def compete(
    contestants: Sequence[ContestantT],
    rounds: int,
    *,
    warm_ups: int,
    measure: Callable[[ContestantT, int, bool], None],
) -> None:
    """Measure everyone once a round, in an order that rotates: a busy minute of the machine falls on all.

    `measure` is told who, the number of the round, and whether it counts. Who fails is left out from then
    on and says why in `failure`.
    """
    for number in range(warm_ups + rounds):
        turn = number % len(contestants)
        for contestant in (*contestants[turn:], *contestants[:turn]):
            if contestant.failure is not None:
                continue
            try:
                measure(contestant, number, number >= warm_ups)
            except (InvalidRunError, OSError) as error:
                contestant.failure = str(error)


@dataclass(frozen=True)
class Sample:
    """What one run cost: the program and those it waited for, so a launcher's child counts."""

    wall_ms: float
    cpu_ms: float
    peak_mib: float


@dataclass(frozen=True)
class Run:
    """A program that has ended."""

    sample: Sample
    exit_code: int
    """Negative when a signal ended it."""
    stdout: bytes
    stderr: bytes

    @property
    def shown(self) -> str:
        """The last lines of both outputs, for a report."""
        texts = (text.decode(errors="replace") for text in (self.stdout, self.stderr))
        return "\n".join(line for text in texts for line in text.splitlines()[-SHOWN_LINES:])


def timed(
    argv: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    limit_s: float = RUN_LIMIT_S,
) -> Run:
    """Run a program to its end, killed after `limit_s` seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        # Waiting with a time limit looks every few ms only; so what ends a hanging program stands beside.
        watchdog = threading.Timer(limit_s, os.kill, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            # wait4, not wait: it tells what the process and those it waited for have used.
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
        finally:
            watchdog.cancel()
            watchdog.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        sample = Sample(wall_s * 1000, (usage.ru_utime + usage.ru_stime) * 1000, peak_bytes / 2**20)
        return Run(sample, process.returncode, out.read(), err.read())


def p90(ordered: Sequence[float]) -> float:
    """The 90th percentile of sorted figures."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.9))]


class Workplace:
    """A home, a git repository and a mock model in a process of its own, for one program."""

    def __init__(self, scratch: Path, script: Sequence[Mapping[str, object]]) -> None:
        self._scratch = scratch
        self._script = script
        self._base_url = ""
        self._home: ScratchHome = make_home(scratch / "home")
        self._repo = make_repo(scratch / "repo", {"README.md": "A scratch repository.\n"})
        self._log = scratch / "requests.jsonl"
        self._seen_bytes = 0

    @contextmanager
    def model(self) -> Iterator[None]:
        """The model is there, and the home points at it, as long as the block lasts."""
        script = self._scratch / "script.json"
        script.write_text(json.dumps(self._script), encoding="utf-8")
        self._log.touch()
        command = [sys.executable, "-m", "codex_core.testing.model_server", "--script", str(script)]
        command += ["--cycle", "--until-eof", "--log", str(self._log)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            try:
                self._base_url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"
                self._point_home_at_model()
                yield
            finally:
                server.stdin.close()
                server.wait()

    def _point_home_at_model(self) -> None:
        self._home.use_model_server(self._base_url, provider=FEW_RETRIES)

    def renew_home(self, number: int) -> None:
        """Go on with a home that nothing has used yet."""
        self._home = make_home(self._scratch / f"home-{number}")
        self._point_home_at_model()

    def exec_turn(self, argv: Sequence[str], prompt: str) -> Run:
        """One turn of a program's `exec`, which has to end well.

        Raises:
            InvalidRunError: it did not.
        """
        command = [*argv, "--skip-git-repo-check", prompt]
        run = timed(command, cwd=self._repo.path, env=self._home.environ())
        if run.exit_code != 0:
            raise InvalidRunError(f"ended with exit code {run.exit_code}:\n{run.shown}")
        return run

    def asked(self) -> list[str]:
        """The bodies of what the model was asked since the last call."""
        with open(self._log, encoding="utf-8") as file:
            file.seek(self._seen_bytes)
            requests = [json.loads(line) for line in file]
            self._seen_bytes = file.tell()
        return [request["body"] for request in requests if request["path"].endswith("/responses")]


# --- telling -----------------------------------------------------------------------------------------


def aligned(lines: Sequence[Sequence[str]], *, left: int) -> str:
    """Columns as wide as they must be; the first `left` begin at the left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def machine() -> dict[str, object]:
    """Where this was measured."""
    return {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load_1_min": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def tell_skipped(skipped: Sequence[str]) -> None:
    """What is left out, on stderr."""
    for line in skipped:
        print(f"skipped: {line}", file=sys.stderr)


def document(
    rows: Iterable[DataclassInstance], skipped: Sequence[str], failures: Sequence[str], **more: object
) -> dict[str, object]:
    """The figures for `--json`."""
    return {
        "machine": machine(),
        "rows": list(map(asdict, rows)),
        **more,
        "skipped": skipped,
        "invalid": failures,
    }


def tell(table: str, document: Mapping[str, object], failures: Sequence[str], *, target: str | None) -> int:
    """Print the table, or write the document to `--json`; the exit code, 1 when something failed."""
    if target is not None:
        write_json(document, target)
    if target != "-":
        print(table)
    for failure in failures:
        print(f"INVALID: {failure}", file=sys.stderr)
    return 1 if failures else 0


def write_json(document: Mapping[str, object], target: str) -> None:
    """To a file, whose directory is made, or with `-` to stdout."""
    text = json.dumps(document, indent=2) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)

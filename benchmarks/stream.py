"""What a long answer costs: a message of 20,000 deltas (1 MB of text) through `codex exec --json`.

Every delta is a chunk of its own, as the real service sends them; the mock model has them ready. Programs,
homes, checks and tables are those of `exec_turn.py`. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codex_core.testing.replies import completed, created, message, token_usage
from exec_turn import (
    Bench,
    InvalidRunError,
    Program,
    Sample,
    _document,
    _measure,
    _programs,
    _table,
    _write_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DELTAS = 20_000
DELTA_CHARACTERS = 50
RUN_LIMIT_S = 120


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a program did not read the answer, 2 when there was nothing to measure."""
    options = _options(argv)
    programs, skipped = _programs(options)
    for line in skipped:
        print(f"skipped: {line}", file=sys.stderr)
    if not programs:
        print("nothing to measure", file=sys.stderr)
        return 2
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch:
        reply = Path(scratch) / "reply.json"
        text, events = _answer(options.deltas)
        reply.write_text(json.dumps([{"sse": events}]), encoding="utf-8")
        benches: list[Bench] = [
            StreamBench(program, Path(scratch) / program.name, reply=reply, text=text) for program in programs
        ]
        rows = _measure(benches, options.runs, failures)
    if options.json is not None:
        _write_json(_document(rows, skipped, failures), options.json)
    if options.json != "-":
        print(_table(rows))
    for failure in failures:
        print(f"INVALID: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time `codex exec --json` on an answer of many deltas.")
    parser.add_argument("--runs", type=int, default=10, help="counted runs per program (default: 10)")
    parser.add_argument(
        "--deltas", type=int, default=DELTAS, help=f"deltas of the answer (default: {DELTAS})"
    )
    parser.add_argument("--ours", metavar="PATH", help="our `codex` (default: of this Python environment)")
    parser.add_argument("--reference", metavar="PATH", help="launcher of the reference")
    parser.add_argument("--newest", metavar="PATH", help="launcher of its newest release")
    parser.add_argument("--only-ours", action="store_true", help="do not look for the reference")
    parser.add_argument(
        "--no-install", action="store_true", help="use npm packages already in the cache only"
    )
    parser.add_argument("--refresh", action="store_true", help="install again what is in the cache")
    parser.add_argument("--json", metavar="FILE", help="write the figures as JSON, `-` for stdout")
    return parser.parse_args(argv)


def _answer(deltas: int) -> tuple[str, list[Mapping[str, object]]]:
    """The text of the message, and the events that bring it, as wide as those of the real service."""
    pieces = [f"{number:>{DELTA_CHARACTERS - 1}} " for number in range(deltas)]
    text = "".join(pieces)
    events: list[Mapping[str, object]] = [created()]
    events += [
        {
            "type": "response.output_text.delta",
            "sequence_number": number,
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": piece,
            "logprobs": [],
        }
        for number, piece in enumerate(pieces)
    ]
    events += [*message(text), completed(token_usage())]
    return text, events


class StreamBench(Bench):
    """One program that reads the long answer."""

    def __init__(self, program: Program, scratch: Path, *, reply: Path, text: str) -> None:
        super().__init__(program, "stream", scratch, fresh_homes=False)
        self._reply = reply
        self._text = text

    @contextmanager
    def model(self) -> Iterator[None]:
        """The mock model in a process of its own, as long as the block lasts."""
        command = [sys.executable, "-m", "codex_core.testing.model_server", "--script", str(self._reply)]
        command += ["--cycle", "--until-eof"]
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

    def run(self, number: int) -> Sample:
        """One answer, timed; the last line that holds the message must hold all of it."""
        argv = [*self.program.argv, "exec", "--json", "--skip-git-repo-check", "Write a long answer."]
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
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            shown = stderr.read_text(errors="replace")[-2_000:]
            raise InvalidRunError(f"run {number} ended with exit code {process.returncode}:\n{shown}")
        if json.dumps(self._text)[1:-1] not in stdout.read_text(encoding="utf-8"):
            raise InvalidRunError(f"run {number} did not print the whole answer")
        peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return Sample(wall_s * 1000, (usage.ru_utime + usage.ru_stime) * 1000, peak_bytes / 2**20)


if __name__ == "__main__":
    sys.exit(main())

"""How long the MCP server takes: to be there, and for a call of `codex` that the mock model answers at once.

    list     from spawn to the answer to `tools/list`, `initialize` asked before
    at once  a call of `codex` sent right behind that answer
    first    the first call of another server, a second after it was ready, as a person would
    next     a further call to that server

Ours and the reference are started as their users start them, interleaved, and a run counts only if every
answer is what it must be. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import harness
from codex_core.model.scripted.replies import completed, created, message, token_usage
from harness import InvalidRunError
from startup import Case, _table
from startup import _rows as timing_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from startup import Row

ANSWER = "The benchmark answer."

WARM_UPS = 2
PAUSE_S = 1.0
ANSWER_LIMIT_S = 60
QUESTIONS = ("list", "at once", "first", "next")
GOALS = {"list": 1.5, "next": 1.0, "first": 1.0}
"""The share of the reference's time that ours should take at most."""


class Connection:
    """A server and what it is asked."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._next_id = 0

    def ready(self) -> float:
        """Shakes hands and lists the tools; ms since the start."""
        client = {"name": "benchmark", "version": "1"}
        self._ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        listed = self._ask("tools/list", {})
        if [tool["name"] for tool in listed["tools"]] != ["codex", "codex-reply"]:
            raise InvalidRunError(f"lists the tools {listed['tools']}")
        return (time.perf_counter() - self._started) * 1000

    def call(self, prompt: str) -> float:
        """One call of `codex`; ms."""
        started = time.perf_counter()
        result = self._ask("tools/call", {"name": "codex", "arguments": {"prompt": prompt}})
        wall_ms = (time.perf_counter() - started) * 1000
        if result["content"][0]["text"] != ANSWER:
            raise InvalidRunError(f"answered {result}")
        return wall_ms

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.__exit__(None, None, None)

    def close(self) -> None:
        """Lets the server end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            code = self._process.wait(ANSWER_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise InvalidRunError("did not end") from None
        if code != 0:
            raise InvalidRunError(f"ended with exit code {code}")

    def _send(self, frame: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(frame).encode() + b"\n")
        self._process.stdin.flush()

    def _ask(self, method: str, params: Mapping[str, object]) -> dict[str, list[dict[str, str]]]:
        self._next_id += 1
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            frame = json.loads(line)
            if "method" not in frame and frame.get("id") == self._next_id:
                if "result" not in frame:
                    raise InvalidRunError(f"{method}: {frame}")
                result: dict[str, list[dict[str, str]]] = frame["result"]
                return result
        raise InvalidRunError(f"ended without an answer to {method}")


class Bench(harness.Workplace):
    """One program, its home, its model, and its times by question."""

    def __init__(self, name: str, path: str, scratch: Path) -> None:
        super().__init__(
            scratch, [{"sse": [created(), *message(ANSWER, deltas=True), completed(token_usage())]}]
        )
        self.name = name
        self.argv = (path, "mcp")
        self.times: dict[str, list[float]] = {question: [] for question in QUESTIONS}
        self.failure: str | None = None

    def measure(self, _number: int, counts: bool) -> None:
        """One round."""
        found: dict[str, float] = {}
        with self._connected() as hasty:
            found["list"] = hasty.ready()
            found["at once"] = hasty.call("one")
            hasty.close()
        with self._connected() as patient:
            patient.ready()
            time.sleep(PAUSE_S)
            found["first"] = patient.call("two")
            found["next"] = patient.call("three")
            patient.close()
        for question, wall_ms in found.items() if counts else ():
            self.times[question].append(wall_ms)

    def _connected(self) -> Connection:
        return Connection(self.argv, self._home.environ(), self._repo.path)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when an answer was wrong, 2 when there was nothing to measure."""
    options = _options(argv)
    programs, skipped = harness.find_programs(options)
    harness.tell_skipped(skipped)
    if not programs:
        print("nothing to measure", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch, ExitStack() as models:
        benches = [Bench(name, path, Path(scratch) / name) for name, path in programs.items()]
        for bench in benches:
            models.enter_context(bench.model())
        harness.compete(benches, options.runs, warm_ups=WARM_UPS, measure=Bench.measure)
    rows = _rows(benches)
    failures = [f"{bench.name}: {bench.failure}" for bench in benches if bench.failure]
    document = harness.document(rows, skipped, failures)
    return harness.tell(_table(rows), document, failures, target=options.json)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the MCP server against a mock model.")
    harness.add_run_options(parser, runs=15, per="program")
    harness.add_program_options(parser)
    return parser.parse_args(argv)


def _rows(benches: Sequence[Bench]) -> list[Row]:
    cases = [
        Case(question, bench.name, bench.argv, bench.times[question])
        for question in QUESTIONS
        for bench in benches
    ]
    rows = timing_rows(cases)
    return [row if row.ratio is None else replace(row, goal=GOALS.get(row.question)) for row in rows]


if __name__ == "__main__":
    sys.exit(main())

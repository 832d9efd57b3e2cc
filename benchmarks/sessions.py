"""How long sessions take to be listed, searched and gone on with, when there are very many or a long one.

Makes 10,000 synthetic sessions and one of 50,000 lines, then times the console scripts of ours and, where it
has the command, of the reference. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from codex_core.rollout.index import index_path
from codex_core.testing import ModelServer, answer, make_home, make_repo, message, script_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from codex_core.testing import ScratchHome, ScratchRepo

SETTINGS = {"approval_policy": "never", "sandbox_mode": "danger-full-access"}
LIMIT_S = 300
LAST = datetime(2026, 11, 22, 8, 34, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One figure."""

    what: str
    program: str
    median_ms: float
    min_ms: float


# -- what is there ------------------------------------------------------------------------------


def uuid(number: int) -> str:
    """The id of a synthetic session."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def line(kind: str, payload: Mapping[str, object]) -> str:
    """A line as both programs write it."""
    record = {"timestamp": "2026-11-22T08:34:04.539Z", "type": kind, "payload": payload}
    return json.dumps(record, separators=(",", ":")) + "\n"


def said(role: str, text: str) -> str:
    """What somebody said: as an item and as an event."""
    kind = "output_text" if role == "assistant" else "input_text"
    item: dict[str, object] = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
    event: dict[str, object] = {"type": "user_message", "message": text, "kind": "plain"}
    if role == "assistant":
        event = {"type": "agent_message", "message": text}
    return line("response_item", item) + line("event_msg", event)


def step(number: int) -> Iterator[str]:
    """Five lines of a turn: the settings, a call, its output, and a message."""
    yield line(
        "turn_context",
        {
            "cwd": "/w/repo",
            "approval_policy": "never",
            "sandbox_policy": {"mode": "read-only"},
            "model": "mock-model",
            "summary": "auto",
        },
    )
    arguments = json.dumps({"command": ["rg", f"needle {number}"], "workdir": "/w/repo"})
    call = {"type": "function_call", "name": "shell", "arguments": arguments, "call_id": f"c{number}"}
    yield line("response_item", call)
    printed = json.dumps(
        {
            "output": f"src/file_{number}.py: needle\n" * 5,
            "metadata": {"exit_code": 0, "duration_seconds": 0.1},
        }
    )
    yield line("response_item", {"type": "function_call_output", "call_id": f"c{number}", "output": printed})
    yield said("assistant", f"Step {number}: looked for the needle in file {number}.")


def write(home: Path, number: int, when: datetime, body: Iterator[str]) -> Path:
    """A session of a home."""
    directory = home / "sessions" / f"{when:%Y}" / f"{when:%m}" / f"{when:%d}"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"rollout-{when:%Y-%m-%dT%H-%M-%S}-{uuid(number)}.jsonl"
    meta: dict[str, object] = {
        "id": uuid(number),
        "timestamp": "2026-11-22T08:34:04.440Z",
        "cwd": f"/w/repo{number % 7}",
        "originator": "codex_cli_rs",
        "cli_version": "0.36.0",
        "instructions": None,
        "git": {"branch": "main"},
    }
    with path.open("w") as file:
        file.write(line("session_meta", meta) + said("user", f"Please look at part {number} of the parser"))
        file.writelines(body)
    return path


def fill(home: Path, sessions: int, lines: int) -> None:
    """Many short sessions over two years, and as the newest one a long one."""
    for number in range(1, sessions + 1):
        when = LAST - timedelta(minutes=105 * (sessions - number + 1))
        write(home, number, when, (text for at in range(3) for text in step(at)))
    if lines:
        write(home, 0xFFFFFFFF, LAST, (text for at in range(lines // 5) for text in step(at)))


# -- what is timed ------------------------------------------------------------------------------


def timed(argv: Sequence[str], home: ScratchHome, repo: ScratchRepo, expected: str) -> float:
    """Milliseconds of one run, which has to print what is expected."""
    began = time.perf_counter()
    done = subprocess.run(
        argv,
        env=home.environ(),
        cwd=repo.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    took = (time.perf_counter() - began) * 1000
    if done.returncode != 0 or expected.encode() not in done.stdout:
        raise SystemExit(f"INVALID: {argv} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return took


def row(what: str, program: str, runs: int, once: Callable[[], float]) -> Row:
    """The figure of some runs."""
    times = [once() for _ in range(runs)]
    return Row(what, program, statistics.median(times), min(times))


def our_rows(home: ScratchHome, repo: ScratchRepo, runs: int) -> Iterator[Row]:
    """Listing and searching; the first of each also makes the index."""
    codex = str(script_path("codex"))

    def run(*words: str, expected: str) -> Callable[[], float]:
        return lambda: timed([codex, "sessions", *words], home, repo, expected)

    def anew() -> float:
        Path(index_path(str(home.codex_home))).unlink(missing_ok=True)
        return timed([codex, "sessions", "list"], home, repo, "Please")

    yield row("list 25, without an index", "ours", max(1, runs // 5), anew)
    yield row("list 25", "ours", runs, run("list", expected="Please"))
    yield row("list all, JSON", "ours", runs, run("list", "-n", "0", "--json", expected="parser"))
    yield row("search two words", "ours", runs, run("search", "parser", "part 17 ", expected="part 17 of"))
    yield row(
        "show one by the beginning of its id", "ours", runs, run("show", "00000011", expected="part 17 of")
    )


def resume_rows(
    program: str, argv: Sequence[str], home: ScratchHome, repo: ScratchRepo, runs: int, session: str
) -> Iterator[Row]:
    """Going on with the oldest session among many, and with the long one."""
    with ModelServer.in_thread([answer(message("I see."))], cycle=True) as server:
        home.use_model_server(server.base_url, settings=SETTINGS)
        words = [*argv, "resume", session, "go on"]
        what = "resume the long one" if session == uuid(0xFFFFFFFF) else "resume one of many"
        yield row(what, program, runs, lambda: timed(words, home, repo, "I see."))


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Time listing, searching and resuming of sessions.")
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--lines", type=int, default=50_000, help="lines of the long session")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--reference", metavar="PATH", help="the reference's program or launcher")
    options = parser.parse_args(argv)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch:
        repo = make_repo(Path(scratch) / "repo", {"README.md": "x\n"})
        many, long = make_home(Path(scratch) / "many"), make_home(Path(scratch) / "long")
        fill(many.codex_home, options.sessions, 0)
        fill(long.codex_home, 0, options.lines)
        (big,) = long.rollouts()
        print(
            f"{options.sessions} sessions; {options.lines} lines, {big.stat().st_size / 2**20:.1f} MiB in one"
        )
        rows += our_rows(many, repo, options.runs)
        programs = [("ours", [str(script_path("codex-exec"))])]
        if options.reference:
            programs.append(("reference", [options.reference, "exec"]))
        kept = Path(scratch) / "kept.jsonl"
        shutil.copy(big, kept)
        for program, command in programs:
            rows += resume_rows(program, command, many, repo, options.runs, uuid(17))
            shutil.copy(kept, big)
            rows += resume_rows(program, command, long, repo, options.runs, uuid(0xFFFFFFFF))
        shutil.copy(kept, big)
        codex = str(script_path("codex"))
        for words in (
            ["show", "--last"],
            ["search", "needle", "step 7:"],
            ["export", "--last", "-f", "html"],
        ):
            name = f"{words[0]} (the long one)"
            once = partial(timed, [codex, "sessions", *words], long, repo, "needle")
            rows.append(row(name, "ours", max(1, options.runs // 2), once))
    for each in rows:
        print(f"{each.what:<40} {each.program:<10} {each.median_ms:9.0f} ms  (min {each.min_ms:.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

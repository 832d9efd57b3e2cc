"""How soon a terminal app paints, how fast it echoes a key, what streaming costs; ours and the reference.

Every program runs in a pseudo terminal of the same size, in a trusted repository and with an API key; its
output is read by this process, and a mock model in a process of its own sends the answer at a fixed pace.
The programs take turns. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import harness
from codex_core.testing.home import make_home, make_repo
from harness import InvalidRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COLS, ROWS = 100, 30
LIMIT_S = 60.0
ROUND = "αβγδεζηθικλμνξοπρστυφχψω"
"""Keys that nothing else on the screen contains; deleted again after each round."""
KEY_PAUSE_S = (0.03, 0.08)
DELTAS_PER_LINE = 4
BURST_DELTAS_PER_LINE = 10
BURST_LIMIT_S = 120.0
LONG_RATE = 1000
"""Lines a second where only the memory they take is looked at."""
END_MARK = "endofstream"
SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_^X][^\x1b]*\x1b\\|\x1b[ -/]*[0-~]"
)
INCOMPLETE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]P_^X][^\x07\x1b]*\x1b?)?\Z")
ANSWERS = {
    "\x1b[6n": b"\x1b[1;1R",
    "\x1b[?u": b"\x1b[?0u",
    "\x1b[c": b"\x1b[?62;22c",
    "\x1b]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
}
FLOOR = (
    "import os,tty;tty.setraw(0);os.write(1,b'\\x1b[1;1Hready')\n"
    "while 1:\n d=os.read(0,999)\n os.write(1,d)\n if b'\\x04' in d:break"
)


@dataclass(frozen=True)
class Program:
    """One command to measure, and how it is told to stream."""

    name: str
    argv: tuple[str, ...]
    ready: str
    """Text that stands on the screen when keys arrive."""
    stream: str | None = None
    """What to type to see `{lines}` lines at `{rate}` a second; None if it cannot stream."""
    environ: dict[str, str] = field(default_factory=dict)


@dataclass
class Row:
    """The figures of one program."""

    program: str
    runs: int = 0
    first_paint_min_ms: float | None = None
    first_paint_ms: float | None = None
    echo_idle_ms: float | None = None
    echo_idle_p99_ms: float | None = None
    echo_stream_ms: float | None = None
    echo_stream_p99_ms: float | None = None
    keys_stream: int = 0
    cpu_stream_percent: float | None = None
    output_kb_s: float | None = None
    stream_shown_s: float | None = None
    burst_shown_s: float | None = None
    rss_start_mib: float | None = None
    peak_mib: float | None = None
    """The most that was resident, once many lines were shown."""
    cpu_idle_percent: float | None = None


class Session:
    """A program on a pseudo terminal that answers what terminals are asked."""

    def __init__(self, program: Program, environ: dict[str, str], cwd: str) -> None:
        self.shown = ""
        self.output_bytes = 0
        self.painted_at: float | None = None
        self._cut = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            program.argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **program.environ},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._master)

    def send(self, text: str) -> float:
        """Types the text; when that began: the program may run, and answer, before the write returns."""
        began = time.perf_counter()
        os.write(self._master, text.encode())
        return began

    def pump(self, timeout_s: float) -> str:
        """The text that came, without sequences; empty if none did in time."""
        if not select.select((self._master,), (), (), max(timeout_s, 0))[0]:
            return ""
        try:
            data = os.read(self._master, 1 << 16)
        except OSError as error:
            raise InvalidRunError(f"the program ended: {self.shown[-300:]!r}") from error
        at = time.perf_counter()
        self.output_bytes += len(data)
        text = self._cut + data.decode("utf-8", "ignore")
        cut = INCOMPLETE.search(text)
        self._cut = cut[0] if cut else ""
        text = text[: len(text) - len(self._cut)]
        for question, answer in ANSWERS.items():
            for _ in range(text.count(question)):
                os.write(self._master, answer)
        text = SEQUENCE.sub("", text)
        if self.painted_at is None and text.strip():
            self.painted_at = at
        self.shown = (self.shown + text)[-20_000:]
        return text

    def wait_for(self, text: str, limit_s: float = LIMIT_S) -> None:
        """Until the text was written."""
        deadline = time.perf_counter() + limit_s
        while text not in self.shown:
            if time.perf_counter() > deadline:
                raise InvalidRunError(f"{text!r} was not shown within {limit_s:.0f} s: {self.shown[-300:]!r}")
            self.pump(0.05)

    def settle(self, quiet_s: float = 0.5, limit_s: float = 10.0) -> None:
        """Until nothing came for a while."""
        deadline = time.perf_counter() + limit_s
        last = time.perf_counter()
        while time.perf_counter() - last < quiet_s and time.perf_counter() < deadline:
            before = self.output_bytes
            self.pump(0.05)
            if self.output_bytes != before:
                last = time.perf_counter()

    def echo(self, key: str) -> float | None:
        """Seconds from the key to its glyph; None if it never came."""
        while select.select((self._master,), (), (), 0)[0]:
            self.pump(0)
        if termios.tcgetattr(self._master)[3] & termios.ECHO:
            raise InvalidRunError("the terminal echoes, not the program")
        sent = self.send(key)
        deadline = sent + 3.0
        while (now := time.perf_counter()) < deadline:
            if key in self.pump(deadline - now):
                return time.perf_counter() - sent
        return None

    def type_keys(self, count: int | None, until: Callable[[], bool], rng: random.Random) -> list[float]:
        """Echo times of keys typed at a person's pace, in seconds."""
        times: list[float] = []
        pressed = 0
        while (count is None or pressed < count) and not until():
            elapsed = self.echo(ROUND[pressed % len(ROUND)])
            if elapsed is not None:
                times.append(elapsed)
            pressed += 1
            if pressed % len(ROUND) == 0:
                self._delete(len(ROUND))
            pause_until = time.perf_counter() + rng.uniform(*KEY_PAUSE_S)
            while (left := pause_until - time.perf_counter()) > 0:
                self.pump(left)
        self._delete(pressed % len(ROUND))
        return times

    def _delete(self, count: int) -> None:
        """Deletes typed keys until that is over, or what is painted meanwhile passes for an echo."""
        for _ in range(count):
            self.send("\x7f")
            self.pump(0.02)
        until = time.perf_counter() + 0.2
        while (left := until - time.perf_counter()) > 0:
            self.pump(left)

    def enter(self, line: str) -> None:
        """Types a line as a person would, and Enter."""
        for character in line:
            self.send(character)
            self.pump(0.02)
        self.settle(0.2, 2)  # or Enter counts as part of a paste
        self.send("\r")

    def cpu_s(self) -> float:
        """CPU seconds of the program and its children."""
        ticks = 0
        for pid in _tree(self.process.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, what: str) -> float:
        """Resident memory of the program and its children, now (`VmRSS`) or at most (`VmHWM`)."""
        total_kib = 0
        for pid in _tree(self.process.pid):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            found = re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
            total_kib += int(found[1]) if found else 0
        return total_kib / 1024


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        except OSError:
            continue
    return found


# --- the mock model ----------------------------------------------------------------------------------


def stream_lines(count: int) -> list[str]:
    """Markdown that scrolls: lines of words, some with emphasis, paragraphs of five."""
    lines = []
    for number in range(count):
        lines.append(f"line {number:05} with **bold words**, `code` and some more of them to fill it\n")
        if number % 5 == 4:
            lines[-1] += "\n"
    return [*lines, END_MARK + "\n"]


async def serve(port_file: str) -> None:
    """Answers `POST …/responses` whose prompt holds `stream N RATE` with that stream; RATE 0 is at once."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(found[1])) if found else b""
                if b"/responses" not in head.split(b"\r\n", 1)[0]:
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                    continue
                orders = re.findall(rb"stream (\d+) (\d+)", body)
                lines, rate = map(int, orders[-1]) if orders else (1, 0)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
                )
                await send_stream(writer, lines, rate)
                writer.close()
                return
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 24)
    Path(port_file + ".new").write_text(str(server.sockets[0].getsockname()[1]), encoding="ascii")
    os.replace(port_file + ".new", port_file)
    async with server:
        await server.serve_forever()


async def send_stream(writer: asyncio.StreamWriter, lines: int, rate: int) -> None:
    """The events of one answer."""

    def send(event: dict[str, object]) -> None:
        writer.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    text = stream_lines(lines)
    send({"type": "response.created", "response": {"id": "resp_1"}})
    begin = asyncio.get_running_loop().time()
    for number, line in enumerate(text):
        step = -(-len(line) // (DELTAS_PER_LINE if rate else BURST_DELTAS_PER_LINE))
        for part in range(0, len(line), step):
            if rate:
                due = begin + (number + part / len(line)) / rate
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            send({"type": "response.output_text.delta", "delta": line[part : part + step]})
        await writer.drain()
    content = [{"type": "output_text", "text": "".join(text), "annotations": []}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    send({"type": "response.output_item.done", "item": item})
    send({"type": "response.completed", "response": {"id": "resp_1"}})
    await writer.drain()


@contextmanager
def model(scratch: Path) -> Iterator[str]:
    """The base URL of a mock model in a process of its own."""
    port_file = scratch / "port"
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(port_file)])
    try:
        deadline = time.monotonic() + LIMIT_S
        while not port_file.exists():
            if time.monotonic() > deadline or server.poll() is not None:
                raise InvalidRunError("the mock model did not start")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port_file.read_text(encoding='ascii')}/v1"
    finally:
        server.terminate()
        server.wait()


# --- measuring ---------------------------------------------------------------------------------------


class Bench:
    """One program with its home and workspace."""

    def __init__(self, program: Program, scratch: Path, base_url: str) -> None:
        self.program = program
        self.row = Row(program.name)
        self.failure: str | None = None
        home = make_home(scratch / program.name / "home")
        self._cwd = str(make_repo(scratch / program.name / "repo", {"README.md": "Scratch.\n"}).path)
        home.use_model_server(base_url, settings={"projects": {self._cwd: {"trust_level": "trusted"}}})
        home.write("auth.json", json.dumps({"OPENAI_API_KEY": "sk-of-nobody"})).chmod(0o600)
        self._environ = home.environ()
        self._rng = random.Random(7)
        self._paints: list[float] = []
        self._idle: list[float] = []
        self._streaming: list[float] = []
        self._figures: dict[str, list[float]] = {}

    def start(self) -> Session:
        """A new run of the program."""
        return Session(self.program, self._environ, self._cwd)

    def paint(self, *, counts: bool) -> None:
        """One start, up to the first text."""
        with self.start() as session:
            deadline = time.perf_counter() + LIMIT_S
            while session.painted_at is None and time.perf_counter() < deadline:
                session.pump(0.2)
            if session.painted_at is None:
                raise InvalidRunError("nothing was painted")
            if counts:
                self._paints.append((session.painted_at - session.started_at) * 1000)
        if self._paints:
            self.row.runs = len(self._paints)
            self.row.first_paint_min_ms = min(self._paints)
            self.row.first_paint_ms = statistics.median(self._paints)

    def type_and_stream(self, keys: int, lines: int, rate: int) -> None:
        """Echo idle, then while an answer streams; CPU beside it."""
        with self.start() as session:
            session.wait_for(self.program.ready)
            session.settle(1.0)
            self._note("rss_start_mib", session.memory_mib("VmRSS"))
            idle_from, cpu_before = time.perf_counter(), session.cpu_s()
            session.settle(3.0, 3.0)
            self._note("cpu_idle_percent", _percent(session.cpu_s() - cpu_before, idle_from))
            self._idle += session.type_keys(keys, lambda: False, self._rng)
            self.row.echo_idle_ms, self.row.echo_idle_p99_ms = _figures(self._idle)
            if self.program.stream is None:
                return
            session.enter(self.program.stream.format(lines=lines, rate=rate))
            session.wait_for("line 00010")
            began, output_before, cpu_before = time.perf_counter(), session.output_bytes, session.cpu_s()
            self._streaming += session.type_keys(None, lambda: END_MARK in session.shown, self._rng)
            session.wait_for(END_MARK)
            elapsed = time.perf_counter() - began
            self._note("cpu_stream_percent", _percent(session.cpu_s() - cpu_before, began))
            self._note("stream_shown_s", elapsed + 10 / rate)
            self._note("output_kb_s", (session.output_bytes - output_before) / elapsed / 1000)
            self.row.echo_stream_ms, self.row.echo_stream_p99_ms = _figures(self._streaming)
            self.row.keys_stream = len(self._streaming)

    def burst(self, deltas: int) -> None:
        """An answer that comes at once, until its end is on the screen."""
        self._shown(deltas // BURST_DELTAS_PER_LINE, 0, "burst_shown_s")

    def long_answer(self, lines: int) -> None:
        """Many lines, as fast as the program may be expected to show them; what it takes to keep them."""
        self._shown(lines, LONG_RATE, None)

    def _shown(self, lines: int, rate: int, seconds: str | None) -> None:
        if self.program.stream is None:
            return
        with self.start() as session:
            session.wait_for(self.program.ready)
            session.settle(1.0)
            session.enter(self.program.stream.format(lines=lines, rate=rate))
            began = time.perf_counter()
            session.wait_for(END_MARK, BURST_LIMIT_S)
            if seconds is not None:
                self._note(seconds, time.perf_counter() - began)
            else:
                self._note("peak_mib", session.memory_mib("VmHWM"))

    def _note(self, name: str, value: float) -> None:
        """One more sample; the row holds their median."""
        samples = self._figures.setdefault(name, [])
        samples.append(value)
        setattr(self.row, name, statistics.median(samples))


def _percent(cpu_s: float, since: float) -> float:
    return 100 * cpu_s / (time.perf_counter() - since)


def _figures(times_s: Sequence[float]) -> tuple[float | None, float | None]:
    """Median and 99th percentile in ms."""
    if not times_s:
        return None, None
    ordered = sorted(times_s)
    return statistics.median(ordered) * 1000, ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000


# --- telling -----------------------------------------------------------------------------------------

COLUMNS = (
    ("first_paint_min_ms", "paint min"),
    ("first_paint_ms", "paint med"),
    ("echo_idle_ms", "echo idle"),
    ("echo_idle_p99_ms", "p99"),
    ("echo_stream_ms", "echo stream"),
    ("echo_stream_p99_ms", "p99"),
    ("keys_stream", "keys"),
    ("cpu_idle_percent", "cpu idle %"),
    ("cpu_stream_percent", "cpu stream %"),
    ("output_kb_s", "kB/s"),
    ("stream_shown_s", "stream s"),
    ("burst_shown_s", "burst s"),
    ("rss_start_mib", "MiB start"),
    ("peak_mib", "MiB peak"),
)


@dataclass(frozen=True)
class Goal:
    """What ours is to reach beside the reference: a ratio, or milliseconds more at most."""

    figure: str
    title: str
    ratio: float | None = None
    extra_ms: float = 0.0


GOALS = (
    Goal("first_paint_ms", "first paint", 0.5),
    Goal("echo_idle_ms", "key echo, idle", extra_ms=1.0),
    Goal("echo_stream_ms", "key echo, streaming", 1.0),
    Goal("echo_stream_p99_ms", "key echo, streaming, p99", 1.0),
    Goal("cpu_stream_percent", "CPU, streaming", 0.5),
    Goal("burst_shown_s", "many deltas at once", 1 / 3),
    Goal("peak_mib", "peak memory"),
)


def _table(rows: Sequence[Row]) -> str:
    lines = [("program", *(title for _, title in COLUMNS))]
    for row in rows:
        values = (getattr(row, name) for name, _ in COLUMNS)
        lines.append((row.program, *("" if value is None else f"{value:.4g}" for value in values)))
    return harness.aligned(lines, left=1)


def _ratios(ours: Row, reference: Row) -> list[dict[str, object]]:
    """Ours over the reference's, of this very run, and whether that was the goal."""
    found: list[dict[str, object]] = []
    for goal in GOALS:
        mine, theirs = getattr(ours, goal.figure), getattr(reference, goal.figure)
        if not mine or not theirs:
            continue
        line: dict[str, object] = {"figure": goal.title, "ratio": round(mine / theirs, 3)}
        if goal.ratio is not None:
            line |= {"goal": f"at most {goal.ratio:.2f}", "is_met": mine <= goal.ratio * theirs}
        elif goal.extra_ms:
            line |= {"goal": f"at most {goal.extra_ms:g} ms more", "is_met": mine <= theirs + goal.extra_ms}
        found.append(line)
    return found


def _ratio_table(ratios: Sequence[dict[str, object]]) -> str:
    lines = [("ours / reference", "goal", "", "ratio")]
    for line in ratios:
        met = {True: "met", False: "MISSED"}.get(bool(line["is_met"]), "") if "is_met" in line else ""
        lines.append((str(line["figure"]), str(line.get("goal", "")), met, f"{line['ratio']:.2f}"))
    return harness.aligned(lines, left=3)


QUICK = {"runs": 4, "keys": 40, "rounds": 1, "lines": 600, "burst": 4000, "long": 1000}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure terminal apps in a pseudo terminal.")
    parser.add_argument("--serve", metavar="FILE", help=argparse.SUPPRESS)
    harness.add_run_options(parser, runs=15, per="program: starts")
    harness.add_program_options(parser)
    parser.add_argument("--engine", metavar="PATH", help="a program on the inline engine, run by this Python")
    parser.add_argument("--rounds", type=int, default=3, help="sessions with a stream (default: 3)")
    parser.add_argument("--keys", type=int, default=100, help="keys typed while idle, a round (default: 100)")
    parser.add_argument("--lines", type=int, default=2000, help="lines of the stream (default: 2000)")
    parser.add_argument("--rate", type=int, default=200, help="lines a second (default: 200)")
    parser.add_argument("--burst", type=int, default=20_000, help="deltas sent at once, 0 for none")
    parser.add_argument("--long", type=int, default=5000, help="lines before memory is looked at, 0 for none")
    parser.add_argument("--quick", action="store_true", help="a minute, to see whether something is far off")
    options = parser.parse_args(argv)
    if options.quick:
        for name, value in QUICK.items():
            if getattr(options, name) == parser.get_default(name):
                setattr(options, name, value)
    return options


def _programs(options: argparse.Namespace) -> tuple[list[Program], list[str]]:
    order = "stream {lines} {rate}"
    programs = [Program("floor", (sys.executable, "-S", "-c", FLOOR), "ready")]
    if options.engine:
        programs.append(Program("engine", (sys.executable, os.path.abspath(options.engine)), "ready", order))
    found, skipped = harness.find_programs(options)
    programs += [Program(name, (os.path.abspath(path),), "send", order) for name, path in found.items()]
    return programs, skipped


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a program did not do what was measured."""
    options = _options(argv)
    if options.serve:
        asyncio.run(serve(options.serve))
        return 0
    programs, skipped = _programs(options)
    harness.tell_skipped(skipped)
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as directory, model(Path(directory)) as base_url:
        benches = [Bench(program, Path(directory), base_url) for program in programs]
        _measure(benches, options)
    rows = [bench.row for bench in benches]
    by_name = {row.program: row for row in rows}
    ratios = _ratios(by_name["ours"], by_name["reference"]) if {"ours", "reference"} <= set(by_name) else []
    failures = [f"{bench.program.name}: {bench.failure}" for bench in benches if bench.failure]
    document = harness.document(rows, skipped, failures, ratios=ratios)
    table = "\n\n".join(filter(None, (_table(rows), _ratio_table(ratios) if ratios else "")))
    return harness.tell(table, document, failures, target=options.json)


def _measure(benches: Sequence[Bench], options: argparse.Namespace) -> None:
    harness.compete(
        benches, options.runs, warm_ups=2, measure=lambda bench, _number, counts: bench.paint(counts=counts)
    )
    harness.compete(
        benches,
        options.rounds,
        warm_ups=0,
        measure=lambda bench, _number, _counts: bench.type_and_stream(
            options.keys, options.lines, options.rate
        ),
    )
    if options.burst:
        harness.compete(
            benches, 1, warm_ups=0, measure=lambda bench, _number, _counts: bench.burst(options.burst)
        )
    if options.long:
        harness.compete(
            benches, 1, warm_ups=0, measure=lambda bench, _number, _counts: bench.long_answer(options.long)
        )


if __name__ == "__main__":
    sys.exit(main())

"""Figures of codex-protocol: rollout lines and streamed events per second, cold starts.

    python benchmarks/protocol.py [--lines 50000] [--runs 5] [--json FILE]

The rollout is made of the line types of real ones in about their proportions. Starts are fresh
interpreters with compiled bytecode, kept in a cache of their own so that PYTHONDONTWRITEBYTECODE in
the environment does not turn them into compile times; what is given is the least CPU time of the runs,
which a busy machine disturbs least.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STAMP = "2026-11-22T08:34:04.539Z"
UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8"

SHORT_TURN_IMPORTS = """
from codex_protocol.events import AgentMessageDeltaEvent, AgentMessageEvent, Duration, Event
from codex_protocol.events import ExecCommandBeginEvent, ExecCommandEndEvent, ExecCommandOutputDeltaEvent
from codex_protocol.events import SessionConfiguredEvent, TaskCompleteEvent, TaskStartedEvent
from codex_protocol.events import TokenCountEvent, UserMessageEvent
from codex_protocol.items import FunctionCallItem, FunctionCallOutputItem
from codex_protocol.items import InputTextContent, MessageItem, OutputTextContent
from codex_protocol.ops import Submission, TextInput, UserTurnOp
from codex_protocol.parsed_command import UnknownCommand
from codex_protocol.rollout import RolloutLine, SessionMeta, TurnContextItem
from codex_protocol.sandbox_policy import ReadOnlyPolicy
from codex_protocol.tokens import TokenUsageInfo, from_responses_usage
"""

SHORT_TURN = f"""
uuid = "{UUID}"
context = dict(cwd="/", approval_policy="never", sandbox_policy=ReadOnlyPolicy(), model="m", summary="auto")
usage = from_responses_usage(dict(input_tokens=1, output_tokens=1, total_tokens=2))
session = dict(session_id=uuid, history_log_id=0, history_entry_count=0)
command = dict(call_id="1", command=("x",), cwd="/", parsed_cmd=(UnknownCommand(cmd="x"),))
outcome = dict(call_id="1", stdout="", stderr="", exit_code=0, formatted_output="")
for msg in (
    SessionConfiguredEvent(**session, model="m", rollout_path="/x"),
    TaskStartedEvent(),
    UserMessageEvent(message="x", kind="plain"),
    AgentMessageDeltaEvent(delta="x"),
    AgentMessageEvent(message="x"),
    TokenCountEvent(info=TokenUsageInfo.updated(None, usage, None)),
    ExecCommandBeginEvent(**command),
    ExecCommandOutputDeltaEvent(call_id="1", stream="stdout", chunk=b"x"),
    ExecCommandEndEvent(**outcome, duration=Duration.from_seconds(1)),
    TaskCompleteEvent(),
):
    Event(id="1", msg=msg).to_json()
Submission(id="1", op=UserTurnOp(items=(TextInput(text="x"),), **context))
for item in (
    MessageItem(role="user", content=(InputTextContent(text="x"), OutputTextContent(text="x"))),
    FunctionCallItem(name="x", arguments="", call_id="1"),
    FunctionCallOutputItem(call_id="1", output="x"),
    SessionMeta(id=uuid, timestamp="", cwd="", originator="", cli_version=""),
    TurnContextItem(**context),
):
    RolloutLine(timestamp="t", payload=item).to_json()
"""

QUICK_START = "from codex_protocol import quick_start\nquick_start.skip_pydantic_plugins()\n"

STARTS = {
    "python": "pass",
    "codex_protocol": "import codex_protocol",
    "config_types and sandbox_policy": "import codex_protocol.config_types, codex_protocol.sandbox_policy",
    "pydantic": "from pydantic import BaseModel",
    "pydantic, one model used": "from pydantic import BaseModel\nclass M(BaseModel):\n    x: int\nM(x=1)",
    "types of a short turn imported": SHORT_TURN_IMPORTS,
    "types of a short turn used": SHORT_TURN_IMPORTS + SHORT_TURN,
    "the same without plugin search": QUICK_START + SHORT_TURN_IMPORTS + SHORT_TURN,
}


def rollout_lines(count: int) -> list[str]:
    """`count` lines in about the mix a session of commands writes."""
    usage = {
        "input_tokens": 100,
        "cached_input_tokens": 20,
        "output_tokens": 30,
        "reasoning_output_tokens": 10,
        "total_tokens": 130,
    }
    info = {"total_token_usage": usage, "last_token_usage": usage, "model_context_window": 272_000}
    flags = {"network_access": False, "exclude_tmpdir_env_var": False, "exclude_slash_tmp": False}
    context = {
        "cwd": "/w/repo",
        "approval_policy": "on-request",
        "sandbox_policy": {"mode": "workspace-write", **flags},
        "model": "gpt-5",
        "effort": "high",
        "summary": "auto",
    }
    thought, answer = "**Looking at the file**", "The guard is in place and the tests pass."
    summary = [{"type": "summary_text", "text": thought}]
    encrypted = {"content": None, "encrypted_content": "gAAAA" * 100}
    arguments = json.dumps({"command": ["bash", "-lc", "sed -n 1,80p src/app.py"]})
    output = json.dumps({"output": "a line\n" * 40, "metadata": {"exit_code": 0, "duration_seconds": 0.8}})
    content = [{"type": "output_text", "text": answer}]
    payloads: list[tuple[str, dict[str, object]]] = [
        ("turn_context", context),
        ("event_msg", {"type": "agent_reasoning", "text": thought}),
        ("event_msg", {"type": "token_count", "info": info}),
        ("response_item", {"type": "reasoning", "summary": summary, **encrypted}),
        ("response_item", {"type": "function_call", "name": "shell", "arguments": arguments, "call_id": "c"}),
        ("response_item", {"type": "function_call_output", "call_id": "c", "output": output}),
        ("event_msg", {"type": "agent_message", "message": answer}),
        ("response_item", {"type": "message", "role": "assistant", "content": content}),
    ]
    mix = [
        json.dumps({"timestamp": STAMP, "type": kind, "payload": payload}, separators=(",", ":"))
        for kind, payload in payloads
    ]
    return [mix[number % len(mix)] for number in range(count)]


def best_rate(work: Callable[[], object], amount: int, runs: int) -> int:
    """Units per second in the fastest of `runs` runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(amount / min(times))


def throughput(lines: int, runs: int) -> dict[str, int]:
    """Lines and events per second."""
    from codex_protocol.events import AgentMessageDeltaEvent, Event
    from codex_protocol.rollout import parse_rollout_line

    texts = rollout_lines(lines)
    records = [parse_rollout_line(text) for text in texts]
    assert [record.to_json() for record in records] == texts
    deltas = 20_000

    def stream() -> None:
        for _ in range(deltas):
            Event(id="0", msg=AgentMessageDeltaEvent(delta=" word")).to_json()

    return {
        "rollout lines parsed/s": best_rate(
            lambda: [parse_rollout_line(text) for text in texts], lines, runs
        ),
        "rollout lines written/s": best_rate(lambda: [record.to_json() for record in records], lines, runs),
        "json.loads alone, lines/s": best_rate(lambda: [json.loads(text) for text in texts], lines, runs),
        "delta events made and written/s": best_rate(stream, deltas, runs),
    }


def start_times(runs: int) -> dict[str, float]:
    """Least CPU milliseconds of an interpreter that runs each snippet, from start to exit."""
    with tempfile.TemporaryDirectory() as cache:
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environ["PYTHONPYCACHEPREFIX"] = cache
        least: dict[str, float] = {}
        for _ in range(runs + 1):
            for name, code in STARTS.items():
                pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environ)
                _, status, used = os.wait4(pid, 0)
                if status:
                    sys.exit(f"{name}: exit status {os.waitstatus_to_exitcode(status)}")
                spent = (used.ru_utime + used.ru_stime) * 1000
                least[name] = min(spent, least.get(name, spent))
    return {name: round(spent, 1) for name, spent in least.items()}


def main() -> None:
    """Prints the figures, and writes them where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=50_000, help="lines of the rollout")
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    rates = throughput(options.lines, options.runs)
    starts = start_times(options.runs)
    for name, rate in rates.items():
        print(f"{name:36}{rate:>12,}")
    for name, milliseconds in starts.items():
        print(f"{'start: ' + name:44}{milliseconds:>6.1f} ms")
    if options.json:
        figures = {"python": platform.python_version(), "rates": rates, "start_cpu_ms": starts}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()

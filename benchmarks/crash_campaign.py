"""Kills `codex exec` with SIGKILL at random moments, from its very start, and goes on with what is left.

After every kill there is a whole session file or none; if the request had been shown or the model been
asked it is there, with the request in it. `codex exec resume ID` has to succeed, the model has to be sent
everything it was sent before and everything that was printed, every call has to have one output, and no
command may have run twice. See README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_core.testing import (
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    make_home,
    make_repo,
    message,
    read_json_lines,
    reasoning,
    shell_call,
    start_script,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = 3
PROMPT, AGAIN = "do it", "Where were we?"
SETTINGS = {"approval_policy": "never", "sandbox_mode": "danger-full-access"}
CALIBRATIONS = 3
EARLY_SHARE = 0.5
"""How many of the kills fall at any moment of the start; the others when the model has been asked."""
STEP_S = 0.25
"""Those come within this time after a request: while it answers, a command runs, or the next one is made."""
ID_LENGTH = 36
UNTIL = 1.2
"""Early kills fall up to this share of the time a run takes until it asks the model."""


@dataclass(frozen=True)
class Moment:
    """When to kill: some seconds after the model has been asked so often."""

    requests: int
    seconds: float


@dataclass
class Outcome:
    """What one kill left."""

    after_s: float
    requests: int
    """Requests the model had seen."""
    is_shown: bool
    """Whether the request had been printed, which says that it is taken."""
    sessions: int = 0
    """Session files it left."""
    problems: list[str] = field(default_factory=list)


def script() -> list[Any]:
    """A turn of several commands, each of which leaves a trace and takes a moment."""
    steps = []
    for number in range(1, COMMANDS + 1):
        command = shell_call(["bash", "-c", f"echo {number} >> ran; sleep 0.03"], call_id=f"c{number}")
        steps.append(answer(reasoning("Hm."), message(f"Step {number}."), command))
    return [*steps, answer(message("All is done."))]


async def run_turn(home: ScratchHome, repo: ScratchRepo, moment: Moment | None) -> tuple[Outcome, Any, Any]:
    """One run, killed at that moment; what it printed and what the model was sent last."""
    async with ModelServer(script()) as server:
        home.use_model_server(server.base_url, settings=SETTINGS)
        began = time.monotonic()
        async with start_script("codex-exec", "--json", PROMPT, env=home.environ(), cwd=repo.path) as process:
            if moment is not None:
                if moment.requests:
                    await server.wait_for_request(moment.requests)
                await asyncio.sleep(moment.seconds)
                process.send_signal(signal.SIGKILL)
            done = await process.finish()
        took = time.monotonic() - began
        requests = list(server.requests)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")]
    last = requests[-1].json["input"] if requests else []
    outcome = Outcome(took, len(requests), is_shown=any(line.get("prompt") == PROMPT for line in lines))
    return outcome, [line["msg"] for line in lines if "msg" in line], last


async def resume(home: ScratchHome, repo: ScratchRepo, which: str) -> tuple[Any, list[Any]]:
    """The run that goes on, and what the model was sent for it."""
    async with ModelServer([answer(message("I see."))]) as server:
        home.use_model_server(server.base_url, settings=SETTINGS)
        async with start_script(
            "codex-exec", "resume", which, AGAIN, env=home.environ(), cwd=repo.path
        ) as process:
            done = await process.finish()
        return done, list(server.requests)


def ran(repo: ScratchRepo) -> list[str]:
    """The commands that left their trace."""
    path = repo.path / "ran"
    return path.read_text().split() if path.exists() else []


async def one_kill(scratch: Path, moment: Moment) -> Outcome:
    """Kills, goes on, and says what is wrong."""
    home, repo = make_home(scratch / "home"), make_repo(scratch / "repo", {"a": "x"})
    outcome, printed, last = await run_turn(home, repo, moment)
    problems = outcome.problems
    before = ran(repo)
    paths = home.rollouts()
    outcome.sessions = len(paths)
    for path in paths:
        try:
            if read_json_lines(path)[0]["type"] != "session_meta":
                problems.append(f"{path.name} does not begin with who it is")
        except (ValueError, IndexError) as error:
            problems.append(f"{path.name} is not whole: {error}")
    if not paths and (outcome.is_shown or outcome.requests):
        problems.append("what was shown as taken has no session")
    done, requests = await resume(home, repo, paths[0].stem[-ID_LENGTH:] if paths else "--last")
    if ran(repo) != before or len(set(before)) < len(before):
        problems.append(f"a command ran twice: {before} became {ran(repo)}")
    if not paths:
        if done.exit_code != 1 or not done.stderr.startswith("Error: There is no session to resume"):
            problems.append(f"without a session resume ended with {done.exit_code}: {done.stderr[-300:]}")
    elif done.exit_code != 0 or len(requests) != 1:
        problems.append(f"resume ended with {done.exit_code}: {done.stderr[-300:]}")
    else:
        is_taken = outcome.is_shown or outcome.requests > 0
        problems += check(requests[0].json["input"], last, printed, before, is_taken=is_taken)
    return outcome


def check(
    sent: list[Any], last: list[Any], printed: list[Any], before: Sequence[str], *, is_taken: bool
) -> list[str]:
    """What is missing in or wrong with what the model was sent after a kill."""
    problems = []
    if sent[: len(last)] != last:
        problems.append("the model is not sent what it had been sent before")
    texts = [part["text"] for item in sent for part in item.get("content") or () if "text" in part]
    if (is_taken and PROMPT not in texts) or texts[-1] != AGAIN:
        problems.append(f"a prompt is missing: {texts}")
    problems += [
        f"printed and lost: {msg['message']}"
        for msg in printed
        if msg["type"] == "agent_message" and msg["message"] not in texts
    ]
    calls = [item["call_id"] for item in sent if item["type"] == "function_call"]
    outputs = [item["call_id"] for item in sent if item["type"] == "function_call_output"]
    if calls != outputs or len(set(calls)) < len(calls):
        problems.append(f"calls {calls} have outputs {outputs}")
    if unknown := {f"c{number}" for number in before} - set(calls):
        problems.append(f"ran and unknown: {sorted(unknown)}")
    return problems


async def campaign(kills: int, seed: int, beside: int) -> list[Outcome]:
    """All kills, some beside each other."""
    chance = random.Random(seed)
    slots = asyncio.Semaphore(beside)
    with tempfile.TemporaryDirectory(prefix="codex-crash-") as scratch:
        starts = []
        for number in range(CALIBRATIONS):
            room = Path(scratch) / f"start {number}"
            home, repo = make_home(room / "home"), make_repo(room / "repo", {"a": "x"})
            outcome, _, _ = await run_turn(home, repo, Moment(1, 0))
            starts.append(outcome.after_s)
        latest = max(starts) * UNTIL

        async def one(number: int, moment: Moment) -> Outcome:
            async with slots:
                return await one_kill(Path(scratch) / str(number), moment)

        moments = [_moment(chance, latest) for _ in range(kills)]
        return await asyncio.gather(*(one(number, moment) for number, moment in enumerate(moments)))


def _moment(chance: random.Random, latest: float) -> Moment:
    if chance.random() < EARLY_SHARE:
        return Moment(0, chance.uniform(0, latest))
    return Moment(chance.randint(1, COMMANDS + 1), chance.uniform(0, STEP_S))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the campaign and prints what came of it; 1 when something was wrong."""
    parser = argparse.ArgumentParser(description="Kill codex exec at random moments and go on.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--beside", type=int, default=2, help="how many run at once (default: 2)")
    options = parser.parse_args(argv)
    outcomes = asyncio.run(campaign(options.kills, options.seed, options.beside))
    stages = Counter(outcome.requests for outcome in outcomes)
    for requests in sorted(stages):
        print(f"killed when the model had been asked {requests} times: {stages[requests]}")
    bad = [outcome for outcome in outcomes if outcome.problems]
    for outcome in bad:
        print(f"after {outcome.after_s:.3f} s: {'; '.join(outcome.problems)}", file=sys.stderr)
    shown = sum(1 for outcome in outcomes if outcome.is_shown)
    left = sum(1 for outcome in outcomes if outcome.sessions)
    print(
        f"{len(outcomes)} kills: {shown} when the request had been shown, {left} left a session to go on with"
    )
    print(f"{len(bad)} with a problem")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

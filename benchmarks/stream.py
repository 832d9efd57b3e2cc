"""What a long answer costs: a message of 20,000 deltas (1 MB of text) through `codex exec --json`.

Every delta is a chunk of its own, as the real service sends them; the mock model has them ready. Programs,
homes and tables are those of `exec_turn.py`. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from codex_core.model.scripted.replies import completed, created, message, token_usage
from exec_turn import Bench, Program, find_versions, measure_and_tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DELTAS = 20_000
DELTA_CHARACTERS = 50


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a program did not read the answer, 2 when there was nothing to measure."""
    options = _options(argv)
    programs, skipped = find_versions(options)
    if not programs:
        return 2
    text, events = _answer(options.deltas)
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as scratch:
        benches = [
            StreamBench(program, Path(scratch) / program.name, events=events, text=text)
            for program in programs
        ]
        return measure_and_tell(benches, options, skipped)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time `codex exec --json` on an answer of many deltas.")
    harness.add_run_options(parser, runs=10, per="program")
    parser.add_argument(
        "--deltas", type=int, default=DELTAS, help=f"deltas of the answer (default: {DELTAS})"
    )
    harness.add_program_options(parser, newest=True)
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

    def __init__(
        self, program: Program, scratch: Path, *, events: Sequence[Mapping[str, object]], text: str
    ) -> None:
        super().__init__(program, "stream", scratch, script=[{"sse": list(events)}])
        self._answer = json.dumps(text)[1:-1].encode()

    def run(self, number: int) -> harness.Sample:
        """One answer; it must be on stdout as a whole."""
        run = self.exec_turn([*self.program.argv, "exec", "--json"], f"Write long answer {number}.")
        if self._answer not in run.stdout:
            raise harness.InvalidRunError("did not print the whole answer")
        return run.sample


if __name__ == "__main__":
    sys.exit(main())

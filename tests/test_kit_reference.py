"""The test kit against the published reference: what it calls the same is the same.

The recordings were made with this binary, so playing them again must show no difference; if it does,
the kit normalises too little or is wrong. The binary is the one `benchmarks/exec_turn.py` has
installed, or the path in CODEX_REFERENCE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_core.testing import (
    Allowed,
    ModelServer,
    Places,
    ProtoDriver,
    Run,
    ScratchHome,
    Transcript,
    assert_same,
    event_seen,
    make_repo,
    play,
    start_script,
)

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.testing.playback import Moment

FILES = {
    "01": {"AGENTS.md": "Use tabs.\n"},
    "04": {"a.txt": "one\ntwo\nthree\n", "del.txt": "x\n"},
}
MOMENTS: dict[str, dict[str, Moment]] = {
    "14": {
        "s2": event_seen("exec_command_output_delta"),
        "s4": event_seen("exec_command_begin", call_id="c2"),
    }
}
ALLOWED = {
    "14": [Allowed("rollout.response_item[6]", "the reference sends injected input twice and writes it once")]
}


@pytest.mark.reference
@pytest.mark.parametrize("transcript", ["01", "02", "03", "04", "06", "09", "14", "15"], indirect=True)
async def test_the_reference_does_not_differ_from_its_recording(
    reference: str, transcript: Transcript, scratch_home: ScratchHome, tmp_path: Path
):
    number = transcript.name[:2]
    repo = make_repo(tmp_path / "work", FILES.get(number))
    if number == "01":
        scratch_home.write("AGENTS.md", "Be brief.")
    async with ModelServer(transcript.script()) as server:
        scratch_home.write("config.toml", transcript.config_toml(server.base_url))
        async with start_script(
            [reference], "proto", env=scratch_home.environ(), cwd=repo.path, open_stdin=True
        ) as process:
            events = await play(transcript, ProtoDriver(process), moments=MOMENTS.get(number))
            await process.close_stdin()
            done = await process.finish()
        server.assert_done()
    rollout = scratch_home.read_rollout() if transcript.setup["wire_api"] == "responses" else None
    places = Places(repo.path, scratch_home.codex_home, scratch_home.path)
    run = Run(server.requests, events, rollout, places)
    assert_same(transcript, run, ALLOWED.get(number, ()))
    done.check().assert_no_processes_left()

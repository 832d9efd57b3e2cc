"""`--self-test` and `--explain`: what they print and when they fail."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_self_test_reports_as_json(helper: str, landlock: int) -> None:
    command = [helper, "--self-test", "--json", "--isolation", "landlock"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert report["ok"] is True
    assert report["landlock_abi"] == landlock
    read_only = report["results"]["landlock"]["read-only"]
    assert read_only["wrong"] == {}
    assert read_only["refused"]["create_outside"] == "EACCES"
    assert "run_program" in read_only["possible"]
    assert "list_process_descriptors" in read_only["not_covered"]


def test_self_test_finds_a_sandbox_that_refuses_nothing(monkeypatch, landlock: int) -> None:  # type: ignore[no-untyped-def]
    from codex_linux_sandbox import selftest

    # A "helper" that drops its own arguments and runs the command as it is.
    script = 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'
    monkeypatch.setattr(selftest, "helper_command", lambda: ["sh", "-c", script, "sh"])
    text, is_as_it_must = selftest.run_self_test("landlock", as_json=False)
    assert not is_as_it_must
    assert "WRONG: create_outside: not refused" in text
    assert "NOT everything is as it must be." in text


def test_explain_names_what_is_writable_and_why_not(helper: str, landlock: int, tmp_path: Path) -> None:
    here = tmp_path.resolve()
    (tmp_path / ".git").mkdir()
    policy = json.dumps(
        {"mode": "workspace-write", "writable_roots": [f"{here}/missing"], "exclude_slash_tmp": True}
    )
    done = subprocess.run(
        [helper, "--explain", str(here), policy], capture_output=True, text=True, check=True, env={}
    )
    lines = done.stdout.splitlines()
    assert lines.index(f"  {here}") < lines.index(f"  {here}/missing") < lines.index(f"  {here}/.git")
    assert "Network: refused, unix sockets included" in lines


def test_explain_says_when_nothing_is_confined(helper: str) -> None:
    command = [helper, "--explain", "/", '{"mode":"danger-full-access"}']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "danger-full-access: the command is not confined at all.\n"

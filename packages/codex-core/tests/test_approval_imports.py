"""Deciding on a command costs nothing that is not used."""

from __future__ import annotations

import subprocess
import sys


def loaded_after(code: str) -> set[str]:
    """The names of the top-level modules a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


HEAVY = {"tree_sitter", "tree_sitter_bash", "pydantic", "httpx", "asyncio", "subprocess"}


def test_importing_the_room_loads_nothing_heavy() -> None:
    modules = "decide, describe, explain, known_safe, shell_syntax, words, writable"
    assert not HEAVY & loaded_after(f"from codex_core.approval import {modules}")


def test_a_command_that_is_no_script_needs_no_parser() -> None:
    code = (
        "from codex_core.approval.describe import parse_command\n"
        "from codex_core.approval.known_safe import is_known_safe\n"
        "parse_command(['ls', '-l']); is_known_safe(['ls', '-l']); parse_command(['bash', '-c', 'ls'])"
    )
    assert not {"tree_sitter", "tree_sitter_bash"} & loaded_after(code)


def test_reading_a_script_loads_the_parser_without_resource_files() -> None:
    code = (
        "from codex_core.approval.shell_syntax import plain_commands\nassert plain_commands('ls') == [['ls']]"
    )
    loaded = loaded_after(code)
    assert "tree_sitter" in loaded
    assert "tempfile" not in loaded

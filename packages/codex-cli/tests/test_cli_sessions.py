"""`codex sessions`: what is listed, shown, found, exported, put away and deleted, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from codex_cli.commands import run_command_line
from codex_core.rollout.disk import is_ours
from codex_core.testing import ScratchHome, script_path


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def line(kind: str, payload: dict[str, Any]) -> str:
    return json.dumps({"timestamp": "t", "type": kind, "payload": payload}) + "\n"


class Home:
    """A home with sessions 1, 2, 3 in the order they began, one day after another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for number in (1, 2, 3):
            self.write(number, f"prompt {number}\nmore", f"answer {number}")

    def write(
        self, number: int, *said: str, day: int | None = None, archived: bool = False, calls: bool = True
    ) -> Path:
        day = number if day is None else day
        directory = self.path / "sessions" / "2026" / "11" / f"{day:02d}"
        if archived:
            directory = self.path / "archived_sessions"
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"rollout-2026-11-{day:02d}T08-34-04-{uuid(number)}.jsonl"
        text = line("session_meta", {"id": uuid(number), "cwd": f"/w/{number}", "git": {"branch": "b"}})
        for at, each in enumerate(said):
            kind = "agent_message" if at % 2 else "user_message"
            text += line("event_msg", {"type": kind, "message": each, "kind": "plain"})
        call = {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "c"}
        text += line("response_item", call) if calls else ""
        path.write_text(text)
        return path

    def file(self, number: int) -> Path | None:
        return next(self.path.rglob(f"*{uuid(number)}.jsonl"), None)

    def set_age(self, number: int, days: float) -> None:
        then = time.time() - days * 86_400
        os.utime(self.file(number) or "", (then, then))


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CODEX_HOME", str(scratch_home.codex_home))
    monkeypatch.setenv("COLUMNS", "100")
    return Home(scratch_home.codex_home)


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(home: Home, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `codex sessions` with these arguments."""

    def run(*arguments: str, alone: bool = False) -> Ran:
        code = run_command_line([*([] if alone else ["sessions"]), *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def listed(ran: Ran) -> list[int]:
    return [int(each["conversation_id"][:8], 16) for each in ran.json["sessions"]]


# -- list ---------------------------------------------------------------------------------------


def test_a_row_says_which_when_where_and_what(run: Any) -> None:
    rows = run("list").out.splitlines()
    assert rows[0].split() == ["id", "last", "change", "turns", "where", "began", "with"]
    assert rows[1].startswith("00000003  ")
    assert rows[1].endswith("      1  /w/3 (b)  prompt 3 more")
    assert len(rows) == 4


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_rows_fit_and_stand_below_each_other_in_any_script(columns: int) -> None:
    from rich.cells import cell_len

    from codex_cli.sessions.listing import table
    from codex_core.rollout.summary import SessionSummary

    def summary(number: int, cwd: str, preview: str) -> SessionSummary:
        return SessionSummary(
            uuid(number), "/p", "2026-11-22T08-34-04", 0.0, 1, False, cwd, "main", "m", "o", preview, 1, 5
        )

    summaries = [
        summary(0x10000000, "/w/目录/" + "深" * 40, "日本語のテスト" * 20),
        summary(0x20000000, "/w/" + "a" * 60 + "/project", "plain " * 40),
        summary(0x30000000, "/w", "short"),
    ]
    rows = table(summaries, home="/home/me", columns=columns).split("\n")
    assert max(map(cell_len, rows)) <= columns
    starts = [
        cell_len(row[: row.index(word)])
        for row, word in zip(rows, ("began", "日", "plain", "short"), strict=True)
    ]
    assert len(set(starts)) == 1
    assert "ect (main)" in rows[2]
    assert rows[3].endswith("  short")


def test_pages_reach_every_session(run: Any) -> None:
    first = run("list", "-n", "2", "--json")
    assert listed(first) == [3, 2]
    second = run("ls", "-n", "2", "--json", "--cursor", first.json["next_cursor"])
    assert (listed(second), second.json["next_cursor"]) == ([1], None)
    assert listed(run("list", "-n", "0", "--json")) == [3, 2, 1]
    assert "--cursor '2026-11-02T08-34-04|" in run("list", "-n", "2").err


def test_only_what_began_in_a_directory(run: Any) -> None:
    assert listed(run("list", "--json", "--in", "/w")) == [3, 2, 1]
    assert listed(run("list", "--json", "--in", "/w/2")) == [2]
    assert run("list", "--in", "/w/").out.count("prompt") == 3
    assert run("list", "--in", "/nowhere").out == "No sessions.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["list", "--cursor", "x"], 1, "Error: `x` is no cursor"),
        (["list", "-n", "many"], 2, "error: "),
        (["show"], 2, "error: no session is named"),
        (["show", "--last", "x"], 2, "error: the argument '[SESSION_ID]' cannot be used with '--last'"),
        (["show", "ffffffff"], 1, "Error: There is no session with the id ffffffff in "),
        (["show", "0000000"], 1, "Error: 3 sessions have an id that begins with 0000000"),
        (["export", "ffffffff"], 1, "Error: There is no session with the id ffffffff in "),
        (["archive", "ffffffff"], 1, "Error: No active session found matching 'ffffffff'."),
        (["unarchive", "00000001"], 1, "Error: No archived session found matching '00000001'."),
        (["delete", "00000001"], 1, "Error: cannot confirm session deletion without an interactive"),
        (["delete", "--force", "00000001"], 1, "Error: cannot confirm session deletion without an"),
        (
            ["delete", "--force", uuid(9)],
            1,
            f"Error: No active or archived session found matching '{uuid(9)}'.",
        ),
        (["prune"], 2, "error: nothing to prune is named"),
        (["prune", "--older-than", "0"], 1, "Error: cannot confirm session deletion without an"),
        (["prune", "--empty", "--archive", "--archived"], 2, "error: the argument '--archive' cannot"),
        ([], 2, ""),
    ],
)
def test_what_is_refused_is_said_and_nothing_is_done(
    arguments: list[str], code: int, problem: str, run: Any, home: Home
) -> None:
    ran = run(*arguments)
    assert ran.code == code
    assert ran.err.startswith(problem)
    assert all(home.file(number) for number in (1, 2, 3))


# -- show and search ----------------------------------------------------------------------------


def test_a_session_is_shown_as_it_was(run: Any) -> None:
    shown = run("show", "00000002").out
    parts = ["user\nprompt 2\nmore\n", "codex\nanswer 2\n", "$ ls\n", "aborted\n"]
    assert [part for part in parts if part not in shown] == []
    assert "\x1b" not in shown
    assert "\x1b[" in run("show", "--last", "--color", "always").out
    assert run("show", "--last").out.startswith("\nuser\nprompt 3\n")


def test_a_session_as_json_has_its_events(run: Any) -> None:
    shown = run("show", "--json", uuid(1)).json
    assert shown["session_id"] == uuid(1)
    assert [event["type"] for event in shown["events"]] == [
        "user_message",
        "agent_message",
        "exec_command_begin",
        "exec_command_end",
    ]


def test_words_are_found_with_what_stands_around_them(run: Any, home: Home) -> None:
    home.write(4, "x " * 100 + "the NEEDLE\x1b[31m in it" + " y" * 100, "and thread")
    found = run("search", "needle", "thread", "--json")
    assert listed(found) == [4]
    (needle, thread) = found.json["sessions"][0]["matches"]
    assert "the NEEDLE␛[31m in it" in needle
    assert (needle[0], needle[-1]) == ("…", "…")
    assert thread == "and thread"
    assert "  and thread\n" in run("search", "thread").out
    nothing = run("search", "needle", "absent")
    assert (nothing.code, nothing.out, nothing.err) == (1, "", "Nothing found.\n")


# -- export -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "begin"),
    [
        ("s.html", [], "<!doctype html>"),
        ("s.md", [], "# Session\n"),
        ("s.jsonl", [], '{"timestamp":"t","type":"session_meta"'),
        ("s", ["-f", "html"], "<!doctype html>"),
        ("s.md", ["--json"], '{"timestamp":"t"'),
    ],
)
def test_the_name_or_an_option_says_the_form(
    name: str, options: list[str], begin: str, run: Any, tmp_path: Path
) -> None:
    target = tmp_path / name
    assert run("export", "--last", "-o", str(target), *options).code == 0
    assert target.read_text().startswith(begin)
    assert target.stat().st_mode & 0o777 == 0o600


def test_without_a_file_it_goes_to_stdout(run: Any) -> None:
    assert "> prompt 3\n> more\n" in run("export", "--last").out
    ran = run("export", "--last", "-o", "/nowhere/x.md")
    assert (ran.code, ran.err) == (1, "Error: /nowhere/x.md cannot be written: No such file or directory.\n")


# -- archive, delete, prune ---------------------------------------------------------------------


@pytest.mark.parametrize("alone", [True, False])
def test_sessions_go_away_and_come_back(alone: bool, run: Any) -> None:
    ran = run("archive", "00000001", uuid(2), uuid(2), alone=alone)
    assert ran.out == f"Archived session {uuid(1)}.\nArchived session {uuid(2)}.\n"
    assert listed(run("list", "--json")) == [3]
    assert listed(run("list", "--json", "--archived")) == [2, 1]
    assert "prompt 2" in run("show", "--last", "--archived").out
    assert listed(run("search", "prompt", "--archived", "--json")) == [2, 1]
    assert run("unarchive", "00000001", alone=alone).out == f"Unarchived session {uuid(1)}.\n"
    assert listed(run("list", "--json")) == [3, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["archive", uuid(1)],
        ["delete", uuid(1)],
        ["prune", "--older-than", "0"],
        ["prune", "--empty", "--older-than", "0"],
    ],
)
def test_a_dry_run_does_nothing(arguments: list[str], run: Any, home: Home) -> None:
    home.write(4, calls=False)
    for number in (1, 2, 3, 4):
        home.set_age(number, 1)
    ran = run(*arguments, "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith("Would ")
    assert all(home.file(number) for number in (1, 2, 3, 4))


@pytest.mark.parametrize("alone", [True, False])
def test_sessions_are_deleted_wherever_they_lie(alone: bool, run: Any, home: Home) -> None:
    home.write(5, "x", archived=True)
    ran = run("delete", "--force", uuid(1), uuid(5), alone=alone)
    assert ran.out == f"Deleted session {uuid(1)}.\nDeleted session {uuid(5)}.\n"
    assert (home.file(1), home.file(5)) == (None, None)


def test_one_that_is_in_use_does_not_stop_the_others(run: Any, home: Home) -> None:
    descriptor = os.open(home.file(1) or "", os.O_WRONLY)
    assert is_ours(descriptor)
    ran = run("delete", "--force", "--json", uuid(1), uuid(2))
    os.close(descriptor)
    assert ran.code == 1
    assert "is in use by another running Codex" in ran.err
    assert [each["error"] is None for each in ran.json["sessions"]] == [False, True]
    assert home.file(1) is not None
    assert home.file(2) is None


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["--older-than", "30"], [3, 4]),
        (["--older-than", "30", "--keep", "3"], [2, 3, 4]),
        (["--empty"], [1, 2, 3]),
        (["--empty", "--older-than", "30"], [1, 2, 3, 4]),
    ],
)
def test_what_is_old_or_empty_is_pruned(arguments: list[str], left: list[int], run: Any, home: Home) -> None:
    home.write(4, calls=False)
    for number, days in ((1, 40), (2, 31), (3, 29), (4, 1)):
        home.set_age(number, days)
    assert run("prune", "--force", *arguments).code == 0
    assert [number for number in (1, 2, 3, 4) if home.file(number)] == left


AROUND = {"type": "input_text", "text": "<environment_context>\n</environment_context>"}


@pytest.mark.parametrize(
    ("more", "is_empty"),
    [
        ("", True),
        (line("response_item", {"type": "message", "role": "user", "content": [AROUND]}), True),
        (line("response_item", {"type": "message", "role": "user", "content": [{"text": "said"}]}), False),
        (line("response_item", {"type": "message", "role": "user", "content": None}), False),
        (line("response_item", {"type": "message", "role": "assistant", "content": []}), False),
        (line("response_item", {"type": "reasoning", "summary": []}), False),
        (line("event_msg", {"type": "turn_aborted", "reason": "interrupted"}), False),
        (line("unheard_of", {}), False),
        ('{"timestamp":"t","type":"resp', False),
    ],
)
def test_only_what_surely_is_empty_is_pruned_as_empty(
    more: str, is_empty: bool, run: Any, home: Home
) -> None:
    path = home.write(4, calls=False)
    with path.open("a") as file:
        file.write(more)
    run("prune", "--empty", "--force")
    assert path.exists() is not is_empty
    assert all(home.file(number) for number in (1, 2, 3))


def test_what_is_pruned_may_be_archived_instead(run: Any, home: Home) -> None:
    home.set_age(1, 40)
    assert run("prune", "--older-than", "30", "--archive").out == f"Archived session {uuid(1)}.\n"
    assert home.file(1) == home.path / "archived_sessions" / f"rollout-2026-11-01T08-34-04-{uuid(1)}.jsonl"
    assert run("prune", "--older-than", "30", "--archive").out == "No session to archive.\n"


@pytest.mark.parametrize(("reply", "is_done"), [("y\n", True), ("yes\n", True), ("\n", False), ("", False)])
def test_on_a_terminal_one_is_asked(
    reply: str, is_done: bool, run: Any, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    from codex_cli.sessions import keeping

    monkeypatch.setattr(keeping, "_is_interactive", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(reply))
    ran = run("delete", "00000001")
    assert f"  {uuid(1)}  2026-11-01T08-34-04\nDelete this session? [y/N] " in ran.err
    assert (ran.code, home.file(1) is None) == ((0, True) if is_done else (1, False))


# -- as a program -------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["POSIX", "C.UTF-8"])
@pytest.mark.parametrize("tail", ["| head -1", ">&-", "| cat"])
@pytest.mark.parametrize("words", ["list", "show --last", "export --last", "list --json"])
def test_readers_that_leave_and_narrow_locales_are_no_noise(
    words: str, tail: str, locale: str, home: Home, scratch_home: ScratchHome
) -> None:
    home.write(4, "grün → " * 400, "…" * 20_000)
    done = subprocess.run(
        ["bash", "-c", f'"$0" sessions {words} {tail}', script_path("codex")],
        env={**scratch_home.environ(), "LC_ALL": locale},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.stderr == b""
    assert done.returncode == 0
    assert b"gr" in done.stdout or tail != "| cat"

"""The judgements of `codex doctor`: facts in, finding out."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from codex_cli.doctor import configuration, confinement, credentials, home, installation, workplace
from codex_cli.doctor.programs import ProgramError, run
from codex_cli.doctor.result import Patient, Status
from codex_core.config import load_config
from codex_core.config.providers import ModelProvider, WireApi
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_login.auth import CodexAuth
from codex_login.storage import parse_auth

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{payload}.c2ln"


def chatgpt(*, exp: float | None, renewed: str | None, refresh: str = "rt-secret") -> CodexAuth:
    document: dict[str, Any] = {
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": jwt(**{"https://api.openai.com/auth": {"chatgpt_plan_type": "pro"}}),
            "access_token": jwt(exp=exp) if exp is not None else "opaque",
            "refresh_token": refresh,
            "account_id": "acc",
        },
    }
    if renewed is not None:
        document["last_refresh"] = renewed
    return CodexAuth.from_stored(parse_auth(json.dumps(document)))


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10, 9), Status.FAIL), ((3, 11, 0), Status.OK), ((3, 13, 9), Status.OK), ((3, 14, 0), Status.WARN)],
)
def test_python_must_be_one_we_know(version: tuple[int, int, int], status: Status) -> None:
    assert installation.judge_python(version, "cpython", "/usr/bin/python3").status is status


def test_distributions_of_different_versions_are_told() -> None:
    installed = {"codex-cli": "0.36.0", "codex-core": "0.35.0"}
    result = installation.judge_distributions(installed, installed)
    assert result.status is Status.FAIL
    assert result.details == ("codex-cli 0.36.0", "codex-core 0.35.0")


def test_a_missing_distribution_is_named() -> None:
    result = installation.judge_distributions({"codex-cli": "0.36.0", "codex-tui": None}, {})
    assert (result.status, result.summary) == (Status.FAIL, "not installed: codex-tui")


def test_another_copy_that_is_imported_instead_is_told() -> None:
    result = installation.judge_distributions({"codex-core": "0.36.0"}, {"codex-core": "0.30.0"})
    assert result.status is Status.FAIL
    assert "0.30.0 is what gets imported" in result.summary


def test_requirements_are_read_from_metadata() -> None:
    lines = [
        "codex-core==0.36.0",
        "httpx>=0.28",
        "pyseccomp>=0.1.2; sys_platform == 'linux'",
        'colorama>=1; sys_platform == "win32"',
        'pytest>=8; extra == "testing"',
        "tree-sitter-bash >=0.25",
        "h11",
    ]
    assert installation.requirements(lines, platform="linux") == {
        "httpx": ">=0.28",
        "pyseccomp": ">=0.1.2",
        "tree-sitter-bash": ">=0.25",
        "h11": "",
    }


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("0.28", None),
        ("0.28.1", None),
        ("1.0rc1", None),
        ("0.9", "httpx 0.9 is older than 0.28"),
        (None, "httpx is not installed"),
    ],
)
def test_libraries_must_be_there_and_recent(version: str | None, problem: str | None) -> None:
    result = installation.judge_libraries({"httpx": ">=0.28"}, {"httpx": version})
    assert result.status is (Status.FAIL if problem else Status.OK)
    assert problem is None or result.summary == problem


def program(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_another_program_before_ours_on_path_is_told(tmp_path: Path) -> None:
    program(tmp_path / "npm" / "codex", b"#!/usr/bin/env node\n// launcher\n")
    program(tmp_path / "elf" / "codex", b"\x7fELF...")
    program(tmp_path / "venv" / "codex", b"#!/x/python\nfrom codex_cli.__main__ import main\n")
    program(tmp_path / "own" / "codex", b"#!/y/python\nfrom codex_cli.__main__ import main\n")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "codex").symlink_to(tmp_path / "own" / "codex")
    search = os.pathsep.join(
        str(tmp_path / name) for name in ("npm", "elf", "venv", "link", "own", "nothing")
    )
    found = installation.find_scripts(search, own_directories=[str(tmp_path / "own")])
    assert [script.kind for script in found] == [
        "the npm launcher of the reference",
        "a native program, as the reference is",
        "another installation of Codex in Python",
        "this installation",
        "this installation",
    ]
    result = installation.judge_scripts(found)
    assert result.status is Status.WARN
    assert f"{tmp_path}/npm/codex (the npm launcher of the reference)" in result.summary
    assert installation.judge_scripts(found[3:]).status is Status.OK
    assert installation.judge_scripts([found[4], found[0]]).status is Status.WARN
    assert "not on PATH" in installation.judge_scripts([]).summary


def test_what_is_no_program_is_not_looked_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "codex", 0o755)
    (tmp_path / "codex-exec").mkdir()
    (tmp_path / "codex-tui").write_text("not executable")
    helpers = tmp_path / "arg0" / "123abc"
    program(helpers / "apply_patch", b"")
    assert installation.find_scripts(f"{tmp_path}{os.pathsep}{helpers}", own_directories=[]) == []


@pytest.mark.parametrize(
    ("found", "status", "words"),
    [
        (home.Directory("/h", mode=0o700), Status.OK, "mode 0700"),
        (home.Directory("/h", mode=0o777), Status.WARN, "others can write"),
        (home.Directory("/h", is_ours=False), Status.WARN, "another user"),
        (home.Directory("/h", is_writable=False), Status.FAIL, "cannot be written in"),
        (home.Directory("/h", is_directory=False), Status.FAIL, "not a directory"),
        (home.Directory("/h", exists=False, parent="/"), Status.OK, "made when it is needed"),
        (home.Directory("/h", exists=False, parent="/", parent_is_writable=False), Status.FAIL, "to make it"),
    ],
)
def test_the_home_must_be_ours_and_writable(found: home.Directory, status: Status, words: str) -> None:
    result = home.judge_home(found)
    assert result.status is status
    assert words in result.summary


def test_directories_are_examined(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    found = home.examine_directory(str(tmp_path))
    assert (found.exists, found.is_directory, found.mode, found.is_ours) == (True, True, 0o711, True)
    missing = home.examine_directory(str(tmp_path / "a" / "b"))
    assert (missing.exists, missing.parent) == (False, str(tmp_path))


@pytest.mark.parametrize(
    ("free", "status"), [(0, Status.FAIL), (50 << 20, Status.WARN), (1 << 40, Status.OK)]
)
def test_a_full_disk_is_told(free: int, status: Status) -> None:
    assert home.judge_space("/h", free).status is status


def test_sizes_are_counted_up_to_a_limit(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to(tmp_path)
    assert home.size_of(str(tmp_path)) == (500, True)
    total, is_complete = home.size_of(str(tmp_path), limit=3)
    assert not is_complete
    assert total <= 300
    assert home.judge_sizes({"log": home.LARGE_LOG_BYTES + 1}, is_complete=True).status is Status.WARN
    assert home.judge_sizes({"sessions": 1536}, is_complete=False).summary == "sessions at least 1.5 KiB"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (3 << 20, "3.0 MiB"), (5 << 50, "5120.0 TiB")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert home.human_size(size) == text


def test_readable_credentials_are_told(tmp_path: Path) -> None:
    (tmp_path / "auth.json").write_text("{}")
    (tmp_path / "auth.json").chmod(0o644)
    tmp_path.chmod(0o755)
    check = next(check for check in home.CHECKS if check.id == "private_files")
    result = check.run(Patient({}, "/", home=str(tmp_path)))
    assert result.status is Status.WARN
    assert result.advice == f"chmod go= {tmp_path}/auth.json"
    tmp_path.chmod(0o700)
    assert check.run(Patient({}, "/", home=str(tmp_path))).status is Status.OK


def test_only_helper_directories_nobody_holds_count(tmp_path: Path) -> None:
    import fcntl

    for name, content in (
        ("held", b""),
        ("left", b""),
        ("became", f"{os.getpid()} 1\n".encode()),
        ("dead", b"999999999 1"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".lock").write_bytes(content)
    with open(tmp_path / "held" / ".lock", "rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert home.abandoned_helpers(str(tmp_path), now=time.time() + 60) == 2
        assert home.abandoned_helpers(str(tmp_path), now=time.time()) == 0  # just made
    assert home.abandoned_helpers(str(tmp_path / "none"), now=time.time()) == 0
    assert home.judge_leftovers(100, "/x").status is Status.WARN


def test_every_problem_of_a_configuration_is_shown() -> None:
    result = configuration.judge_config(None, ["one", "two"], has_file=True)
    assert (result.status, result.details) == (Status.FAIL, ("one", "two"))
    assert "2 problems" in result.summary


def test_notices_are_warnings(scratch_home: ScratchHome) -> None:
    scratch_home.write("config.toml", 'modl = "x"\nmodel = "gpt-5"\n')
    config = load_config(services=Services(environ=scratch_home.environ()))
    result = configuration.judge_config(config, (), has_file=True)
    assert result.status is Status.WARN
    assert "did you mean `model`" in result.details[0]


def test_servers_need_a_program_and_show_no_secret(scratch_home: ScratchHome, tmp_path: Path) -> None:
    tool = program(tmp_path / "bin" / "tool", b"#!/bin/sh\n")
    scratch_home.write(
        "config.toml",
        f"""
        [mcp_servers.good]
        command = "tool"
        args = ["--token", "hunter2"]
        env = {{ PATH = "{tool.parent}", KEY = "hunter2" }}
        [mcp_servers.bad]
        command = "no-such-program"
        [mcp_servers.off]
        command = "no-such-program"
        enabled = false
        [mcp_servers.far]
        url = "https://user:hunter2@mcp.invalid/x?key=hunter2"
        bearer_token_env_var = "FAR_TOKEN"
        """,
    )
    config = load_config(services=Services(environ=scratch_home.environ()))
    result = configuration.judge_servers(config.mcp_servers, {"FAR_TOKEN": "hunter2"}, str(tmp_path))
    assert result.status is Status.FAIL
    assert result.summary.endswith(": bad")
    assert f"good: {tool}" in result.details
    assert "off: switched off" in result.details
    assert "hunter2" not in repr(result)
    assert "far" in configuration.judge_servers(config.mcp_servers, {}, "/").summary
    assert configuration.judge_servers({}, {}, "/").status is Status.OK


@pytest.mark.parametrize(
    ("names", "is_readable", "status"),
    [(None, True, Status.OK), (["A"], True, Status.OK), ([], True, Status.WARN), (None, False, Status.WARN)],
)
def test_dotenv_is_told_by_names(names: list[str] | None, is_readable: bool, status: Status) -> None:
    assert configuration.judge_dotenv(names, is_readable=is_readable).status is status


@pytest.mark.parametrize(
    ("auth", "is_needed", "has_key", "status", "words"),
    [
        (None, True, False, Status.FAIL, "not logged in"),
        (None, True, True, Status.WARN, "not logged in"),
        (None, False, False, Status.OK, "does not need it"),
        (CodexAuth.from_api_key("sk-x"), True, False, Status.OK, "API key"),
        (CodexAuth.from_api_key(""), True, False, Status.FAIL, "an empty one"),
        (CodexAuth.from_api_key("sk-\u00e4"), True, False, Status.FAIL, "can be sent"),
        (CodexAuth.from_stored(parse_auth("{}")), True, False, Status.FAIL, "neither a key nor tokens"),
        (chatgpt(exp=NOW.timestamp() + 60, renewed="2026-11-20T00:00:00Z"), True, False, Status.OK, "(Pro)"),
        (chatgpt(exp=None, renewed="2026-12-20T00:00:00Z"), True, False, Status.WARN, "ChatGPT"),
        (chatgpt(exp=None, renewed=None, refresh=""), True, False, Status.WARN, "ChatGPT"),
    ],
)
def test_logins(auth: CodexAuth | None, is_needed: bool, has_key: bool, status: Status, words: str) -> None:
    result = credentials.judge_login(auth, now=NOW, is_needed=is_needed, has_exec_key=has_key)
    assert result.status is status
    assert words in result.summary


def test_an_expired_token_is_renewed_by_the_next_request_and_not_shown() -> None:
    auth = chatgpt(exp=(NOW - timedelta(hours=1)).timestamp(), renewed="2026-11-21T00:00:00Z")
    result = credentials.judge_login(auth, now=NOW, is_needed=True, has_exec_key=False)
    assert result.status is Status.OK
    assert result.details == (
        "the access token expired 2026-11-22 11:00 UTC",
        "renewed last on 2026-11-21 00:00 UTC",
        "it is renewed with the next request",
    )
    assert "eyJ" not in repr(result)
    assert "rt-secret" not in repr(result)


@pytest.mark.parametrize("token", ["", "a.b.c", jwt(), jwt(exp="soon"), jwt(exp=True), jwt(exp=1e300)])
def test_a_token_that_does_not_say_when_it_ends(token: str) -> None:
    assert credentials.token_expiry(token) is None


def test_the_key_of_the_provider_in_use_must_be_set() -> None:
    mine = ModelProvider(id="mine", name="Mine", env_key="MINE_KEY", env_http_headers={"X": "MINE_HEADER"})
    missing = credentials.judge_provider_key(mine, {"MINE_KEY": " "})
    assert missing.status is Status.FAIL
    assert "MINE_HEADER" in missing.details[0]
    there = credentials.judge_provider_key(mine, {"MINE_KEY": "hunter2", "MINE_HEADER": "hunter2"})
    assert there.status is Status.OK
    assert "hunter2" not in repr(there)
    login = ModelProvider(
        id="o", name="O", env_key="K", wire_api=WireApi.RESPONSES, requires_openai_auth=True
    )
    assert credentials.judge_provider_key(login, {}).status is Status.WARN


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (workplace.Git(None, "there is no program git"), Status.WARN),
        (workplace.Git("git version 2.39.5"), Status.OK),
        (workplace.Git("git version 2.39.5", root="/r"), Status.OK),
        (workplace.Git("git version 2.39.5", "fatal: dubious ownership", "/r"), Status.WARN),
    ],
)
def test_git(found: workplace.Git, status: Status) -> None:
    assert workplace.judge_git(found).status is status


@pytest.mark.parametrize(
    ("screen", "environ", "status", "words"),
    [
        (workplace.Screen(True, False), {}, Status.OK, "output: not a terminal"),
        (workplace.Screen(True, True, 80, 24), {}, Status.WARN, "TERM is not set"),
        (workplace.Screen(True, True, 80, 24), {"TERM": "dumb"}, Status.WARN, "TERM=dumb"),
        (workplace.Screen(True, True, 30, 24), {"TERM": "xterm"}, Status.WARN, "30x24"),
        (
            workplace.Screen(True, True, 80, 24, multiplexer="tmux 3.3a"),
            {"TERM": "tmux-256color", "TERM_PROGRAM": "tmux"},
            Status.OK,
            "TERM=tmux-256color, 256 colours, 80x24, tmux 3.3a",
        ),
    ],
)
def test_terminals(screen: workplace.Screen, environ: dict[str, str], status: Status, words: str) -> None:
    result = workplace.judge_terminal(screen, environ)
    assert result.status is status
    assert result.summary.startswith(words) or words in result.summary


def test_only_utf8_shows_everything() -> None:
    assert workplace.judge_locale({"LANG": "C.UTF-8"}, "UTF-8").status is Status.OK
    assert (
        workplace.judge_locale({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, "ANSI_X3.4-1968").status is Status.WARN
    )


@pytest.mark.parametrize(
    ("environ", "colors"),
    [
        ({"TERM": "xterm", "NO_COLOR": "1"}, "no colours (NO_COLOR)"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "16 million colours"),
        ({"TERM": "xterm"}, "16 colours"),
        ({}, "no colours"),
    ],
)
def test_colours(environ: dict[str, str], colors: str) -> None:
    assert workplace.color_depth(environ) == colors


def report(*, namespaces: bool = True, wrong: bool = False) -> dict[str, object]:
    entry = {
        "refused": {"a": "EPERM", "b": "EPERM"},
        "possible": {},
        "not_covered": {"c": "see others"},
        "wrong": {"d": "it was possible"} if wrong else {},
    }
    return {
        "landlock_abi": 7,
        "namespaces": namespaces,
        "why_no_namespaces": None if namespaces else "Operation not permitted",
        "results": {"landlock": {"read-only": entry}},
        "ok": not wrong,
    }


@pytest.mark.parametrize(
    ("facts", "isolation", "status"),
    [
        (report(), "landlock", Status.OK),
        (report(namespaces=False), "landlock", Status.OK),
        (report(namespaces=False), "auto", Status.WARN),
        (report(namespaces=False), "namespaces", Status.FAIL),
        (report(wrong=True), "landlock", Status.FAIL),
        ({"ok": False}, "landlock", Status.FAIL),
    ],
)
def test_self_test(facts: dict[str, object], isolation: str, status: Status) -> None:
    assert confinement.judge_self_test(facts, isolation=isolation).status is status


def test_the_self_test_is_summed_up() -> None:
    result = confinement.judge_self_test(report(), isolation="landlock")
    assert result.summary == "Landlock (ABI 7) and seccomp work, namespaces too"
    assert result.details[0] == "landlock, read-only: 2 acts refused, 1 that only namespaces would refuse"
    wrong = confinement.judge_self_test(report(wrong=True), isolation="landlock")
    assert wrong.details == ("landlock, read-only: d: it was possible",)


def test_no_sandbox_matters_where_one_is_used() -> None:
    assert confinement.judge_no_sandbox("no Landlock", is_needed=True).status is Status.FAIL
    assert confinement.judge_no_sandbox("no Landlock", is_needed=False).status is Status.WARN


def test_systems() -> None:
    assert confinement.judge_system("Linux", "6.1", "x86_64", {}).status is Status.OK
    assert confinement.judge_system("Darwin", "25", "arm64", {}).summary.startswith("macOS 25")
    assert confinement.judge_system("Windows", "11", "AMD64", {}).status is Status.FAIL
    inside = {"CODEX_SANDBOX_NETWORK_DISABLED": "1"}
    assert confinement.judge_system("Linux", "6.1", "x86_64", inside).status is Status.WARN


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    stubborn = program(tmp_path / "stubborn", b"#!/bin/sh\necho $$ > pid\nexec sleep 600\n")
    with pytest.raises(ProgramError, match="stubborn did not end within 1 seconds"):
        run([str(stubborn)], environ=dict(os.environ), timeout_s=1, cwd=str(tmp_path))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (None, 0, "there is no program tool"),
        (b"", 0o644, "tool cannot be started"),
        (b"\x7fELF", 0o755, "tool cannot"),
    ],
)
def test_a_program_that_cannot_run_is_told(
    content: bytes | None, mode: int, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "tool"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    with pytest.raises(ProgramError, match=words):
        run([str(path)], environ={}, timeout_s=5)

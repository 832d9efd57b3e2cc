"""Scratch homes and repositories, and the environment that keeps tests off the real ones."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.testing.home import (
    isolated_environ,
    make_home,
    make_repo,
    mock_provider_config,
    parse_json_lines,
    read_json_lines,
    to_toml,
)

if TYPE_CHECKING:
    from pathlib import Path

SCALARS = st.text(st.characters(exclude_categories=["Cs"])) | st.booleans() | st.integers(-(2**63), 2**63 - 1)
TABLES = st.recursive(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1), SCALARS | st.lists(SCALARS)
    ),
    lambda tables: st.dictionaries(st.sampled_from(["a", "b.c", 'q"', "-"]), tables),
    max_leaves=5,
)


def test_the_environment_takes_only_the_path_from_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("OPENAI_API_KEY", "HTTPS_PROXY", "CODEX_HOME", "GIT_DIR", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "real")
    environ = isolated_environ(tmp_path, extra={"EXTRA": "1"})
    assert "real" not in environ.values()
    assert environ["PATH"] == os.environ["PATH"]
    assert environ["EXTRA"] == "1"
    assert environ["TERM"] == "dumb"
    inside = {name for name in environ if environ[name].startswith(str(tmp_path))}
    assert inside >= {"HOME", "CODEX_HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"}


def test_the_directories_the_environment_names_exist(tmp_path: Path):
    home = make_home(tmp_path / "home")
    environ = home.environ(CODEX_EXTRA="1")
    assert environ["CODEX_EXTRA"] == "1"
    assert all(os.path.isdir(environ[name]) for name in ("HOME", "CODEX_HOME", "TMPDIR", "XDG_RUNTIME_DIR"))
    assert not list(home.codex_home.iterdir())


def test_git_reads_no_configuration_but_that_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".gitconfig").write_text("[user]\nname = Real\nemail = real@example.com\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    repo = make_repo(tmp_path / "repo")
    settings = repo.git("config", "--list", "--show-origin")
    assert {line.split()[0] for line in settings.splitlines()} == {"file:.git/config"}
    environ = isolated_environ(tmp_path)
    shown = subprocess.run(
        ["git", "config", "--global", "--list"], env=environ, capture_output=True, check=False
    )
    assert shown.stdout == b""


def test_the_same_files_give_the_same_commit(tmp_path: Path):
    files = {"a.txt": "one\n", "deep/er/b.bin": b"\0\1"}
    first, second = make_repo(tmp_path / "1", files), make_repo(tmp_path / "2", files)
    assert first.git("rev-parse", "HEAD") == second.git("rev-parse", "HEAD")
    assert first.git("status", "--porcelain") == ""
    assert first.git("branch", "--show-current") == "main\n"
    assert first.git("log", "--format=%an %ae %ct") == "Test Author author@example.invalid 1767323045\n"


def test_a_commit_writes_files_and_gives_its_hash(tmp_path: Path):
    repo = make_repo(tmp_path / "repo")
    commit = repo.commit("second", {"a.txt": "x\n"})
    assert repo.git("show", f"{commit}:a.txt") == "x\n"
    assert repo.read("a.txt") == "x\n"


def test_a_git_command_that_fails_says_why(tmp_path: Path):
    repo = make_repo(tmp_path / "repo")
    with pytest.raises(AssertionError, match=r"git checkout nowhere failed: .*nowhere"):
        repo.git("checkout", "nowhere")


def test_the_configuration_points_at_the_mock_model(tmp_path: Path):
    home = make_home(tmp_path / "home")
    path = home.use_model_server(
        "http://127.0.0.1:1/v1", model="gpt-5", wire_api="chat", settings={"approval_policy": "never"}
    )
    assert tomllib.loads(path.read_text()) == {
        "model": "gpt-5",
        "model_provider": "mock",
        "approval_policy": "never",
        "model_providers": {
            "mock": {
                "name": "Mock",
                "base_url": "http://127.0.0.1:1/v1",
                "wire_api": "chat",
                "request_max_retries": 0,
                "stream_max_retries": 1,
            }
        },
    }


def test_the_provider_may_have_keys_of_its_own():
    config = tomllib.loads(mock_provider_config("u", provider={"env_key": "KEY"}))
    assert config["model_providers"]["mock"] == {
        "name": "Mock",
        "base_url": "u",
        "wire_api": "responses",
        "env_key": "KEY",
    }


@given(document=TABLES)
def test_toml_is_read_back_as_it_was(document: dict[str, object]):
    assert tomllib.loads(to_toml(document)) == document


def test_tables_inside_lists_are_written_inline():
    document = {"servers": [{"command": "x", "args": ["a b"]}], "empty": {}}
    assert tomllib.loads(to_toml(document)) == document


def test_what_toml_cannot_say_is_refused():
    with pytest.raises(TypeError, match="no TOML for None"):
        to_toml({"a": None})


def test_the_one_session_file_is_read(tmp_path: Path):
    home = make_home(tmp_path / "home")
    with pytest.raises(AssertionError, match="expected one session file, found"):
        home.read_rollout()
    home.write("sessions/2026/11/22/rollout-2026-11-22T08-00-00-x.jsonl", '{"type":"session_meta"}\n')
    assert home.read_rollout() == [{"type": "session_meta"}]
    home.write("sessions/2026/11/22/rollout-2026-11-22T09-00-00-y.jsonl", "{}\n")
    assert [path.name[-7:] for path in home.rollouts()] == ["x.jsonl", "y.jsonl"]
    assert home.read_rollout(home.rollouts()[1]) == [{}]


def test_a_broken_last_line_is_not_overlooked(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a":1}\n{"b"')
    with pytest.raises(AssertionError, match="the last line is not complete"):
        read_json_lines(path)


@pytest.mark.parametrize("line", ["nonsense", "[1]", '"text"', ""])
def test_a_line_that_is_no_object_is_named(line: str):
    with pytest.raises(AssertionError, match="stdout, line 2 is no JSON object"):
        parse_json_lines(f"{json.dumps({})}\n{line}\n", source="stdout")

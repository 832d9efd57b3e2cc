"""CODEX_HOME (spec: config-cli.md section 12)."""

from __future__ import annotations

import pwd

import pytest

from codex_core.config.home import find_codex_home
from codex_core.config.problems import InvalidConfigError


def test_default_is_below_the_home_directory_and_need_not_exist():
    assert find_codex_home({"HOME": "/nonexistent"}) == "/nonexistent/.codex"


@pytest.mark.parametrize("environ", [{"CODEX_HOME": "", "HOME": "/h"}, {"HOME": "/h/"}])
def test_empty_variable_is_as_if_not_set(environ):
    assert find_codex_home(environ) == "/h/.codex"


def test_variable_is_made_canonical(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert find_codex_home({"CODEX_HOME": str(tmp_path / "link"), "HOME": "/h"}) == str(tmp_path / "real")
    assert find_codex_home({"CODEX_HOME": "link/../real"}) == str(tmp_path / "real")


def test_missing_directory_is_an_error(tmp_path):
    path = tmp_path / "nope"
    with pytest.raises(InvalidConfigError) as raised:
        find_codex_home({"CODEX_HOME": str(path)})
    assert str(raised.value) == (
        f"CODEX_HOME names {path}, which cannot be used: No such file or directory (os error 2)"
    )


def test_user_database_stands_in_for_home():
    import os

    assert find_codex_home({}) == os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".codex")


def test_no_home_at_all_is_an_error(monkeypatch):
    def nobody(_uid: int) -> object:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(InvalidConfigError, match="there is no home directory"):
        find_codex_home({})

"""config.toml on disk under change: modes, links, marks, failures, and two processes at once."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from codex_core.config import edit
from codex_core.config.edit import (
    ConfigEditError,
    edit_config,
    remove_mcp_server,
    set_default_model,
    set_mcp_server,
    set_trust,
)
from codex_core.config.rewriting import UneditableTomlError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where config.toml is to be."""
    return tmp_path / "home" / "config.toml"


@pytest.fixture
def home(file: Path) -> str:
    """A CODEX_HOME without a file."""
    file.parent.mkdir(mode=0o755)
    return str(file.parent)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def nothing_left_behind(home: str, *expected: str) -> None:
    assert sorted(os.listdir(home)) == sorted(expected)


def test_file_and_directory_are_made_private(file: Path):
    assert set_trust(str(file.parent), "/work")
    assert file.read_text() == '[projects."/work"]\ntrust_level = "trusted"\n'
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    nothing_left_behind(str(file.parent), "config.toml")


def test_what_is_already_so_is_not_written_again(home: str, file: Path):
    file.write_text("[projects]\n'/work' = { trust_level = 'trusted' }\n")
    before = file.stat()
    assert not set_trust(home, "/work")
    assert file.stat() == before


def test_the_mode_of_a_file_stays(home: str, file: Path):
    file.write_text("")
    file.chmod(0o640)
    set_trust(home, "/work")
    assert mode(file) == 0o640


def test_a_link_stays_a_link(home: str, file: Path, tmp_path: Path):
    target = tmp_path / "dotfiles" / "codex.toml"
    target.parent.mkdir()
    target.write_text("# mine\n")
    file.symlink_to("../dotfiles/codex.toml")
    set_default_model(home, model="m", effort=None)
    assert file.is_symlink()
    assert target.read_text() == '# mine\nmodel = "m"\n'
    nothing_left_behind(str(target.parent), "codex.toml")


def test_a_link_to_a_missing_file_makes_that_file(home: str, file: Path, tmp_path: Path):
    file.symlink_to(tmp_path / "later.toml")
    set_default_model(home, model="m", effort=None)
    assert (tmp_path / "later.toml").read_text() == 'model = "m"\n'
    assert file.is_symlink()


def test_byte_order_mark_and_line_ends_stay(home: str, file: Path):
    file.write_bytes(b'\xef\xbb\xbf# \xc3\xa4\r\nmodel = "a" # c\r\n')
    set_default_model(home, model="b", effort="high")
    expected = b'\xef\xbb\xbf# \xc3\xa4\r\nmodel = "b" # c\r\nmodel_reasoning_effort = "high"\r\n'
    assert file.read_bytes() == expected


@pytest.mark.parametrize("content", [b"model = \n", b"a = 1\na = 2\n", b"\xff", b"[["])
def test_a_file_that_is_not_toml_is_refused_and_untouched(content: bytes, home: str, file: Path):
    file.write_bytes(content)
    with pytest.raises(ConfigEditError) as caught:
        set_trust(home, "/work")
    assert file.read_bytes() == content
    assert str(caught.value).startswith(f"{file}:")
    assert str(caught.value).endswith("; correct that first, the file was not changed")
    assert "\n" not in str(caught.value)
    nothing_left_behind(home, "config.toml")


def test_a_table_that_is_none_is_refused(home: str, file: Path):
    file.write_text("projects = 1\n")
    with pytest.raises(UneditableTomlError, match=r"`projects` is not a table"):
        set_trust(home, "/work")
    assert file.read_text() == "projects = 1\n"


def test_a_directory_in_its_place_is_refused(home: str, file: Path):
    file.mkdir()
    with pytest.raises(ConfigEditError, match=r"Is a directory \(os error 21\)"):
        set_trust(home, "/work")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_made_read_only_is_refused(home: str, file: Path):
    file.write_text("")
    file.chmod(0o400)
    with pytest.raises(ConfigEditError, match="Permission denied"):
        set_trust(home, "/work")


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    step: str, home: str, file: Path, monkeypatch: pytest.MonkeyPatch
):
    file.write_text("a = 1\n")

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(ConfigEditError) as caught:
        set_trust(home, "/work")
    assert str(caught.value) == f"{file} cannot be changed: No space left on device (os error 28)"
    assert file.read_text() == "a = 1\n"
    nothing_left_behind(home, "config.toml")


def test_text_that_is_not_unicode_is_refused(home: str, file: Path):
    with pytest.raises(ConfigEditError, match="not valid Unicode"):
        set_mcp_server(home, "a", {"command": "c\udcff"})
    nothing_left_behind(home)


def test_a_lock_held_for_too_long_is_told(home: str, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(edit, "LOCK_TIMEOUT_S", 0.0)
    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(ConfigEditError, match="another process"):
            set_trust(home, "/work")
    finally:
        os.close(descriptor)
    nothing_left_behind(home)


def test_where_nothing_can_be_locked_the_change_is_made(
    home: str, file: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", fail)
    assert set_trust(home, "/work")


def test_processes_that_write_at_once_lose_nothing(home: str, file: Path):
    file.write_text("# kept\n[tui]\n")
    program = (
        "import sys\n"
        "from codex_core.config.edit import set_mcp_server, set_trust\n"
        "home, name = sys.argv[1:]\n"
        "sys.stdin.readline()\n"
        "for number in range(5):\n"
        "    set_mcp_server(home, f'{name}{number}', {'command': name})\n"
        "    set_trust(home, f'/{name}{number}')\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", program, home, name], stdin=subprocess.PIPE)
        for name in ("a", "b", "c")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    text = file.read_text()
    document = tomllib.loads(text)
    names = {f"{name}{number}" for name in "abc" for number in range(5)}
    assert set(document["mcp_servers"]) == names
    assert set(document["projects"]) == {f"/{name}" for name in names}
    assert text.startswith("# kept\n[tui]\n")
    nothing_left_behind(home, "config.toml")


@pytest.mark.parametrize(
    ("before", "profile", "after"),
    [
        ("", None, 'model = "m"\nmodel_reasoning_effort = "high"\n'),
        ("", "p", '[profiles.p]\nmodel = "m"\nmodel_reasoning_effort = "high"\n'),
        (
            'profile = "p"\n',
            None,
            'profile = "p"\n\n[profiles.p]\nmodel = "m"\nmodel_reasoning_effort = "high"\n',
        ),
        (
            'profile = "other"\n[profiles.p]\nmodel = "old" # why\n',
            "p",
            'profile = "other"\n[profiles.p]\nmodel = "m" # why\nmodel_reasoning_effort = "high"\n',
        ),
        (
            'profile = "p"\nprofiles = { p = { model = "x", a = 1 } }\n',
            None,
            ('profile = "p"\n'
            'profiles = { p = { model = "m", a = 1, model_reasoning_effort = "high" } }\n'),
        ),
    ],
)  # fmt: skip
def test_the_model_choice_goes_where_it_has_effect(
    before: str, profile: str | None, after: str, home: str, file: Path
):
    file.write_text(before)
    assert set_default_model(home, model="m", effort="high", profile=profile)
    assert file.read_text() == after


def test_a_profile_in_a_file_of_its_own_is_changed_there(home: str, file: Path):
    file.write_text('profile = "p"\n')
    own = file.with_name("p.config.toml")
    own.write_text('model = "old"\n')
    assert set_default_model(home, model="m", effort=None)
    assert file.read_text() == 'profile = "p"\n'
    assert own.read_text() == 'model = "m"\n'


def test_an_absent_part_of_the_model_choice_removes_the_key(home: str, file: Path):
    file.write_text('model = "a"\nmodel_reasoning_effort = "high"\nz = 1\n')
    set_default_model(home, model="a", effort=None)
    assert file.read_text() == 'model = "a"\nz = 1\n'
    set_default_model(home, model=None, effort=None)
    assert file.read_text() == "z = 1\n"


def test_servers_are_added_replaced_and_removed(home: str, file: Path):
    file.write_text("[mcp_servers.zeta] # z\ncommand = 'z'\nstartup_timeout_ms = 20_000\n")
    set_mcp_server(home, "alpha", {"command": "a", "args": ["x"], "env": {"K": "V"}})
    set_mcp_server(home, "alpha", {"command": "b"})
    assert file.read_text() == (
        "[mcp_servers.zeta] # z\ncommand = 'z'\nstartup_timeout_ms = 20_000\n\n"
        '[mcp_servers.alpha]\ncommand = "b"\n'
    )
    assert remove_mcp_server(home, "zeta")
    assert not remove_mcp_server(home, "zeta")
    assert file.read_text() == '[mcp_servers.alpha]\ncommand = "b"\n'


def test_removing_from_no_file_makes_none(tmp_path: Path):
    assert not remove_mcp_server(str(tmp_path / "none"), "a")
    nothing_left_behind(str(tmp_path))


def test_any_change_can_be_made_at_once(home: str, file: Path):
    assert edit_config(home, lambda text: text.set(("features", "x"), True))
    assert not edit_config(home, lambda text: text.set(("features", "x"), True))
    assert file.read_text() == "[features]\nx = true\n"

"""`codex login` and `codex logout`: what they store, and what they say on stderr (spec: auth.md section 9)."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Sequence

import pytest

from codex_cli.commands import run_command_line
from codex_core.testing import ScratchHome

KEY = "sk-abcdefgh-secret-12345"


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    """A scratch home that this process lives in."""
    for name, value in scratch_home.environ().items():
        monkeypatch.setenv(name, value)
    return scratch_home


def run_login(arguments: Sequence[str], overrides: Sequence[str] = ()) -> int:
    return run_command_line([*_given(overrides), "login", *arguments])


def run_logout(arguments: Sequence[str], overrides: Sequence[str] = ()) -> int:
    return run_command_line([*_given(overrides), "logout", *arguments])


def _given(overrides: Sequence[str]) -> list[str]:
    return [word for override in overrides for word in ("-c", override)]


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def stored(home: ScratchHome) -> object:
    path = home.codex_home / "auth.json"
    return json.loads(path.read_text()) if path.exists() else None


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("content", [KEY.encode(), f"  {KEY}\n\n".encode()])
def test_a_key_is_read_from_stdin_and_kept_private(
    content: bytes, home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, content)
    assert run_login(["--with-api-key"], []) == 0
    assert said(capsys) == "Successfully logged in\n"
    document = stored(home)
    assert isinstance(document, dict)
    assert document["OPENAI_API_KEY"] == KEY
    assert stat.S_IMODE((home.codex_home / "auth.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("form", [["--api-key", KEY], [f"--api-key={KEY}"]])
def test_a_key_may_be_an_argument(
    form: list[str], home: ScratchHome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_login(form, []) == 0
    assert said(capsys) == "Successfully logged in\n"
    assert KEY in str(stored(home))


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", None])
def test_no_key_is_a_mistake_and_nothing_is_stored(
    content: bytes | None,
    home: ScratchHome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if content is None:
        monkeypatch.setattr(sys, "stdin", None)
    else:
        pipe(monkeypatch, content)
    assert run_login(["--with-api-key"], []) == 1
    assert said(capsys).startswith("Error logging in: no API key was given.")
    assert stored(home) is None


@pytest.mark.parametrize("key", ["sk-1 sk-2", "sk-1\nsk-2", "sk-\x01", "sk-\u00e9"])
def test_a_key_that_could_not_be_sent_is_refused(
    key: str, home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, key.encode())
    assert run_login(["--with-api-key"], []) == 1
    assert run_login(["--api-key", key], []) == 1
    for line in said(capsys).splitlines():
        assert line.startswith("Error logging in: this is no API key:")
        assert "sk-" not in line
    assert stored(home) is None


def test_a_byte_order_mark_is_no_part_of_the_key(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, b"\xef\xbb\xbf" + KEY.encode() + b"\r\n")
    assert run_login(["--with-api-key"], []) == 0
    document = stored(home)
    assert isinstance(document, dict)
    assert document["OPENAI_API_KEY"] == KEY


def test_the_status_never_shows_the_key(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_login(["status"], []) == 1
    assert said(capsys) == "Not logged in\n"
    run_login(["--api-key", KEY], [])
    said(capsys)
    assert run_login(["status"], []) == 0
    assert said(capsys) == "Logged in using an API key - sk-abcde***12345\n"


def test_asking_for_the_status_changes_nothing(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_login(["--api-key", KEY, "status"], []) == 1
    assert stored(home) is None


def test_a_login_that_cannot_be_read_is_told(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.write("auth.json", "{")
    assert run_login(["status"], []) == 1
    text = said(capsys)
    assert text.startswith("Error checking login status: ")
    assert "auth.json" in text


def test_a_terminal_is_not_read_for_a_key(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Terminal(KEY.encode())))
    assert run_login(["--with-api-key"], []) == 1
    assert "printenv OPENAI_API_KEY | codex login --with-api-key" in said(capsys)
    assert stored(home) is None


def test_logging_out_removes_the_file_once(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    run_login(["--api-key", KEY], [])
    said(capsys)
    assert run_logout([], []) == 0
    assert said(capsys) == "Successfully logged out\n"
    assert stored(home) is None
    assert run_logout([], []) == 0
    assert said(capsys) == "Not logged in\n"


@pytest.mark.parametrize("run", [run_login, run_logout])
@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (["foo"], "Error parsing -c overrides: Invalid override (missing '='): foo\n"),
        (["=x"], "Error parsing -c overrides: Empty key in override: =x\n"),
    ],
)
def test_overrides_are_checked_at_both_levels(
    run: object, overrides: list[str], text: str, home: ScratchHome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(run)
    action = ["status"] if run is run_login else []
    assert run(action, overrides) == 1
    assert said(capsys) == text
    assert run([*action, "-c", overrides[0]], []) == 1
    assert said(capsys) == text


def test_an_unusable_configuration_is_told(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.write("config.toml", "model = \n")
    assert run_login(["status"], []) == 1
    text = said(capsys)
    assert text.startswith("Error loading configuration: ")
    assert "config.toml" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], "unrecognized subcommand 'bogus'"),
        (["--bogus"], "unexpected argument '--bogus' found"),
        (["status", "x"], "unexpected argument 'x' found"),
        (["--api-key"], "a value is required for '--api-key <API_KEY>' but none was supplied"),
        (["--api-key", "-foo"], "a value is required for '--api-key <API_KEY>' but none was supplied"),
    ],
)
def test_mistakes_are_told(
    arguments: list[str], message: str, home: ScratchHome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_login(arguments, []) == 2
    told = said(capsys)
    assert told.startswith(f"error: {message}\n\n")
    assert told.endswith("\n\nFor more information, try '--help'.\n")
    assert stored(home) is None


def test_a_key_that_begins_with_a_dash_needs_the_other_form(home: ScratchHome) -> None:
    assert run_login(["--api-key=-foo"], []) == 0
    assert "-foo" in str(stored(home))


def test_ctrl_c_while_it_waits_for_the_key(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Interrupted()))
    with pytest.raises(KeyboardInterrupt):  # told by `run_program`
        run_login(["--with-api-key"], [])
    assert said(capsys) == ""
    assert stored(home) is None

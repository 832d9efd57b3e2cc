"""Originator and User-Agent (spec: auth.md section 7)."""

from __future__ import annotations

import re

import pytest

from codex_login.user_agent import originator, parse_os_release, terminal, user_agent


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (None, "codex_cli_rs"),
        ("my_editor", "my_editor"),
        ("with space", "with space"),
        ("", "codex_cli_rs"),
        (" leading", "codex_cli_rs"),
        ("line\nbreak", "codex_cli_rs"),
        ("ünicode", "codex_cli_rs"),
    ],
)
def test_originator_is_replaced_only_by_what_a_header_can_hold(override, expected):
    environ = {} if override is None else {"CODEX_INTERNAL_ORIGINATOR_OVERRIDE": override}
    assert originator(environ) == expected


def test_user_agent_has_the_form_of_the_contract():
    agent = user_agent({"TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a"})
    assert re.fullmatch(
        r"codex_cli_rs/0\.36\.0 \(.+ \d+\.\d+\.\d+; (x86_64|arm64|aarch64|unknown)\) tmux/3\.3a", agent
    )


def test_originator_is_its_first_part():
    assert user_agent({"CODEX_INTERNAL_ORIGINATOR_OVERRIDE": "ed"}).startswith("ed/0.36.0 (")


@pytest.mark.parametrize(
    ("suffix", "end"),
    [
        (None, " xterm"),
        ("", " xterm"),
        ("   ", " xterm"),
        ("t; 1", " xterm (t; 1)"),
        ("  t; 1 ", " xterm (t; 1)"),
        ("t\r\nx: y; ü", " xterm (t__x: y; _)"),
    ],
)
def test_suffix_goes_into_brackets_with_unsafe_characters_replaced(suffix, end):
    assert user_agent({"TERM": "xterm"}, suffix=suffix).endswith(end)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "unknown"),
        ({"TERM": "xterm-256color"}, "xterm-256color"),
        ({"TERM_PROGRAM": "vscode"}, "vscode"),
        ({"TERM_PROGRAM": "vscode", "TERM_PROGRAM_VERSION": ""}, "vscode"),
        (
            {"TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.5", "WEZTERM_VERSION": "1"},
            "iTerm.app/3.5",
        ),
        ({"TERM_PROGRAM": " ", "TERM": "xterm"}, "xterm"),
        ({"WEZTERM_VERSION": "2024", "TERM": "xterm"}, "WezTerm/2024"),
        ({"WEZTERM_VERSION": ""}, "WezTerm"),
        ({"KITTY_WINDOW_ID": "1", "TERM": "xterm"}, "kitty"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"ALACRITTY_SOCKET": "/s"}, "Alacritty"),
        ({"TERM": "alacritty"}, "Alacritty"),
        ({"KONSOLE_VERSION": "220401"}, "Konsole/220401"),
        ({"GNOME_TERMINAL_SCREEN": "/x"}, "gnome-terminal"),
        ({"VTE_VERSION": "7200"}, "VTE/7200"),
        ({"WT_SESSION": "guid", "TERM": "xterm"}, "WindowsTerminal"),
        ({"TERM": "a b\nc;d(e)"}, "a_b_c_d_e_"),
    ],
)
def test_terminal_is_the_first_that_the_environment_names(environ, expected):
    assert terminal(environ) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n', ("Debian", "12.0.0")),
        ("ID=ubuntu\nVERSION_ID='22.04'\n", ("Ubuntu", "22.4.0")),
        ('# comment\n\nID="fedora"\nVERSION_ID=40\n', ("Fedora", "40.0.0")),
        ("ID=ourlinux\nNAME=Our Linux\nVERSION_ID=1.2.3.4\n", ("Our Linux", "1.2.3")),
        ("ID=arch\n", ("Arch Linux", "0.0.0")),
        ("", ("Linux", "0.0.0")),
    ],
)
def test_distribution_is_read_from_os_release(text, expected):
    assert parse_os_release(text) == expected

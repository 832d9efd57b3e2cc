"""Reading `.env` files. What is marked `reference` was seen from the reference as it stands here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.execution.dotenv import load_dotenv, read_dotenv

if TYPE_CHECKING:
    from pathlib import Path

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines


ENVIRON = {"PATH": "/bin", "EXISTING": "from-env", "SPACED": "a b#'\""}

REFERENCE = [
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    (
        "export A=1\nexport\tB=2\n export C=3\nexportD=4\nexport = 5",
        {"A": "1", "B": "2", "C": "3", "exportD": "4", "export": "5"},
    ),
    ("A = 1\n\tB =2  \nC= 3\nD=", {"A": "1", "B": "2", "C": "3", "D": ""}),
    ("A='x $EXISTING \\n #y'\nB=\"x\\n$EXISTING #y\"", {"A": "x $EXISTING \\n #y", "B": "x\nfrom-env #y"}),
    ("A=x#y\nB=x #y\nC=x\\ y\nD=#x\nE= # x", {"A": "x#y", "B": "x", "C": "x y", "D": "", "E": ""}),
    ("A=x y\nB=1", {"B": "1"}),
    ("A=x\ty\nB='a' 'b'\nC=\"x\" y\nD=1", {"D": "1"}),
    (
        "A=${EXISTING}\nB=$EXISTING-x\nC=${NOPE}z\nD=${EXISTING\nE=$\nF=a$",
        {"A": "from-env", "B": "from-env-x", "C": "z", "E": "", "F": "a"},
    ),
    ("A=1\nB=$A\nA=2\nC=${A}${B}", {"A": "2", "B": "1", "C": "21"}),
    ("EXISTING=file\nB=$EXISTING", {"EXISTING": "file", "B": "file"}),
    ("A=$SPACED", {"A": "a b#'\""}),
    ("CODEX_A=1\ncodex_b=2\nCodex_C=3\nB=${CODEX_A}", {"B": "1"}),
    ("A='multi\nline'\nB=\"x\ny\"\nC=1", {"A": "multi\nline", "B": "x\ny", "C": "1"}),
    ("A=a'b c'd\"e f\"g", {"A": "ab cde fg"}),
    ("A=a\\nb\nB=a\\$b\\\"c\\'d\\\\e", {"A": "a\nb", "B": "a$b\"c'd\\e"}),
    ('A="\\n\\$\\\\\\"\\\'"', {"A": "\n$\\\"'"}),
    ('A=a\\qb\nB="a\\tb"\nC=1', {"C": "1"}),
    ("A=x\\\nB=1", {"A": "x", "B": "1"}),
    ("1A=1\nE-F=4\nÄ=5\nA B=7\n=8\nH\nA: 1\nexport X\nC.D=3\n_G=1", {"C.D": "3", "_G": "1"}),
    ("# c\n  # it's\nA=1 # \"c\nB='x'y\nC=\"y\"#c", {"A": "1", "B": "xy", "C": "y#c"}),
    ("A==1\nB=a=b\nC=`x`\nD=$(x)\nE=~;*&", {"A": "=1", "B": "a=b", "C": "`x`", "D": "(x)", "E": "~;*&"}),
    ("A='it'\\''s'", {"A": "it's"}),
    ("A=\u00a0x\nB=x\u00a0y", {"A": "x", "B": "x\u00a0y"}),
    ("HOME=/x", {"HOME": "/x"}),
]


@pytest.mark.parametrize(("text", "expected"), REFERENCE)
def test_reads_as_the_reference_does(text: str, expected: dict[str, str]) -> None:
    assert load_dotenv(text, ENVIRON) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MY_VAR=1\nA=$MY_VAR", {"MY_VAR": "1", "A": "1"}),  # the reference stops the name at the underscore
        ('A="$EXISTING"', {"A": "from-env"}),  # the reference loses the closing quote
        ('A="never closed\nB=1', {"B": "1"}),  # the reference gives up the rest of the file
        ("\ufeffA=1\nB=2", {"A": "1", "B": "2"}),  # the reference skips the first line
    ],
)
def test_reads_what_the_reference_stumbles_over(text: str, expected: dict[str, str]) -> None:
    assert load_dotenv(text, ENVIRON) == expected


def test_the_environment_is_asked_before_a_protected_line() -> None:
    assert load_dotenv("CODEX_A=file\nB=${CODEX_A}", {"CODEX_A": "env"}) == {"B": "env"}


@calm
@given(st.text(alphabet="AB=_'\"\\$ {}#\n\r\texport", max_size=40))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert load_dotenv(text + "\nLAST_LINE=1", {}).get("LAST_LINE") == "1" or "'" in text or '"' in text


@calm
@given(st.text(alphabet="aé$\"\\' #\n", max_size=20))
def test_single_quotes_keep_everything_but_themselves(value: str) -> None:
    value = value.replace("'", "")
    assert load_dotenv(f"A='{value}'\nB=1", {}) == {"A": value, "B": "1"}


def test_file_that_is_not_there_sets_nothing(tmp_path: Path) -> None:
    assert read_dotenv(str(tmp_path / ".env"), {}) == {}


def test_file_may_hold_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\nB=2\n")
    assert read_dotenv(str(tmp_path / ".env"), {}) == {"A": "\udcff", "B": "2"}

"""The grammar of `-c key=value` (spec: config-cli.md section 5)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.config.overrides import (
    InvalidOverrideError,
    Override,
    apply_overrides,
    merge_tables,
    parse_override,
    parse_value,
)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("model=o3", "o3"),
        ('model="o3"', "o3"),
        ("model='o3'", "o3"),
        ("model='''o3'''", "o3"),
        ('model="a\\tb"', "a\tb"),
        ("model=x y", "x y"),
        ('model={"a":1}', '{"a":1}'),
        ("model=#x", "#x"),
        ("model=o3 # c", "o3 # c"),
        ('model="x', "x"),
        ("model='x", "x"),
        ("model=x\"'", "x"),
        ("model=", ""),
        ("model=   ", ""),
        ("x=42", 42),
        ("x=42 # c", 42),
        ("x=-1_000", -1000),
        ("x=0x1f", 31),
        ("x=1.5", 1.5),
        ("x=inf", float("inf")),
        ("x=true", True),
        ("x=false", False),
        ("x=True", "True"),
        ("x=null", "null"),
        ("x=[1,2]", [1, 2]),
        ("x=[1, 2", "[1, 2"),
        ("x={a=1}", {"a": 1}),
        ("x={a={b=[true]}}", {"a": {"b": [True]}}),
        ("x=a=b", "a=b"),
        ("url=https://h.test/v1?a=b", "https://h.test/v1?a=b"),
        ("path=/a/b.c", "/a/b.c"),
        ("x=01", "01"),
        ("x=1\ny=2", "1\ny=2"),
        ("x=" + "[" * 5000, "[" * 5000),
        ("x=" + "9" * 5000, "9" * 5000),
    ],
)
def test_value(raw, value):
    parsed = parse_override(raw).value
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("a=1", ("a",)),
        (" a . b =1", ("a ", " b")),
        ("  a.b  = 1", ("a", "b")),
        ("a.b.c=1", ("a", "b", "c")),
        ('mcp_servers."a.b".command=x', ("mcp_servers", '"a', 'b"', "command")),
        ("a..b=1", ("a", "", "b")),
    ],
)
def test_key_is_cut_at_every_dot(raw, path):
    assert parse_override(raw).path == path


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("model", "Invalid override (missing '='): model"),
        ("", "Invalid override (missing '='): "),
        ("=x", "Empty key in override: =x"),
        ("  =x", "Empty key in override:   =x"),
    ],
)
def test_what_is_no_override(raw, message):
    with pytest.raises(InvalidOverrideError) as raised:
        parse_override(raw)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("document", "raws", "result"),
    [
        ({}, ["a=1"], {"a": 1}),
        ({}, ["a.b.c=1"], {"a": {"b": {"c": 1}}}),
        ({"a": {"x": 1}}, ["a.b=2"], {"a": {"x": 1, "b": 2}}),
        ({"a": "text"}, ["a.b=2"], {"a": {"b": 2}}),
        ({"a": {"x": 1}}, ["a=2"], {"a": 2}),
        ({"a": 1}, ["a=2", "a=3"], {"a": 3}),
        ({}, ["a={x=1}", "a.y=2"], {"a": {"x": 1, "y": 2}}),
        ({"a": {"x": 1}}, ["a={y=2}"], {"a": {"y": 2}}),
    ],
)
def test_application(document, raws, result):
    before = repr(document)
    assert apply_overrides(document, [parse_override(raw) for raw in raws]) == result
    assert repr(document) == before


def test_application_leaves_the_values_of_overrides_alone():
    table = Override(("a",), {"x": {"y": 1}})
    assert apply_overrides({}, [table, Override(("a", "x", "z"), 2)]) == {"a": {"x": {"y": 1, "z": 2}}}
    assert table.value == {"x": {"y": 1}}


def test_merging_is_deep_for_tables_only():
    lower = {"a": {"x": 1, "l": [1, 2]}, "b": 1, "c": {"k": 1}}
    upper = {"a": {"y": 2, "l": [3]}, "b": {"z": 1}, "c": 5}
    assert merge_tables(lower, upper) == {"a": {"x": 1, "y": 2, "l": [3]}, "b": {"z": 1}, "c": 5}
    assert lower == {"a": {"x": 1, "l": [1, 2]}, "b": 1, "c": {"k": 1}}


@given(st.text())
def test_any_text_is_a_value(text):
    value = parse_value(text.strip())
    if isinstance(value, str) and not any(quote in text for quote in "\"'"):
        assert value == text.strip()


@given(st.text())
def test_any_text_is_an_override_or_refused(text):
    try:
        override = parse_override(text)
    except InvalidOverrideError:
        assert "=" not in text or not text.partition("=")[0].strip()
    else:
        assert override.key == text.partition("=")[0].strip()


def test_plain_values_need_no_toml_parser():
    code = (
        "import sys\nfrom codex_core.config.overrides import parse_override\n"
        "for raw in ['model=gpt-5', 'model=\"o3\"', 'approval_policy=never', 'a=https://h/v1']: parse_override(raw)\n"
        "print('tomllib' in sys.modules)\nparse_override('x=1')\nprint('tomllib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.split() == ["False", "True"]

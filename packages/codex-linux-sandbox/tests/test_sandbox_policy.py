"""The policy: what is read from its JSON, and which paths become writable."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_linux_sandbox.errors import PolicyError
from codex_linux_sandbox.policy import SandboxPolicy, parse_policy, trusted_roots
from codex_linux_sandbox.policy_json import MAX_DEPTH, decode

if TYPE_CHECKING:
    from pathlib import Path

NO_TEMPORARY = {"exclude_slash_tmp": True, "exclude_tmpdir_env_var": True}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@pytest.mark.parametrize("mode", ["danger-full-access", "read-only", "workspace-write"])
def test_missing_fields_are_false_and_empty(mode: str) -> None:
    assert parse_policy(json.dumps({"mode": mode})) == SandboxPolicy(mode)


def test_every_field_is_read_and_unknown_ones_are_ignored() -> None:
    text = json.dumps(
        {
            "mode": "workspace-write",
            "writable_roots": ["/a", "/b c"],
            "network_access": True,
            "exclude_tmpdir_env_var": True,
            "exclude_slash_tmp": True,
            "new_in_a_later_version": {"x": [1]},
        }
    )
    assert parse_policy(text) == SandboxPolicy(
        "workspace-write",
        writable_roots=("/a", "/b c"),
        network_access=True,
        exclude_tmpdir_env_var=True,
        exclude_slash_tmp=True,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON: unexpected end"),
        ("null", "expected a JSON object"),
        ('{"mode":null}', "missing field `mode`"),
        ('{"mode":1}', "`mode` must be a string"),
        ('{"mode":"Read-Only"}', "unknown mode `Read-Only`"),
        ('{"mode":"workspace-write","network_access":1}', "`network_access` must be true or false"),
        ('{"mode":"workspace-write","network_access":null}', "`network_access` must be true or false"),
        ('{"mode":"workspace-write","writable_roots":"/a"}', "`writable_roots` must be a list"),
        ('{"mode":"workspace-write","writable_roots":[1]}', "`writable_roots` must be a list"),
        ('{"mode":"workspace-write","writable_roots":["\\u0000"]}', "null character"),
        ('{"mode":"read-only","mode":"danger-full-access"}', "duplicate key `mode`"),
    ],
)
def test_what_cannot_be_understood_is_an_error(text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse_policy(text)


def test_network_is_allowed_only_where_asked_for() -> None:
    assert parse_policy('{"mode":"danger-full-access"}').allows_network
    assert not parse_policy('{"mode":"read-only","network_access":true}').allows_network
    assert not parse_policy('{"mode":"workspace-write"}').allows_network
    assert parse_policy('{"mode":"workspace-write","network_access":true}').allows_network


def test_roots_come_in_the_order_of_the_format() -> None:
    policy = SandboxPolicy("workspace-write", writable_roots=("/a", "relative", ""))
    assert policy.requested_roots("/w", tmpdir="/t") == ["/a", "/w/relative", "/w", "/tmp", "/t"]
    assert policy.requested_roots("/w", tmpdir=None) == ["/a", "/w/relative", "/w", "/tmp"]
    assert policy.requested_roots("/w", tmpdir="") == ["/a", "/w/relative", "/w", "/tmp"]


def test_temporary_directories_can_be_left_out() -> None:
    policy = SandboxPolicy("workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    assert policy.requested_roots("/w", tmpdir="/t") == ["/w"]


def test_tmp_is_a_root_only_where_it_is_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "isdir", lambda path: path != "/tmp")
    assert SandboxPolicy("workspace-write").requested_roots("/w", tmpdir=None) == ["/w"]


@pytest.mark.parametrize("mode", ["danger-full-access", "read-only", "workspace-write"])
def test_only_full_access_confines_nothing(mode: str) -> None:
    assert SandboxPolicy(mode).confines is (mode != "danger-full-access")
    assert SandboxPolicy(mode).allows_writes is (mode != "read-only")


def test_policies_are_values() -> None:
    policy = SandboxPolicy("workspace-write", writable_roots=("/a",))
    assert policy == parse_policy('{"mode":"workspace-write","writable_roots":["/a"]}')
    assert hash(policy) == hash(parse_policy('{"mode":"workspace-write","writable_roots":["/a"]}'))
    assert policy != SandboxPolicy("workspace-write")
    assert policy != "workspace-write"


@pytest.mark.parametrize("mode", ["danger-full-access", "read-only"])
def test_other_modes_have_no_roots(mode: str) -> None:
    assert SandboxPolicy(mode, writable_roots=("/a",)).requested_roots("/w", tmpdir="/t") == []


def test_missing_roots_are_left_out_and_doubles_merged(tmp_path: Path) -> None:
    here = os.path.realpath(tmp_path)
    assert trusted_roots([here, f"{here}/missing", f"{here}/.", f"{here}/x/../"]) == [here]


def test_roots_below_another_are_covered_by_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    here = os.path.realpath(tmp_path)
    assert trusted_roots([f"{here}/a/b", f"{here}/a", f"{here}/ab"]) == [f"{here}/a", f"{here}/ab"]


def test_link_outside_every_root_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    here = os.path.realpath(tmp_path)
    assert trusted_roots([f"{here}/link"]) == [f"{here}/real"]


def test_link_below_a_root_widens_nothing(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "precious").mkdir()
    here = os.path.realpath(tmp_path)
    workspace, planted = f"{here}/workspace", f"{here}/workspace/tmp"
    os.symlink(f"{here}/precious", planted)
    assert trusted_roots([workspace, planted]) == [workspace]
    assert trusted_roots([planted, workspace, f"{here}/precious"]) == [workspace, f"{here}/precious"]


def test_relative_roots_start_at_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    here = os.path.realpath(tmp_path)
    assert trusted_roots(["a", "missing"]) == [f"{here}/a"]
    assert trusted_roots(["."]) == [here]


def test_a_link_to_a_place_further_down_or_up_is_followed(tmp_path: Path) -> None:
    (tmp_path / "one" / "two" / "three").mkdir(parents=True)
    (tmp_path / "down").symlink_to("one/two/three")
    (tmp_path / "one" / "up").symlink_to("../one/two")
    here = os.path.realpath(tmp_path)
    assert trusted_roots([f"{here}/down"]) == [f"{here}/one/two/three"]
    assert trusted_roots([f"{here}/one/up"]) == [f"{here}/one/two"]


def test_as_many_links_are_followed_as_the_kernel_follows(tmp_path: Path) -> None:
    here = os.path.realpath(tmp_path)
    (tmp_path / "0").mkdir()
    for number in range(1, 42):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    os.stat(f"{here}/40")
    assert trusted_roots([f"{here}/40"]) == [f"{here}/0"]
    with pytest.raises(OSError, match="Too many levels"):
        os.stat(f"{here}/41")
    assert trusted_roots([f"{here}/41"]) == []


def test_links_that_go_round_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert trusted_roots([str(tmp_path / "a")]) == []


@given(json_values)
def test_decoder_agrees_with_the_standard_one(value: object) -> None:
    assert decode(json.dumps(value)) == value
    assert decode(json.dumps(value, ensure_ascii=False, indent=1)) == value


@given(st.text(alphabet='{}[]":,\\ut0123456789eE+-. \n\ttruefalsnx') | st.text())
def test_decoder_accepts_nothing_the_standard_one_refuses(text: str) -> None:
    try:
        decoded = decode(text)
    except ValueError:
        return
    assert decoded == json.loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\uD7FF\\uE000"', "\ud7ff\ue000"),
        ('"\\u00e9\\u00E9"', "\u00e9\u00e9"),
        ('"\\n\\/\\""', '\n/"'),
        ("[0,-0,10,-1.5e+3,2E2]", [0, 0, 10, -1500.0, 200.0]),
        ("9" * 64, int("9" * 64)),
        ("-" + "9" * 63, -int("9" * 63)),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)),
        (
            '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH,
            json.loads('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH),
        ),
    ],
)
def test_decoder_reads_to_the_edge_of_what_it_takes(text: str, value: object) -> None:
    assert decode(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", "expected a value at column 1"),
        ("[1,", "unexpected end at column 4"),
        ('"a', "unexpected end of a string at column 3"),
        ('"a\n"', "control character in a string at column 3"),
        ('"\\x"', "unknown escape at column 2"),
        ('"\\u12"', "expected four hexadecimal digits at column 4"),
        ('"\\u12g4"', "expected four hexadecimal digits at column 4"),
        ('"\\ud83dx"', "lone surrogate at column 2"),
        ('"\\ud83d\\u0041"', "lone surrogate at column 2"),
        ('"\\udfff"', "lone surrogate at column 2"),
        ("01", "leading zero at column 1"),
        ("-", "expected a digit at column 2"),
        ("1.", "expected a digit at column 3"),
        ("1e+", "expected a digit at column 4"),
        ("9" * 65, "number too long at column 1"),
        ('{"a":1,"a":2}', "duplicate key `a` at column 8"),
        ("[" * (MAX_DEPTH + 1), f"nested too deeply at column {MAX_DEPTH + 2}"),
    ],
)
def test_decoder_says_what_is_wrong_and_where(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="column") as caught:
        decode(text)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "text", ["[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), '"\\ud800"', '"\\udc00\\ud800"', "NaN", "1" * 100]
)
def test_decoder_refuses_what_the_standard_one_takes(text: str) -> None:
    with pytest.raises(ValueError, match="column"):
        decode(text)

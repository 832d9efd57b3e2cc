"""What a command gets of our environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.execution.dotenv import load_dotenv
from codex_core.execution.environment import (
    Inherit,
    ShellEnvironmentPolicy,
    build_environment,
    name_matches,
    original_environ,
)

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines


VECTORS = json.loads((Path(__file__).parent / "data" / "shell_env.json").read_text(encoding="utf-8"))[
    "vectors"
]


def policy_of(table: dict[str, object] | None) -> ShellEnvironmentPolicy:
    values: dict[str, object] = dict(table or {})
    if "inherit" in values:
        values["inherit"] = Inherit(str(values["inherit"]))
    for key in ("exclude", "include_only"):
        if key in values:
            values[key] = tuple(values[key])  # type: ignore[arg-type]  # JSON lists
    return ShellEnvironmentPolicy(**values)  # type: ignore[arg-type]  # checked by the vectors


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vector(vector: dict[str, object]) -> None:
    parent = dict(vector["parent"])  # type: ignore[call-overload]  # JSON object
    parent |= load_dotenv(str(vector.get("dotenv", "")), parent)
    sandbox = vector.get("sandbox", {})
    assert isinstance(sandbox, dict)
    policy = vector["policy"]
    assert policy is None or isinstance(policy, dict)
    env = build_environment(
        policy_of(policy), parent, network_disabled=not sandbox.get("network_access", False)
    )
    assert env == vector["env"]


@calm
@given(st.text(alphabet="aAäÄ*?[.]", max_size=8), st.text(alphabet="aAäÄ*?[.]", max_size=8))
def test_pattern_means_what_the_regular_expression_for_it_means(name: str, pattern: str) -> None:
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    expected = re.fullmatch(expression, name, re.ASCII | re.IGNORECASE | re.DOTALL)
    assert name_matches(name, pattern) == (expected is not None)


def test_many_stars_do_not_take_for_ever() -> None:
    assert not name_matches("A" * 5000, "*a" * 40 + "b")


def test_letters_beyond_ascii_keep_their_case() -> None:
    assert not name_matches("ÄX", "ä*")
    assert name_matches("äx", "ä*")


def test_network_note_survives_every_filter() -> None:
    policy = ShellEnvironmentPolicy(exclude=("*",), include_only=("X",))
    assert build_environment(policy, {"A": "1"}, network_disabled=True) == {
        "CODEX_SANDBOX_NETWORK_DISABLED": "1"
    }


def test_parent_is_not_changed() -> None:
    parent = {"A": "1"}
    build_environment(ShellEnvironmentPolicy(set={"A": "2"}), parent, network_disabled=True)
    assert parent == {"A": "1"}


def shown_environ(env: dict[bytes, bytes]) -> dict[str, object]:
    """What a fresh interpreter started with exactly `env` says."""
    program = (
        "import json, os, sys; from codex_core.execution.environment import original_environ;"
        "print(json.dumps([os.environ.get('LC_CTYPE'), original_environ()]))"
    )
    command = [sys.executable, "-c", program]
    coerced, original = json.loads(
        subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout
    )
    return {"os.environ": coerced, "original": original}


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux shows the environment a process was started with"
)
@pytest.mark.parametrize(
    ("given_value", "expected"),
    [(None, {}), (b"C", {"LC_CTYPE": "C"}), (b"C.UTF-8", {"LC_CTYPE": "C.UTF-8"})],
)
def test_locale_that_python_sets_for_itself_is_taken_back(
    given_value: bytes | None, expected: dict[str, str]
) -> None:
    env = {b"A": b"1"} if given_value is None else {b"A": b"1", b"LC_CTYPE": given_value}
    shown = shown_environ(env)
    assert shown["original"] == {"A": "1", **expected}
    assert shown["os.environ"] in ("C.UTF-8", "C.utf8", "UTF-8")  # or there would be nothing to take back


def test_bytes_that_are_not_utf8_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"ODD_VALUE", b"\xff\xfe")
    assert original_environ()["ODD_VALUE"].encode("utf-8", "surrogateescape") == b"\xff\xfe"

"""Configurations that the reference and this program must read alike: errors and precedence."""

from __future__ import annotations

import json
import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from codex_core.config import InvalidConfigError, load_config
from codex_core.config.edit import set_default_model
from codex_core.services import Services

if TYPE_CHECKING:
    from codex_core.testing import ScratchHome

pytestmark = pytest.mark.reference

BROKEN = [
    "model = 1",
    "model = true",
    "model = [1]",
    "model = 5.5",
    "model = {}",
    "sandbox_mode = 'ro'",
    "approval_policy = 'maybe'",
    "model_context_window = -5",
    "model_context_window = 5.5",
    "model_context_window = 'x'",
    "model_auto_compact_token_limit = 'x'",
    "notify = 'x'",
    "notify = [1]",
    "hide_agent_reasoning = 'yes'",
    "history.persistence = 'some'",
    "history.max_bytes = 3",
    "tui = 3",
    "tools.web_search = 3",
    "tools.web_search = true\ntools.web_search_request = true",
    "projects = 3",
    "projects.x.trust_level = 3",
    "mcp_servers.x.args = []",
    "mcp_servers.x = { command = 'c', env = { A = 1 } }",
    "mcp_servers.x = { command = 'c', startup_timeout_ms = -1 }",
    "model_providers.x.base_url = 'u'",
    "model_providers.x = { name = 'n', wire_api = 'soap' }",
    "profile = 'zz'",
    "model_provider = 'nope'",
    "profiles.p.model = 3",
    "shell_environment_policy.inherit = 'some'",
    "sandbox_workspace_write.writable_roots = 'x'",
    "file_opener = 'vi'",
    "experimental_instructions_file = 'nope.md'",
]
SAYS = [
    ("", []),
    ("model = 'file'", []),
    ("model = 'file'\nmodel_reasoning_effort = 'low'", ["model=over"]),
    ("model = 'file'", ["model='a'", "model=b"]),
    ("model = 'file'\nprofile = 'p'\n[profiles.p]\nmodel = 'profile'\nmodel_reasoning_effort = 'high'", []),
    ("model = 'file'\n[profiles.p]\nmodel = 'profile'", ["profile=p"]),
    ("model = 'file'\n[profiles.p]\nmodel = 'profile'", ["profile=p", "profiles.p.model=over"]),
    ("profile = 'p'\nmodel_reasoning_effort = 'low'\n[profiles.p]\nmodel = 'profile'", ["profile=q", "profiles.q={model='q'}"]),
    ("[profiles.p]\nmodel_reasoning_effort = 'minimal'", ["profile=p", "model=over"]),
    ("unknown = 1\n[tui]\nnotifications = true\n", ["foo.bar=1", "model=x y"]),
    ("\ufeffmodel = 'bom'\r\n", []),
]  # fmt: skip


def load(home: ScratchHome, overrides: list[str]) -> tuple[str, str | None]:
    config = load_config(overrides=overrides, services=Services(environ={"CODEX_HOME": str(home.codex_home)}))
    effort = config.model_reasoning_effort
    return config.model, None if effort is None else effort.value


@pytest.mark.parametrize("text", BROKEN)
def test_errors_say_the_same(text: str, reference: str, scratch_home: ScratchHome):
    scratch_home.write("config.toml", text)
    done = subprocess.run(
        [reference, "mcp", "list"],
        env=scratch_home.environ() | {"RUST_BACKTRACE": "0"},
        cwd=scratch_home.path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    theirs = " ".join(done.stderr.partition("Caused by:")[2].split())
    with pytest.raises(InvalidConfigError) as caught:
        load(scratch_home, [])
    (problem,) = caught.value.problems
    # Ours may go on with a suggestion; the directory a file is looked for in is each program's own.
    ours = f"{problem.message.partition(' (did you mean')[0]}{f' in `{problem.key}`' if problem.key else ''}"
    if "instructions" in text:
        assert ours.rpartition("/")[2] == theirs.rpartition("/")[2]
    else:
        assert words(ours) == words(theirs)


def words(sentence: str) -> tuple[str, list[str], str]:
    """What is wrong, what would be right in any order, and where; a table is called a table."""
    wrong, _, rest = sentence.partition(", expected ")
    right, mark, place = rest.rpartition(" in `")
    right = right if mark else rest
    if right in ("a map", "struct Tui"):
        right = "a table"
    return wrong, sorted(right.removeprefix("one of ").replace(" or ", ", ").split(", ")), place


def in_force_there(reference: str, home: ScratchHome, overrides: list[str]) -> tuple[str, str | None]:
    """Model and effort of a session of the reference."""
    options = [word for override in overrides for word in ("-c", override)]
    done = subprocess.run(
        [reference, "proto", *options],
        env=home.environ(),
        cwd=home.path,
        input='{"id":"1","op":{"type":"shutdown"}}\n',
        capture_output=True,
        text=True,
        timeout=60,
    )
    first = json.loads(done.stdout.splitlines()[0])["msg"]
    assert first["type"] == "session_configured"
    return first["model"], first.get("reasoning_effort")


@pytest.mark.parametrize(("text", "overrides"), SAYS)
def test_the_same_value_is_in_force(
    text: str, overrides: list[str], reference: str, scratch_home: ScratchHome
):
    scratch_home.write("config.toml", text)
    assert load(scratch_home, overrides) == in_force_there(reference, scratch_home, overrides)


def test_an_override_beats_the_profile_here_and_not_there(reference: str, scratch_home: ScratchHome):
    scratch_home.write("config.toml", "profile = 'p'\n[profiles.p]\nmodel = 'profile'\n")
    assert load(scratch_home, ["model=over"])[0] == "over"
    assert in_force_there(reference, scratch_home, ["model=over"])[0] == "profile"


MODEL_CHOICES = [
    ("", "m", "high"),
    ("model = 'a' # why\nmodel_reasoning_effort = 'low'\n[tui]\n", "m", "high"),
    ("# top\nmodel = 'a'\nmodel_reasoning_effort = 'low'\nzeta = 1\n", "a", None),
    ("model = 'a'\nmodel_reasoning_effort = 'low'\n", None, None),
    ("profile = 'p'\nmodel = 'a'\n", "m", "high"),
    (
        "profile = 'my.team name'\n[profiles.'my.team name']\nmodel = 'x'\nmodel_verbosity = 'low'\n",
        "m",
        None,
    ),
]


@pytest.mark.parametrize(("text", "model", "effort"), MODEL_CHOICES)
def test_a_model_choice_is_written_to_the_same_keys(
    text: str, model: str | None, effort: str | None, reference: str, scratch_home: ScratchHome
):
    text = text.replace("profile = 'p'\n", "profile = 'p'\nprofiles.p.model_verbosity = 'low'\n")
    scratch_home.write("config.toml", text)
    choose_there(reference, scratch_home, model, effort)
    file = scratch_home.codex_home / "config.toml"
    theirs = tomllib.loads(file.read_text())
    file.write_text(text)
    set_default_model(str(scratch_home.codex_home), model=model, effort=effort)
    assert tomllib.loads(file.read_text()) == theirs


def choose_there(reference: str, home: ScratchHome, model: str | None, effort: str | None) -> None:
    """Has the reference, as the server of an editor, write the choice down."""
    client = {"name": "test", "version": "1"}
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    requests = [("initialize", hello), ("setDefaultModel", {"model": model, "reasoningEffort": effort})]
    with subprocess.Popen(
        [reference, "mcp"],
        env=home.environ(),
        cwd=home.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for number, (method, params) in enumerate(requests):
            request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            assert answer["id"] == number
            assert "error" not in answer
        server.stdin.close()
        assert server.wait(timeout=30) == 0

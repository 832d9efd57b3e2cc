"""What an explanation of the configuration says: values in force, their layers and places, no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_core.config import ConfigFlags, InvalidConfigError, load_config
from codex_core.config.config import Layer
from codex_core.config.explain import MASK, dotted_key, effective_values, explain_config
from codex_core.config.schema import read_settings
from codex_core.config.tables import Findings, TableReader
from codex_core.services import Services
from codex_protocol.config_types import AskForApproval, SandboxMode

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.config.explain import Explained

TABLES = {
    "history", "tui", "tools", "sandbox_workspace_write", "shell_environment_policy", "projects", "mcp_servers",
    "model_providers", "profiles",
}  # fmt: skip


@pytest.fixture
def explain(tmp_path: Path):
    """Explains one key of a config.toml of this text."""

    def explain(
        text: str, key: str, *overrides: str, environ: dict[str, str] | None = None, **flags: object
    ) -> Explained:
        (tmp_path / "config.toml").write_text(text)
        explanation = explain_config(
            overrides=overrides,
            flags=ConfigFlags(**flags),  # type: ignore[arg-type]
            services=Services(environ={"CODEX_HOME": str(tmp_path), **(environ or {})}),
        )
        (entry,) = explanation.below(key)
        return entry

    return explain


def test_every_key_that_is_read_is_explained(tmp_path: Path):
    reader = TableReader({}, (), Findings())
    read_settings(reader)
    config = load_config(services=Services(environ={"CODEX_HOME": str(tmp_path)}))
    explained = {key.partition(".")[0] for key in effective_values(config)}
    other_names = {"features", "model_instructions_file", "openai_base_url", "web_search"}
    assert reader.asked - TABLES - other_names <= explained
    assert explained - reader.asked == set()


def test_a_default(explain):
    entry = explain("", "model")
    assert (entry.value, entry.layer, entry.file, entry.line) == ("gpt-5", Layer.DEFAULT, None, None)
    assert explain("", "model_verbosity").value is None


def test_a_place_in_the_file(explain, tmp_path: Path):
    entry = explain("\n[tools]\n  web_search = true\n", "tools.web_search")
    assert (entry.value, entry.layer) == (True, Layer.FILE)
    assert (entry.file, entry.line, entry.column) == (str(tmp_path / "config.toml"), 3, 16)


def test_a_profile(explain):
    text = "model = 'a'\nprofile = 'p'\n[profiles.p]\nmodel = 'b'\n"
    entry = explain(text, "model")
    assert (entry.value, entry.layer, entry.source, entry.line) == ("b", Layer.PROFILE, "p", 4)
    assert explain(text, "profile").layer is Layer.FILE
    entry = explain("model = 'a'\nprofiles.q.review_model = 'x'", "model", profile="q")
    assert (entry.value, entry.layer, entry.line) == ("a", Layer.FILE, 1)
    assert explain("profiles.q = {}", "profile", profile="q").layer is Layer.FLAG


def test_a_profile_in_a_file_of_its_own(explain, tmp_path: Path):
    (tmp_path / "p.config.toml").write_text("\nmodel = 'own'\n")
    entry = explain("model = 'a'\n", "model", profile="p")
    assert (entry.value, entry.layer, entry.source) == ("own", Layer.PROFILE, "p")
    assert (entry.file, entry.line) == (str(tmp_path / "p.config.toml"), 2)


@pytest.mark.parametrize(
    ("override", "source"), [("model=c", "model"), ("profiles.p.model=c", "profiles.p.model")]
)
def test_an_override(override: str, source: str, explain):
    entry = explain("profile = 'p'\n[profiles.p]\nmodel = 'b'\n", "model", override)
    assert (entry.value, entry.layer, entry.source, entry.file) == ("c", Layer.OVERRIDE, source, None)


@pytest.mark.parametrize(
    ("key", "flags", "value"),
    [
        ("model", {"model": "m"}, "m"),
        ("model", {"oss": True}, "gpt-oss:20b"),
        ("model_provider", {"oss": True}, "oss"),
        ("show_raw_agent_reasoning", {"oss": True}, True),
        ("sandbox_mode", {"sandbox_mode": SandboxMode.DANGER_FULL_ACCESS}, "danger-full-access"),
        ("approval_policy", {"approval_policy": AskForApproval.NEVER}, "never"),
        ("tools.web_search", {"web_search": True}, True),
        ("sandbox_workspace_write.network_access", {"network_access": True}, True),
    ],
)
def test_a_flag(key: str, flags: dict[str, object], value: object, explain):
    entry = explain("model = 'a'", key, **flags)
    assert (entry.value, entry.layer) == (value, Layer.FLAG)


def test_one_key_is_stronger_than_its_flag(explain):
    entry = explain("show_raw_agent_reasoning = false", "show_raw_agent_reasoning", oss=True)
    assert (entry.value, entry.layer) == (False, Layer.FILE)


def test_the_environment(explain, tmp_path: Path):
    entry = explain("", "codex_home")
    assert (entry.value, entry.layer, entry.source) == (str(tmp_path), Layer.ENVIRONMENT, "CODEX_HOME")
    key = "model_providers.openai.base_url"
    entry = explain("", key, environ={"OPENAI_BASE_URL": "http://u:secret@h/v1"})
    assert (entry.value, entry.layer) == ("http://h/v1", Layer.ENVIRONMENT)
    assert entry.source == "OPENAI_BASE_URL"
    assert explain("", key).layer is Layer.DEFAULT


@pytest.mark.parametrize(
    ("text", "key", "value", "line"),
    [
        ("[features]\nweb_search_request = true\n", "tools.web_search", True, 2),
        ("web_search = 'live'\n[tools]\nweb_search = false\n", "tools.web_search", True, 1),
        ("web_search = 'disabled'\n[features]\nweb_search_request = true", "tools.web_search", False, 1),
        ("web_search = 'cached'\n[tools]\nweb_search = true\n", "tools.web_search", True, 3),
        ("[features]\nview_image_tool = false\n", "tools.view_image", False, 2),
        ("[features]\nunified_exec = true\n", "experimental_use_unified_exec_tool", True, 2),
        ("[features]\nstreamable_shell = true\n", "experimental_use_exec_command_tool", True, 2),
        ("\nopenai_base_url = 'http://h/v1'\n", "model_providers.openai.base_url", "http://h/v1", 2),
    ],
)
def test_other_names_of_later_releases_are_obeyed(explain, text: str, key: str, value: object, line: int):
    entry = explain(text, key, environ={"OPENAI_BASE_URL": "http://other"})
    assert (entry.value, entry.layer, entry.line) == (value, Layer.FILE, line)


def test_the_stronger_layer_counts_whatever_name_it_uses(explain):
    entry = explain("[features]\nweb_search_request = true\n", "tools.web_search", "tools.web_search=false")
    assert (entry.value, entry.layer) == (False, Layer.OVERRIDE)


def test_keys_without_effect_are_marked(explain):
    text = "modle = 1\nservice_tier = 'x'\n[features]\na = true\n[profiles.p]\nsandbox_mode = 'x'\n"
    for key in ("modle", "service_tier", "features.a", "profiles.p.sandbox_mode"):
        assert not explain(text, key).has_effect
    assert explain("[profiles.p]\nmodel = 'x'\n", "profiles.p.model").has_effect


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[mcp_servers.a]\ncommand = 'c'\nenv = { X = 'hidden' }", "mcp_servers.a.env.X"),
        ("[mcp_servers.a]\nurl = 'u'\nhttp_headers.X = 'hidden'", "mcp_servers.a.http_headers.X"),
        ("shell_environment_policy.set.X = 'hidden'", "shell_environment_policy.set.X"),
        ("[model_providers.a]\nname = 'n'\nhttp_headers = { X = 'hidden' }", "model_providers.a.http_headers.X"),
        ("[model_providers.a]\nname = 'n'\nquery_params = { X = 'hidden' }", "model_providers.a.query_params.X"),
        ("[model_providers.a]\nname = 'n'\nexperimental_bearer_token = 'hidden'", "model_providers.a.experimental_bearer_token"),
        ("openai_api_key = 'hidden'", "openai_api_key"),
        ("otel = { x.headers.Authorization = ['hidden'] }", "otel.x.headers.Authorization"),
    ],
)  # fmt: skip
def test_secrets_are_masked(text: str, key: str, explain):
    entry = explain(text, key)
    assert MASK in (entry.value, *(entry.value if isinstance(entry.value, list) else ()))
    assert "hidden" not in repr(entry)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[mcp_servers.env]\ncommand = 'shown'", "mcp_servers.env.command"),
        ("[mcp_servers.a]\nurl = 'u'\nbearer_token_env_var = 'shown'", "mcp_servers.a.bearer_token_env_var"),
        ("[mcp_servers.a]\nurl = 'u'\nenv_http_headers = { Authorization = 'shown' }", "mcp_servers.a.env_http_headers.Authorization"),
        ("[model_providers.a]\nname = 'n'\nenv_key = 'shown'", "model_providers.a.env_key"),
    ],
)  # fmt: skip
def test_names_are_not_masked(text: str, key: str, explain):
    assert explain(text, key).value == "shown"


def test_secrets_in_overrides_are_masked(explain):
    entry = explain("", "mcp_servers.a.env.X", "mcp_servers.a={command='c',env={X='hidden'}}")
    assert (entry.value, entry.source) == (MASK, "mcp_servers.a")


def test_a_table_explains_what_is_in_it(tmp_path: Path):
    (tmp_path / "config.toml").write_text("[projects.'/a b']\ntrust_level = 'trusted'\n")
    explanation = explain_config(services=Services(environ={"CODEX_HOME": str(tmp_path)}))
    assert [entry.key for entry in explanation.below("history")] == [
        "history.persistence",
        "history.max_bytes",
    ]
    assert [entry.key for entry in explanation.below("projects")] == ['projects."/a b".trust_level']
    assert explanation.below("histor") == ()


def test_a_broken_configuration_is_an_error(explain):
    with pytest.raises(InvalidConfigError):
        explain("model = 1", "model")


def test_keys_are_quoted_where_needed():
    assert dotted_key(("a", "b-c_1", "x.y", 'q"\\')) == 'a.b-c_1."x.y"."q\\"\\\\"'

"""Every key of config.toml, and which layer wins (spec: config-cli.md sections 8 and 9)."""

from __future__ import annotations

import os
from textwrap import dedent

import pytest

from codex_core.config.config import (
    Config,
    ConfigFlags,
    FileOpener,
    Layer,
    ReasoningSummaryFormat,
)
from codex_core.config.mcp_servers import McpServerConfig, McpStdioTransport
from codex_core.config.overrides import Override
from codex_core.config.problems import InvalidConfigError
from codex_core.config.providers import ModelProvider, WireApi
from codex_core.config.resolve import load_config
from codex_core.execution.environment import Inherit, ShellEnvironmentPolicy
from codex_core.execution.sandbox import Isolation
from codex_core.services import Services
from codex_protocol.config_types import (
    AskForApproval,
    HistoryPersistence,
    ReasoningEffort,
    ReasoningSummary,
    SandboxMode,
    Verbosity,
)
from codex_protocol.sandbox_policy import DangerFullAccessPolicy, ReadOnlyPolicy, WorkspaceWritePolicy


@pytest.fixture
def load(tmp_path):
    home = tmp_path / "home"
    home.mkdir()

    def load(text: str = "", *overrides: str | Override, environ=None, **flags) -> Config:
        (home / "config.toml").write_text(dedent(text), encoding="utf-8")
        services = Services(environ={"CODEX_HOME": str(home), **(environ or {})})
        return load_config(overrides=overrides, flags=ConfigFlags(**flags), services=services)

    load.home = home
    return load


def test_defaults(load):
    config = load()
    assert config.model == "gpt-5"
    assert config.review_model == "gpt-5"
    assert (config.model_provider_id, config.model_provider.id) == ("openai", "openai")
    assert config.approval_policy is AskForApproval.ON_REQUEST
    assert config.sandbox_policy == ReadOnlyPolicy()
    assert config.cwd == os.getcwd()
    assert config.codex_home == str(load.home)
    assert config.shell_environment_policy == ShellEnvironmentPolicy()
    assert config.model_reasoning_effort is None
    assert config.model_reasoning_summary is ReasoningSummary.AUTO
    assert config.model_verbosity is None
    assert config.project_doc_max_bytes == 32_768
    assert config.history_persistence is HistoryPersistence.SAVE_ALL
    assert config.file_opener is FileOpener.VSCODE
    assert config.chatgpt_base_url == "https://chatgpt.com/backend-api/"
    assert config.include_view_image_tool
    assert not config.tools_web_search
    assert not config.include_plan_tool
    assert not config.include_apply_patch_tool
    assert not config.has_chosen_policies
    assert config.mcp_servers == {}
    assert config.notices == ()
    assert config.layers == {}
    for name in (
        "notify",
        "user_instructions",
        "base_instructions",
        "active_profile",
        "model_context_window",
    ):
        assert getattr(config, name) is None


def test_missing_file_is_an_empty_one(load):
    load.home.joinpath("config.toml").unlink(missing_ok=True)
    assert load_config(services=Services(environ={"CODEX_HOME": str(load.home)})) == load()


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('model = "o3"', "model", "o3"),
        ('review_model = "o3"', "review_model", "o3"),
        ("model_context_window = 1000", "model_context_window", 1000),
        ("model_context_window = 0", "model_context_window", 0),
        ("model_max_output_tokens = 18446744073709551615", "model_max_output_tokens", 2**64 - 1),
        ("model_auto_compact_token_limit = -1", "model_auto_compact_token_limit", -1),
        ('approval_policy = "untrusted"', "approval_policy", AskForApproval.UNTRUSTED),
        ('approval_policy = "on-failure"', "approval_policy", AskForApproval.ON_FAILURE),
        ('approval_policy = "on-request"', "approval_policy", AskForApproval.ON_REQUEST),
        ('approval_policy = "never"', "approval_policy", AskForApproval.NEVER),
        ('sandbox_mode = "read-only"', "sandbox_policy", ReadOnlyPolicy()),
        ('sandbox_mode = "workspace-write"', "sandbox_policy", WorkspaceWritePolicy()),
        ('sandbox_mode = "danger-full-access"', "sandbox_policy", DangerFullAccessPolicy()),
        ('notify = ["a", "b c"]', "notify", ("a", "b c")),
        ("notify = []", "notify", ()),
        ("project_doc_max_bytes = 0", "project_doc_max_bytes", 0),
        ('file_opener = "vscode-insiders"', "file_opener", FileOpener.VSCODE_INSIDERS),
        ('file_opener = "none"', "file_opener", FileOpener.NONE),
        ("hide_agent_reasoning = true", "hide_agent_reasoning", True),
        ("show_raw_agent_reasoning = true", "show_raw_agent_reasoning", True),
        ('model_reasoning_effort = "minimal"', "model_reasoning_effort", ReasoningEffort.MINIMAL),
        ('model_reasoning_summary = "detailed"', "model_reasoning_summary", ReasoningSummary.DETAILED),
        ('model_reasoning_summary = "none"', "model_reasoning_summary", ReasoningSummary.NONE),
        ('model_verbosity = "low"', "model_verbosity", Verbosity.LOW),
        ("model_supports_reasoning_summaries = false", "model_supports_reasoning_summaries", False),
        (
            'model_reasoning_summary_format = "experimental"',
            "model_reasoning_summary_format",
            ReasoningSummaryFormat.EXPERIMENTAL,
        ),
        ('chatgpt_base_url = "http://x/"', "chatgpt_base_url", "http://x/"),
        ("experimental_use_exec_command_tool = true", "use_streamable_shell_tool", True),
        ("experimental_use_unified_exec_tool = true", "use_unified_exec_tool", True),
        ("disable_paste_burst = true", "disable_paste_burst", True),
        ('history.persistence = "none"', "history_persistence", HistoryPersistence.NONE),
        ('history = {persistence = "save-all", max_bytes = 5}', "history_max_bytes", 5),
        ("tools.web_search = true", "tools_web_search", True),
        ("tools.web_search_request = true", "tools_web_search", True),
        ("tools.view_image = false", "include_view_image_tool", False),
        ('projects."/x".trust_level = "trusted"', "projects", {"/x": "trusted"}),
        ('projects."/x" = {}', "projects", {"/x": None}),
        ("model = 1979-05-27", "model", "1979-05-27"),
    ],
)
def test_key_has_its_effect(load, text, field, value):
    assert getattr(load(text), field) == value


def test_workspace_write_details(load):
    config = load(
        """
        sandbox_mode = "workspace-write"
        [sandbox_workspace_write]
        writable_roots = ["/data", "relative"]
        network_access = true
        exclude_tmpdir_env_var = true
        exclude_slash_tmp = true
        """
    )
    assert config.sandbox_policy == WorkspaceWritePolicy(
        writable_roots=("/data", os.path.join(os.getcwd(), "relative")),
        network_access=True,
        exclude_tmpdir_env_var=True,
        exclude_slash_tmp=True,
    )


def test_workspace_write_details_apply_to_the_flag_too(load):
    config = load("sandbox_workspace_write.network_access = true", sandbox_mode=SandboxMode.WORKSPACE_WRITE)
    assert config.sandbox_policy == WorkspaceWritePolicy(network_access=True)


def test_mcp_servers(load):
    config = load(
        """
        [mcp_servers.docs]
        command = "docs-server"
        args = ["--port", "4000"]
        env = { A = "1" }
        startup_timeout_ms = 20_000
        [mcp_servers.plain]
        command = "p"
        """
    )
    docs = McpStdioTransport("docs-server", ("--port", "4000"), {"A": "1"})
    assert config.mcp_servers == {
        "docs": McpServerConfig("docs", docs, startup_timeout_ms=20_000),
        "plain": McpServerConfig("plain", McpStdioTransport("p")),
    }


def test_shell_environment_policy(load):
    config = load(
        """
        [shell_environment_policy]
        inherit = "core"
        ignore_default_excludes = true
        exclude = ["AWS_*"]
        set = { A = "1" }
        include_only = ["PATH"]
        experimental_use_profile = true
        """
    )
    assert config.shell_environment_policy == ShellEnvironmentPolicy(
        inherit=Inherit.CORE,
        ignore_default_excludes=True,
        exclude=("AWS_*",),
        set={"A": "1"},
        include_only=("PATH",),
        use_profile=True,
    )


def test_model_provider(load):
    config = load(
        """
        model_provider = "mine"
        [model_providers.mine]
        name = "Mine"
        base_url = "http://127.0.0.1:1/v1"
        env_key = "MINE_KEY"
        env_key_instructions = "Ask Bob."
        wire_api = "responses"
        query_params = { "api-version" = "1" }
        http_headers = { X = "1" }
        env_http_headers = { Y = "Y_VAR" }
        request_max_retries = 0
        stream_max_retries = 1000
        stream_idle_timeout_ms = 5
        requires_openai_auth = true
        [model_providers.least]
        name = ""
        """
    )
    assert config.model_provider == ModelProvider(
        id="mine",
        name="Mine",
        base_url="http://127.0.0.1:1/v1",
        env_key="MINE_KEY",
        env_key_instructions="Ask Bob.",
        wire_api=WireApi.RESPONSES,
        query_params={"api-version": "1"},
        http_headers={"X": "1"},
        env_http_headers={"Y": "Y_VAR"},
        request_max_retries=0,
        stream_max_retries=100,
        stream_idle_timeout_ms=5,
        requires_openai_auth=True,
    )
    assert config.model_providers["least"] == ModelProvider(id="least", name="")
    assert set(config.model_providers) == {"openai", "oss", "demo", "mine", "least"}


@pytest.mark.parametrize("name", ["openai", "oss", "demo"])
def test_built_in_provider_cannot_be_replaced(load, name):
    config = load(f'model_provider = "{name}"\n[model_providers.{name}]\nname = "x"\nbase_url = "http://x"\n')
    assert config.model_provider.name != "x"
    [notice] = config.notices
    assert f"`model_providers.{name}` is ignored, because `{name}` is built in: choose another name" in notice


PROFILE = """
model = "file-model"
[profiles.p]
model = "profile-model"
model_provider = "oss"
approval_policy = "never"
model_reasoning_effort = "high"
model_reasoning_summary = "concise"
model_verbosity = "high"
chatgpt_base_url = "http://profile/"
sandbox_mode = "danger-full-access"
[profiles.other]
model = "other-model"
"""


def test_profile_is_laid_over_the_file(load):
    config = load(PROFILE, profile="p")
    assert config.active_profile == "p"
    assert config.model == "profile-model"
    assert config.model_provider.id == "oss"
    assert config.approval_policy is AskForApproval.NEVER
    assert config.model_reasoning_effort is ReasoningEffort.HIGH
    assert config.model_reasoning_summary is ReasoningSummary.CONCISE
    assert config.model_verbosity is Verbosity.HIGH
    assert config.chatgpt_base_url == "http://profile/"
    assert config.has_chosen_policies


def test_profile_cannot_set_the_sandbox(load):
    config = load(PROFILE, profile="p")
    assert config.sandbox_policy == ReadOnlyPolicy()
    (notice,) = config.notices
    assert notice.endswith(
        "/config.toml:11:16: `profiles.p.sandbox_mode` has no effect: "
        "say `sandbox_mode` at the top level, or `--sandbox`"
    )
    assert load(PROFILE).notices == ()


def test_profile_that_is_not_active_has_no_effect(load):
    assert load(PROFILE).model == "file-model"


@pytest.mark.parametrize(
    ("overrides", "flags", "model"),
    [
        ((), {}, "file-model"),
        (("profile=p",), {}, "profile-model"),
        ((), {"profile": "p"}, "profile-model"),
        (("profile=other",), {"profile": "p"}, "profile-model"),
        (("model=c-model",), {}, "c-model"),
        (("model=c-model",), {"profile": "p"}, "c-model"),
        (("profiles.p.model=c-model",), {"profile": "p"}, "c-model"),
        (("profiles.p.model=in", "model=c-model"), {"profile": "p"}, "c-model"),
        (("model=first", "model=second"), {}, "second"),
        (("model=c-model",), {"model": "flag-model", "profile": "p"}, "flag-model"),
    ],
)
def test_precedence_of_the_model(load, overrides, flags, model):
    assert load(PROFILE, *overrides, **flags).model == model


def test_file_of_its_own_makes_a_profile(load):
    (load.home / "work.config.toml").write_text('model = "work-model"\n[tools]\nweb_search = true\n')
    text = 'model = "m"\nmodel_verbosity = "low"\n[tools]\nview_image = false\n'
    config = load(text, profile="work")
    assert (config.model, config.model_verbosity) == ("work-model", Verbosity.LOW)
    assert config.tools_web_search
    assert not config.include_view_image_tool
    assert config.layers["model"] is Layer.PROFILE
    assert load(text).model == "m"
    assert load(text, "model=c", profile="work").model == "c"


def test_table_of_a_profile_goes_over_its_file(load):
    (load.home / "p.config.toml").write_text(
        'model = "from-file"\nmodel_provider = "demo"\nreview_model = "r"\n'
    )
    config = load(PROFILE, profile="p")
    assert (config.model, config.model_provider.id, config.review_model) == ("profile-model", "oss", "r")


def test_empty_file_of_a_profile_is_a_profile(load):
    (load.home / "empty.config.toml").write_text("")
    assert load(profile="empty").active_profile == "empty"


def test_full_auto(load):
    config = load('sandbox_mode = "read-only"\napproval_policy = "untrusted"\n', full_auto=True)
    assert config.sandbox_policy == WorkspaceWritePolicy()
    assert config.approval_policy is AskForApproval.ON_REQUEST


def test_full_auto_of_a_front_end_that_cannot_ask(load):
    config = load(full_auto=True, approval_policy=AskForApproval.NEVER, sandbox_mode=SandboxMode.READ_ONLY)
    assert config.sandbox_policy == WorkspaceWritePolicy()
    assert config.approval_policy is AskForApproval.NEVER


def test_bypass(load):
    config = load(bypass_approvals_and_sandbox=True, sandbox_mode=SandboxMode.READ_ONLY)
    assert config.sandbox_policy == DangerFullAccessPolicy()
    assert config.approval_policy is AskForApproval.NEVER


def test_full_auto_goes_before_bypass(load):
    config = load(bypass_approvals_and_sandbox=True, full_auto=True)
    assert config.sandbox_policy == WorkspaceWritePolicy()
    assert config.approval_policy is AskForApproval.ON_REQUEST


@pytest.mark.parametrize(
    ("text", "flags", "model", "raw"),
    [
        ("", {}, "gpt-oss:20b", True),
        ('model = "gpt-5"', {}, "gpt-oss:20b", True),
        ("", {"model": "llama"}, "llama", True),
        ("show_raw_agent_reasoning = false", {}, "gpt-oss:20b", False),
        ('model_provider = "openai"', {}, "gpt-oss:20b", True),
    ],
)
def test_oss(load, text, flags, model, raw):
    config = load(text, oss=True, **flags)
    assert config.model_provider.id == "oss"
    assert (config.model, config.show_raw_agent_reasoning) == (model, raw)


def test_provider_without_the_oss_flag_keeps_the_default_model(load):
    config = load("", "model_provider=oss")
    assert (config.model_provider.id, config.model) == ("oss", "gpt-5")


def test_tool_flags(load):
    config = load(
        "tools.web_search = false", web_search=True, include_plan_tool=True, include_apply_patch_tool=True
    )
    assert config.tools_web_search
    assert config.include_plan_tool
    assert config.include_apply_patch_tool
    assert not load(include_view_image_tool=False).include_view_image_tool


def test_added_directories_are_writable_roots(load, tmp_path):
    config = load(cwd=str(tmp_path), add_dirs=("/data", "sub"), sandbox_mode=SandboxMode.WORKSPACE_WRITE)
    assert config.sandbox_policy == WorkspaceWritePolicy(writable_roots=("/data", str(tmp_path / "sub")))


def test_network_by_flag_is_for_the_workspace_sandbox(load, tmp_path):
    config = load(cwd=str(tmp_path), network_access=True, sandbox_mode=SandboxMode.WORKSPACE_WRITE)
    assert config.sandbox_policy == WorkspaceWritePolicy(network_access=True)
    assert load(network_access=True).sandbox_policy == ReadOnlyPolicy()


def test_isolation_of_the_sandbox(load):
    assert load().sandbox_isolation is None
    config = load('sandbox_isolation = "auto"')
    assert (config.sandbox_isolation, config.layers["sandbox_isolation"]) == (Isolation.AUTO, Layer.FILE)
    assert load("", "sandbox_isolation=namespaces").sandbox_isolation is Isolation.NAMESPACES
    config = load('sandbox_isolation = "auto"', sandbox_isolation=Isolation.LANDLOCK)
    assert (config.sandbox_isolation, config.layers["sandbox_isolation"]) == (Isolation.LANDLOCK, Layer.FLAG)
    with pytest.raises(InvalidConfigError, match="unknown variant `none`, expected one of `auto`"):
        load('sandbox_isolation = "none"')


def test_helper_programs(load):
    config = load(codex_linux_sandbox_exe="/x/sandbox", apply_patch_exe="/x/patch")
    assert (config.codex_linux_sandbox_exe, config.apply_patch_exe) == ("/x/sandbox", "/x/patch")


def test_working_directory_is_made_canonical(load, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert load(cwd=str(tmp_path / "link")).cwd == str(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert load(cwd="link").cwd == str(tmp_path / "real")
    assert load().cwd == str(tmp_path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(False, "No such file or directory (os error 2)"), (True, "it is not a directory")],
)
def test_working_directory_must_be_one(load, tmp_path, make, reason):
    path = tmp_path / "there"
    if make:
        path.write_text("")
    with pytest.raises(InvalidConfigError) as raised:
        load(cwd=str(path))
    assert str(raised.value) == f"the working directory {path} cannot be used: {reason}"


def test_user_instructions(load):
    path = load.home / "AGENTS.md"
    path.write_text("\n  Be kind.\n\n", encoding="utf-8")
    assert load().user_instructions == "Be kind."
    path.write_text(" \n")
    assert load().user_instructions is None
    path.write_bytes(b"\xff")
    assert load().user_instructions is None
    path.unlink()
    path.mkdir()
    assert load().user_instructions is None


def test_base_instructions_file(load, tmp_path):
    (tmp_path / "base.md").write_text("\nYou are ours.\n")
    (tmp_path / "profile.md").write_text("profile")
    text = 'experimental_instructions_file = "base.md"\n[profiles.p]\nexperimental_instructions_file = "profile.md"\n'
    assert load(text, cwd=str(tmp_path)).base_instructions == "You are ours."
    assert load(text, cwd=str(tmp_path), profile="p").base_instructions == "profile"
    assert (
        load(text, cwd=str(tmp_path), base_instructions="from the caller").base_instructions
        == "from the caller"
    )


def test_caller_can_lay_parsed_values_over_the_file(load):
    config = load('model = "m"', Override(("model",), "x"), Override(("tools", "web_search"), True))
    assert (config.model, config.tools_web_search) == ("x", True)


def test_layers_say_where_values_came_from(load):
    text = 'model = "m"\nmodel_verbosity = "low"\n[tools]\nview_image = false\n[profiles.p]\nmodel_verbosity = "high"\n'
    config = load(text, "hide_agent_reasoning=true", profile="p", approval_policy=AskForApproval.NEVER)
    assert config.layers["model"] is Layer.FILE
    assert config.layers["tools.view_image"] is Layer.FILE
    assert config.layers["model_verbosity"] is Layer.PROFILE
    assert config.layers["hide_agent_reasoning"] is Layer.OVERRIDE
    assert config.layers["approval_policy"] is Layer.FLAG
    assert "review_model" not in config.layers


@pytest.mark.parametrize(
    ("text", "overrides", "flags", "chosen"),
    [
        ("", (), {}, False),
        ('approval_policy = "never"', (), {}, True),
        ('sandbox_mode = "read-only"', (), {}, True),
        ("", ("approval_policy=never",), {}, True),
        ("", (), {"sandbox_mode": SandboxMode.READ_ONLY}, True),
        ("", (), {"full_auto": True}, True),
        ("sandbox_workspace_write.network_access = true", (), {}, False),
    ],
)
def test_whether_policies_were_chosen(load, text, overrides, flags, chosen):
    assert load(text, *overrides, **flags).has_chosen_policies is chosen


def test_file_of_a_newer_release_loads_and_is_told_what_has_no_effect(load):
    config = load(
        """
        disable_response_storage = true
        preferred_auth_method = "apikey"
        instructions = "ignored"
        developer_instructions = "x"
        web_search = "live"
        project_doc_fallback_filenames = ["CLAUDE.md"]
        check_for_update_on_startup = false
        cli_auth_credentials_store = "keyring"
        [features]
        unified_exec = true
        [tui]
        notifications = ["agent-turn-complete"]
        [notice]
        hide = true
        [otel]
        exporter = "none"
        [mcp_servers.a]
        command = "x"
        startup_timeout_sec = 5.5
        tool_timeout_sec = 60
        enabled_tools = ["a"]
        [model_providers.x]
        name = "X"
        supports_websockets = true
        experimental_bearer_token = "t"
        [profiles.p]
        web_search = "cached"
        personality = "friendly"
        """
    )
    (notice,) = config.notices
    names, _, rest = notice.partition(" are keys of later releases, without effect here")
    assert rest == ""
    assert set(names.replace("`", "").split(", ")) == {
        "check_for_update_on_startup",
        "developer_instructions",
        "model_providers.x.experimental_bearer_token",
        "model_providers.x.supports_websockets",
        "otel",
        "profiles.p.personality",
        "profiles.p.web_search",
        "project_doc_fallback_filenames",
    }
    assert config.tools_web_search
    assert config.use_unified_exec_tool
    assert config.cli_auth_credentials_store == "keyring"


def test_instructions_file_by_its_later_name(load, tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
    old = f"experimental_instructions_file = '{tmp_path / 'old'}'\n"
    new = f"model_instructions_file = '{tmp_path / 'new'}'\n"
    assert load(old + new).base_instructions == "new"
    assert load(f"profile = 'p'\n{new}[profiles.p]\n{old}").base_instructions == "old"
    assert load(f"profile = 'p'\n{old}[profiles.p]\n{new}").base_instructions == "new"

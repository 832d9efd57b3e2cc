"""What config.toml may say: every key with its type (spec: config-cli.md section 9).

`read_settings` turns a parsed document into these values. None means "not said"; defaults and precedence
are decided where the configuration is resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_core.config.config import FileOpener, ReasoningSummaryFormat
from codex_core.config.mcp_servers import McpServerConfig, read_mcp_servers
from codex_core.config.providers import MAX_RETRIES, ModelProvider, WireApi
from codex_core.execution.environment import Inherit, ShellEnvironmentPolicy
from codex_core.execution.sandbox import Isolation
from codex_core.oss.servers import LocalServer
from codex_login.stores import StoreKind
from codex_protocol.config_types import (
    AskForApproval,
    HistoryPersistence,
    ReasoningEffort,
    ReasoningSummary,
    SandboxMode,
    Verbosity,
)
from codex_protocol.sandbox_policy import WorkspaceWritePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.config.tables import TableReader

OBSOLETE_KEYS = (
    "always_use_api_key_signing",
    "disable_response_storage",
    "experimental_resume",
    "instructions",
    "preferred_auth_method",
    "responses_originator_header_internal_override",
)
"""Top-level keys of older releases that have no effect any more."""

LATER_KEYS = (
    "agents",
    "allow_login_shell",
    "analytics",
    "approvals_reviewer",
    "check_for_update_on_startup",
    "commit_attribution",
    "compact_prompt",
    "default_permissions",
    "developer_instructions",
    "feedback",
    "forced_chatgpt_workspace_id",
    "forced_login_method",
    "hooks",
    "log_dir",
    "mcp_oauth_credentials_store",
    "memories",
    "otel",
    "permissions",
    "personality",
    "plugins",
    "project_doc_fallback_filenames",
    "project_root_markers",
    "service_tier",
    "skills",
    "sqlite_home",
    "tool_output_token_limit",
)
"""Keys of later releases that have no effect here; that is told (spec: config-cli.md section 17)."""

BOOKKEEPING_KEYS = ("notice",)
"""What later releases note for themselves. Nobody expects anything of them, so nothing is told."""

LATER_PROVIDER_KEYS = (
    "auth",
    "aws",
    "experimental_bearer_token",
    "supports_websockets",
    "websocket_connect_timeout_ms",
)
LATER_PROFILE_KEYS = ("features", "oss_provider", "personality", "tools", "web_search")


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """The keys that may stand both at the top level and in `[profiles.NAME]`."""

    model: str | None = None
    model_provider: str | None = None
    approval_policy: AskForApproval | None = None
    model_reasoning_effort: ReasoningEffort | None = None
    model_reasoning_summary: ReasoningSummary | None = None
    model_verbosity: Verbosity | None = None
    chatgpt_base_url: str | None = None
    experimental_instructions_file: str | None = None
    model_instructions_file: str | None = None
    """What later releases call it."""


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Switches in `[features]` of later releases that have a key of their own here."""

    web_search_request: bool | None = None
    view_image_tool: bool | None = None
    streamable_shell: bool | None = None
    unified_exec: bool | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """One document's keys; those a profile may also set are in `common`."""

    common: ProfileSettings = field(default_factory=ProfileSettings)
    review_model: str | None = None
    model_context_window: int | None = None
    model_max_output_tokens: int | None = None
    model_auto_compact_token_limit: int | None = None
    sandbox_mode: SandboxMode | None = None
    sandbox_workspace_write: WorkspaceWritePolicy = field(default_factory=WorkspaceWritePolicy)
    """What that mode allows when it is chosen; paths as they are written."""
    sandbox_isolation: Isolation | None = None
    """A key of ours; no release of the reference has it."""
    notify: tuple[str, ...] | None = None
    project_doc_max_bytes: int | None = None
    profile: str | None = None
    file_opener: FileOpener | None = None
    oss_provider: LocalServer | None = None
    hide_agent_reasoning: bool | None = None
    show_raw_agent_reasoning: bool | None = None
    model_supports_reasoning_summaries: bool | None = None
    model_reasoning_summary_format: ReasoningSummaryFormat | None = None
    experimental_use_exec_command_tool: bool | None = None
    experimental_use_unified_exec_tool: bool | None = None
    disable_paste_burst: bool | None = None
    history_persistence: HistoryPersistence | None = None
    history_max_bytes: int | None = None
    tools_web_search: bool | None = None
    tools_view_image: bool | None = None
    openai_base_url: str | None = None
    web_search: bool | None = None
    """The key `web_search` of later releases, which names a mode."""
    features: FeatureSettings = field(default_factory=FeatureSettings)
    cli_auth_credentials_store: StoreKind | None = None
    shell_environment_policy: ShellEnvironmentPolicy = field(default_factory=ShellEnvironmentPolicy)
    projects: Mapping[str, str | None] = field(default_factory=dict)
    mcp_servers: Mapping[str, McpServerConfig] = field(default_factory=dict)
    model_providers: Mapping[str, ModelProvider] = field(default_factory=dict)
    profiles: Mapping[str, ProfileSettings] = field(default_factory=dict)


def read_settings(top: TableReader) -> Settings:
    """Every key of the document; what does not fit is noted by the reader and reads as not said."""
    history = top.table("history")
    persistence, max_bytes = _history(history) if history is not None else (None, None)
    top.table("tui")  # has no keys of its own yet, but must be a table
    tools = top.table("tools")
    web_search, view_image = _tools(tools) if tools is not None else (None, None)
    settings = Settings(
        common=_profile_keys(top),
        review_model=top.text("review_model"),
        model_context_window=top.unsigned("model_context_window"),
        model_max_output_tokens=top.unsigned("model_max_output_tokens"),
        model_auto_compact_token_limit=top.signed("model_auto_compact_token_limit"),
        sandbox_mode=top.choice("sandbox_mode", SandboxMode),
        sandbox_workspace_write=_workspace_write(top.table("sandbox_workspace_write")),
        sandbox_isolation=top.choice("sandbox_isolation", Isolation),
        notify=top.texts("notify"),
        project_doc_max_bytes=top.unsigned("project_doc_max_bytes", "usize"),
        profile=top.text("profile"),
        file_opener=top.choice("file_opener", FileOpener),
        oss_provider=top.choice("oss_provider", LocalServer),
        hide_agent_reasoning=top.flag("hide_agent_reasoning"),
        show_raw_agent_reasoning=top.flag("show_raw_agent_reasoning"),
        model_supports_reasoning_summaries=top.flag("model_supports_reasoning_summaries"),
        model_reasoning_summary_format=top.choice("model_reasoning_summary_format", ReasoningSummaryFormat),
        experimental_use_exec_command_tool=top.flag("experimental_use_exec_command_tool"),
        experimental_use_unified_exec_tool=top.flag("experimental_use_unified_exec_tool"),
        disable_paste_burst=top.flag("disable_paste_burst"),
        history_persistence=persistence,
        history_max_bytes=max_bytes,
        tools_web_search=web_search,
        tools_view_image=view_image,
        openai_base_url=top.text("openai_base_url"),
        web_search=_web_search_mode(top),
        features=_features(top.table("features")),
        cli_auth_credentials_store=top.choice("cli_auth_credentials_store", StoreKind),
        shell_environment_policy=_shell_environment(top.table("shell_environment_policy")),
        projects={name: _project(table) for name, table in top.tables("projects")},
        mcp_servers=read_mcp_servers(top),
        model_providers={name: _provider(name, table) for name, table in top.tables("model_providers")},
        profiles={name: _profile(table) for name, table in top.tables("profiles")},
    )
    top.finish(ignored=LATER_KEYS, silently=OBSOLETE_KEYS + BOOKKEEPING_KEYS)
    return settings


def _profile_keys(table: TableReader) -> ProfileSettings:
    return ProfileSettings(
        model=table.text("model"),
        model_provider=table.text("model_provider"),
        approval_policy=table.choice("approval_policy", AskForApproval),
        model_reasoning_effort=table.choice("model_reasoning_effort", ReasoningEffort),
        model_reasoning_summary=table.choice("model_reasoning_summary", ReasoningSummary),
        model_verbosity=table.choice("model_verbosity", Verbosity),
        chatgpt_base_url=table.text("chatgpt_base_url"),
        experimental_instructions_file=table.text("experimental_instructions_file"),
        model_instructions_file=table.text("model_instructions_file"),
    )


def _profile(table: TableReader) -> ProfileSettings:
    settings = _profile_keys(table)
    # Of `sandbox_mode` in the active profile, more is said where the profile is taken.
    table.finish(ignored=LATER_PROFILE_KEYS, silently=("sandbox_mode",))
    return settings


def _history(table: TableReader) -> tuple[HistoryPersistence | None, int | None]:
    if not table.has("persistence"):
        table.problem("missing field `persistence`")
    result = table.choice("persistence", HistoryPersistence), table.unsigned("max_bytes", "usize")
    table.finish()
    return result


def _tools(table: TableReader) -> tuple[bool | None, bool | None]:
    if table.has("web_search") and table.has("web_search_request"):
        table.problem("duplicate field `web_search`")
    web_search = table.flag("web_search")
    alias = table.flag("web_search_request")
    view_image = table.flag("view_image")
    table.finish()
    return (alias if web_search is None else web_search), view_image


def _web_search_mode(top: TableReader) -> bool | None:
    """Whether the mode lets the model search; None for a mode that is not known here."""
    mode = top.text("web_search")
    known = {"live": True, "disabled": False}
    if mode is not None and mode not in known:
        top.notice(f'`web_search = "{mode}"` has no effect here: `live` and `disabled` have')
    return known.get(mode or "")


def _features(table: TableReader | None) -> FeatureSettings:
    if table is None:
        return FeatureSettings()
    settings = FeatureSettings(
        web_search_request=table.flag("web_search_request"),
        view_image_tool=table.flag("view_image_tool"),
        streamable_shell=table.flag("streamable_shell"),
        unified_exec=table.flag("unified_exec"),
    )
    table.finish(ignored=table.names())
    return settings


def _workspace_write(table: TableReader | None) -> WorkspaceWritePolicy:
    if table is None:
        return WorkspaceWritePolicy()
    settings = WorkspaceWritePolicy(
        writable_roots=table.texts("writable_roots") or (),
        network_access=table.flag("network_access") or False,
        exclude_tmpdir_env_var=table.flag("exclude_tmpdir_env_var") or False,
        exclude_slash_tmp=table.flag("exclude_slash_tmp") or False,
    )
    table.finish()
    return settings


def _shell_environment(table: TableReader | None) -> ShellEnvironmentPolicy:
    if table is None:
        return ShellEnvironmentPolicy()
    policy = ShellEnvironmentPolicy(
        inherit=table.choice("inherit", Inherit) or Inherit.ALL,
        ignore_default_excludes=table.flag("ignore_default_excludes") or False,
        exclude=table.texts("exclude") or (),
        set=table.text_table("set") or {},
        include_only=table.texts("include_only") or (),
        use_profile=table.flag("experimental_use_profile") or False,
    )
    table.finish()
    return policy


def _project(table: TableReader) -> str | None:
    level = table.text("trust_level")
    table.finish()
    return level


def _provider(name: str, table: TableReader) -> ModelProvider:
    defaults = ModelProvider(id=name, name=table.required_text("name") or "")
    request_retries = table.unsigned("request_max_retries")
    stream_retries = table.unsigned("stream_max_retries")
    idle_ms = table.unsigned("stream_idle_timeout_ms")
    provider = ModelProvider(
        id=name,
        name=defaults.name,
        base_url=table.text("base_url"),
        env_key=table.text("env_key"),
        env_key_instructions=table.text("env_key_instructions"),
        wire_api=table.choice("wire_api", WireApi) or defaults.wire_api,
        query_params=table.text_table("query_params") or {},
        http_headers=table.text_table("http_headers") or {},
        env_http_headers=table.text_table("env_http_headers") or {},
        request_max_retries=_retries(request_retries, defaults.request_max_retries),
        stream_max_retries=_retries(stream_retries, defaults.stream_max_retries),
        stream_idle_timeout_ms=defaults.stream_idle_timeout_ms if idle_ms is None else idle_ms,
        requires_openai_auth=table.flag("requires_openai_auth") or False,
    )
    table.finish(ignored=LATER_PROVIDER_KEYS)
    return provider


def _retries(configured: int | None, default: int) -> int:
    return default if configured is None else min(configured, MAX_RETRIES)

"""The resolved configuration: one frozen value that everything else reads; and the flags that lead to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.config.mcp_servers import McpServerConfig
    from codex_core.config.providers import ModelProvider
    from codex_core.execution.environment import ShellEnvironmentPolicy
    from codex_core.execution.sandbox import Isolation
    from codex_core.oss.servers import LocalServer
    from codex_protocol.config_types import (
        AskForApproval,
        HistoryPersistence,
        ReasoningEffort,
        ReasoningSummary,
        SandboxMode,
        Verbosity,
    )
    from codex_protocol.sandbox_policy import SandboxPolicy, WorkspaceWritePolicy

DEFAULT_MODEL = "gpt-5"
DEFAULT_REVIEW_MODEL = "gpt-5"
DEFAULT_OSS_MODEL = "gpt-oss:20b"
DEFAULT_PROJECT_DOC_MAX_BYTES = 32_768
DEFAULT_CHATGPT_BASE_URL = "https://chatgpt.com/backend-api/"
TRUSTED = "trusted"


class FileOpener(StrEnum):
    """Whose URI scheme file citations use in the terminal app."""

    VSCODE = "vscode"
    VSCODE_INSIDERS = "vscode-insiders"
    WINDSURF = "windsurf"
    CURSOR = "cursor"
    NONE = "none"


class ReasoningSummaryFormat(StrEnum):
    """How reasoning summaries of a model family are to be read."""

    NONE = "none"
    EXPERIMENTAL = "experimental"


class Layer(StrEnum):
    """Where an effective value came from, weakest first (spec: config-cli.md sections 8 and 18)."""

    DEFAULT = "default"
    FILE = "config.toml"
    PROFILE = "profile"
    OVERRIDE = "-c"
    FLAG = "flag"
    ENVIRONMENT = "environment"
    """A variable; only for what config.toml cannot say."""


@dataclass(frozen=True, slots=True)
class ConfigFlags:
    """What typed flags and the calling front end ask for; None and False mean "not said".

    `full_auto` sets the sandbox whatever `sandbox_mode` says; an `approval_policy` beside it stays in
    force, which is how a front end that cannot ask says `never`.
    """

    model: str | None = None
    model_provider: str | None = None
    profile: str | None = None
    cwd: str | None = None
    """Working root; relative to the process's own."""
    sandbox_mode: SandboxMode | None = None
    approval_policy: AskForApproval | None = None
    full_auto: bool = False
    """Sandbox `workspace-write`, approval `on-request`."""
    bypass_approvals_and_sandbox: bool = False
    """Sandbox `danger-full-access`, approval `never`."""
    oss: bool = False
    """Provider `oss`, a local default model, raw reasoning shown unless the configuration says no."""
    web_search: bool = False
    add_dirs: tuple[str, ...] = ()
    """Further writable roots of a `workspace-write` sandbox."""
    network_access: bool = False
    """Network for the commands of a `workspace-write` sandbox, whatever the configuration says."""
    sandbox_isolation: Isolation | None = None
    base_instructions: str | None = None
    include_plan_tool: bool = False
    include_apply_patch_tool: bool = False
    include_view_image_tool: bool | None = None
    codex_linux_sandbox_exe: str | None = None
    apply_patch_exe: str | None = None
    strict: bool = False
    """Unknown keys are errors instead of notices."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a session needs to know that does not change while it runs."""

    model: str
    review_model: str
    model_provider_id: str
    model_provider: ModelProvider
    approval_policy: AskForApproval
    sandbox_policy: SandboxPolicy
    workspace_write: WorkspaceWritePolicy
    """What `workspace-write` allows when it is chosen later, e.g. because the directory is trusted."""
    cwd: str
    """Absolute; symbolic links resolved if it exists."""
    codex_home: str
    """Absolute; need not exist unless CODEX_HOME names it."""
    shell_environment_policy: ShellEnvironmentPolicy
    model_reasoning_summary: ReasoningSummary
    history_persistence: HistoryPersistence
    model_providers: Mapping[str, ModelProvider] = field(default_factory=dict)
    """Built-in and configured ones, by id."""
    user_instructions: str | None = None
    """CODEX_HOME/AGENTS.md, trimmed."""
    base_instructions: str | None = None
    """Replaces the built-in prompt."""
    instructions_file: str | None = None
    """Where that came from, as configured."""
    notify: tuple[str, ...] | None = None
    active_profile: str | None = None
    model_reasoning_effort: ReasoningEffort | None = None
    model_verbosity: Verbosity | None = None
    output_schema: Mapping[str, object] | None = None
    """JSON Schema that final messages must fit; no file says it, only a front end."""
    is_ephemeral: bool = False
    """Whether conversations leave no session file; only a front end says so."""
    model_context_window: int | None = None
    """Tokens; None means what the model table says."""
    model_max_output_tokens: int | None = None
    model_auto_compact_token_limit: int | None = None
    model_supports_reasoning_summaries: bool | None = None
    """None means by model family."""
    model_reasoning_summary_format: ReasoningSummaryFormat | None = None
    hide_agent_reasoning: bool = False
    show_raw_agent_reasoning: bool = False
    project_doc_max_bytes: int = DEFAULT_PROJECT_DOC_MAX_BYTES
    tools_web_search: bool = False
    include_view_image_tool: bool = True
    include_plan_tool: bool = False
    include_apply_patch_tool: bool = False
    use_streamable_shell_tool: bool = False
    use_unified_exec_tool: bool = False
    mcp_servers: Mapping[str, McpServerConfig] = field(default_factory=dict)
    cli_auth_credentials_store: str = "file"
    """Where credentials are kept, one of `codex_login.stores.StoreKind`."""
    history_max_bytes: int | None = None
    file_opener: FileOpener = FileOpener.VSCODE
    disable_paste_burst: bool = False
    chatgpt_base_url: str = DEFAULT_CHATGPT_BASE_URL
    oss_provider: LocalServer | None = None
    """The server that `--oss` means where `--local-provider` does not say; None is Ollama."""
    projects: Mapping[str, str | None] = field(default_factory=dict)
    """Project directory -> trust level; only `TRUSTED` counts."""
    sandbox_isolation: Isolation | None = None
    """How far commands are kept apart on Linux; None is the helper's default."""
    has_chosen_policies: bool = False
    """Whether anything but a default names an approval policy or a sandbox; then trust is not asked for."""
    codex_linux_sandbox_exe: str | None = None
    apply_patch_exe: str | None = None
    notices: tuple[str, ...] = ()
    """What the user should know but can live with, e.g. unknown keys; one sentence each."""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """Key of config.toml -> layer its effective value came from; keys left at their default are absent."""

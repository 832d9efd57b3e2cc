"""From config.toml, profile, overrides and flags to one `Config` (spec: config-cli.md section 8).

Precedence, weakest first: built-in defaults, config.toml, the profile, `-c` overrides, typed flags.
Everything that is wrong is found before anything is reported.
"""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

from codex_core.arg0 import PATCH_NAMES, SANDBOX_NAME, installed_tool
from codex_core.config.config import (
    DEFAULT_CHATGPT_BASE_URL,
    DEFAULT_MODEL,
    DEFAULT_OSS_MODEL,
    DEFAULT_PROJECT_DOC_MAX_BYTES,
    DEFAULT_REVIEW_MODEL,
    Config,
    ConfigFlags,
    FileOpener,
    Layer,
)
from codex_core.config.home import find_codex_home
from codex_core.config.instructions import read_base_instructions, read_user_instructions
from codex_core.config.overrides import Override, parse_override
from codex_core.config.problems import ConfigProblem, InvalidConfigError, os_error_text, suggestion
from codex_core.config.providers import OPENAI_ID, OSS_ID, ModelProvider, built_in_providers
from codex_core.config.schema import ProfileSettings, Settings, read_settings
from codex_core.config.sources import Sources, leaves
from codex_core.config.tables import Findings, TableReader
from codex_core.errors import ConfigError
from codex_login.stores import StoreKind
from codex_protocol.config_types import AskForApproval, HistoryPersistence, ReasoningSummary, SandboxMode
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from codex_core.config.problems import KeyPath
    from codex_core.services import Services

INSTRUCTIONS_KEY = "experimental_instructions_file"

T = TypeVar("T")


def load_config(
    *,
    overrides: Sequence[str | Override] = (),
    flags: ConfigFlags | None = None,
    services: Services,
) -> Config:
    """The configuration in force for this process.

    `overrides` are the `key=value` texts of `-c`, in order, or already parsed ones. Reads files below
    CODEX_HOME (which comes from `services.environ`) and writes none.

    Raises:
        InvalidConfigError: with everything that is wrong, each with file, line, column and key where known.
        InvalidOverrideError: when an override is not `key=value`.
    """
    flags = flags if flags is not None else ConfigFlags()
    parsed = [parse_override(item) if isinstance(item, str) else item for item in overrides]
    home = find_codex_home(services.environ)
    sources = Sources.read(home, parsed, profile=flags.profile)
    return Resolution(sources, flags, services.environ, home).config()


class Resolution:
    """One pass from sources to `Config`, gathering problems on the way."""

    def __init__(self, sources: Sources, flags: ConfigFlags, environ: Mapping[str, str], home: str) -> None:
        self._sources = sources
        self._flags = flags
        self._environ = environ
        self._home = home
        self._problems: list[ConfigProblem] = []
        self._notices: list[str] = []
        self._layers: dict[str, Layer] = {}
        self.ignored: list[KeyPath] = []
        """Keys that are there and have no effect; known after `config`."""
        self.spoken_for: dict[str, KeyPath] = {}
        """Key -> where its value stands, if that is a key of later releases with another name; as above."""

    def config(self) -> Config:
        """The result.

        Raises: InvalidConfigError with all problems.
        """
        flags, settings = self._flags, self._settings()
        profile_name = self._flag("profile", flags.profile, settings.profile)
        common = self._with_profile(settings, profile_name)
        cwd = self._cwd()
        providers = self._providers(settings)
        approval = self._flag("approval_policy", self._approval_flag(), common.approval_policy)
        sandbox_mode = self._flag("sandbox_mode", self._sandbox_flag(), settings.sandbox_mode)
        # `--oss` brings a model along: the configured one belongs to another provider.
        model_flag = flags.model or (DEFAULT_OSS_MODEL if flags.oss else None)
        isolation = self._flag("sandbox_isolation", flags.sandbox_isolation, settings.sandbox_isolation)
        web_search_flag = flags.web_search or None
        searches, views, streamable_shell, unified_exec = self._switches(settings)
        web_search = self._flag("tools.web_search", web_search_flag, searches)
        view_image = self._flag("tools.view_image", flags.include_view_image_tool, views)
        show_raw = settings.show_raw_agent_reasoning
        if show_raw is None:  # the one key that is stronger than its flag
            show_raw = self._flag("show_raw_agent_reasoning", flags.oss or None, None)
        provider = self._provider(providers, common, profile_name)
        instructions_file = self._strongest(
            INSTRUCTIONS_KEY,
            {
                ("model_instructions_file",): common.model_instructions_file,
                (INSTRUCTIONS_KEY,): common.experimental_instructions_file,
            },
        )
        base_instructions = self._base_instructions(instructions_file, profile_name, cwd)
        workspace_write = self._workspace_write(settings.sandbox_workspace_write, cwd)
        if self._problems:
            raise InvalidConfigError(self._problems)
        return Config(
            model=self._flag("model", model_flag, common.model) or DEFAULT_MODEL,
            review_model=settings.review_model or DEFAULT_REVIEW_MODEL,
            model_provider_id=provider.id,
            model_provider=provider,
            model_providers=providers,
            approval_policy=approval or AskForApproval.ON_REQUEST,
            sandbox_policy=_sandbox(sandbox_mode, workspace_write),
            workspace_write=workspace_write,
            sandbox_isolation=isolation,
            has_chosen_policies=approval is not None or sandbox_mode is not None,
            cwd=cwd,
            codex_home=self._home,
            shell_environment_policy=settings.shell_environment_policy,
            user_instructions=read_user_instructions(self._home),
            base_instructions=base_instructions,
            instructions_file=instructions_file,
            notify=settings.notify,
            active_profile=profile_name,
            model_reasoning_effort=common.model_reasoning_effort,
            model_reasoning_summary=common.model_reasoning_summary or ReasoningSummary.AUTO,
            model_verbosity=common.model_verbosity,
            model_context_window=settings.model_context_window,
            model_max_output_tokens=settings.model_max_output_tokens,
            model_auto_compact_token_limit=settings.model_auto_compact_token_limit,
            model_supports_reasoning_summaries=settings.model_supports_reasoning_summaries,
            model_reasoning_summary_format=settings.model_reasoning_summary_format,
            hide_agent_reasoning=settings.hide_agent_reasoning or False,
            show_raw_agent_reasoning=show_raw or False,
            project_doc_max_bytes=_or(settings.project_doc_max_bytes, DEFAULT_PROJECT_DOC_MAX_BYTES),
            tools_web_search=web_search or False,
            include_view_image_tool=_or(view_image, True),
            include_plan_tool=flags.include_plan_tool,
            include_apply_patch_tool=flags.include_apply_patch_tool,
            use_streamable_shell_tool=streamable_shell or False,
            use_unified_exec_tool=unified_exec or False,
            mcp_servers=settings.mcp_servers,
            cli_auth_credentials_store=(settings.cli_auth_credentials_store or StoreKind.FILE).value,
            history_persistence=settings.history_persistence or HistoryPersistence.SAVE_ALL,
            history_max_bytes=settings.history_max_bytes,
            file_opener=settings.file_opener or FileOpener.VSCODE,
            oss_provider=settings.oss_provider,
            disable_paste_burst=settings.disable_paste_burst or False,
            chatgpt_base_url=common.chatgpt_base_url or DEFAULT_CHATGPT_BASE_URL,
            projects=settings.projects,
            codex_linux_sandbox_exe=flags.codex_linux_sandbox_exe or installed_tool(SANDBOX_NAME),
            apply_patch_exe=flags.apply_patch_exe or installed_tool(PATCH_NAMES[0]),
            notices=tuple(self._notices),
            layers=self._layers,
        )

    def _settings(self) -> Settings:
        findings = Findings()
        settings = read_settings(TableReader(self._sources.merged, (), findings))
        for path, message in sorted(findings.problems, key=lambda found: _sort_key(found[0])):
            self._problems.append(self._sources.problem(path, message, key=path))
        self._notices.extend(findings.notices)
        self.ignored += findings.ignored + findings.silent
        if findings.ignored:
            names = ", ".join(f"`{'.'.join(map(str, path))}`" for path in findings.ignored)
            verb = "is a key" if len(findings.ignored) == 1 else "are keys"
            self._notices.append(f"{names} {verb} of later releases, without effect here")
        for path, known in findings.unknown:
            self.ignored.append(path)
            self._unknown_key(path, known)
        for key, _ in leaves(self._sources.merged):
            self._layers[".".join(key)] = self._sources.layer(key)
        return settings

    def _unknown_key(self, path: KeyPath, known: Sequence[str]) -> None:
        hint = suggestion(str(path[-1]), known)
        if self._flags.strict:
            self._problems.append(self._sources.problem(path, f"unknown configuration field{hint}", key=path))
        else:
            message = f"unknown key `{'.'.join(map(str, path))}` is ignored{hint}"
            self._notices.append(str(self._sources.problem(path, message)))

    def _with_profile(self, settings: Settings, name: str | None) -> ProfileSettings:
        """The keys a profile may set, with the active profile's over those of the top level."""
        if name is None:
            return settings.common
        profile = settings.profiles.get(name)
        if profile is None:
            # A malformed `[profiles]` has been complained of already; a file of its own is a profile, too.
            if not self._sources.merged_holds(("profiles", name)) and self._sources.profile_file is None:
                self._problem_with_profile(name, settings)
            return settings.common
        if self._sources.merged_holds(unused := ("profiles", name, "sandbox_mode")):
            # Later releases obey it, so whoever wrote it must not believe that we do.
            message = (
                f"`{'.'.join(unused)}` has no effect: say `sandbox_mode` at the top level, or `--sandbox`"
            )
            self._notices.append(str(self._sources.problem(unused, message)))
        said: dict[str, object] = {}
        for field in fields(ProfileSettings):
            value = getattr(profile, field.name)
            if value is None or self._sources.layer((field.name,)) is Layer.OVERRIDE:
                continue
            said[field.name] = value
            layer = self._sources.layer(("profiles", name, field.name))
            self._layers[field.name] = Layer.OVERRIDE if layer is Layer.OVERRIDE else Layer.PROFILE
        return replace(settings.common, **said)  # type: ignore[arg-type]  # each from a field of its own name

    def _problem_with_profile(self, name: str, settings: Settings) -> None:
        message = f"config profile `{name}` not found{suggestion(name, tuple(settings.profiles))}"
        self._not_found(("profile",), message, from_flag=self._flags.profile is not None)

    def _cwd(self) -> str:
        try:
            base = os.getcwd()
        except OSError as error:
            self._problems.append(
                ConfigProblem(f"the current directory cannot be used: {os_error_text(error)}")
            )
            return "/"
        given = self._flags.cwd
        if given is None:
            return base
        path = os.path.join(base, given)
        try:
            resolved = os.path.realpath(path, strict=True)
            if os.path.isdir(resolved):
                return resolved
            reason = "it is not a directory"
        except OSError as error:
            reason = os_error_text(error)
        self._problems.append(ConfigProblem(f"the working directory {path} cannot be used: {reason}"))
        return base

    def _providers(self, settings: Settings) -> dict[str, ModelProvider]:
        providers = built_in_providers(self._environ, openai_base_url=settings.openai_base_url)
        reserved = tuple(providers)
        for name, provider in settings.model_providers.items():
            if name in reserved:
                message = (
                    f"`model_providers.{name}` is ignored, because `{name}` is built in: choose another name"
                )
                self._notices.append(str(self._sources.problem(("model_providers", name), message)))
            else:
                providers[name] = provider
        return providers

    def _provider(
        self, providers: Mapping[str, ModelProvider], common: ProfileSettings, profile_name: str | None
    ) -> ModelProvider:
        flags = self._flags
        flag = OSS_ID if flags.oss else flags.model_provider
        name = _or(self._flag("model_provider", flag, common.model_provider), OPENAI_ID)
        provider = providers.get(name)
        if provider is not None:
            return provider
        message = f"Model provider `{name}` not found{suggestion(name, tuple(providers))}"
        self._not_found(self.path_of("model_provider", profile_name), message, from_flag=flag is not None)
        return providers[OPENAI_ID]

    def _approval_flag(self) -> AskForApproval | None:
        flags = self._flags
        if flags.approval_policy is not None:
            return flags.approval_policy
        if flags.full_auto:
            return AskForApproval.ON_REQUEST
        return AskForApproval.NEVER if flags.bypass_approvals_and_sandbox else None

    def _sandbox_flag(self) -> SandboxMode | None:
        flags = self._flags
        if flags.full_auto:
            return SandboxMode.WORKSPACE_WRITE
        return SandboxMode.DANGER_FULL_ACCESS if flags.bypass_approvals_and_sandbox else flags.sandbox_mode

    def _workspace_write(self, details: WorkspaceWritePolicy, cwd: str) -> WorkspaceWritePolicy:
        network_flag = self._flag(
            "sandbox_workspace_write.network_access", self._flags.network_access or None, None
        )
        roots = (*details.writable_roots, *self._flags.add_dirs)
        return replace(
            details,
            writable_roots=tuple(os.path.join(cwd, root) for root in roots),
            network_access=details.network_access or network_flag or False,
        )

    def _base_instructions(self, name: str | None, profile_name: str | None, cwd: str) -> str | None:
        if self._flags.base_instructions is not None or name is None:
            return self._flags.base_instructions
        try:
            return read_base_instructions(os.path.join(cwd, name))
        except ConfigError as error:
            (said,) = self.spoken_for.get(INSTRUCTIONS_KEY, (INSTRUCTIONS_KEY,))
            self._problems.append(self._sources.problem(self.path_of(str(said), profile_name), str(error)))
            return None

    def _switches(self, settings: Settings) -> Iterator[bool | None]:
        """Tools that later releases switch by other keys: web search, pictures, and the two terminals."""
        features = settings.features
        for key, by_feature, by_own, by_mode in (
            ("tools.web_search", "web_search_request", settings.tools_web_search, settings.web_search),
            ("tools.view_image", "view_image_tool", settings.tools_view_image, None),
            (
                "experimental_use_exec_command_tool",
                "streamable_shell",
                settings.experimental_use_exec_command_tool,
                None,
            ),
            (
                "experimental_use_unified_exec_tool",
                "unified_exec",
                settings.experimental_use_unified_exec_tool,
                None,
            ),
        ):
            own: KeyPath = tuple(key.split("."))
            feature: bool | None = getattr(features, by_feature)
            yield self._strongest(
                key, {("web_search",): by_mode, ("features", by_feature): feature, own: by_own}
            )

    def _strongest(self, key: str, said: Mapping[KeyPath, T | None]) -> T | None:
        """The value from the strongest layer, of those that say the same thing by several names.

        In one layer the first name counts. `key` is the name that an explanation goes by.
        """
        ranks = list(Layer)
        found = [(path, value) for path, value in said.items() if value is not None]
        if not found:
            return None
        layers = {path: self._layers.get(".".join(map(str, path)), Layer.DEFAULT) for path, _ in found}
        path, value = max(found, key=lambda each: ranks.index(layers[each[0]]))
        if key != ".".join(map(str, path)):
            self.spoken_for[key] = path
        self._layers[key] = layers[path]
        return value

    def _flag(self, key: str, flag: T | None, otherwise: T | None) -> T | None:
        """The flag's value where the flag was given, else the other one."""
        if flag is None:
            return otherwise
        self._layers[key] = Layer.FLAG
        return flag

    def path_of(self, key: str, profile_name: str | None) -> KeyPath:
        """Where the effective value of a key that profiles may set stands."""
        in_profile = ("profiles", profile_name or "", key)
        is_overridden = self._sources.layer((key,)) is Layer.OVERRIDE
        return in_profile if not is_overridden and self._sources.merged_holds(in_profile) else (key,)

    def _not_found(self, path: KeyPath, message: str, *, from_flag: bool) -> None:
        self._problems.append(ConfigProblem(message) if from_flag else self._sources.problem(path, message))


def _sandbox(mode: SandboxMode | None, workspace_write: WorkspaceWritePolicy) -> SandboxPolicy:
    match mode:
        case SandboxMode.DANGER_FULL_ACCESS:
            return DangerFullAccessPolicy()
        case SandboxMode.WORKSPACE_WRITE:
            return workspace_write
        case _:
            return ReadOnlyPolicy()


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def _sort_key(path: KeyPath) -> tuple[str, ...]:
    return tuple(f"{part:08}" if isinstance(part, int) else part for part in path)

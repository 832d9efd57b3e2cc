"""Says of every configuration key what is in force and who said so.

Secrets are masked here, so whatever shows an explanation cannot leak one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from codex_core.config.config import ConfigFlags, Layer
from codex_core.config.home import HOME_VARIABLE, find_codex_home
from codex_core.config.overrides import Override, parse_override
from codex_core.config.providers import OPENAI_ID, OSS_ID
from codex_core.config.resolve import Resolution
from codex_core.config.schema import ProfileSettings
from codex_core.config.sources import Sources, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from codex_core.config.config import Config
    from codex_core.config.problems import ConfigProblem, KeyPath
    from codex_core.services import Services

Plain: TypeAlias = "str | int | float | bool | list[Plain] | dict[str, Plain] | None"

MASK = "*****"

PROFILE_KEYS = frozenset(field.name for field in fields(ProfileSettings))

_TABLES_OF_SECRETS = frozenset({"env", "http_headers", "query_params", "set"})
_SECRET_NAME = re.compile(r"api_?key|token|secret|password|authorization", re.IGNORECASE)
_NAMES_OF_VARIABLES = ("_env_var", "env_key", "env_key_instructions")
_URL_KEYS = frozenset({"base_url", "chatgpt_base_url", "openai_base_url", "url"})
_BASE_URL_VARIABLES = {
    OPENAI_ID: ("OPENAI_BASE_URL",),
    OSS_ID: ("CODEX_OSS_BASE_URL", "CODEX_OSS_PORT"),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One key: its value in force, and where that came from."""

    key: str
    value: Plain
    """Secrets masked; None where nothing is set and there is no default."""
    layer: Layer
    file: str | None = None
    line: int | None = None
    column: int | None = None
    source: str | None = None
    """Which profile, `-c` override or environment variable it was."""
    has_effect: bool = True
    """False for keys of other releases, and misspelled ones, which are ignored."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All keys, and what the user should know besides."""

    entries: tuple[Explained, ...]
    notices: tuple[str, ...]

    def below(self, key: str) -> tuple[Explained, ...]:
        """The entry of that key, or those inside the table of that name; empty if there is neither."""
        exact = tuple(entry for entry in self.entries if entry.key == key)
        return exact or tuple(entry for entry in self.entries if entry.key.startswith(f"{key}."))


def explain_config(
    *, overrides: Sequence[str | Override] = (), flags: ConfigFlags | None = None, services: Services
) -> Explanation:
    """What `load_config` would resolve for the same arguments, key by key.

    Raises: as `load_config`.
    """
    flags = flags if flags is not None else ConfigFlags()
    parsed = [parse_override(item) if isinstance(item, str) else item for item in overrides]
    home = find_codex_home(services.environ)
    sources = Sources.read(home, parsed, profile=flags.profile)
    resolution = Resolution(sources, flags, services.environ, home)
    config = resolution.config()
    explainer = _Explainer(config, sources, resolution, services.environ)
    return Explanation(tuple(explainer.entries()), config.notices)


class _Explainer:
    """Walks the keys of one resolved configuration."""

    def __init__(
        self, config: Config, sources: Sources, resolution: Resolution, environ: Mapping[str, str]
    ) -> None:
        self._config = config
        self._sources = sources
        self._resolution = resolution
        self._environ = environ
        self._ignored = tuple(resolution.ignored)

    def entries(self) -> Iterator[Explained]:
        """Fixed keys first, then what the files and overrides say by name."""
        yield self._home()
        shown = set()
        for key, value in effective_values(self._config).items():
            shown.add(key)
            yield self._entry(tuple(key.split(".")), value, key=key)
        yield from self._built_in_addresses()
        for path, value in sorted(leaves(self._sources.merged), key=lambda leaf: leaf[0]):
            key = dotted_key(path)
            if key not in shown:
                yield self._entry(path, value, key=key)

    def _home(self) -> Explained:
        is_named = bool(self._environ.get(HOME_VARIABLE))
        return Explained(
            "codex_home",
            self._config.codex_home,
            Layer.ENVIRONMENT if is_named else Layer.DEFAULT,
            source=HOME_VARIABLE if is_named else None,
        )

    def _built_in_addresses(self) -> Iterator[Explained]:
        for provider, variables in _BASE_URL_VARIABLES.items():
            if provider == OPENAI_ID and "openai_base_url" in self._config.layers:
                url = self._config.model_providers[provider].base_url
                yield self._entry(("openai_base_url",), url, key=f"model_providers.{provider}.base_url")
                continue
            variable = next((name for name in variables if self._environ.get(name, "").strip()), None)
            yield Explained(
                f"model_providers.{provider}.base_url",
                masked(("base_url",), self._config.model_providers[provider].base_url),
                Layer.DEFAULT if variable is None else Layer.ENVIRONMENT,
                source=variable,
            )

    def _entry(self, path: tuple[str, ...], value: object, *, key: str) -> Explained:
        layer = self._config.layers.get(".".join(path), Layer.DEFAULT)
        has_effect = not any(path[: len(ignored)] == ignored for ignored in self._ignored)
        shown = masked(path, value)
        if layer in (Layer.DEFAULT, Layer.FLAG):
            return Explained(key, shown, layer, has_effect=has_effect)
        place = self._place(self._resolution.spoken_for.get(key, path), layer)
        profile = self._config.active_profile if layer is Layer.PROFILE else None
        return Explained(
            key,
            shown,
            layer,
            file=place.file,
            line=place.line,
            column=place.column,
            source=place.override if layer is Layer.OVERRIDE else profile,
            has_effect=has_effect,
        )

    def _place(self, path: KeyPath, layer: Layer) -> ConfigProblem:
        if len(path) == 1 and path[0] in PROFILE_KEYS and layer in (Layer.PROFILE, Layer.OVERRIDE):
            path = self._resolution.path_of(str(path[0]), self._config.active_profile)
        return self._sources.problem(path, "")


def effective_values(config: Config) -> dict[str, object]:
    """Every key with a value of its own, dotted, in the order of the documentation."""
    policy, workspace = config.shell_environment_policy, config.workspace_write
    return {
        "model": config.model,
        "review_model": config.review_model,
        "model_provider": config.model_provider_id,
        "model_context_window": config.model_context_window,
        "model_max_output_tokens": config.model_max_output_tokens,
        "model_auto_compact_token_limit": config.model_auto_compact_token_limit,
        "model_reasoning_effort": config.model_reasoning_effort,
        "model_reasoning_summary": config.model_reasoning_summary,
        "model_verbosity": config.model_verbosity,
        "model_supports_reasoning_summaries": config.model_supports_reasoning_summaries,
        "model_reasoning_summary_format": config.model_reasoning_summary_format,
        "approval_policy": config.approval_policy,
        "sandbox_mode": config.sandbox_policy.mode,
        "sandbox_isolation": config.sandbox_isolation,
        "profile": config.active_profile,
        "notify": config.notify,
        "project_doc_max_bytes": config.project_doc_max_bytes,
        "file_opener": config.file_opener,
        "oss_provider": config.oss_provider,
        "hide_agent_reasoning": config.hide_agent_reasoning,
        "show_raw_agent_reasoning": config.show_raw_agent_reasoning,
        "chatgpt_base_url": config.chatgpt_base_url,
        "cli_auth_credentials_store": config.cli_auth_credentials_store,
        "experimental_instructions_file": config.instructions_file,
        "experimental_use_exec_command_tool": config.use_streamable_shell_tool,
        "experimental_use_unified_exec_tool": config.use_unified_exec_tool,
        "disable_paste_burst": config.disable_paste_burst,
        "sandbox_workspace_write.writable_roots": workspace.writable_roots,
        "sandbox_workspace_write.network_access": workspace.network_access,
        "sandbox_workspace_write.exclude_tmpdir_env_var": workspace.exclude_tmpdir_env_var,
        "sandbox_workspace_write.exclude_slash_tmp": workspace.exclude_slash_tmp,
        "history.persistence": config.history_persistence,
        "history.max_bytes": config.history_max_bytes,
        "tools.web_search": config.tools_web_search,
        "tools.view_image": config.include_view_image_tool,
        "shell_environment_policy.inherit": policy.inherit,
        "shell_environment_policy.ignore_default_excludes": policy.ignore_default_excludes,
        "shell_environment_policy.exclude": policy.exclude,
        "shell_environment_policy.include_only": policy.include_only,
        "shell_environment_policy.experimental_use_profile": policy.use_profile,
    }


def masked(path: KeyPath, value: object) -> Plain:
    """The value as it may be shown: every text that may be a secret replaced."""
    if isinstance(value, dict):
        return {str(key): masked((*path, str(key)), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(path, item) for item in value]
    if value is None or (isinstance(value, bool | int | float) and math.isfinite(value)):
        return value
    text = str(value)
    if _is_secret(path):
        return MASK
    if path and path[-1] in _URL_KEYS:
        from codex_login.shown_url import shown_url

        return shown_url(text)
    return text


def dotted_key(path: KeyPath) -> str:
    """The key as it can be written in config.toml: parts that are no bare keys are quoted."""
    return ".".join(
        part
        if re.fullmatch(r"[A-Za-z0-9_-]+", part)
        else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for part in map(str, path)
    )


def _is_secret(path: KeyPath) -> bool:
    names = [part for part in path if isinstance(part, str)]
    # What a server, provider or profile is called says nothing about its values.
    tables = names[1:-1] if names[0] == "shell_environment_policy" else names[2:-1]
    if "env_http_headers" in tables or names[-1].endswith(_NAMES_OF_VARIABLES):
        return False
    return not _TABLES_OF_SECRETS.isdisjoint(tables) or _SECRET_NAME.search(names[-1]) is not None

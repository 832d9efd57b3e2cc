"""What is known about models, as data: families by slug prefix and limits by slug (spec: agent.md section 6).

A model nobody listed here works too: it gets the last row of the family table and no known window.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class InstructionsKind(StrEnum):
    """Which of our base instructions a family is given."""

    GENERAL = "general"
    CODEX = "codex"


class ShellToolKind(StrEnum):
    """How a family is offered the shell."""

    FUNCTION = "function"
    LOCAL = "local_shell"


class SummaryFormat(StrEnum):
    """How reasoning summaries of a family are written (config key `model_reasoning_summary_format`)."""

    NONE = "none"
    EXPERIMENTAL = "experimental"


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """How models of one kind want to be asked."""

    name: str
    supports_reasoning: bool = False
    """Whether requests carry `reasoning` and ask for encrypted reasoning back."""
    instructions: InstructionsKind = InstructionsKind.GENERAL
    needs_patch_lesson: bool = False
    """Whether the instructions must teach the `apply_patch` command when no such tool is offered."""
    wants_patch_function: bool = False
    """Whether `apply_patch` is offered as a function without being asked for."""
    shell_tool: ShellToolKind = ShellToolKind.FUNCTION
    summary_format: SummaryFormat = SummaryFormat.NONE

    @property
    def supports_verbosity(self) -> bool:
        """Whether `text.verbosity` may be sent."""
        return self.name == "gpt-5"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Token limits of one model; None where unknown."""

    context_window: int | None = None
    max_output_tokens: int | None = None


# The first prefix that fits wins. A family without a name is named after the slug itself.
_CODEX = ModelFamily(
    "",
    supports_reasoning=True,
    instructions=InstructionsKind.CODEX,
    summary_format=SummaryFormat.EXPERIMENTAL,
)
_OPEN_WEIGHT = ModelFamily("gpt-oss", wants_patch_function=True)
_FAMILIES: tuple[tuple[str, ModelFamily], ...] = (
    ("o3", ModelFamily("o3", supports_reasoning=True, needs_patch_lesson=True)),
    ("o4-mini", ModelFamily("o4-mini", supports_reasoning=True, needs_patch_lesson=True)),
    (
        "codex-mini-latest",
        ModelFamily(
            "codex-mini-latest",
            supports_reasoning=True,
            needs_patch_lesson=True,
            shell_tool=ShellToolKind.LOCAL,
        ),
    ),
    ("gpt-4.1", ModelFamily("gpt-4.1", needs_patch_lesson=True)),
    ("gpt-oss", _OPEN_WEIGHT),
    ("openai/gpt-oss", _OPEN_WEIGHT),
    ("gpt-4o", ModelFamily("gpt-4o", needs_patch_lesson=True)),
    ("gpt-3.5", ModelFamily("gpt-3.5", needs_patch_lesson=True)),
    ("codex-", _CODEX),
    ("gpt-5-codex", _CODEX),
    ("gpt-5", ModelFamily("gpt-5", supports_reasoning=True, needs_patch_lesson=True)),
)

_INFO_BY_SLUG = {
    "o3": ModelInfo(200_000, 100_000),
    "o4-mini": ModelInfo(200_000, 100_000),
    "codex-mini-latest": ModelInfo(200_000, 100_000),
    "gpt-4.1": ModelInfo(1_047_576, 32_768),
    "gpt-4.1-2025-04-14": ModelInfo(1_047_576, 32_768),
    "gpt-4o": ModelInfo(128_000, 16_384),
    "gpt-4o-2024-08-06": ModelInfo(128_000, 16_384),
    "gpt-4o-2024-11-20": ModelInfo(128_000, 16_384),
    "gpt-4o-2024-05-13": ModelInfo(128_000, 4_096),
    "gpt-3.5-turbo": ModelInfo(16_385, 4_096),
    "gpt-oss-20b": ModelInfo(96_000, 32_000),
    "gpt-oss-120b": ModelInfo(96_000, 32_000),
}
_INFO_BY_PREFIX = (("gpt-5", ModelInfo(272_000, 128_000)), ("codex-", ModelInfo(272_000, 128_000)))


def find_family(slug: str) -> ModelFamily | None:
    """The listed family of a model; None for a model nobody listed."""
    for prefix, family in _FAMILIES:
        if slug.startswith(prefix):
            return family if family.name else _named(family, slug)
    return None


def family_for(slug: str) -> ModelFamily:
    """The family of any model; one that is not listed is a family of its own with plain defaults."""
    return find_family(slug) or ModelFamily(slug)


def model_info(slug: str) -> ModelInfo:
    """The limits of a model; all None when it is not listed."""
    if (info := _INFO_BY_SLUG.get(slug)) is not None:
        return info
    for prefix, info in _INFO_BY_PREFIX:
        if slug.startswith(prefix):
            return info
    return ModelInfo()


def _named(family: ModelFamily, name: str) -> ModelFamily:
    from dataclasses import replace

    return replace(family, name=name)

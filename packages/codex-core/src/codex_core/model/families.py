"""What is known about models, as data: families by slug prefix and limits by slug (spec: agent.md section 6).

A model nobody listed here works too: it is a family of its own, with no known window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class InstructionsKind(StrEnum):
    """Which of our base instructions a family is given."""

    GENERAL = "general"
    CODEX = "codex"


class ShellToolKind(StrEnum):
    """How a family is offered the shell."""

    FUNCTION = "function"
    LOCAL = "local_shell"


class PatchToolKind(StrEnum):
    """How a family is offered `apply_patch` without being asked for it."""

    NONE = "none"
    FUNCTION = "function"
    FREEFORM = "freeform"
    """A custom tool with a grammar; the Chat Completions wire has none, there it is to be a function."""


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
    patch_tool: PatchToolKind = PatchToolKind.NONE
    shell_tool: ShellToolKind = ShellToolKind.FUNCTION
    summary_format: SummaryFormat = SummaryFormat.NONE
    supports_verbosity: bool = False
    """Whether `text.verbosity` may be sent."""
    supports_parallel_calls: bool = False
    """Whether the model is told that it may make several calls in one answer."""


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
# Later models are trained on the freeform tool and on calls side by side (spec: agent.md section 26).
_LATER_CODEX = replace(_CODEX, patch_tool=PatchToolKind.FREEFORM, supports_parallel_calls=True)
_GPT_5 = ModelFamily("gpt-5", supports_reasoning=True, needs_patch_lesson=True, supports_verbosity=True)
_OPEN_WEIGHT = ModelFamily("gpt-oss", patch_tool=PatchToolKind.FUNCTION)
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
    ("gpt-5.", replace(_GPT_5, patch_tool=PatchToolKind.FREEFORM, supports_parallel_calls=True)),
    ("gpt-5", _GPT_5),
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
    if slug.startswith("gpt-5.") and "-codex" in slug:
        return replace(_LATER_CODEX, name=slug)
    for prefix, family in _FAMILIES:
        if slug.startswith(prefix):
            return family if family.name else replace(family, name=slug)
    return None


def family_for(slug: str) -> ModelFamily:
    """The family of any model; one that is not listed is a family of its own.

    It is offered `apply_patch` as a function, which every model that calls tools at all can use, because the
    instructions tell it to edit with that.
    """
    return find_family(slug) or ModelFamily(slug, patch_tool=PatchToolKind.FUNCTION)


def model_info(slug: str) -> ModelInfo:
    """The limits of a model; all None when it is not listed."""
    if (info := _INFO_BY_SLUG.get(slug)) is not None:
        return info
    for prefix, info in _INFO_BY_PREFIX:
        if slug.startswith(prefix):
            return info
    return ModelInfo()

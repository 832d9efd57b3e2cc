"""The model table (spec: agent.md section 6)."""

from __future__ import annotations

import pytest

from codex_core.model.families import (
    InstructionsKind,
    ModelFamily,
    ModelInfo,
    PatchToolKind,
    ShellToolKind,
    SummaryFormat,
    family_for,
    find_family,
    model_info,
)


@pytest.mark.parametrize(
    ("slug", "name", "reasons", "instructions", "lesson", "patch", "summary"),
    [
        ("o3", "o3", True, "general", True, "none", "none"),
        ("o3-mini", "o3", True, "general", True, "none", "none"),
        ("o4-mini-2025", "o4-mini", True, "general", True, "none", "none"),
        ("codex-mini-latest", "codex-mini-latest", True, "general", True, "none", "none"),
        ("gpt-4.1-nano", "gpt-4.1", False, "general", True, "none", "none"),
        ("gpt-oss:20b", "gpt-oss", False, "general", False, "function", "none"),
        ("openai/gpt-oss-120b", "gpt-oss", False, "general", False, "function", "none"),
        ("gpt-4o", "gpt-4o", False, "general", True, "none", "none"),
        ("gpt-3.5-turbo", "gpt-3.5", False, "general", True, "none", "none"),
        ("codex-next", "codex-next", True, "codex", False, "none", "experimental"),
        ("gpt-5-codex", "gpt-5-codex", True, "codex", False, "none", "experimental"),
        ("gpt-5-codex-mini", "gpt-5-codex-mini", True, "codex", False, "none", "experimental"),
        ("gpt-5", "gpt-5", True, "general", True, "none", "none"),
        ("gpt-5-nano", "gpt-5", True, "general", True, "none", "none"),
        ("gpt-5.1", "gpt-5", True, "general", True, "freeform", "none"),
        ("gpt-5.2-chat-latest", "gpt-5", True, "general", True, "freeform", "none"),
        ("gpt-5.1-codex", "gpt-5.1-codex", True, "codex", False, "freeform", "experimental"),
        ("gpt-5.1-codex-max", "gpt-5.1-codex-max", True, "codex", False, "freeform", "experimental"),
        ("gpt-5.3-codex-spark", "gpt-5.3-codex-spark", True, "codex", False, "freeform", "experimental"),
        ("mistral-large", "mistral-large", False, "general", False, "function", "none"),
    ],
)
def test_families_by_prefix(
    slug: str, name: str, reasons: bool, instructions: str, lesson: bool, patch: str, summary: str
) -> None:
    family = family_for(slug)
    assert family == ModelFamily(
        name,
        supports_reasoning=reasons,
        instructions=InstructionsKind(instructions),
        needs_patch_lesson=lesson,
        patch_tool=PatchToolKind(patch),
        shell_tool=ShellToolKind.LOCAL if name == "codex-mini-latest" else ShellToolKind.FUNCTION,
        summary_format=SummaryFormat(summary),
        supports_verbosity=slug.startswith("gpt-5") and "codex" not in slug,
        supports_parallel_calls=slug.startswith("gpt-5."),
    )


def test_a_model_nobody_listed_has_no_listed_family() -> None:
    assert find_family("mistral-large") is None
    assert find_family("gpt-5") == family_for("gpt-5")


def test_verbosity_is_for_gpt_5_alone() -> None:
    assert family_for("gpt-5-mini").supports_verbosity
    assert not family_for("gpt-5-codex").supports_verbosity
    assert not family_for("o3").supports_verbosity


@pytest.mark.parametrize(
    ("slug", "window", "output"),
    [
        ("gpt-5", 272_000, 128_000),
        ("gpt-5-codex", 272_000, 128_000),
        ("gpt-5.1-codex-max", 272_000, 128_000),
        ("gpt-5.2", 272_000, 128_000),
        ("codex-next", 272_000, 128_000),
        ("codex-mini-latest", 200_000, 100_000),
        ("o3", 200_000, 100_000),
        ("gpt-4.1", 1_047_576, 32_768),
        ("gpt-4o-2024-05-13", 128_000, 4_096),
        ("gpt-3.5-turbo", 16_385, 4_096),
        ("gpt-oss-20b", 96_000, 32_000),
    ],
)
def test_limits_of_listed_models(slug: str, window: int, output: int) -> None:
    assert model_info(slug) == ModelInfo(window, output)


@pytest.mark.parametrize("slug", ["o3-mini", "gpt-oss:20b", "openai/gpt-oss-20b", "gpt-4.1-nano", "llama"])
def test_limits_of_other_models_are_unknown(slug: str) -> None:
    assert model_info(slug) == ModelInfo(None, None)

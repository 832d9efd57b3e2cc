"""The texts that tell a model how to work here: our own words, one Markdown file each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.model.families import ModelFamily


def base_instructions(family: ModelFamily, *, teach_apply_patch: bool) -> str:
    """The instructions of a family; with the patch language where no tool teaches it (agent.md 5)."""
    text = prompt_text(family.instructions)
    if teach_apply_patch and family.needs_patch_lesson:
        text += "\n" + prompt_text("apply_patch")
    return text


@cache
def prompt_text(name: str) -> str:
    """The text of `<name>.md` in this directory."""
    import os

    with open(os.path.join(os.path.dirname(__file__), f"{name}.md"), encoding="utf-8") as file:
        return file.read()

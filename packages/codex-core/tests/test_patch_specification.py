"""How `apply_patch` is offered: the example a model is taught, and the form by family and wire."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codex_core.model.families import PatchToolKind, family_for
from codex_core.patch.specification import custom_tool, function_tool

GREET = 'def leave(name):\n    print("Hi", name)\n\n\n{}'.format(
    'def greet(name):\n    # Called once for every guest.\n    print("Hi", name)\n    return name\n'
)


def test_the_example_of_the_lesson_applies(tmp_path: Path) -> None:
    from codex_core.patch.apply import apply_patch
    from codex_core.patch.grammar import parse_patch

    found = re.search(
        r"^\*\*\* Begin Patch\n.*?^\*\*\* End Patch$", function_tool().description, re.MULTILINE | re.DOTALL
    )
    assert found is not None
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "greet.py").write_text(GREET)
    (tmp_path / "old.txt").write_text("old\n")
    apply_patch(parse_patch(found[0]), str(tmp_path))
    assert (tmp_path / "src" / "greet.py").read_text() == GREET.replace(
        'guest.\n    print("Hi"', 'guest.\n    print("Hello"'
    )
    assert (tmp_path / "docs" / "new.md").read_text() == "First line\nSecond line\n"
    assert not (tmp_path / "old.txt").exists()


def test_free_text_becomes_a_function_where_the_wire_has_none() -> None:
    assert custom_tool().to_responses()["type"] == "custom"
    assert custom_tool().to_chat() == function_tool().to_chat()


@pytest.mark.parametrize(
    ("kind", "is_wanted", "offered"),
    [
        (PatchToolKind.FUNCTION, False, "function"),
        (PatchToolKind.FUNCTION, True, "function"),
        (PatchToolKind.FREEFORM, False, "custom"),
        (PatchToolKind.NONE, True, "custom"),
        (PatchToolKind.NONE, False, None),
    ],
)
def test_family_and_wish_decide_the_form(
    kind: PatchToolKind, is_wanted: bool, offered: str | None, bench: Any
) -> None:
    from codex_core.tools.apply_patch import ApplyPatchTool

    family = replace(family_for("gpt-5"), patch_tool=kind)
    spec = ApplyPatchTool().spec(replace(bench.context, family=family, offers_apply_patch=is_wanted))
    assert (spec and spec.to_responses()["type"]) == offered

"""What the base instructions say must be true: formats, names and numbers are those of the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codex_core.conversation.prompts import base_instructions, prompt_text
from codex_core.model.families import family_for
from codex_core.patch import grammar
from codex_core.patch.apply import apply_patch
from codex_core.patch.invocation import PatchCall, detect_patch
from codex_core.tools.runtime import DEFAULT_TIMEOUT_MS
from codex_protocol.config_types import AskForApproval, SandboxMode

TEXTS = ("general", "codex")
MARKERS = (
    grammar.BEGIN,
    grammar.END,
    grammar.ADD,
    grammar.DELETE,
    grammar.UPDATE,
    grammar.MOVE,
    grammar.END_OF_FILE,
)


def lesson_patch() -> str:
    """The patch that stands in the lesson as a block of its own."""
    text = prompt_text("apply_patch")
    start = text.index(f"\n{grammar.BEGIN}\n") + 1
    return text[start : text.index(f"\n{grammar.END}\n", start) + len(grammar.END) + 1]


def test_the_lesson_names_every_marker_of_the_language() -> None:
    lesson = prompt_text("apply_patch")
    assert [marker for marker in MARKERS if marker.strip() not in lesson] == []
    assert set(re.findall(r"\*\*\* [A-Z][A-Za-z ]+", lesson)) == {marker.rstrip(" :") for marker in MARKERS}


def test_the_command_in_the_lesson_is_a_patch(tmp_path: Path) -> None:
    (line,) = [line for line in prompt_text("apply_patch").splitlines() if line.startswith("{")]
    found = detect_patch(tuple(json.loads(line)["command"]), str(tmp_path))
    assert isinstance(found, PatchCall)
    file = tmp_path / "src" / "greet.py"
    file.parent.mkdir()
    file.write_text('def greet():\n    print("hi")\n')
    apply_patch(found.patch, str(tmp_path))
    assert file.read_text() == 'def greet():\n    print("hello")\n'


def test_the_patch_in_the_lesson_does_what_the_lesson_says(tmp_path: Path) -> None:
    store = tmp_path / "src" / "store.py"
    store.parent.mkdir()
    close = "    def close(self):\n        self.flush()\n        self.open = True\n"
    main = "\ndef main():\n    Store().close()\n"
    store.write_text(f"class Cache:\n{close}\nclass Store:\n{close}{main}")
    (tmp_path / "notes.txt").write_text("Notes\n")
    (tmp_path / "old.txt").write_text("x\n")
    apply_patch(grammar.parse_patch(lesson_patch()), str(tmp_path))
    cache, changed = store.read_text().split("class Store:")
    assert "self.open = True" in cache  # the named class was changed, not the first place that fits
    assert "self.open = False" in changed
    assert "with Store() as store:" in changed
    assert (tmp_path / "docs" / "notes.md").read_text() == "# Notes\n"
    assert (tmp_path / "docs" / "new.md").read_text() == "# New\n\nText.\n"
    assert not (tmp_path / "notes.txt").exists()
    assert not (tmp_path / "old.txt").exists()


@pytest.mark.parametrize("name", TEXTS)
def test_every_policy_a_model_can_meet_is_explained(name: str) -> None:
    text = prompt_text(name)
    for word in (*AskForApproval, *SandboxMode, "restricted", "enabled", "<environment_context>"):
        assert f"`{word}`" in text, word


@pytest.mark.parametrize("name", TEXTS)
def test_tools_and_parameters_are_called_what_they_are_called(name: str) -> None:
    text = prompt_text(name)
    for word in ("with_escalated_permissions", "justification", "timeout_ms", "workdir", "apply_patch", "rg"):
        assert f"`{word}`" in text, word
    assert f"{DEFAULT_TIMEOUT_MS // 1000} seconds" in text
    assert "`.git`" in text
    assert "AGENTS.md" in text
    (form,) = set(re.findall(r'\["bash".*?\]', text))
    assert json.loads(form) == ["bash", "-lc", "…"]


@pytest.mark.parametrize(("name", "most"), [("general", 7_500), ("codex", 3_000), ("apply_patch", 1_800)])
def test_a_text_that_goes_out_with_every_request_stays_short(name: str, most: int) -> None:
    assert len(prompt_text(name)) <= most


def test_patches_are_taught_to_families_that_need_it_and_only_without_a_tool() -> None:
    lesson = prompt_text("apply_patch")
    assert base_instructions(family_for("o3"), teach_apply_patch=True).endswith(f"\n{lesson}")
    assert lesson not in base_instructions(family_for("o3"), teach_apply_patch=False)
    for slug in ("gpt-5-codex", "gpt-oss-20b", "llama"):
        assert lesson not in base_instructions(family_for(slug), teach_apply_patch=True)
    assert base_instructions(family_for("gpt-5.1-codex"), teach_apply_patch=False) == prompt_text("codex")

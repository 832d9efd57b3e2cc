"""Saved prompts: which files are prompts, their front matter, and what arguments make of them."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.custom_prompts import PromptArgumentsError, expand_prompt, list_prompts, split_front_matter


def test_prompts_come_by_name_without_their_front_matter(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "b.md").write_text("x\n")
    (prompts / "a.MD").write_text('---\ndescription: "Does it"\nargument-hint: FILE=…\n# no\n---\nGo $1\n')
    first, second = list_prompts(str(tmp_path))
    assert (first.name, first.path, first.content) == ("a", str(prompts / "a.MD"), "Go $1\n")
    assert (first.description, first.argument_hint) == ("Does it", "FILE=…")
    assert (second.name, second.content, second.description) == ("b", "x\n", None)


def test_what_is_no_readable_text_file_is_no_prompt(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    (prompts / "dir.md").mkdir(parents=True)
    (prompts / "real.txt").write_text("x")
    (prompts / ".md").write_text("x")
    (prompts / "binary.md").write_bytes(b"\xff\xfe")
    (prompts / "huge.md").write_bytes(b"x" * (1024 * 1024 + 1))
    os.symlink(prompts / "real.txt", prompts / "link.md")
    os.mkfifo(prompts / "pipe.md")
    (prompts / os.fsdecode(b"bad\xff.md")).write_text("x")
    assert list_prompts(str(tmp_path)) == []
    assert list_prompts(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("text", "fields", "body"),
    [
        ("plain", {}, "plain"),
        ("---\nnever closed\n", {}, "---\nnever closed\n"),
        ("---\n---\nbody", {}, "body"),
        ("\ufeff---\nDescription: a: b\n---\n\nbody", {"description": "a: b"}, "\nbody"),
        ("---\nargument_hint: x\n nested: y\nno colon\nempty:\n---\n", {"argument-hint": "x"}, ""),
        ("", {}, ""),
    ],
)
def test_front_matter(text: str, fields: dict[str, str], body: str) -> None:
    assert split_front_matter(text) == (fields, body)


@pytest.mark.parametrize(
    ("content", "arguments", "expanded"),
    [
        ("no placeholders $ $x", "a 'b", "no placeholders $ $x"),
        ("$1-$2-$9", "a 'b c'", "a-b c-"),
        ("[$ARGUMENTS]", "a 'b c'  d", "[a b c d]"),
        ("[$ARGUMENTS]", "", "[]"),
        ("costs $$5 and $$1", "x", "costs $5 and $1"),
        ("$FILE: $1", "FILE='a b' x=1", "a b: x=1"),
        ("$FILE $FILE", "FILE=$1", "$1 $1"),
        ("$1 $2", "X=1 '$1'", "X=1 $1"),
        ("$10", "a", "a0"),
    ],
)
def test_arguments_fill_placeholders(content: str, arguments: str, expanded: str) -> None:
    assert expand_prompt(content, arguments) == expanded


def test_what_is_missing_or_unclosed_is_named() -> None:
    with pytest.raises(PromptArgumentsError, match="FILE=… NAME=…"):
        expand_prompt("$NAME $FILE $1", "x")
    with pytest.raises(PromptArgumentsError, match="Close every quote"):
        expand_prompt("$1", "it's")


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="'\"\\")))
def test_any_text_and_arguments_make_a_prompt_or_name_what_is_missing(content: str, arguments: str) -> None:
    try:
        expanded = expand_prompt(content, arguments)
    except PromptArgumentsError:
        assert any(f"${letter}" in content for letter in string.ascii_uppercase)
    else:
        assert "$" in content or expanded == content

"""Prompts the user keeps in `prompts/*.md` of the codex home, and what they become with arguments.

A file may begin with a front matter between two `---` lines that names a `description` and an
`argument-hint`. `$1` to `$9` stand for the arguments in order, `$ARGUMENTS` for all of them, `$NAME` for
what was given as `NAME=value`, `$$` for a dollar sign (spec: agent.md section 22; arguments are newer).
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from codex_core.errors import CodexError

MAX_PROMPT_BYTES = 1024 * 1024
"""A larger file is no prompt."""

_SUFFIX = ".md"
_PLACEHOLDER = re.compile(r"\$(\$|[1-9]|[A-Z][A-Z0-9_]*)")
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_ALL = "ARGUMENTS"


class PromptArgumentsError(CodexError):
    """A saved prompt cannot be used with these arguments."""


@dataclass(frozen=True, slots=True)
class SavedPrompt:
    """A prompt the user keeps in a file."""

    name: str
    """The file's name without `.md`."""
    path: str
    content: str
    """The text behind the front matter."""
    description: str | None = None
    argument_hint: str | None = None


def list_prompts(codex_home: str) -> list[SavedPrompt]:
    """The saved prompts by name; what is no regular UTF-8 file, or cannot be read, is passed over."""
    directory = os.path.join(codex_home, "prompts")
    prompts = []
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() != _SUFFIX or not stem:
            continue
        path = os.path.join(directory, name)
        text = _read(path)
        if text is not None and _is_text(stem):
            fields, body = split_front_matter(text)
            prompts.append(
                SavedPrompt(stem, path, body, fields.get("description"), fields.get("argument-hint"))
            )
    return sorted(prompts, key=lambda prompt: prompt.name)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(path: str) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_PROMPT_BYTES:
            return None
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_PROMPT_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(descriptor)


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The `key: value` lines between two `---` lines at the beginning, and the text behind them."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return {}, text
    for number, line in enumerate(lines[1:], 1):
        if line.strip() == "---":
            return dict(_fields(lines[1:number])), "".join(lines[number + 1 :])
    return {}, text


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    fields = []
    for line in lines:
        key, colon, value = line.partition(":")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if colon and value and not line.startswith((" ", "\t", "#")):
            fields.append((key.strip().lower().replace("_", "-"), value))
    return fields


def expand_prompt(content: str, arguments: str) -> str:
    """The text of a saved prompt with its placeholders filled in.

    Arguments are cut as a shell does: at blanks outside of quotes. Those of the form `NAME=value` whose
    name stands in the prompt fill `$NAME`; the others fill `$1` to `$9` and, joined, `$ARGUMENTS`. A number
    without an argument becomes nothing.

    Raises:
        PromptArgumentsError: a quote is not closed, or a `$NAME` of the prompt is given no value.
    """
    import shlex

    wanted = [match[1] for match in _PLACEHOLDER.finditer(content)]
    names = {name for name in wanted if name[0].isalpha() and name != _ALL}
    if not wanted:
        return content
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        raise PromptArgumentsError(
            f"The arguments of the prompt cannot be read: {str(error).lower()}. Close every quote."
        ) from error
    given: dict[str, str] = {}
    positional: list[str] = []
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if match and match[1] in names:
            given[match[1]] = match[2]
        else:
            positional.append(word)
    if missing := sorted(names - given.keys()):
        listed = " ".join(f"{name}=…" for name in missing)
        raise PromptArgumentsError(f"The prompt needs further arguments: {listed}")

    def fill(match: re.Match[str]) -> str:
        key = match[1]
        if key == "$":
            return "$"
        if key.isdigit():
            return positional[int(key) - 1] if int(key) <= len(positional) else ""
        return " ".join(positional) if key == _ALL else given[key]

    return _PLACEHOLDER.sub(fill, content)

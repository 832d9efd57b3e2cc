"""Finds the patch in a command a model asks for, before anything runs (spec: exec-sandbox.md section E.6)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.patch.grammar import BEGIN, PatchSyntaxError, parse_patch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from codex_core.patch.grammar import Patch

PROGRAMS = ("apply_patch", "applypatch")

_IMPLICIT = 'error: patch detected without explicit call to apply_patch. Rerun as ["apply_patch", "<patch>"]'


@dataclass(frozen=True, slots=True)
class NotAPatch:
    """An ordinary command."""


@dataclass(frozen=True, slots=True)
class PatchCall:
    """A patch to be applied in a directory."""

    patch: Patch
    text: str
    """What the program is given; always encodable as UTF-8."""
    directory: str
    """Absolute if the call's directory is."""


@dataclass(frozen=True, slots=True)
class PatchProblem:
    """Meant as a patch, but nothing may run."""

    message: str
    """What the model is told."""


def detect_patch(argv: Sequence[str], cwd: str) -> NotAPatch | PatchCall | PatchProblem:
    """What `argv`, called in `cwd`, is: a patch, an unusable one, or an ordinary command."""
    match tuple(argv):
        case [program, text] if program in PROGRAMS:
            return _call(text, cwd)
        case [text]:
            return PatchProblem(_IMPLICIT) if _is_patch(text) else NotAPatch()
        case ["bash", "-lc", script]:
            if _is_patch(script):
                return PatchProblem(_IMPLICIT)
            found = _patch_in_script(script)
            if found is not None:
                return _call(found.body, os.path.join(cwd, found.directory) if found.directory else cwd)
    return NotAPatch()


def _call(text: str, directory: str) -> PatchCall | PatchProblem:
    text = _well_formed(text)
    try:
        return PatchCall(parse_patch(text), text, directory)
    except PatchSyntaxError as error:
        return PatchProblem(f"error: {error}")


def _well_formed(text: str) -> str:
    """`text` without lone surrogates, which JSON can carry and a file cannot."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_patch(text: str) -> bool:
    if BEGIN not in text:
        return False
    try:
        parse_patch(text)
    except PatchSyntaxError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _ScriptedPatch:
    """What a script hands to apply_patch, and where it goes first."""

    body: str
    directory: str | None


def _patch_in_script(script: str) -> _ScriptedPatch | None:
    """The here-document of a script that is nothing but `[cd DIR &&] apply_patch <<TAG`."""
    if "<<" not in script or not any(program in script for program in PROGRAMS):
        return None
    from codex_core.approval.shell_syntax import parse_script  # costs the import of tree-sitter

    root = parse_script(script)
    statement = _only_child(root)
    if statement is None or statement.type != "redirected_statement":
        return None
    match statement.named_children:
        case [command, redirect] if redirect.type == "heredoc_redirect":
            body = _heredoc_body(redirect)
        case _:
            return None
    if body is None:
        return None
    if command.type == "command":
        name, arguments = _words(command)
        return _ScriptedPatch(body, None) if name in PROGRAMS and not arguments else None
    directory = _directory_gone_to(command) if command.type == "list" else None
    return None if directory is None else _ScriptedPatch(body, directory)


def _only_child(root: Node | None) -> Node | None:
    """The one statement of a script; unnamed nodes beside it are line ends, or else `;` or `&`."""
    if root is None or len(root.named_children) != 1:
        return None
    if any(not child.is_named and _text(child).strip() for child in root.children):
        return None
    return root.named_children[0]


def _heredoc_body(redirect: Node) -> str | None:
    match redirect.named_children:
        case [start, body, end] if (start.type, body.type, end.type) == (
            "heredoc_start",
            "heredoc_body",
            "heredoc_end",
        ):
            return _text(body).rstrip("\n")
    return None


def _directory_gone_to(commands: Node) -> str | None:
    """DIR of `cd DIR && apply_patch`; arguments of apply_patch do not matter, the here-document does."""
    connectors = [
        text for child in commands.children if not child.is_named and (text := _text(child).strip())
    ]
    match commands.named_children:
        case [change, apply] if connectors == ["&&"] and change.type == apply.type == "command":
            pass
        case _:
            return None
    if _words(apply)[0] not in PROGRAMS:
        return None
    match _words(change):
        case ["cd", [argument]]:
            return _literal(argument)
    return None


def _words(command: Node) -> tuple[str | None, list[Node]]:
    """The name of a command, if it is a bare word, and what follows it; assignments before it are skipped."""
    children = command.named_children
    for at, child in enumerate(children):
        if child.type == "command_name":
            is_bare = [part.type for part in child.named_children] == ["word"]
            return (_text(child) if is_bare else None), children[at + 1 :]
    return None, []


def _literal(argument: Node) -> str | None:
    """The value of a word, where that is its text; nothing is unescaped or expanded."""
    match argument.type:
        case "word":
            return _text(argument)
        case "raw_string":
            return _text(argument)[1:-1]
        case "string":
            parts = argument.named_children
            if len(parts) == 1 and parts[0].type == "string_content":
                return _text(parts[0])
    return None


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8")

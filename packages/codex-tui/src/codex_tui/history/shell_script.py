"""Commands as rows: operators, keywords and here documents stand back behind what is run.

Spec: tui.md section 6.5.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Line, Span, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

MAX_CHARACTERS = 20_000
"""Longer scripts are shown plain."""
_WORDS = frozenset({'"', "'", "$", "=", "$'", '$"'})
"""Signs that belong to the words they stand at."""
_WHOLE = {"heredoc_body": True, "heredoc_end": True, "expansion": False, "comment": True}
"""What is not looked into, and whether it is dim."""


@lru_cache(32)  # a running command is asked for with every frame
def script_rows(script: str) -> list[Line]:
    """The lines of a script, nothing of it hidden; plain if it cannot be understood."""
    text = exact_text(script)
    rows: list[list[Span]] = [[]]
    at = 0
    data = text.encode()
    for start, end in _dim_parts(text):
        _put(rows, data[at:start].decode(), Style.PLAIN)
        _put(rows, data[start:end].decode(), Style.DIM)
        at = end
    _put(rows, data[at:].decode(), Style.PLAIN)
    return [tuple(row) or (Span(""),) for row in rows]


def _put(rows: list[list[Span]], text: str, style: Style) -> None:
    first, *others = text.split("\n")
    for number, part in enumerate((first, *others)):
        if number:
            rows.append([])
        if part:
            rows[-1].append(Span(part, style))


def _dim_parts(text: str) -> list[tuple[int, int]]:
    """Where they begin and end, in bytes."""
    from codex_core.approval.shell_syntax import parse_script

    root = parse_script(text) if len(text) <= MAX_CHARACTERS else None
    if root is None or root.has_error:
        return []
    return [(node.start_byte, node.end_byte) for node in _dim_nodes(root)]


def _dim_nodes(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        is_dim = _WHOLE.get(node.type)
        if is_dim is None and node.child_count:
            waiting += reversed(node.children)
        elif is_dim or (is_dim is None and not node.is_named and node.type not in _WORDS):
            yield node

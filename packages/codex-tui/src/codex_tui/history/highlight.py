"""Source code with its words told apart, by pygments, which is loaded when the first code is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Line, Span, Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pygments.lexer import Lexer  # type: ignore[import-untyped]  # ships no types

MAX_CHARACTERS = 100_000
"""Longer code is shown plain: finding its words would hold up the screen."""
_MAX_ROW = 2_000

_STYLES = {
    "Keyword.Constant": Style.NUMBER,
    "Keyword.Type": Style.TYPE,
    "Keyword": Style.KEYWORD,
    "Name.Function": Style.FUNCTION,
    "Name.Class": Style.TYPE,
    "Name.Builtin": Style.TYPE,
    "Name.Exception": Style.TYPE,
    "Name.Decorator": Style.FUNCTION,
    "Name.Tag": Style.KEYWORD,
    "Name.Attribute": Style.FUNCTION,
    "Literal.String": Style.STRING,
    "Literal.Number": Style.NUMBER,
    "Comment": Style.COMMENT,
    "Operator.Word": Style.KEYWORD,
    "Operator": Style.OPERATOR,
    "Generic.Inserted": Style.ADDED,
    "Generic.Deleted": Style.REMOVED,
    "Generic.Heading": Style.STRONG,
    "Generic.Subheading": Style.DIM,
}


def code_rows(code: str, language: str, *, context: str = "") -> list[Line]:
    """The lines of `code`; those of `context` stand above it and are not given back.

    Code in a language nobody knows comes back plain.
    """
    plain = _plain_rows(code)
    lexer = None if not language or len(code) + len(context) > MAX_CHARACTERS else _lexer(language)
    if lexer is None or any(len(row) > _MAX_ROW for row in code.split("\n")):
        return plain
    skipped = context.count("\n")
    rows = list(_styled_rows(f"{context}{code}\n", lexer))[skipped : skipped + len(plain)]
    # A lexer that does not give back what it was given would show something else than was said.
    return rows if ["".join(s.text for s in row) for row in rows] == [row[0].text for row in plain] else plain


def _plain_rows(code: str) -> list[Line]:
    return [(Span(row),) for row in exact_text(code).split("\n")]


def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # ships no types
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]  # ships no types

    try:
        return get_lexer_by_name(language.lower(), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _styled_rows(code: str, lexer: Lexer) -> Iterator[Line]:
    row: list[Span] = []
    for kind, text in lexer.get_tokens(exact_text(code)):
        style = _style(str(kind))
        first, *others = text.split("\n")
        _append(row, first, style)
        for other in others:
            yield tuple(row) or (Span(""),)
            row = []
            _append(row, other, style)


def _append(row: list[Span], text: str, style: Style) -> None:
    if not text:
        return
    if row and row[-1].style is style:
        row[-1] = Span(row[-1].text + text, style)
    else:
        row.append(Span(text, style))


def _style(kind: str) -> Style:
    name = kind.removeprefix("Token.")
    while name:
        if name in _STYLES:
            return _STYLES[name]
        name = name.rpartition(".")[0]
    return Style.PLAIN

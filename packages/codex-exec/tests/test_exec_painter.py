"""Rows on a stream, with colours where they are wanted."""

from __future__ import annotations

import io

import pytest

from codex_core.presentation.spans import Span, Style, line
from codex_exec.options import Color
from codex_exec.painter import Painter, is_colored


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_colour_nothing_is_added() -> None:
    stream = io.StringIO()
    painter = Painter(stream, colored=False)
    painter.row(line("a ", Span("b", Style.FAILURE)))
    painter.rows([line("c"), (), line(Span("d", Style.DIM))])
    painter.text("e", Style.THOUGHT)
    assert stream.getvalue() == "a b\nc\n\nd\ne"


def test_with_colour_each_span_is_wrapped_by_itself() -> None:
    stream = io.StringIO()
    painter = Painter(stream, colored=True)
    painter.row(line("plain ", Span("red", Style.FAILURE), Span("", Style.DIM)))
    painter.text("", Style.THOUGHT)
    assert stream.getvalue() == "plain \x1b[1;31mred\x1b[0m\n"


@pytest.mark.parametrize("style", [style for style in Style if style is not Style.PLAIN])
def test_every_style_looks_like_something_and_ends(style: Style) -> None:
    stream = io.StringIO()
    Painter(stream, colored=True).text("x", style)
    assert stream.getvalue().startswith("\x1b[")
    assert stream.getvalue().endswith("mx\x1b[0m")


def test_rows_are_there_at_once() -> None:
    class Counting(io.StringIO):
        flushed = 0

        def flush(self) -> None:
            self.flushed += 1

    stream = Counting()
    painter = Painter(stream, colored=False)
    painter.row(line("a"))
    painter.text("b")
    assert stream.flushed == 2


@pytest.mark.parametrize(
    ("choice", "stream", "environ", "colored"),
    [
        (Color.AUTO, Terminal(), {"TERM": "xterm"}, True),
        (Color.AUTO, Terminal(), {}, True),
        (Color.AUTO, io.StringIO(), {"TERM": "xterm"}, False),
        (Color.AUTO, Terminal(), {"TERM": "dumb"}, False),
        (Color.AUTO, Terminal(), {"NO_COLOR": "1"}, False),
        (Color.AUTO, Terminal(), {"NO_COLOR": ""}, True),
        (Color.ALWAYS, io.StringIO(), {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (Color.NEVER, Terminal(), {"TERM": "xterm"}, False),
    ],
)
def test_when_to_colour(choice: Color, stream: io.StringIO, environ: dict[str, str], colored: bool) -> None:
    assert is_colored(choice, stream, environ) is colored

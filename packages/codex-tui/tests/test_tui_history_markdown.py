"""Markdown: what each construct looks like, and that it looks the same however it came in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.tree import SyntaxTreeNode

from codex_core.presentation.spans import Emphasis, Line, Span, Style, plain_text
from codex_tui.history.highlight import MAX_CHARACTERS, code_rows
from codex_tui.history.markdown import NO_LINKS, Links, _Layout, chunk_paragraphs, markdown_paragraphs
from codex_tui.history.markdown_stream import (
    CODE_LINES,
    Chunk,
    ChunkKind,
    MarkdownStream,
    chunks_of,
    parser,
)
from codex_tui.history.themes import DARK, painted
from codex_tui.history.wrapping import line_width, wrapped

PARTS = st.sampled_from(
    [
        "- a\n", "- b\n", "  - c\n", "* s\n", "+ p\n", "1. one\n", "2. two\n", "10. ten\n", "7) x\n", "   para\n",
        "\n", "\n\n", "text\n", "more *em*\n", "**bo", "ld** `c", "ode`\n", "~~x~~ ", "```\n", "```py\n", "~~~\n",
        "x = 1\n", '"""\n', "    indented\n", "  two in\n", "> q\n", "> - l\n", ">\n", "| a | b |\n", "|---|:-:|\n",
        "| 1 | 2 |\n", "a | b\n", "# h\n", "---\n", "===\n", "***\n", "<div>\n", "</div>\n", "<!-- c\n", "-->\n",
        "[x]: http://y\n", "[x](http://y/z) ", "\t tab\n", " ", "-", "1.", "`", "**", "漢字", "e\u0301", "\r\n", "\r",
        "【F:a.py†L1-L2】", "&#27;[2J", "\x1b[2J", "\x00", "- [ ] t\n", "- [x] d\n", "\\", "!", "\u202e",
    ]
)  # fmt: skip
TEXTS = st.lists(PARTS, max_size=20).map("".join)

SAMPLE = """Intro with **bold
over lines** and `code`.

```python
def f(x):
    \"\"\"Doc
    string\"\"\"

    return x
```

- one
  - nested

    with a paragraph
- two

5. five
6. six
   ```sh
   ls | wc
   ```

| A | Long head | C |
|---|:---:|--:|
| 1 | `2` | three |
| 漢字 | x | y |

> quote
> - in it

Setext
======

Lower
-----

- deep
  1. deeper

     ```py
     in = "a list"
     ```
     * deepest
\tafter a tab
- [ ] task

<div class="x">
raw *html*
</div>

See [ref] and [inline](http://x/y "t").

[ref]: http://example.com/ref

| `a|b` | 漢字 **b** | 👨\u200d👩\u200d👧 |
|:--|--:|---|
| 1 | `c` | e\u0301 |
| only one |

    indented code
\twith a tab

~~~
no language

~~~
~~~js
never closed
"""


def rows_of(chunks: list[Chunk], width: int = 40) -> list[Line]:
    rows: list[Line] = []
    for chunk in chunks:
        if rows and chunk.has_gap:
            rows.append(())
        rows += wrapped(chunk_paragraphs(chunk, width), width)
    return rows


def look(text: str, width: int = 60, links: Links = NO_LINKS) -> list[str]:
    return [plain_text(row).rstrip() for row in wrapped(markdown_paragraphs(text, width, links), width)]


def spans(text: str) -> list[Span]:
    return [span for row in wrapped(markdown_paragraphs(text, 80), 80) for span in row]


# -- streaming ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [SAMPLE, SAMPLE.replace("\n", "\r\n")], ids=["unix", "dos"])
def test_a_text_cut_at_every_position_looks_like_the_whole(text: str) -> None:
    whole = chunks_of(text)
    for cut in range(len(text)):
        stream = MarkdownStream()
        stream.push(text[:cut])
        chunks = stream.take()
        stream.open_chunks()
        stream.push(text[cut:])
        chunks += stream.take()
        chunks += stream.close()
        assert chunks == whole, cut
    assert [plain_text(row) for row in rows_of(whole)] == [
        plain_text(row) for row in rows_of(chunks_of(SAMPLE))
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16])
def test_a_text_in_pieces_of_any_size_looks_like_the_whole(size: int) -> None:
    stream = MarkdownStream()
    chunks: list[Chunk] = []
    for at in range(0, len(SAMPLE), size):
        stream.push(SAMPLE[at : at + size])
        chunks += stream.take()
        assert rows_of(chunks) == rows_of(chunks_of(SAMPLE))[: len(rows_of(chunks))]
    assert chunks + stream.close() == chunks_of(SAMPLE)


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(min_value=0, max_value=200), max_size=8))
def test_any_text_cut_anywhere_has_the_chunks_of_the_whole(text: str, cuts: list[int]) -> None:
    stream = MarkdownStream()
    chunks: list[Chunk] = []
    at = 0
    for cut in sorted({min(cut, len(text)) for cut in cuts} | {len(text)}):
        stream.push(text[at:cut])
        chunks += stream.take()
        stream.open_chunks()
        at = cut
    assert chunks + stream.close() == chunks_of(text)


@settings(deadline=None)
@given(TEXTS)
def test_a_text_letter_by_letter_has_the_chunks_of_the_whole(text: str) -> None:
    stream = MarkdownStream()
    chunks: list[Chunk] = []
    for letter in text:
        stream.push(letter)
        chunks += stream.take()
    assert chunks + stream.close() == chunks_of(text)


@settings(deadline=None)
@given(TEXTS)
def test_chunks_look_like_the_whole_read_at_once(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "␍").replace("\x00", "␀")
    layout = _Layout(plain.split("\n"), NO_LINKS)
    at_once = wrapped(layout.blocks(SyntaxTreeNode(parser().parse(plain)).children, 40), 40)
    shown = [row for row in map(plain_text, rows_of(chunks_of(text))) if row.strip()]
    assert shown == [row for row in map(plain_text, at_once) if row.strip()]


@settings(deadline=None)
@given(TEXTS, st.integers(min_value=4, max_value=60))
def test_rows_fit_and_hold_no_controls(text: str, width: int) -> None:
    stream = MarkdownStream()
    stream.push(text)
    for row in [*rows_of(chunks_of(text), width), *rows_of(stream.open_chunks(), width)]:
        assert line_width(row) <= width
        assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in plain_text(row))
        assert "\u202e" not in plain_text(row)
        assert painted([row], DARK, width)[0].width <= width


@settings(deadline=None)
@given(TEXTS)
def test_nothing_that_was_said_is_left_out_of_the_chunks(text: str) -> None:
    said = "".join(chunk.said for chunk in chunks_of(text))
    plain = text.replace("\r\n", "\n").replace("\r", "␍").replace("\x00", "␀")
    assert "".join(said.split()) == "".join(plain.split())


def test_finished_blocks_are_given_before_the_text_ends() -> None:
    stream = MarkdownStream()
    stream.push("One.\n\nTwo **is\n")
    assert [chunk.source for chunk in stream.take()] == ["One."]
    assert [chunk.source for chunk in stream.open_chunks()] == ["Two **is"]
    stream.push("open**")
    assert stream.take() == []
    assert [chunk.source for chunk in stream.open_chunks()] == ["Two **is\nopen**"]
    stream.push(" now\n")
    assert stream.take() == []
    stream.push(" \n# Head\n\nThree")
    assert [chunk.source for chunk in stream.take()] == ["Two **is\nopen** now", "# Head"]
    assert [chunk.source for chunk in stream.close()] == ["Three"]


def test_items_are_given_one_by_one() -> None:
    stream = MarkdownStream()
    stream.push("3. a\n1. b\n\n1. c\n")
    given = stream.take()
    assert [(chunk.source, chunk.number, chunk.has_gap) for chunk in given] == [
        ("3. a", 3, True),
        ("1. b", 4, False),
    ]
    assert [(chunk.number, chunk.has_gap) for chunk in stream.close()] == [(5, True)]


def test_code_is_given_in_parts_that_know_what_stands_above() -> None:
    body = "".join(f"x{number} = 1\n" for number in range(CODE_LINES + 5))
    stream = MarkdownStream()
    stream.push(f"```py\n{body}")
    (first,) = stream.take()
    assert (first.kind, first.language, first.source.count("\n")) == (ChunkKind.CODE, "py", CODE_LINES - 1)
    (second,) = stream.close()
    assert (second.has_gap, second.context.count("\n")) == (False, CODE_LINES)
    assert first.said + "\n" + second.said == f"```py\n{body}".rstrip("\n")


def test_what_may_become_markup_is_not_shown_yet() -> None:
    stream = MarkdownStream()
    stream.push("Text.\n\n``")
    stream.take()
    assert stream.open_chunks() == []
    stream.push("`py\nx\n``")
    assert [chunk.source for chunk in stream.open_chunks()] == ["x"]


def test_of_a_very_long_open_block_the_end_is_shown() -> None:
    stream = MarkdownStream()
    stream.push("word " * 20_000)
    (chunk,) = stream.open_chunks()
    assert chunk.kind is ChunkKind.PLAIN
    assert len(chunk.source) < 5_000
    assert [chunk.kind for chunk in stream.close()] == [ChunkKind.MARKDOWN]


def test_a_long_text_is_read_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from codex_tui.history import markdown_stream

    read = 0
    blocks = markdown_stream._blocks

    def counting(source: str) -> object:
        nonlocal read
        read += len(source)
        return blocks(source)

    monkeypatch.setattr(markdown_stream, "_blocks", counting)
    for text in ("a line of a very long paragraph\n" * 2_000, "|a|b|\n|-|-|\n" + "|1|2|\n" * 2_000):
        read = 0
        stream = MarkdownStream()
        for at in range(0, len(text), 4):
            stream.push(text[at : at + 4])
            stream.take()
        stream.close()
        assert read < 8 * len(text)


# -- constructs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("# One\ntext\n## Two", ["# One", "", "text", "", "## Two"]),
        ("a\nb  \nc", ["a", "b", "c"]),
        ("- a\n- b\n\n- c", ["- a", "- b", "", "- c"]),
        ("9. a\n10. b\n    1. c", ["9. a", "10. b", "    1. c"]),
        ("0. zero", ["0. zero"]),
        ("- ", ["-"]),
        ("- a\n\n      code", ["- a", "", "      code"]),
        ("> a\n> > b", ["> a", ">", "> > b"]),
        ("```py\nx\n\ty\n```\nend", ["x", "    y", "", "end"]),
        ("a\n\n    code\n\nb", ["a", "", "    code", "", "b"]),
        ("a\n\n---\nb", ["a", "", "———", "", "b"]),
        ("<b>x</b>\n\n<div>\ny\n</div>", ["<b>x</b>", "", "<div>", "y", "</div>"]),
        ("- [ ] todo\n- [x] done\n- [y] no", ["- ☐ todo", "- ☑ done", "- [y] no"]),
        ("[text](http://x/y) http://z <http://w> <a@b.c>", ["text (http://x/y) http://z http://w a@b.c"]),
        ("[x](javascript:alert(1))", ["[x](javascript:alert(1))"]),
        ("![alt](http://p/i.png) ![](http://q)", ["alt (http://p/i.png) http://q"]),
        ("see [x]\n\n[x]: http://y", ["see [x]", "", "[x]: http://y"]),
        ("&lt;&#10;&#27;", ["< �"]),
        ("```\n```", [""]),
    ],
)
def test_constructs(text: str, rows: list[str]) -> None:
    assert look(text) == rows


@pytest.mark.parametrize(
    "text",
    ["*" * 9_000 + "a" + "*" * 9_000, "> " * 5_000 + "x", "- " * 5_000 + "x", "[" * 9_000, "![" * 9_000],
)
def test_endless_nesting_ends(text: str) -> None:
    letters = "".join("".join(row.split()) for row in look(text, 40))
    assert letters == text.replace(" ", "")


@pytest.mark.parametrize("depth", [5, 12, 25, 80])
def test_deep_lists_lose_nothing(depth: int) -> None:
    text = "".join(f"{'  ' * level}- item{level}\n" for level in range(depth))
    shown = "".join(look(text, 200))
    assert all(f"item{level}" in shown for level in range(depth))


def test_words_stand_out_as_they_are_marked() -> None:
    (plain, both, code, struck) = (span for span in spans("a ***b*** `c` ~~d~~") if span.text.strip())
    assert plain.emphasis is Emphasis.NONE
    assert both.emphasis == Emphasis.BOLD | Emphasis.ITALIC
    assert code.style is Style.CODE
    assert struck.emphasis is Emphasis.STRIKE


def test_headings_are_told_apart() -> None:
    looks = [spans(f"{'#' * level} x")[-1].emphasis for level in (1, 2, 3, 4)]
    assert looks == [
        Emphasis.BOLD | Emphasis.UNDERLINE, Emphasis.BOLD, Emphasis.BOLD | Emphasis.ITALIC, Emphasis.ITALIC,
    ]  # fmt: skip


def test_links_can_be_opened() -> None:
    found = {span.text: span.link for span in spans("[a](http://x)")}
    assert found == {"a": "http://x", " (": "", "http://x": "http://x", ")": ""}


def test_citations_can_be_opened() -> None:
    text = "See 【F:src/__init__.py†L3-L9】 and `【F:x†L1】`."
    rows = wrapped(markdown_paragraphs(text, 80, Links("/w", "vscode")), 80)
    assert plain_text(rows[0]) == "See src/__init__.py:3 and 【F:x†L1】."
    assert [span.link for span in rows[0] if span.link] == ["vscode://file/w/src/__init__.py:3"]
    assert look(text)[0] == "See 【F:src/__init__.py†L3-L9】 and 【F:x†L1】."


def test_quotes_are_of_one_colour() -> None:
    assert {span.style for span in spans("> a\n> *b*")} == {Style.QUOTE}


# -- tables -------------------------------------------------------------------------------------

TABLE = "| Name | Size | What |\n|:--|--:|:-:|\n| a | 10 | `x` |\n| 漢字 | 7 | a longer text here |\n"


def test_a_table_in_much_room() -> None:
    assert look(TABLE) == [
        "Name  Size         What",
        "━━━━  ━━━━  ━━━━━━━━━━━━━━━━━━",
        "a       10          x",
        "漢字     7  a longer text here",
    ]


def test_a_table_in_little_room() -> None:
    assert look(TABLE, 20) == [
        "Name  Size    What",
        "━━━━  ━━━━  ━━━━━━━━",
        "a       10     x",
        "漢字     7  a longer",
        "              text",
        "              here",
    ]


def test_a_table_in_no_room() -> None:
    assert look(TABLE, 12) == [
        "Name: a", "Size: 10", "What: x", "",
        "Name: 漢字", "Size: 7", "What: a", "  longer", "  text here",
    ]  # fmt: skip


def test_a_head_without_rows_is_shown() -> None:
    assert look("| a | b |\n|---|---|") == ["a  b", "━  ━"]
    assert look("| a | b |\n|---|---|", 4) == ["a  b", "━  ━"]


# -- code ---------------------------------------------------------------------------------------


def test_code_has_colours_and_all_of_its_letters() -> None:
    code = "\ndef f(x):\n\n    return 'ü\u200dö' # no\n\n"
    rows = code_rows(code, "python")
    assert "\n".join(map(plain_text, rows)) == code
    styles = {span.text: span.style for row in rows for span in row}
    assert styles["def"] is Style.KEYWORD
    assert styles["# no"] is Style.COMMENT


@pytest.mark.parametrize("language", ["", "no-such-language", "x" * 99, "../etc"])
def test_code_in_unknown_languages_is_plain(language: str) -> None:
    assert code_rows("a = 1\nb", language) == [(Span("a = 1"),), (Span("b"),)]


def test_code_below_an_open_string_is_a_string() -> None:
    rows = code_rows('inside\n"""\nx = 1', "python", context='s = """\n')
    assert [row[0].style for row in rows] == [Style.STRING, Style.STRING, Style.PLAIN]


def test_endless_code_is_plain() -> None:
    assert code_rows("x = 1 " * MAX_CHARACTERS, "python")[0][0].style is Style.PLAIN


@given(st.text(max_size=80), st.sampled_from(["python", "bash", "json", "diff", "html", "c"]))
@settings(deadline=None)
def test_no_code_is_changed_by_its_colours(code: str, language: str) -> None:
    plain = [plain_text(row) for row in code_rows(code, "")]
    assert [plain_text(row) for row in code_rows(code, language)] == plain

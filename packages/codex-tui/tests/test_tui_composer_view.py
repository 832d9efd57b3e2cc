"""What is drawn: rows, caret, popups, queue, footer."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_core.presentation.spans import Emphasis, Line, Span, Style, plain_text
from codex_tui.composer.composer import Composer
from codex_tui.composer.draft import AttachedImage, Draft, Message, PastedText, draft_of, element_draft
from codex_tui.composer.file_popup import FoundFile
from codex_tui.composer.key_map import EDITING_KEYS, POPUP_KEYS, SEARCH_KEYS, Action
from codex_tui.composer.message_queue import MessageQueue
from codex_tui.composer.outcomes import Asked, Cleared, Submitted
from codex_tui.composer.shortcuts import FooterState, footer, key_label, shortcut_sheet
from codex_tui.composer.view import view
from codex_tui.term.inputs import Key
from codex_tui.term.rows import cell_width


def texts(rows: tuple[Line, ...] | list[Line]) -> list[str]:
    return [plain_text(row) for row in rows]


def with_text(text: str) -> Composer:
    composer = Composer()
    composer.set_draft(draft_of(text))
    return composer


def test_an_empty_composer_shows_its_placeholder_and_the_caret_at_its_start() -> None:
    drawn = view(Composer(), 30, placeholder="Ask something that is too long for this row")
    assert texts(drawn.rows) == ["▌ Ask something that is too lo"]
    assert drawn.rows[0][-1].style is Style.DIM
    assert drawn.caret == (0, 2)
    assert texts(view(Composer(), 30).rows) == ["▌ "]


def test_text_is_wrapped_behind_its_edge() -> None:
    text = (
        "also update the changelog\nand then run the whole test suite again, this time with coverage turned on, "
        "please, and tell me which files are below eighty percent"
    )
    drawn = view(with_text(text), 100)
    assert [row.rstrip() for row in texts(drawn.rows)] == [
        "▌ also update the changelog",
        "▌ and then run the whole test suite again, this time with coverage turned on, please, and tell me",
        "▌ which files are below eighty percent",
    ]
    assert drawn.caret == (2, 38)
    assert drawn.rows[0][0] == Span("▌", Style.ACCENT)


def test_the_caret_behind_a_full_row_has_a_cell() -> None:
    drawn = view(with_text("x" * 8), 10)
    assert texts(drawn.rows) == ["▌ xxxxxxxx", "▌ "]
    assert drawn.caret == (1, 2)
    composer = with_text("aaaaaaaa   \nb")
    composer.editor.act(Action.UP)
    composer.editor.act(Action.LINE_END)
    drawn = view(composer, 10)
    assert (texts(drawn.rows), drawn.caret) == (["▌ aaaaaaaa", "▌ ", "▌ b"], (1, 2))
    composer = with_text("aaaaaaaa   b")
    composer.editor.act(Action.LEFT)
    composer.editor.act(Action.LEFT)
    drawn = view(composer, 10)
    assert (texts(drawn.rows), drawn.caret) == (["▌ aaaaaaaa", "▌ b"], (0, 9))


def test_elements_are_coloured_and_controls_shown() -> None:
    composer = with_text("a\tb\x1b[2J\u202e ")
    composer.attach(AttachedImage("/i", "2x3 PNG"))
    (row,) = view(composer, 80).rows
    assert plain_text(row) == "▌ a    b␛[2J� [image 2x3 PNG] "
    assert [span.text for span in row if span.style is Style.ACCENT] == ["▌", "[image 2x3 PNG]"]


def test_more_rows_than_fit_scroll_with_the_caret() -> None:
    composer = with_text("\n".join(str(n) for n in range(100)))
    drawn = view(composer, 20, max_rows=5)
    assert texts(drawn.rows) == [f"▌ {n}" for n in range(95, 100)]
    assert drawn.caret[0] == 4
    composer.editor.buffer.place(0)
    assert view(composer, 20, max_rows=5).caret == (0, 2)
    composer.editor.buffer.place(composer.draft.text.index("50"))
    drawn = view(composer, 20, max_rows=5)
    assert texts(drawn.rows)[drawn.caret[0]] == "▌ 50"
    assert len(view(composer, 20, max_rows=0).rows) == 1


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        st.sampled_from([*"ab \n\t\x1b", "日", "\u0301", "\u200d", "\U0001f469", "\ufe0f", "❤"]), max_size=40
    ),
    st.integers(0, 40),
    st.integers(4, 30),
    st.one_of(st.none(), st.integers(1, 5)),
)
def test_no_row_is_too_wide_and_the_caret_is_on_the_screen(
    text: str, place: int, width: int, max_rows: int | None
) -> None:
    composer = with_text(text)
    composer.editor.buffer.place(place)
    drawn = view(composer, width, max_rows=max_rows)
    assert all(cell_width(plain_text(row)) <= width for row in drawn.rows)
    row, column = drawn.caret
    assert 0 <= row < len(drawn.rows)
    assert 2 <= column < width
    if max_rows is None:
        kept = [c for c in text if not c.isspace() and c.isprintable() and cell_width(c)]
        shown = "".join(texts([row[2:] for row in drawn.rows]))
        assert [c for c in shown if not c.isspace() and c in kept] == kept


@pytest.mark.parametrize("width", [1, 2, 3])
def test_hardly_any_room_is_no_error(width: int) -> None:
    composer = with_text("日本 a")
    composer.paste("z" * 1001)
    assert view(composer, width).rows
    composer.set_draft(draft_of("/"))
    assert view(composer, width).popup


def test_popup_rows_show_what_fits_and_what_is_selected() -> None:
    composer = with_text("/mo")
    first, second = view(composer, 60).popup
    assert first == (
        Span("▌", Style.DIM),
        Span("/", Style.CURRENT),
        Span("mo", Style.CURRENT, Emphasis.BOLD),
        Span("del", Style.CURRENT),
        Span("  pick the model and how long it reasons", Style.CURRENT),
    )
    assert second[1].style is Style.PLAIN
    assert second[-1].style is Style.DIM
    assert texts(view(composer, 12).popup) == ["▌/model  pic", "▌/mention  n"]
    composer.set_draft(draft_of("@x"))
    composer.provide_files("x", [FoundFile("日本x.py", (2,))])
    (row,) = view(composer, 6).popup
    assert plain_text(row) == "▌日本x"
    assert row[-1] == Span("x", Style.CURRENT, Emphasis.BOLD)


def test_a_search_shows_its_match_and_its_prompt() -> None:
    composer = Composer()
    composer.history.remember(draft_of("look for\nthe needle"))
    composer.paste("draft")
    for at, name in enumerate(("ctrl+r", "n", "e", "e")):
        composer.press(Key(name, name if len(name) == 1 else None, float(at)))
    drawn = view(composer, 40)
    assert texts(drawn.rows) == ["▌ look for", "▌ the needle"]
    assert drawn.caret == (1, 6)
    assert plain_text(drawn.search) == "search: nee"
    composer.press(Key("z", "z", 9.0))
    drawn = view(composer, 40)
    assert (texts(drawn.rows), plain_text(drawn.search)) == (["▌ draft"], "no prompt with: neez")
    assert drawn.caret == (0, 7)
    assert plain_text(view(composer, 10).search) == "no prompt "


# --- the queue ------------------------------------------------------------------------------------------


def test_the_queue_is_drawn_as_in_the_screen() -> None:
    queue = MessageQueue()
    assert queue.rows(100) == []
    queue.add(draft_of("also update the changelog").message())
    queue.add(
        draft_of(
            "and then run the whole test suite again, this time with coverage turned on, please, and tell me which "
            "files are below eighty percent"
        ).message()
    )
    assert texts(queue.rows(100)) == [
        "",
        " ↳ also update the changelog",
        " ↳ and then run the whole test suite again, this time with coverage turned on, please, and tell me",
        "   which files are below eighty percent",
        "   Alt+↑ edit",
        "",
    ]


def test_a_long_message_in_the_queue_is_cut() -> None:
    queue = MessageQueue()
    queue.add(draft_of("1\n2\n3\n4").message())
    queue.add(draft_of("1\n2\n3").message())
    queue.add(draft_of("word " * 100_000).message())
    assert texts(queue.rows(20))[1:-2] == [
        " ↳ 1", "   2", "   3", "   …", " ↳ 1", "   2", "   3",
        " ↳ word word word", "   word word word", "   word word word", "   …",
    ]  # fmt: skip


def test_the_queue_gives_messages_one_by_one_and_drafts_whole() -> None:
    queue = MessageQueue()
    large = PastedText("x" * 1001)
    messages = [(Draft(f"{n} ") + element_draft(large)).message() for n in range(3)]
    for message in messages:
        queue.add(message)
    queue.add(Message("saved prompt"))
    assert queue.take_next() is messages[0]
    assert queue.take_newest() == draft_of("saved prompt")
    assert len(queue) == 2
    restored = queue.take_all()
    assert restored.text == f"1 {large.label}\n2 {large.label}"
    assert len(restored.elements) == 2
    assert (queue.take_next(), queue.take_newest(), queue.take_all()) == (None, None, Draft())


_times = itertools.count(1)


def press(composer: Composer, *names: str) -> list[object]:
    out: list[object] = []
    for name in names:
        out += composer.press(Key(name, name if len(name) == 1 else None, float(next(_times))))
    return out


def test_tab_queues_while_a_turn_runs_and_alt_up_takes_it_back() -> None:
    composer = with_text("do this next")
    assert press(composer, "tab") == []
    composer.is_running = True
    (out,) = press(composer, "tab")
    assert isinstance(out, Submitted)
    assert out.later
    composer.queue.add(out.message)
    composer.paste("draft")
    press(composer, "alt+up")
    assert (composer.draft.text, len(composer.queue)) == ("do this next", 0)
    press(composer, "alt+up", "ctrl+underscore")
    assert composer.draft.text == "draft"


def test_after_an_interrupt_the_queue_is_above_the_draft() -> None:
    composer = with_text("being written")
    composer.restore_queue()
    assert composer.draft.text == "being written"
    composer.queue.add(draft_of("one").message())
    composer.queue.add(draft_of("two").message())
    composer.restore_queue()
    assert composer.draft.text == "one\ntwo\nbeing written"


# --- keys that are the app's, and what is said of keys ----------------------------------------------------


def test_keys_for_the_app() -> None:
    composer = with_text("x")
    assert press(composer, "ctrl+c") == [Cleared()]
    assert press(composer, "ctrl+c") == [Asked(Action.INTERRUPT_OR_QUIT)]
    assert press(composer, "ctrl+d") == [Asked(Action.QUIT)]
    assert press(composer, "escape", "ctrl+t", "ctrl+v") == [
        Asked(Action.ESCAPE), Asked(Action.TRANSCRIPT), Asked(Action.PASTE_IMAGE),
    ]  # fmt: skip
    composer.paste("ab")
    assert press(composer, "home", "ctrl+d") == []
    assert composer.draft.text == "b"
    assert press(composer, "enter")
    assert press(composer, "enter", "f5", "ctrl+q") == []


def test_every_action_has_a_key_and_every_key_does_something() -> None:
    bound = {*EDITING_KEYS.values(), *POPUP_KEYS.values(), *SEARCH_KEYS.values()}
    assert set(Action) - bound == {Action.QUIT, Action.INTERRUPT_OR_QUIT}
    for key in EDITING_KEYS:
        composer = with_text("one two")
        composer.is_running = True
        composer.queue.add(draft_of("queued").message())
        press(composer, key)


@pytest.mark.parametrize(
    ("key", "label", "mac"),
    [
        ("enter", "⏎", "⏎"),
        ("shift+enter", "Shift+⏎", "⇧⏎"),
        ("ctrl+j", "Ctrl+J", "⌃J"),
        ("alt+up", "Alt+↑", "⌥↑"),
        ("alt+ctrl+h", "Ctrl+Alt+H", "⌃⌥H"),
        ("ctrl+underscore", "Ctrl+_", "⌃_"),
        ("ctrl++", "Ctrl++", "⌃+"),
        ("f5", "F5", "F5"),
    ],
)
def test_labels_of_keys(key: str, label: str, mac: str) -> None:
    assert key_label(key) == label
    assert key_label(key, is_mac=True) == mac


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (FooterState(), "⏎ send   Ctrl+J newline   Ctrl+T transcript   Ctrl+C quit"),
        (
            FooterState(has_extended_keys=True, is_backtrack_primed=True),
            "⏎ send   Shift+⏎ newline   Ctrl+T transcript   Ctrl+C quit   Esc edit prev",
        ),
        (
            FooterState(is_running=True, tokens_used="166K", context_left_percent=99),
            "⏎ send   Ctrl+J newline   Tab queue   Ctrl+T transcript   Ctrl+C quit   166K tokens used   99% context left",
        ),
        (FooterState(is_interrupt_hinted=True), " Ctrl+C again to quit"),
        (FooterState(is_interrupt_hinted=True, is_running=True), " Ctrl+C again to interrupt"),
    ],
)
def test_the_footer(state: FooterState, text: str) -> None:
    assert plain_text(footer(state)) == text


def test_little_context_is_a_warning() -> None:
    for percent, style in ((20, Style.DIM), (19, Style.WARNING)):
        row = footer(FooterState(tokens_used="1", context_left_percent=percent))
        assert row[-1] == Span(f"{percent}% context left", style)


def test_the_sheet_names_keys_that_are_bound() -> None:
    rows = texts(shortcut_sheet())
    assert "  Ctrl+R          search earlier prompts" in rows
    assert all(len(row) <= 78 for row in rows)


def test_the_composer_loads_neither_textual_nor_what_it_brings() -> None:
    source = (
        "import sys\nimport codex_tui.composer.view\nfrom codex_tui.composer.composer import Composer\n"
        "composer = Composer()\ncomposer.paste('text')\ncodex_tui.composer.view.view(composer, 80)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not {"textual", "rich", "pydantic", "asyncio", "httpx", "subprocess"} & loaded

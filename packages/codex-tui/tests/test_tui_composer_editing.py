"""What each editing key does to text and caret; `|` is the caret."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_tui.composer.buffer import Buffer
from codex_tui.composer.clusters import LineClusters, split_line
from codex_tui.composer.composer import Composer
from codex_tui.composer.draft import AttachedImage, Draft, Message, PastedText, draft_of, element_draft
from codex_tui.composer.editor import Editor
from codex_tui.composer.key_map import EDITING_KEYS, Action
from codex_tui.composer.wrapping import wrap

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
FLAGS = "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"


def editor_at(marked: str, width: int = 80) -> Editor:
    editor = Editor()
    editor.set_width(width)
    before, _, after = marked.partition("|")
    editor.insert(before + after)
    editor.buffer.place(len(before))
    return editor


def marked(editor: Editor) -> str:
    return f"{editor.text[: editor.caret]}|{editor.text[editor.caret :]}"


def after_keys(start: str, keys: str, width: int = 80) -> str:
    editor = editor_at(start, width)
    for key in keys.split():
        editor.act(EDITING_KEYS[key])
    return marked(editor)


@pytest.mark.parametrize(
    ("start", "keys", "end"),
    [
        ("ab|c", "left", "a|bc"),
        ("|abc", "left", "|abc"),
        ("ab|c", "ctrl+b", "a|bc"),
        ("ab|c", "right", "abc|"),
        ("abc|", "ctrl+f", "abc|"),
        ("a\n|b", "left", "a|\nb"),
        ("a|\nb", "right", "a\n|b"),
        (f"a{FAMILY}|b", "left", f"a|{FAMILY}b"),
        (f"|{FLAGS}", "right", f"{FLAGS[:2]}|{FLAGS[2:]}"),
        ("|e\u0301x", "right", "e\u0301|x"),
        ("one two|", "alt+left", "one |two"),
        ("one  |two", "alt+b", "|one  two"),
        ("one\n |two", "ctrl+left", "|one\n two"),
        ("|one two", "alt+right", "one| two"),
        ("one| two.x y", "alt+f", "one two.x| y"),
        ("one|  ", "ctrl+right", "one  |"),
        ("one\ntwo|", "home", "one\n|two"),
        ("one|\ntwo", "end", "one|\ntwo"),
        ("one\nt|wo", "ctrl+a", "one\n|two"),
        ("one\nt|wo", "ctrl+a ctrl+a", "|one\ntwo"),
        ("|one\ntwo", "ctrl+e ctrl+e", "one\ntwo|"),
        ("one\nt|wo\nthree", "ctrl+home", "|one\ntwo\nthree"),
        ("one\nt|wo\nthree", "ctrl+end", "one\ntwo\nthree|"),
        ("abc|", "backspace", "ab|"),
        ("|abc", "backspace", "|abc"),
        ("a\n|b", "ctrl+h", "a|b"),
        (f"a{FAMILY}|", "backspace", "a|"),
        ("|abc", "delete", "|bc"),
        ("abc|", "delete", "abc|"),
        ("|e\u0301x", "delete", "|x"),
        ("one two |", "ctrl+w", "one |"),
        ("one two|", "alt+backspace", "one |"),
        ("one two|", "alt+ctrl+h", "one |"),
        ("one| two x", "alt+delete", "one| x"),
        ("one| two x", "alt+d alt+d", "one|"),
        ("one\ntwo th|ree", "ctrl+u", "one\n|ree"),
        ("one\n|two", "ctrl+u", "one|two"),
        ("one t|wo\nx", "ctrl+k", "one t|\nx"),
        ("one|\nx", "ctrl+k", "one|x"),
        ("one two|", "ctrl+w ctrl+w ctrl+y", "one two|"),
        ("one two|", "ctrl+w left ctrl+w ctrl+y", "one| "),
        ("one two|", "ctrl+w left ctrl+w ctrl+y alt+y", "two| "),
        ("one two|", "ctrl+w left ctrl+w ctrl+y alt+y alt+y", "one| "),
        ("one |two", "ctrl+k ctrl+u ctrl+y", "one two|"),
        ("a|b", "ctrl+j", "a\n|b"),
        ("a|b", "shift+enter alt+enter", "a\n\n|b"),
        ("x|", "alt+y ctrl+y", "x|"),
        ("abc|", "backspace backspace ctrl+underscore", "abc|"),
        ("one two|", "ctrl+w ctrl+/ alt+/", "one |"),
        ("ab|", "alt+_", "ab|"),
    ],
)
def test_keys(start: str, keys: str, end: str) -> None:
    assert after_keys(start, keys) == end


@pytest.mark.parametrize(
    ("start", "keys", "end"),
    [
        ("one|\ntwo\nthree", "up", "|one\ntwo\nthree"),
        ("one\ntwo\nth|ree", "up", "one\ntw|o\nthree"),
        ("one\ntwo\nthree|", "up up", "one|\ntwo\nthree"),
        ("onetwo|\nx\nlonger", "down", "onetwo\nx|\nlonger"),
        ("onetwo|\nx\nlonger", "down down", "onetwo\nx\nlonger|"),
        ("o|ne", "down", "one|"),
        ("o|ne\n日本語", "down", "one\n|日本語"),
        ("one|\n日本語", "down", "one\n日|本語"),
        ("aaaa bbbb cc|cc", "up", "aaaa bb|bb cccc"),
        ("aa|aa bbbb cccc", "down down", "aaaa bbbb cc|cc"),
        ("aaaa| bbbb", "down", "aaaa bbbb|"),
        ("12345678|90", "down", "1234567890|"),
    ],
)
def test_up_and_down_go_by_rows_and_keep_their_column(start: str, keys: str, end: str) -> None:
    assert after_keys(start, keys, width=6) == end


def test_the_column_is_forgotten_by_any_other_motion() -> None:
    editor = editor_at("longer|\nx\nlonger")
    for action in (Action.DOWN, Action.LEFT, Action.DOWN):
        editor.act(action)
    assert marked(editor) == "longer\nx\n|longer"


LARGE = PastedText("z" * 2150)


def test_elements_are_passed_and_deleted_as_one() -> None:
    editor = editor_at("a |b")
    editor.insert(element_draft(LARGE))
    assert editor.text == "a [Pasted Content 2150 chars]b"
    editor.act(Action.LEFT)
    assert editor.caret == 2
    editor.act(Action.WORD_RIGHT)
    assert marked(editor).endswith("b|")  # one word with what touches it
    editor.act(Action.LEFT)
    editor.act(Action.ERASE_LEFT)
    assert editor.draft == Draft("a b")
    editor.act(Action.UNDO)
    assert editor.draft.elements[0].element is LARGE


def test_a_label_typed_by_hand_is_text() -> None:
    editor = editor_at("[Pasted Content 2150 chars]|")
    editor.act(Action.ERASE_LEFT)
    assert editor.text == "[Pasted Content 2150 chars"


def test_cut_elements_come_back_by_yank() -> None:
    editor = editor_at("see |")
    editor.insert(element_draft(LARGE))
    editor.act(Action.KILL_LINE_START)
    editor.act(Action.YANK)
    editor.act(Action.YANK)
    assert [placed.element for placed in editor.draft.elements] == [LARGE, LARGE]
    assert editor.draft.message().text == ("see " + LARGE.text) * 2


def test_typing_is_undone_by_words_and_apart_from_what_was_done_between() -> None:
    editor = Editor()
    for character in "one two three four five six seven eight nine ten":
        editor.type(character)
    texts = []
    while editor.text:
        editor.act(Action.UNDO)
        texts.append(editor.text)
    assert len(texts) == 2
    assert texts[0].endswith(" ")
    editor.act(Action.REDO)
    editor.act(Action.REDO)
    editor.act(Action.LEFT)
    editor.type("X")
    editor.act(Action.UNDO)
    assert editor.text.endswith("nine ten")
    editor.type("Y")
    editor.act(Action.REDO)
    assert editor.text.endswith("nine teYn")


@pytest.mark.parametrize(
    ("typed", "kept"), [("a\r\nb\rc", "a\nb\nc"), ("x\ud800y", "x\ufffdy"), ("\t\x1b", "\t\x1b")]
)
def test_text_is_cleaned_as_it_comes_in(typed: str, kept: str) -> None:
    editor = Editor()
    editor.insert(typed)
    assert editor.text == kept


_TEXT = st.text(
    st.sampled_from(
        [*"ab \n\t", "日", "\u0301", "\u200d", "\ufe0f", "❤", "\U0001f469", "\U0001f1e9", "\x1b", "é"]
    ),
    max_size=6,
)
_STEPS = st.lists(
    st.one_of(
        _TEXT.map(lambda text: ("type", text)),
        st.just(("paste", "z" * 1001)),
        st.sampled_from(sorted({action for action in EDITING_KEYS.values() if Editor().can(action)})).map(
            lambda action: ("act", action)
        ),
        st.integers(1, 30).map(lambda width: ("width", str(width))),
    ),
    max_size=40,
)


def run(editor: Editor, step: tuple[str, str]) -> None:
    kind, value = step
    if kind == "type":
        editor.type(value)
    elif kind == "paste":
        editor.insert(element_draft(PastedText(value)))
    elif kind == "act":
        editor.act(Action(value))
    else:
        editor.set_width(int(value))


def check(editor: Editor) -> None:
    """What holds for every editor at any time."""
    text, caret = editor.text, editor.caret
    start, clusters = editor.buffer.line_around(caret)
    assert caret - start in clusters.borders
    at = 0
    for placed in editor.draft.elements:
        assert at <= placed.start
        assert text[placed.start : placed.end] == placed.element.label
        assert not placed.start < caret < placed.end
        at = placed.end
    layout = editor.layout
    joined = "".join(text[row.start : row.end] + ("\n" if row.ends_line else "") for row in layout.rows)
    assert joined == text + "\n"
    for row in layout.rows:
        cells = list(zip(row.clusters.widths, row.clusters.shown, strict=True))[row.first : row.last]
        while cells and cells[-1][1].isspace():
            cells.pop()
        # A row is too wide only if what is in it cannot be broken.
        assert sum(width for width, _ in cells) <= layout.width or sum(width > 0 for width, _ in cells) == 1
    row_index, column = layout.locate(caret)
    assert 0 <= column <= layout.width
    assert layout.rows[row_index].start <= caret <= layout.rows[row_index].end


@settings(max_examples=150, deadline=None)
@given(_STEPS)
def test_whatever_is_done_the_caret_is_on_a_border_and_rows_are_the_text(
    steps: list[tuple[str, str]],
) -> None:
    editor = Editor()
    for step in steps:
        run(editor, step)
        check(editor)


@settings(max_examples=100, deadline=None)
@given(_STEPS)
def test_undo_goes_back_to_nothing_and_redo_all_the_way_forward(steps: list[tuple[str, str]]) -> None:
    editor = Editor()
    for step in steps:
        if step[1] not in (Action.UNDO, Action.REDO):
            run(editor, step)
    end = editor.draft
    drafts = [editor.draft]
    while editor.buffer.undo():
        drafts.append(editor.draft)
        check(editor)
    assert editor.draft == Draft()
    for expected in reversed(drafts[:-1]):
        assert editor.buffer.redo()
        assert editor.draft == expected
    assert not editor.buffer.redo()
    assert editor.draft == end


class Naive:
    """A text of single letters with a caret, done the obvious way."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.right: list[str] = []

    def act(self, action: Action) -> None:
        left, right = self.left, self.right
        match action:
            case Action.LEFT if left:
                right.insert(0, left.pop())
            case Action.RIGHT if right:
                left.append(right.pop(0))
            case Action.ERASE_LEFT if left:
                left.pop()
            case Action.ERASE_RIGHT if right:
                right.pop(0)
            case Action.TEXT_START:
                self.left, self.right = [], left + right
            case Action.TEXT_END:
                self.left, self.right = left + right, []
            case Action.LINE_START:
                while self.left and self.left[-1] != "\n":
                    self.right.insert(0, self.left.pop())
            case Action.LINE_END:
                while self.right and self.right[0] != "\n":
                    self.left.append(self.right.pop(0))
            case Action.WORD_LEFT:
                while self.left and self.left[-1].isspace():
                    self.act(Action.LEFT)
                while self.left and not self.left[-1].isspace():
                    self.act(Action.LEFT)
            case Action.WORD_RIGHT:
                while self.right and self.right[0].isspace():
                    self.act(Action.RIGHT)
                while self.right and not self.right[0].isspace():
                    self.act(Action.RIGHT)
            case Action.KILL_WORD_LEFT:
                while self.left and self.left[-1].isspace():
                    self.left.pop()
                while self.left and not self.left[-1].isspace():
                    self.left.pop()
            case Action.KILL_LINE_END:
                if self.right[:1] == ["\n"]:
                    self.right.pop(0)
                else:
                    while self.right and self.right[0] != "\n":
                        self.right.pop(0)


_NAIVE = [
    Action.LEFT, Action.RIGHT, Action.ERASE_LEFT, Action.ERASE_RIGHT, Action.TEXT_START, Action.TEXT_END,
    Action.LINE_START, Action.LINE_END, Action.WORD_LEFT, Action.WORD_RIGHT, Action.KILL_WORD_LEFT,
    Action.KILL_LINE_END,
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_NAIVE), st.text("ab \n日", min_size=1, max_size=4)), max_size=40))
def test_editing_is_what_the_obvious_way_gives(steps: list[Action | str]) -> None:
    editor, naive = Editor(), Naive()
    for step in steps:
        if isinstance(step, Action):
            editor.act(step)
            naive.act(step)
        else:
            editor.type(step)
            naive.left += step
    assert marked(editor) == "".join(naive.left) + "|" + "".join(naive.right)


def test_keys_have_one_meaning_and_names_as_the_decoder_gives_them() -> None:
    from codex_tui.term.keys import KeyDecoder

    sent = {
        "enter": b"\r", "ctrl+j": b"\n", "alt+enter": b"\x1b\r", "shift+enter": b"\x1b[13;2u", "left": b"\x1b[D",
        "alt+left": b"\x1b[1;3D", "ctrl+left": b"\x1b[1;5D", "alt+b": b"\x1bb", "backspace": b"\x7f",
        "ctrl+h": b"\x08", "alt+backspace": b"\x1b\x7f", "alt+ctrl+h": b"\x1b\x08", "alt+delete": b"\x1b[3;3~",
        "ctrl+underscore": b"\x1f", "alt+up": b"\x1b[1;3A", "ctrl+w": b"\x17", "alt+d": b"\x1bd", "tab": b"\t",
        "ctrl+m": b"\x1b[109;5u", "ctrl+/": b"\x1b[47;5u", "ctrl+shift+-": b"\x1b[45;6u", "alt+_": b"\x1b_",
    }  # fmt: skip
    for name, data in sent.items():
        decoder = KeyDecoder()
        keys = [*decoder.feed(data, 0.0), *decoder.expire(10.0)]
        assert [getattr(key, "name", None) for key in keys] == [name]
        assert name in EDITING_KEYS


@given(st.text("ab  c", max_size=60), st.integers(1, 20))
def test_plain_lines_are_wrapped_as_others_are(text: str, width: int) -> None:
    plain = split_line(text)
    count = len(text)
    other = LineClusters(tuple(range(count + 1)), tuple(text), (1,) * count, (0,) * count)
    assert list(plain.shown) == list(other.shown)
    assert list(plain.borders) == list(other.borders)
    assert wrap(plain, width) == wrap(other, width)


def test_a_long_line_stays_quick_to_edit() -> None:
    buffer = Buffer()
    buffer.insert(draft_of("word " * 20_000))
    for _ in range(50):
        buffer.insert("x")
        buffer.place(buffer.before(buffer.caret))
    assert len(buffer.text) == 100_050


def test_a_message_can_be_edited_again_with_the_images_that_went_along_beside_it() -> None:
    written = element_draft(AttachedImage("/a.png", "1x1 PNG")) + draft_of(" look")
    again = Message("x", ("/a.png", "/b/c.png"), written).as_draft()
    assert again.text == "[image 1x1 PNG] look [image c.png]"
    assert again.message().images == ("/a.png", "/b/c.png")
    assert Message("", ("/b/c.png",)).as_draft().text == "[image c.png]"
    assert Message("plain").as_draft() == draft_of("plain")


@pytest.mark.parametrize(
    ("now", "after"),
    [("draft", "edited"), ("queue\ndraft", "queue\nedited"), ("other", "other\nedited"), ("", "edited")],
)
def test_what_came_while_the_draft_was_elsewhere_stays_above_it(now: str, after: str) -> None:
    composer = Composer()
    composer.set_draft(draft_of(now))
    composer.edited("edited", draft_of("draft"))
    assert composer.draft.text == after

"""Prompts of before, by Up and Down and by search."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from codex_tui.composer.composer import Composer
from codex_tui.composer.draft import PastedText, draft_of, element_draft
from codex_tui.composer.history_search import FETCH_AHEAD, MAX_DEPTH
from codex_tui.composer.outcomes import HistoryWanted, Outcome
from codex_tui.composer.prompt_history import MAX_FETCHED_CHARS, PromptHistory
from codex_tui.term.inputs import Key

LOG = 77


class Session:
    """A composer whose file of prompts answers when told to."""

    def __init__(self, *stored: str | None) -> None:
        self.composer = Composer(disable_paste_burst=True)
        self.stored = stored
        self.composer.history.configure(LOG, len(stored))
        self.asked: list[int] = []
        self.at = 0.0

    def press(self, *names: str) -> list[Outcome]:
        out: list[Outcome] = []
        for name in names:
            self.at += 1
            text = {"space": " "}.get(name) or (name if len(name) == 1 else None)
            out += self.take(self.composer.press(Key(name, text, self.at)))
        return out

    def take(self, out: list[Outcome]) -> list[Outcome]:
        for outcome in out:
            if isinstance(outcome, HistoryWanted):
                assert outcome.log_id == LOG
                self.asked.append(outcome.offset)
        return out

    def answer(self, *offsets: int) -> None:
        for offset in offsets:
            self.asked.remove(offset)
            self.take(self.composer.provide_prompt(LOG, offset, self.stored[offset]))

    def answer_all(self) -> None:
        while self.asked:
            self.answer(self.asked[0])

    def submit(self, text: str) -> None:
        self.composer.paste(text)
        self.press("enter")

    @property
    def text(self) -> str:
        return self.composer.draft.text


def test_up_shows_this_sessions_prompts_then_fetches_older_ones() -> None:
    session = Session("first", "second")
    session.submit("third")
    session.press("up")
    assert (session.text, session.composer.editor.caret) == ("third", 0)
    session.press("up")
    assert (session.text, session.asked) == ("third", [1])
    session.press("up")
    assert session.asked == [1]
    session.answer(1)
    assert session.text == "second"
    session.press("up")
    session.answer(0)
    assert session.text == "first"
    session.press("up")
    assert session.text == "first"
    session.press("down", "down")
    assert (session.text, session.asked) == ("third", [])
    session.press("down")
    assert session.text == ""
    session.press("down")
    assert session.text == ""


def test_prompts_that_cannot_be_read_are_passed_over() -> None:
    session = Session("first", None, "")
    session.press("up")
    session.answer_all()
    assert session.text == "first"


def test_up_moves_the_caret_once_the_recalled_text_was_touched() -> None:
    session = Session()
    session.submit("older")
    session.submit("one\ntwo")
    session.press("up", "right", "up")
    assert session.text == "one\ntwo"
    assert session.composer.editor.caret == 0
    session.press("end", "x", "home", "up")
    assert session.text == "onex\ntwo"


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    session = Session("stored")
    session.press("up", "a")
    session.answer(0)
    assert session.text == "a"
    other = Session("stored")
    other.press("up")
    other.composer.history.configure(5, 1)
    assert other.composer.provide_prompt(LOG, 0, "stored") == []
    assert other.text == ""
    assert other.composer.provide_prompt(5, 0, "nobody asked") == []
    assert other.text == ""


def test_a_prompt_sent_twice_is_remembered_once_and_one_cleared_not_at_all() -> None:
    session = Session()
    for text in ("a", "a", "b", "a"):
        session.submit(text)
    session.composer.paste("thrown away")
    session.press("ctrl+c")
    seen = []
    for _ in range(4):
        session.press("up")
        seen.append(session.text)
    assert seen == ["a", "b", "a", "a"]


def test_prompts_of_this_session_keep_their_pastes() -> None:
    session = Session()
    session.submit("x" * 1500)
    session.press("up")
    assert session.text == "[Pasted Content 1500 chars]"
    assert session.composer.draft.message().text == "x" * 1500


def test_a_recalled_prompt_opens_no_popup() -> None:
    session = Session()
    session.composer.history.remember(draft_of("/mo"))
    session.composer.history.remember(draft_of("@file"))
    session.press("up")
    assert session.composer.popups.open is None
    session.press("up")
    assert (session.text, session.composer.popups.open) == ("/mo", None)
    session.press("end", "d")
    assert session.composer.popups.open is not None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=6),
    st.lists(st.sampled_from(["d", "e"]), max_size=4),
    st.lists(st.tuples(st.sampled_from(["up", "down"]), st.booleans()), max_size=30),
)
def test_walking_is_the_list_whenever_answers_come(
    stored: list[str | None], local: list[str], steps: list[tuple[str, bool]]
) -> None:
    session = Session(*stored)
    entries = list(stored)
    for text in local:
        session.submit(text)
        if entries[len(stored) :][-1:] != [text]:
            entries.append(text)
    readable = [text for text in entries if text]
    place = len(readable)
    for key, answers_at_once in steps:
        before = session.text
        session.press(key)
        if not answers_at_once and session.asked:
            assert session.text == before
            session.press(key)  # pressed again while waiting: still one step
        session.answer_all()
        if key == "up":
            place = max(place - 1, 0)
        elif place < len(readable):
            place += 1
        assert session.text == (readable[place] if place < len(readable) else "")


def test_what_is_kept_of_the_file_is_bounded() -> None:
    history = PromptHistory()
    history.configure(LOG, 50)
    for number in range(50):
        history.want(number)
        assert history.provide(LOG, number, "x" * (MAX_FETCHED_CHARS // 10))
    known = [number for number in range(50) if history.is_known(number)]
    assert known == list(range(40, 50))
    history.want(3)
    assert (LOG, 3) in history.take_requests()


# --- search ---------------------------------------------------------------------------------------------


def found(session: Session) -> str | None:
    assert session.composer.search is not None
    match = session.composer.search.match
    return match.text if match else None


def test_search_finds_the_newest_match_then_older_ones_and_back() -> None:
    session = Session()
    for text in ("fix alpha", "beta", "fix gamma", "fix alpha"):
        session.submit(text)
    session.press("ctrl+r", *"fix")
    assert found(session) == "fix alpha"
    session.press("ctrl+r")
    assert found(session) == "fix gamma"
    session.press("ctrl+r")
    assert found(session) == "fix gamma"  # the older one reads the same as one seen before
    session.press("ctrl+s")
    assert found(session) == "fix alpha"
    session.press("space", "g")
    assert found(session) == "fix gamma"
    session.press("backspace", "backspace")
    assert found(session) == "fix alpha"
    session.press("enter")
    assert session.composer.search is None
    assert (session.text, session.composer.editor.caret) == ("fix alpha", 9)


def test_search_is_left_without_a_trace() -> None:
    session = Session()
    session.submit("fix alpha")
    session.composer.paste("draft")
    session.press("left", "ctrl+r", *"zzz")
    assert session.composer.search is not None
    assert session.composer.search.is_failed
    session.press("ctrl+r", "escape")
    assert (session.text, session.composer.editor.caret) == ("draft", 4)
    session.press("ctrl+r", "enter")
    assert session.text == "draft"
    session.press("ctrl+r", "f", "ctrl+c")
    assert session.text == "draft"


def test_another_key_takes_the_match_and_does_its_work() -> None:
    session = Session()
    session.submit("fix alpha")
    session.press("ctrl+r", "f", "home", "X")
    assert session.text == "Xfix alpha"
    session.press("ctrl+underscore", "ctrl+underscore")
    assert session.text == ""


def test_case_counts_when_something_is_upper_case() -> None:
    session = Session()
    session.submit("Alpha")
    session.submit("alphA")
    session.press("ctrl+r", *"Al")
    assert found(session) == "Alpha"
    session.press("backspace", "backspace", *"al")
    assert found(session) == "alphA"


def test_older_prompts_are_fetched_some_at_a_time_until_one_fits() -> None:
    session = Session("needle", *("hay",) * 40)
    session.press("ctrl+r", "n")
    assert session.composer.search is not None
    assert session.composer.search.is_waiting
    assert session.asked == list(range(40, 40 - FETCH_AHEAD, -1))
    session.answer_all()
    assert found(session) == "needle"


def test_answers_in_any_order_give_the_newest_match() -> None:
    session = Session("nail", "needle", "hay")
    session.press("ctrl+r", "n")
    session.answer(0)
    session.answer(1)
    assert found(session) is None
    session.answer(2)
    assert found(session) == "needle"


def test_a_search_looks_back_only_so_far() -> None:
    session = Session("needle", *("hay",) * (MAX_DEPTH + 5))
    session.press("ctrl+r", "n")
    session.answer_all()
    assert session.composer.search is not None
    assert session.composer.search.is_failed


def test_a_paste_is_searched_for() -> None:
    session = Session()
    session.composer.history.remember(element_draft(PastedText("y" * 1200)))
    session.submit("needle and thread")
    session.press("ctrl+r")
    session.composer.paste("thread\n")
    assert found(session) == "needle and thread"

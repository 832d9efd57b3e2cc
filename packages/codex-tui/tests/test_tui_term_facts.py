"""What a terminal says about itself: taken out of what is typed, however it is cut and whenever it comes."""

from __future__ import annotations

import os

import pytest
from demo_app import Composer, DemoApp
from emulator import TELLING
from hypothesis import given
from hypothesis import strategies as st
from memory_app import MemoryBoot, running, until
from pty_session import DEMO, PtySession

from codex_tui.term.facts import TerminalFacts, questions
from codex_tui.term.inputs import Key, Reply
from codex_tui.term.keys import KeyDecoder

ANSWERS = "".join(TELLING.values()).encode()
COMMAND = "facts\r"


def told(*answers: str) -> TerminalFacts:
    facts = TerminalFacts()
    data = bytearray("".join(answers).encode())
    while facts.cut_answer(data):
        pass
    assert data == b""
    return facts


@pytest.mark.parametrize(
    ("colour", "background"),
    [
        ("rgb:ffff/ffff/ffff", "light"),
        ("rgb:fd/f6/e3", "light"),
        ("rgba:ffff/ffff/ffff/0000", "light"),
        ("rgb:0000/0000/0000", "dark"),
        ("rgb:00/2b/36", "dark"),
        ("rgb:f/f/f", "light"),
        ("#ffffff", "light"),
        ("#1e1e1e", "dark"),
        ("#000", "dark"),
        ("rgb:ffff/ffff", ""),
        ("rgb:////", ""),
        ("#12345", ""),
        ("white", ""),
        ("?", ""),
        ("", ""),
    ],
)
def test_the_background_is_light_dark_or_not_told(colour: str, background: str) -> None:
    assert told(f"\x1b]11;{colour}\x1b\\").background == background
    assert told(f"\x1b]11;{colour}\x07").background == background


def test_an_unreadable_answer_changes_nothing() -> None:
    assert told("\x1b]11;rgb:00/00/00\x07", "\x1b]11;nothing\x07").background == "dark"


@pytest.mark.parametrize(
    ("answers", "marks_pastes"),
    [
        (("\x1b[?2004;1$y",), True),
        (("\x1b[?2004;3$y",), True),
        (("\x1b[?2004;2$y",), False),
        (("\x1b[?2004;0$y",), False),
        (("\x1bP>|tmux 3.3a\x1b\\",), True),
        (("\x1b[?0u",), True),
        (("\x1b[?2004;0$y", "\x1b[?1u", "\x1bP>|x\x1b\\"), False),
        (("\x1b[?62;22c",), None),
        ((), None),
    ],
)
def test_pastes_are_marked_where_the_terminal_or_its_kind_says_so(
    answers: tuple[str, ...], marks_pastes: bool | None
) -> None:
    assert told(*answers).marks_pastes is marks_pastes


@pytest.mark.parametrize(("answer", "is_told"), [("\x1b[?1u", True), ("\x1b[?0u", False), ("\x1b[?u", False)])
def test_extended_keys_are_there_if_the_flag_holds(answer: str, is_told: bool) -> None:
    assert told(answer).has_extended_keys is is_told


def test_the_last_answer_completes_them() -> None:
    assert not told(*list(TELLING.values())[:-1]).is_complete
    assert told(*TELLING.values()).is_complete


@pytest.mark.parametrize("term", ["dumb", "linux", ""])
def test_who_would_show_the_questions_is_not_asked(term: str) -> None:
    assert questions(term) == ""
    assert all(question in questions("xterm-256color") for question in TELLING)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"\x1b", b"\x1b[A", b"\x1b[200~x", b"\x1b]0;t\x07", b"\x1b[1;1R", b"\x1b[?997;1n"]
)
def test_what_is_no_answer_stays(data: bytes) -> None:
    facts, buffer = TerminalFacts(), bytearray(data)
    assert not facts.cut_answer(buffer)
    assert buffer == data


def test_no_answer_is_taken_before_it_is_whole() -> None:
    for answer in TELLING.values():
        data = answer.encode()
        for end in range(len(data)):
            facts, buffer = TerminalFacts(), bytearray(data[:end])
            assert not facts.cut_answer(buffer)
            assert buffer == data[:end]


@given(st.binary(max_size=40))
def test_any_bytes_are_an_answer_or_left_alone(data: bytes) -> None:
    for start in (b"", b"\x1b[?", b"\x1b]11;", b"\x1bP>|"):
        buffer = bytearray(start + data)
        facts = TerminalFacts()
        if not facts.cut_answer(buffer):
            assert buffer == start + data
        else:
            assert len(buffer) < len(start + data)


def test_the_decoder_takes_answers_cut_anywhere_and_types_nothing() -> None:
    for cut in range(len(ANSWERS) + 1):
        decoder, facts = KeyDecoder(), TerminalFacts()
        found = [*decoder.feed(ANSWERS[:cut], 0.0), *decoder.feed(ANSWERS[cut:] + b"x", 0.01)]
        assert [each for each in found if not isinstance(each, Reply)] == [Key("x", "x")]
        assert all(facts.learn(each.kind, each.body) for each in found if isinstance(each, Reply))
        assert (facts.background, facts.marks_pastes, facts.is_complete) == ("light", True, True)


def test_an_answer_that_pauses_is_no_text() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b]11;rgb:ff", 0.0) == []
    assert decoder.expire(2.0) == []
    assert decoder.feed(b"ff/ffff/ffff\x1b\\", 2.1) == [Reply("osc", "11;rgb:ffff/ffff/ffff")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs pseudo terminals")
def test_answers_between_the_first_keys_are_known_when_the_app_is_there() -> None:
    with PtySession([*DEMO, "--slow-import", "0.3"], tells=TELLING) as session:
        session.wait_for("ready")
        session.send("fac")
        session.wait_for("> fac")
        session.send("ts")
        session.wait_for("> facts")
        session.send("\r")
        session.wait_for("• <light True True True>")
        assert session.emulator.everything()[0].startswith("• <light")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs pseudo terminals")
def test_answers_that_come_late_and_in_pieces_are_known_and_not_typed() -> None:
    with PtySession() as session:
        session.wait_for("ready")
        session.send("facts\r")
        session.wait_for("• < None False False>")
        session.send("dra")
        for byte in ANSWERS:
            os.write(session.master, bytes([byte]))
            session.pump(0.001)
        session.send("ft")
        session.wait_for("> draft")
        session.send("\x7f" * 5 + "facts\r")
        session.wait_for("• <light True True True>")


async def test_the_app_is_told_of_what_comes_after_it_took_over() -> None:
    boot = MemoryBoot()
    boot.facts.background = "dark"
    async with running(DemoApp(boot), boot) as app:
        assert app.facts.background == "dark"
        assert app.fact_changes == 0
        boot.terminal.keyboard.send(TELLING["\x1b]11;?\x1b\\"].encode() + b"x")
        await until(lambda: app.query_one(Composer).text == "x")
        assert app.facts.background == "light"
        assert app.fact_changes == 1


async def test_the_first_marked_paste_tells_that_pastes_are_marked() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        for _ in range(2):
            boot.terminal.keyboard.send(b"\x1b[200~pasted\x1b[201~")
        await until(lambda: app.query_one(Composer).text == "pastedpasted")
        assert app.facts.marks_pastes
        assert app.fact_changes == 1

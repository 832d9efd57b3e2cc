"""Bytes of many terminals, cut anywhere, become the right keys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_tui.term.inputs import CursorReport, Focus, Key, Paste, Reply
from codex_tui.term.keys import (
    ESCAPE_DELAY_S,
    MAX_STRING_BYTES,
    PASTE_DELAY_S,
    SEQUENCE_DELAY_S,
    KeyDecoder,
)


def decode(data: bytes | str) -> list[object]:
    """What these bytes are once nothing more comes."""
    decoder = KeyDecoder()
    found: list[object] = [*decoder.feed(data.encode() if isinstance(data, str) else data, 0.0)]
    while (deadline := decoder.deadline) is not None:
        found += decoder.expire(deadline)
        if decoder.deadline == deadline:
            break
    return found


def names(data: bytes | str) -> list[str]:
    return [found.name if isinstance(found, Key) else repr(found) for found in decode(data)]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("a", "a"),
        ("A", "A"),
        (" ", "space"),
        ("é", "é"),
        ("日", "日"),
        ("\r", "enter"),
        ("\n", "ctrl+j"),
        ("\t", "tab"),
        ("\x7f", "backspace"),
        ("\x08", "ctrl+h"),
        ("\0", "ctrl+@"),
        ("\x03", "ctrl+c"),
        ("\x1a", "ctrl+z"),
        ("\x1c", "ctrl+backslash"),
        ("\x1f", "ctrl+underscore"),
        ("\x1b", "escape"),
        ("\x1bb", "alt+b"),
        ("\x1bB", "alt+shift+b"),
        ("\x1bé", "alt+é"),
        ("\x1b ", "alt+space"),
        ("\x1b\r", "alt+enter"),
        ("\x1b\x7f", "alt+backspace"),
        ("\x1b\x08", "alt+ctrl+h"),
        ("\x1b[", "alt+["),
        ("\x1b]", "alt+]"),
        ("\x1bO", "alt+shift+o"),
        ("\x1b[A", "up"),
        ("\x1bOA", "up"),
        ("\x1b\x1b[A", "alt+up"),
        ("\x1b\x1bOA", "alt+up"),
        ("\x1b[1;3A", "alt+up"),
        ("\x1b[1;9A", "super+up"),
        ("\x1b[1;5C", "ctrl+right"),
        ("\x1b[1;6D", "ctrl+shift+left"),
        ("\x1b[Z", "shift+tab"),
        ("\x1b[H", "home"),
        ("\x1bOF", "end"),
        ("\x1b[1~", "home"),
        ("\x1b[7~", "home"),
        ("\x1b[8~", "end"),
        ("\x1b[3~", "delete"),
        ("\x1b[3;3~", "alt+delete"),
        ("\x1b[3;5~", "ctrl+delete"),
        ("\x1b[5~", "pageup"),
        ("\x1bOP", "f1"),
        ("\x1b[15~", "f5"),
        ("\x1b[24;2~", "shift+f12"),
        ("\x1b[1;2R", "shift+f3"),
        ("\x1b[[A", "f1"),
        ("\x1b[3$", "shift+delete"),
        ("\x1b[3^", "ctrl+delete"),
        ("\x1b[a", "shift+up"),
        ("\x1bOa", "ctrl+up"),
        ("\x1bOM", "enter"),
        # kitty
        ("\x1b[27u", "escape"),
        ("\x1b[13;2u", "shift+enter"),
        ("\x1b[13;5u", "ctrl+enter"),
        ("\x1b[13;3u", "alt+enter"),
        ("\x1b[9;2u", "shift+tab"),
        ("\x1b[127;5u", "ctrl+backspace"),
        ("\x1b[99;5u", "ctrl+c"),
        ("\x1b[99;5:1u", "ctrl+c"),
        ("\x1b[99;5:2u", "ctrl+c"),
        ("\x1b[97;1:2u", "a"),
        ("\x1b[97:65;2u", "A"),
        ("\x1b[97;2u", "A"),
        ("\x1b[97;69u", "ctrl+a"),  # with Caps Lock
        ("\x1b[97;6u", "ctrl+shift+a"),
        ("\x1b[49;5u", "ctrl+1"),
        ("\x1b[32;2u", "space"),
        ("\x1b[57414u", "enter"),
        ("\x1b[57400u", "1"),
        ("\x1b[57376u", "f13"),
        ("\x1b[1;1:2A", "up"),
        # xterm's modifyOtherKeys
        ("\x1b[27;2;13~", "shift+enter"),
        ("\x1b[27;5;105~", "ctrl+i"),
    ],
)
def test_one_key(data: str, name: str) -> None:
    assert names(data) == [name]


@pytest.mark.parametrize(
    "data",
    [
        "\x1b[97;1:3u",  # a release
        "\x1b[1;1:3A",
        "\x1b[57441;2u",  # Shift alone
        "\x1b[57358u",  # Caps Lock
        "\x1b[200~\x1b[201~"[6:],  # the end of a paste that never began
        "\x1b[M !!",  # a mouse nobody asked for
        "\xc2\x80".encode("latin-1").decode("latin-1"),
        "\x1b[12;3",  # broken off
    ],
)
def test_no_key_at_all(data: str) -> None:
    assert [found for found in decode(data.encode("latin-1")) if isinstance(found, Key)] == []


def test_a_key_has_the_text_it_types_and_its_time() -> None:
    (key,) = KeyDecoder().feed(b"x", 7.5)
    assert isinstance(key, Key)
    assert (key.text, key.at) == ("x", 7.5)
    assert decode("\x1bx") == [Key("alt+x", None)]
    assert decode("\x1b[97;;228u") == [Key("ä", "ä")]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("\x1b[I", Focus(has_focus=True)),
        ("\x1b[O", Focus(has_focus=False)),
        ("\x1b[12;7R", CursorReport(6, 11)),
        ("\x1b[?12;7R", CursorReport(6, 11)),
        ("\x1b[?62;4c", Reply("csi", "?62;4c")),
        ("\x1b[?1u", Reply("csi", "?1u")),
        ("\x1b[?2026;2$y", Reply("csi", "?2026;2$y")),
        ("\x1b[4;1$y", Reply("csi", "4;1$y")),
        ("\x1b[<0;3;4M", Reply("csi", "<0;3;4M")),
        ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\", Reply("osc", "11;rgb:ffff/ffff/ffff")),
        ("\x1b]11;rgb:0/0/0\x07", Reply("osc", "11;rgb:0/0/0")),
        ("\x1bP1+r544e\x1b\\", Reply("dcs", "1+r544e")),
        ("\x1b_Gi=1;OK\x1b\\", Reply("apc", "Gi=1;OK")),
    ],
)
def test_answers_are_not_keys(data: str, found: object) -> None:
    assert decode(data) == [found]


def test_a_cursor_report_of_the_first_row_is_f3_unless_it_was_asked_for() -> None:
    decoder = KeyDecoder()
    decoder.expect_cursor_report()
    assert decoder.feed(b"\x1b[1;2R\x1b[1;2R", 0.0) == [CursorReport(1, 0), Key("shift+f3")]


def test_escape_twice_is_two_keys_and_then_goes_on() -> None:
    assert names("\x1b\x1b") == ["escape", "escape"]
    assert names("\x1b\x1bx") == ["escape", "alt+x"]
    assert names("\x1b\x1b\x1b") == ["escape", "escape", "escape"]


def test_a_lone_escape_is_a_key_after_its_delay_and_not_before() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b", 10.0) == []
    assert decoder.deadline == 10.0 + ESCAPE_DELAY_S
    assert decoder.expire(10.0) == []
    assert decoder.expire(10.0 + ESCAPE_DELAY_S) == [Key("escape")]
    assert decoder.deadline is None


def test_a_sequence_that_begins_in_time_is_waited_for() -> None:
    decoder = KeyDecoder()
    decoder.feed(b"\x1b", 10.0)
    assert decoder.feed(b"[1;", 10.02) == []
    assert decoder.deadline == 10.02 + SEQUENCE_DELAY_S
    assert decoder.feed(b"5A", 10.3) == [Key("ctrl+up")]


def test_a_sequence_broken_by_another_does_not_swallow_it() -> None:
    assert names("\x1b[12\x1b[A") == ["up"]
    assert names("\x1b[12\rx") == ["enter", "x"]
    assert names("\x1b]0;title\x1b[A") == ["up"]


def test_invalid_utf8_is_marked_and_swallows_nothing() -> None:
    assert names(b"\xffa") == ["\N{REPLACEMENT CHARACTER}", "a"]
    assert names(b"\xe2\x82") == ["\N{REPLACEMENT CHARACTER}"]
    assert names(b"\x1b\xe2(x")[-2:] == ["(", "x"]


def test_a_string_without_end_is_dropped_and_typing_goes_on() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1bP" + b"z" * (MAX_STRING_BYTES + 10), 0.0) == []
    assert decoder.feed(b"z" * 100 + b"\x1b\\ab", 0.1) == [Key("a", "a"), Key("b", "b")]
    decoder.feed(b"\x1bP" + b"z" * (MAX_STRING_BYTES + 10), 1.0)
    assert decoder.expire(1.0 + SEQUENCE_DELAY_S) == []
    assert decoder.feed(b"a", 2.0) == [Key("a", "a")]


@pytest.mark.parametrize(
    ("pasted", "text"),
    [
        ("", ""),
        ("one line", "one line"),
        ("a\rb\r\nc\nd", "a\nb\nc\nd"),
        ("nul\0 esc \x1b[A and \x1b[201", "nul esc \x1b[A and \x1b[201"),
        ("日本\N{PILE OF POO}", "日本\N{PILE OF POO}"),
    ],
)
def test_a_paste_is_one_text(pasted: str, text: str) -> None:
    data = f"x\x1b[200~{pasted}\x1b[201~y".encode()
    whole = [Key("x", "x"), Paste(text), Key("y", "y")]
    assert decode(data) == whole
    for cut in range(len(data)):
        decoder = KeyDecoder()
        assert [*decoder.feed(data[:cut], 0.0), *decoder.feed(data[cut:], 0.0)] == whole


def test_a_huge_paste_comes_whole() -> None:
    text = "0123456789abcde\n" * (1 << 16)
    decoder = KeyDecoder()
    found = []
    data = f"\x1b[200~{text}\x1b[201~".encode()
    for start in range(0, len(data), 65536):
        found += decoder.feed(data[start : start + 65536], 0.0)
    assert found == [Paste(text)]


def test_a_paste_that_pauses_is_shown_and_goes_on_as_paste() -> None:
    decoder = KeyDecoder()
    decoder.feed(b"\x1b[200~one\r", 0.0)
    assert decoder.expire(PASTE_DELAY_S) == [Paste("one")]
    assert decoder.deadline is not None
    assert decoder.feed(b"\ntwo\r\x1b[201~\r", 5.0) == [Paste("\ntwo\n"), Key("enter")]


def test_a_paste_whose_end_got_lost_is_left_by_a_control_key() -> None:
    decoder = KeyDecoder()
    decoder.feed(b"\x1b[200~text", 0.0)
    assert decoder.expire(PASTE_DELAY_S) == [Paste("text")]
    assert decoder.feed(b"\x03", 3.0) == [Key("ctrl+c")]
    assert decoder.feed(b"x", 3.1) == [Key("x", "x")]


TOKENS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\x1b[A",
                b"\x1bOP",
                b"\x1b[1;5C",
                b"\x1b[13;2u",
                b"\x1b[200~p\r\nq\x1b[201~",
                b"\x1b]11;rgb:1/2/3\x07",
                b"\x1bP1$r\x1b\\",
                b"\x1b[?2026;2$y",
                b"\x1b[<0;1;1M",
                b"\x1b\x1b[B",
                b"\x1bb",
                b"\x1b[3$",
                b"\r",
                b"\x03",
                "ü日\N{PILE OF POO}".encode(),
            ]
        ),
        st.binary(max_size=6),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(data=TOKENS, cuts=st.lists(st.integers(0, 80), max_size=8))
def test_where_the_bytes_are_cut_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    whole, pieces = KeyDecoder(), KeyDecoder()
    expected = whole.feed(data, 0.0)
    found: list[object] = []
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        found += pieces.feed(data[start:cut], 0.0)
        start = max(start, min(cut, len(data)))
    assert found == expected
    assert pieces.deadline == whole.deadline


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_survived_and_the_next_key_is_understood(data: bytes) -> None:
    decoder = KeyDecoder()
    now = 0.0
    decoder.feed(data, now)
    for _ in range(4):
        now += 10.0
        decoder.expire(now)
    decoder.feed(b"\x03\x1b\\\x1b[201~", now)  # whatever it is in, this ends it
    now += 10.0
    decoder.expire(now)
    assert decoder.feed(b"k", now)[-1:] == [Key("k", "k")]


def test_keys_that_type_have_text_and_no_others() -> None:
    family = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"
    assert "".join(key.text or "" for key in decode(family) if isinstance(key, Key)) == family
    for data in ("\r", "\t", "\x03", "\x7f", "\x1bx", "\x1b[A", "\x1b[13;2u"):
        assert [key.text for key in decode(data) if isinstance(key, Key)] == [None]

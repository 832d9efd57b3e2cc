"""Pastes: marked by the terminal or told by their speed, large ones, pictures."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_tui.composer.composer import Composer
from codex_tui.composer.draft import AttachedImage, Draft, PastedText, edited_elsewhere, element_draft
from codex_tui.composer.outcomes import Outcome, Submitted
from codex_tui.composer.pasted_images import pasted_path, read_image
from codex_tui.term.inputs import Key

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 480) + b"\x08\x02\0\0\0"
NAMED = {"\n": "enter", "\t": "tab", " ": "space"}


def key_for(character: str, at: float) -> Key:
    return Key(NAMED.get(character, character), None if character in "\n\t" else character, at)


def send(composer: Composer, text: str, *, start: float = 100.0, gap: float = 0.0) -> list[Outcome]:
    out: list[Outcome] = []
    for index, character in enumerate(text):
        out += composer.press(key_for(character, start + index * gap))
    return out


def submitted(out: list[Outcome]) -> list[str]:
    return [outcome.message.text for outcome in out if isinstance(outcome, Submitted)]


def test_typed_text_and_enter_is_sent() -> None:
    assert submitted(send(Composer(), "go on\n", gap=0.1)) == ["go on"]


def test_enter_in_or_just_after_fast_characters_is_a_line_end() -> None:
    composer = Composer()
    assert send(composer, "first\nsecond\n") == []
    assert composer.press(Key("enter", None, 100.1)) == []
    assert composer.draft.text == "first\nsecond\n\n"
    assert submitted(composer.press(Key("enter", None, 100.5))) == ["first\nsecond"]


def test_two_fast_characters_are_a_paste_and_one_is_not() -> None:
    assert send(Composer(), "go\n") == []
    assert submitted(send(Composer(), "y\n")) == ["y"]


def test_what_an_input_method_commits_is_no_paste() -> None:
    assert submitted(send(Composer(), "你好\n")) == ["你好"]
    composer = Composer()
    assert send(composer, "Привет, мир\nвот\n") == []
    assert composer.draft.text == "Привет, мир\nвот\n"


def test_a_command_that_comes_fast_is_run() -> None:
    out = send(Composer(), "/status\n")
    assert [type(outcome).__name__ for outcome in out] == ["CommandChosen"]


def test_paste_bursts_can_be_switched_off_and_typeahead_is_none() -> None:
    assert submitted(send(Composer(disable_paste_burst=True), "go\n")) == ["go"]
    composer = Composer()
    out = [outcome for c in "go\n" for outcome in composer.press(key_for(c, 1.0), is_typeahead=True)]
    assert submitted(out) == ["go"]


def test_a_large_paste_of_keys_becomes_a_label_when_it_is_over() -> None:
    composer = Composer()
    text = "line of text\n" * 100
    send(composer, "see: ", gap=0.2)
    assert composer.deadline is None
    send(composer, text, start=200.0)
    assert composer.draft.text == "see: " + text
    assert composer.deadline == pytest.approx(200.008)
    composer.tick(200.004)
    assert not composer.draft.elements
    composer.tick(200.02)
    assert composer.draft.text == f"see: [Pasted Content {len(text)} chars]"
    assert composer.draft.message().text == "see: " + text
    assert composer.deadline is None


def test_another_key_ends_a_paste_of_keys_first() -> None:
    composer = Composer()
    send(composer, "x" * 1200)
    composer.press(Key("backspace", None, 100.001))
    assert composer.draft == Draft()


def test_a_paste_of_keys_is_undone_at_once() -> None:
    composer = Composer()
    send(composer, "typed ", gap=0.5)
    send(composer, "one two\nthree\n\nfour five six seven eight nine ten eleven", start=200.0)
    composer.tick(300.0)
    composer.press(Key("x", "x", 301.0))
    seen = []
    for _ in range(3):
        composer.press(Key("ctrl+underscore", None, 302.0))
        seen.append(composer.draft.text)
    # Its first letter could have been typed.
    assert seen[0].endswith("eleven")
    assert seen[1:] == ["typed o", ""]


def test_tabs_of_a_paste_are_kept() -> None:
    composer = Composer()
    send(composer, "a1\tb2\n\tc")
    assert composer.draft.text == "a1\tb2\n\tc"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab \n\tдé日"), st.sampled_from([0.0, 0.004, 0.008, 0.01, 0.1, 0.121, 1.0])
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_a_paste_of_keys_loses_and_reorders_nothing(typed: list[tuple[str, float]], ticks: bool) -> None:
    composer = Composer(image_reader=lambda path, cwd: None)
    at = 100.0
    got = ""
    for character, gap in typed:
        at += gap
        if ticks and composer.deadline is not None and composer.deadline < at:
            composer.tick(at - gap / 2)
        for outcome in composer.press(key_for(character, at)):
            assert isinstance(outcome, Submitted)
            got += outcome.message.text
    got += composer.draft.text
    kept = [character for character in got if not character.isspace()]
    assert kept == [character for character, _ in typed if not character.isspace()]


@given(st.text("ab \n\té", min_size=9, max_size=300), st.integers(2, 8))
@settings(max_examples=50, deadline=None)
def test_a_whole_paste_of_keys_is_there_letter_by_letter(text: str, lead: int) -> None:
    composer = Composer(image_reader=lambda path, cwd: None)
    text = "x" * lead + text
    assert send(composer, text, gap=0.001) == []
    composer.tick(1000.0)
    assert composer.draft.text == text


def test_a_marked_paste_goes_in_whole() -> None:
    composer = Composer()
    composer.paste("a\r\nb\tc\r")
    assert composer.draft.text == "a\nb\tc\n"
    composer.paste("x" * 1000)
    assert not composer.draft.elements
    composer.paste("")
    composer.paste("y" * 1001)
    assert composer.draft.text.endswith("x[Pasted Content 1001 chars]")


def test_two_large_pastes_of_one_length_stay_two() -> None:
    composer = Composer()
    composer.paste("a" * 1001)
    composer.paste("b" * 1001)
    (out,) = composer.press(Key("enter", None, 5.0))
    assert isinstance(out, Submitted)
    assert out.message.text == "a" * 1001 + "b" * 1001


def test_blanks_around_a_message_go_unless_it_has_pastes() -> None:
    assert Draft("  hi \n").message().text == "hi"
    draft = Draft(" ") + element_draft(PastedText(" x" * 600)) + Draft(" ")
    assert draft.message().text == " " + " x" * 600 + " "
    assert element_draft(PastedText(" " * 2000)).message().is_empty


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/tmp/a.png", "/tmp/a.png"),
        (" pic.png\n", "pic.png"),
        ("'/tmp/my pic.png'", "/tmp/my pic.png"),
        ("/tmp/my\\ pic.png", "/tmp/my pic.png"),
        ("/tmp/my pic.png", "/tmp/my pic.png"),
        ("~/pic.png", "/home/me/pic.png"),
        ("file:///tmp/my%20pic.png", "/tmp/my pic.png"),
        ("file://localhost/tmp/a.png", "/tmp/a.png"),
        ("file://elsewhere/tmp/a.png", None),
        ("C:\\Users\\me\\a.png", "C:\\Users\\me\\a.png"),
        ('"C:\\My Pics\\a.png"', "C:\\My Pics\\a.png"),
        ("\\\\server\\share\\a.png", "\\\\server\\share\\a.png"),
        ("a.png b.png", None),
        ("it's", "it's"),
        ("/a.png\n/b.png", None),
        ("x", None),
        ("", None),
        ("/a\0.png", None),
        ("x" * 5000, None),
    ],
)
def test_paths_in_pastes(text: str, path: str | None) -> None:
    assert pasted_path(text, home="/home/me", environ={}) == path


def test_a_drive_is_a_mount_under_wsl() -> None:
    assert pasted_path("C:\\a\\b.png", environ={"WSL_DISTRO_NAME": "x"}) == "/mnt/c/a/b.png"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG, "640x480 PNG"),
        (
            b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x11\x08"
            + struct.pack(">HH", 48, 64)
            + b"\x03\0\0\0",
            "64x48 JPEG",
        ),
        (b"GIF89a" + struct.pack("<HH", 10, 20) + b"\0\0", "10x20 IMG"),
        (b"BM" + b"\0" * 16 + struct.pack("<ii", 5, -7), None),
        (b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x09\0\0\x13\0\0", "10x20 IMG"),
        (
            b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 7 + b"\x9d\x01\x2a" + struct.pack("<HH", 10, 20 | 1 << 14),
            "10x20 IMG",
        ),
        (b"RIFF\0\0\0\0WEBPVP8L" + b"\0" * 4 + b"\x2f" + (9 | 19 << 14).to_bytes(4, "little"), "10x20 IMG"),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"\xff\xd8\xff\xe0\x00\x00", None),
        (b"not a picture at all", None),
        (PNG[:16] + b"\0" * 8, None),
    ],
)
def test_pictures_are_told_by_their_content(tmp_path: Path, data: bytes, size: str | None) -> None:
    (tmp_path / "file").write_bytes(data)
    found = read_image("file", str(tmp_path))
    assert (found and found.size) == size
    assert read_image("nothing", str(tmp_path)) is None
    assert read_image(".", str(tmp_path)) is None


def test_the_path_of_a_picture_attaches_it(tmp_path: Path) -> None:
    (tmp_path / "shot 1.png").write_bytes(PNG)
    composer = Composer(cwd=str(tmp_path))
    composer.paste(f"'{tmp_path}/shot 1.png'")
    assert composer.draft.text == "[image 640x480 PNG] "
    composer.paste("what is this?")
    message = composer.draft.message()
    assert message.images == (f"{tmp_path}/shot 1.png",)
    assert message.text == "[image 640x480 PNG] what is this?"


def test_a_picture_alone_can_be_sent_and_goes_with_its_label(tmp_path: Path) -> None:
    composer = Composer()
    composer.attach(AttachedImage("/x.png", "1x1 PNG"))
    composer.press(Key("backspace", None, 1.0))
    composer.press(Key("backspace", None, 2.0))
    assert composer.draft == Draft()
    composer.attach(AttachedImage("/x.png", "1x1 PNG"))
    (out,) = composer.press(Key("enter", None, 3.0))
    assert isinstance(out, Submitted)
    assert out.message.images == ("/x.png",)


def test_the_path_of_a_picture_that_comes_as_keys_attaches_it_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    composer = Composer(cwd=str(tmp_path))
    send(composer, "a.png")
    composer.tick(101.0)
    assert composer.draft.text == "[image 640x480 PNG] "


def test_the_editor_keeps_labels_that_are_still_there() -> None:
    first, second, image = PastedText("a" * 1001), PastedText("b" * 1001), AttachedImage("/i", "1x1 PNG")
    before = element_draft(first) + Draft(" and ") + element_draft(second) + element_draft(image)
    after = edited_elsewhere(before, f"now {second.label}\r\nthen {first.label} {first.label}\n")
    assert after.text == f"now {second.label}\nthen {first.label} {first.label}"
    assert after.message().text == f"now {'a' * 1001}\nthen {'b' * 1001} {first.label}"
    assert edited_elsewhere(Draft("x"), "y\n") == Draft("y")
    assert edited_elsewhere(Draft("x\n"), "y\n") == Draft("y\n")


def test_editing_elsewhere_is_asked_for_and_can_be_undone() -> None:
    composer = Composer()
    composer.paste("draft")
    (out,) = composer.press(Key("ctrl+g", None, 1.0))
    assert getattr(out, "text", None) == "draft"
    composer.edited("better\n")
    assert composer.draft.text == "better"
    composer.press(Key("ctrl+underscore", None, 2.0))
    assert composer.draft.text == "draft"

"""Slash commands, saved prompts, files behind an `@`."""

from __future__ import annotations

import pytest

from codex_core.presentation.spans import plain_text
from codex_tui.composer.choices import MAX_ROWS, Choices
from codex_tui.composer.composer import Composer
from codex_tui.composer.draft import AttachedImage, Draft, PastedText, draft_of, element_draft
from codex_tui.composer.file_popup import FilePopup, FoundFile, inserted_path, token_at
from codex_tui.composer.outcomes import (
    CommandChosen,
    FilesWanted,
    Outcome,
    Refused,
    Submitted,
)
from codex_tui.composer.popups import CommandPopup
from codex_tui.composer.saved_prompts import PromptArgumentsError, expand_prompt
from codex_tui.composer.slash_commands import (
    COMMANDS,
    CommandTable,
    SavedPrompt,
    SlashCommand,
    subsequence,
    typed_command,
)
from codex_tui.composer.view import view
from codex_tui.term.inputs import Key


class Desk:
    """A composer and keys far enough apart to be typed."""

    def __init__(self, **options: object) -> None:
        self.composer = Composer(disable_paste_burst=True, **options)  # type: ignore[arg-type]
        self.at = 0.0

    def press(self, *names: str) -> list[Outcome]:
        out: list[Outcome] = []
        for name in names:
            self.at += 1
            text = {"space": " "}.get(name) or (name if len(name) == 1 else None)
            out += self.composer.press(Key(name, text, self.at))
        return out

    def type(self, text: str) -> list[Outcome]:
        return self.press(*("space" if character == " " else character for character in text))

    @property
    def rows(self) -> list[str]:
        return [plain_text(row) for row in view(self.composer, 80).popup]

    @property
    def text(self) -> str:
        return self.composer.draft.text

    @property
    def commands(self) -> list[str]:
        popup = self.composer.popups.open
        assert isinstance(popup, CommandPopup)
        return [match.shown for match in popup.choices.items]


def test_all_commands_in_their_order_then_prompts_by_name() -> None:
    desk = Desk()
    desk.composer.provide_saved_prompts(
        [SavedPrompt("zeta", "z"), SavedPrompt("Alpha", "a"), SavedPrompt("new", "n")]
    )
    desk.type("/")
    names = [command.name for command in COMMANDS]
    assert names[:9] == ["model", "approvals", "new", "init", "compact", "diff", "mention", "status", "mcp"]
    assert desk.commands == [*names, "Alpha", "prompts:new", "zeta"]
    assert len(desk.rows) == MAX_ROWS
    assert desk.rows[0].startswith("▌/model  ")
    desk.press("up")
    assert desk.rows[-1] == "▌/zeta  send saved prompt"
    desk.press("down")
    assert desk.rows[0].startswith("▌/model")


@pytest.mark.parametrize(
    ("typed", "first", "count"),
    [("m", "mcp", None), ("mo", "model", 2), ("DI", "diff", None), ("st", "status", None), ("nope", None, 0)],
)
def test_letters_in_order_filter_and_the_tightest_comes_first(
    typed: str, first: str | None, count: int | None
) -> None:
    shown = [match.shown for match in CommandTable().matching(typed)]
    assert (shown[0] if shown else None) == first
    assert count is None or len(shown) == count


def test_scores_are_extra_span_less_a_hundred_for_a_first_letter() -> None:
    table = CommandTable([SlashCommand(name, "") for name in ("xab", "a---b", "ab", "ba-b", "aab")])
    assert [match.shown for match in table.matching("ab")] == ["ab", "aab", "a---b", "xab", "ba-b"]
    assert subsequence("İab", "b") == (2,)


def test_enter_runs_the_selected_command() -> None:
    desk = Desk()
    (out,) = desk.type("/sta") + desk.press("enter")
    assert out == CommandChosen(next(command for command in COMMANDS if command.name == "status"))
    assert desk.text == ""


def test_what_is_typed_behind_a_command_goes_with_it() -> None:
    desk = Desk()
    desk.type("/compact keep the plan")
    assert desk.composer.popups.open is None
    (out,) = desk.press("enter")
    assert isinstance(out, CommandChosen)
    assert (out.command.name, out.arguments) == ("compact", "keep the plan")
    desk.press("ctrl+underscore")
    assert desk.text == "/compact keep the plan"


@pytest.mark.parametrize(
    "text", ["/tmp/x is broken", "/mo is a folder", "/ status", "//", " /status", "/unknown"]
)
def test_what_is_no_command_is_a_message(text: str) -> None:
    desk = Desk()
    out = [*desk.type(text), *desk.press("enter")]
    assert [type(outcome) for outcome in out] == [Submitted]


def test_tab_completes_and_more_can_be_typed() -> None:
    desk = Desk()
    desk.type("/comp")
    desk.press("tab")
    assert desk.text == "/compact "
    assert desk.composer.popups.open is None


def test_escape_closes_the_popup_until_the_name_changes() -> None:
    desk = Desk()
    desk.type("/mo")
    assert desk.press("escape") == []
    assert desk.composer.popups.open is None
    desk.press("left", "right")
    assert desk.composer.popups.open is None
    desk.type("d")
    assert desk.commands == ["model"]
    desk.press("escape", "ctrl+c", "/")
    assert desk.composer.popups.open is not None


def test_commands_that_must_wait_are_refused_and_stay() -> None:
    desk = Desk()
    desk.composer.is_running = True
    (out,) = desk.type("/model") + desk.press("enter")
    assert out == Refused("'/model' is disabled while a task is in progress.")
    assert desk.text == "/model"
    desk.press("ctrl+c")
    (out,) = desk.type("/diff") + desk.press("enter")
    assert isinstance(out, CommandChosen)


def test_mention_begins_a_file() -> None:
    desk = Desk()
    assert desk.type("/mention") + desk.press("enter") == []
    assert desk.text == "@"
    assert desk.rows == ["▌no matches"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("/a", ("a", "", False)),
        ("/a ", ("a", "", True)),
        ("/a b  c ", ("a", "b  c", True)),
        ("/a b\nc", ("a", "b\nc", True)),
        ("/a\n\nc", ("a", "c", True)),
        ("/", ("", "", False)),
        ("/ a", ("", "a", True)),
    ],
)
def test_a_first_line_is_taken_apart(text: str, typed: tuple[str, str, bool]) -> None:
    got = typed_command(text)
    assert got is not None
    assert (got.name, got.arguments, got.has_ended) == typed
    assert typed_command("a" + text) is None


# --- saved prompts --------------------------------------------------------------------------------------


def test_a_saved_prompt_is_sent_as_it_is() -> None:
    desk = Desk()
    desk.composer.provide_saved_prompts([SavedPrompt("review", "Look at $1.\n"), SavedPrompt("void", " \n")])
    (out,) = desk.type("/rev") + desk.press("enter")
    assert isinstance(out, Submitted)
    assert out.message.text == "Look at $1.\n"
    assert desk.text == ""
    desk.press("up")
    assert desk.text == ""
    (out,) = desk.type("/void") + desk.press("enter")
    assert isinstance(out, Refused)


@pytest.mark.parametrize("name", ["review", "prompts:review"])
def test_a_saved_prompt_takes_arguments(name: str) -> None:
    desk = Desk()
    desk.composer.provide_saved_prompts([SavedPrompt("review", "Look at $1 for $2.")])
    (out,) = desk.type(f"/{name} 'my file' bugs") + desk.press("enter")
    assert isinstance(out, Submitted)
    assert out.message.text == "Look at my file for bugs."


def test_a_prompt_named_like_a_command_has_its_prefix() -> None:
    table = CommandTable()
    table.set_prompts([SavedPrompt("new", "content"), SavedPrompt("plan", "content")])
    assert isinstance(table.named("new"), SlashCommand)
    assert isinstance(table.named("prompts:new"), SavedPrompt)
    assert [match.shown for match in table.matching("prompts:")] == ["prompts:new", "prompts:plan"]


@pytest.mark.parametrize(
    ("content", "arguments", "text"),
    [
        ("a $1 b", "", "a $1 b"),
        ("a $1 $2 b", "x", "a x  b"),
        ("all: $ARGUMENTS", "x 'y z'", "all: x y z"),
        ("$$1 $1", "x", "$1 x"),
        ("fix $FILE in $AREA", "FILE=a.py AREA='the core'", "fix a.py in the core"),
        ("fix $FILE: $ARGUMENTS", "FILE=a.py at once", "fix a.py: at once"),
        ("set $PATH", "A=b", "set $PATH"),
        ("no places", "but words", "no places\n\nbut words"),
        ("$10", "x", "x0"),
        ("$1", "'$1 $ARGUMENTS'", "$1 $ARGUMENTS"),
    ],
)
def test_arguments_of_prompts(content: str, arguments: str, text: str) -> None:
    assert expand_prompt("p", content, arguments) == text


@pytest.mark.parametrize(("content", "arguments"), [("$1", "'open"), ("$A $B", "A=1")])
def test_arguments_that_do_not_fit_are_told(content: str, arguments: str) -> None:
    with pytest.raises(PromptArgumentsError, match="/p"):
        expand_prompt("p", content, arguments)
    desk = Desk()
    desk.composer.provide_saved_prompts([SavedPrompt("p", content)])
    (out,) = desk.type(f"/p {arguments}") + desk.press("enter")
    assert isinstance(out, Refused)
    assert desk.text == f"/p {arguments}"


# --- files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "query"),
    [
        ("@fi|le", "file"),
        ("|@file", "file"),
        ("see @file|", "file"),
        ("see| @file", "file"),
        ("see |@file x", "file"),
        ("see @file| x", "file"),
        ("see @file |x", None),
        ("see  | @file", "file"),
        ("@a| @b", "a"),
        ("@a |@b", "b"),
        ("a|\n@file", None),
        ("mail me@home|", None),
        ("@|", ""),
        ('@"my fi|le', "my"),
        ("plain|", None),
        ("|", None),
        (" | ", None),
    ],
)
def test_the_word_at_the_caret(marked: str, query: str | None) -> None:
    before, _, after = marked.partition("|")
    if query == "my":
        before, after = '@"m', "y file"
    token = token_at(Draft(before + after), len(before))
    assert (token.query if token else None) == query


def test_labels_are_no_words() -> None:
    draft = Draft("@a") + element_draft(PastedText("x" * 1001)) + Draft("@b")
    first = token_at(draft, 1)
    assert first is not None
    assert (first.start, first.end) == (0, 2)
    last = token_at(draft, len(draft.text))
    assert last is not None
    assert last.query == "b"


FILES = tuple(FoundFile(f"docs/page{n}.md", (5, 6, 7, 8)) for n in (10, 2, 3))


def test_files_are_asked_for_as_the_word_grows_and_shown() -> None:
    desk = Desk()
    assert desk.type("look at @") == []
    assert desk.rows == ["▌no matches"]
    assert desk.type("pa") == [FilesWanted("p"), FilesWanted("pa")]
    assert desk.rows == ["▌loading..."]
    desk.composer.provide_files("p", FILES)
    assert desk.rows == ["▌loading..."]
    desk.composer.provide_files("pa", FILES)
    assert desk.rows == ["▌docs/page10.md", "▌docs/page2.md", "▌docs/page3.md"]
    desk.type("g")
    assert desk.rows[0] == "▌docs/page10.md"
    desk.composer.provide_files("pag", ())
    assert desk.rows == ["▌no matches"]
    assert desk.press("escape") == [FilesWanted("")]
    assert desk.rows == []
    assert desk.type("e") == [FilesWanted("page")]


def test_enter_and_tab_put_the_path_in() -> None:
    for key in ("enter", "tab"):
        desk = Desk()
        desk.type("look at @pa now")
        desk.press("alt+b", "left", "left")
        desk.composer.provide_files("pa", FILES)
        assert desk.press("down", key) == [FilesWanted("")]
        assert desk.text == "look at docs/page2.md  now"
        assert desk.composer.popups.open is None


def test_without_a_file_to_choose_enter_sends_and_up_moves() -> None:
    desk = Desk()
    desk.type("mail @nobody")
    desk.press("up")
    assert desk.composer.editor.caret == 0
    out = desk.press("end", "enter")
    assert any(isinstance(outcome, Submitted) for outcome in out)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a/b.py", "a/b.py "),
        ("my file.py", '"my file.py" '),
        ('a"b', '"a\\"b" '),
        ("it's", '"it\'s" '),
        ("a\\b", '"a\\\\b" '),
    ],
)
def test_paths_are_quoted_where_they_would_fall_apart(path: str, text: str) -> None:
    assert inserted_path(path) == text
    import shlex

    assert shlex.split(inserted_path(path)) == [path]


def test_a_picture_is_attached_if_it_can_be_read() -> None:
    seen: list[tuple[str, str]] = []

    def reader(path: str, cwd: str) -> AttachedImage | None:
        seen.append((path, cwd))
        return AttachedImage(f"{cwd}/{path}", "1x1 PNG") if "good" in path else None

    desk = Desk(cwd="/proj", image_reader=reader)
    for name in ("good.PNG", "bad.png", "good.py"):
        desk.type("@x")
        desk.composer.provide_files("x", [FoundFile(name)])
        desk.press("enter")
    assert desk.text == "[image 1x1 PNG] bad.png good.py "
    assert seen == [("good.PNG", "/proj"), ("bad.png", "/proj")]


def test_a_draft_put_in_by_the_app_may_open_a_popup_and_a_popup_of_files_wins_behind_a_command() -> None:
    desk = Desk()
    assert desk.composer.set_draft(draft_of("/compact @sp")) == [FilesWanted("sp")]
    assert isinstance(desk.composer.popups.open, FilePopup)


def test_selection_goes_round_and_stays_in_view() -> None:
    choices: Choices[int] = Choices()
    choices.move(1)
    assert choices.current is None
    choices.show(tuple(range(20)))
    for step in (1,) * 9 + (-1,) * 3 + (15,) + (-30,):
        choices.move(step)
        seen = [item for item, _ in choices.visible]
        assert choices.current in seen
        assert len(seen) == MAX_ROWS
        assert [item for item, selected in choices.visible if selected] == [choices.current]

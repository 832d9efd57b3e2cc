"""The grammar of command lines, tried on a small program of its own (spec: config-cli.md section 4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.command_line.grammar import DIRECTORY, HELP, VERSION, Argument, Command, Option
from codex_core.command_line.options import CONFIG, IMAGE, is_further_image
from codex_core.command_line.parser import Asked, Invocation, parse, usage_line
from codex_core.command_line.usage import HINT, UsageError

MODE = Option("-s", "--mode", key="mode", value="MODE", choices=("soft", "hard"), help="How")
QUIET = Option("-q", "--quiet", key="quiet", conflicts=("loud",), help="Less")
LOUD = Option("--loud", hidden_names=("--shout",), key="loud", help="More")
NAME = Option("-m", "--model", key="model", value="MODEL", help="What")
PLACE = Option("-C", "--cd", key="cd", value="DIR", completes=DIRECTORY, help="Where")
ADD = Command(
    "add",
    summary="Add",
    options=(
        Option(
            "--env", key="env", value="K=V", is_repeatable=True, help="", problem_with=lambda v: v and None
        ),
    ),
    arguments=(
        Argument("NAME", key="name", is_required=True, help=""),
        Argument("COMMAND", key="command", is_trailing=True, help=""),
    ),
)
RAW = Command("raw", summary="Only a name", is_reserved=True)
GROUP = Command(
    "group", "g", summary="A group", options=(CONFIG,), commands=(ADD, RAW), is_command_required=True
)
ROOT = Command(
    "try",
    summary="Tries",
    options=(IMAGE, NAME, MODE, QUIET, LOUD, PLACE, CONFIG),
    arguments=(Argument("PROMPT", key="prompt", help=""),),
    commands=(GROUP,),
    version="try 1",
)


def parsed(*arguments: str) -> Invocation:
    return parse((ROOT,), arguments)


def values(*arguments: str) -> dict[str, object]:
    return dict(parsed(*arguments).inner.values)


def mistake(*arguments: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parsed(*arguments)
    return caught.value


@pytest.mark.parametrize(
    "form",
    [["-m", "x"], ["-mx"], ["-m=x"], ["--model", "x"], ["--model=x"], ["-qmx"], ["-qm", "x"]],
    ids=" ".join,
)
def test_a_value_stands_behind_its_option_or_in_it(form: list[str]) -> None:
    assert values(*form)["model"] == "x"


@pytest.mark.parametrize(
    ("word", "value"), [("--model=", ""), ("-m==x", "=x"), ("-m-x", "-x"), ("--model=-x", "-x")]
)
def test_an_attached_value_may_be_anything(word: str, value: str) -> None:
    assert values(word) == {"model": value}


def test_a_dash_is_a_value_and_a_word() -> None:
    assert values("-m", "-", "-") == {"model": "-", "prompt": "-"}


@pytest.mark.parametrize("word", ["group", "g", "help", "--quiet", "-q", "--", "-x"])
def test_behind_two_dashes_every_word_is_a_word(word: str) -> None:
    assert values("--", word) == {"prompt": word}


def test_a_repeatable_option_keeps_all_values_in_order() -> None:
    assert values("-c", "a=1", "-cb=2", "--config", "c=3", "-c=d=4") == {
        "config": ("a=1", "b=2", "c=3", "d=4")
    }


def test_each_level_has_its_own_values() -> None:
    invocation = parsed(
        "-c", "a=1", "-m", "x", "hi", "g", "-c", "b=2", "add", "--env", "K=V", "n", "cmd", "-c", "-h"
    )
    assert [level.command for level in invocation.levels] == [ROOT, GROUP, ADD]
    assert invocation.inner.values == {"env": ("K=V",), "name": "n", "command": ("cmd", "-c", "-h")}
    assert invocation.overrides == ("a=1", "b=2")
    assert invocation.last_text("model") == "x"
    assert invocation.levels[0].text("prompt") == "hi"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["n", "cmd", "--env", "x", "-h"], ("cmd", "--env", "x", "-h")),
        (["n", "--", "cmd", "--", "x"], ("cmd", "--", "x")),
        (["--env", "a=b", "n", "--env=c=d", "cmd"], ("cmd",)),
        (["--", "n", "-x", "-y"], ("-x", "-y")),
        (["n"], ()),
        (["n", "--"], ()),
    ],
)
def test_a_command_line_of_its_own_is_taken_word_for_word(
    arguments: list[str], command: tuple[str, ...]
) -> None:
    assert parsed("group", "add", *arguments).inner.texts("command") == command


def test_a_command_that_parses_by_itself_gets_everything_behind_its_name() -> None:
    invocation = parsed("g", "-c", "a=1", "raw", "--help", "-c", "--")
    assert (invocation.inner.command, invocation.inner.values) == (RAW, {})
    assert invocation.overrides == ("a=1",)


# -- pictures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "images", "prompt"),
    [
        (["-i", "a.png", "text"], ("a.png",), "text"),
        (["-i", "a.png", "b.JPG", "what is this"], ("a.png", "b.JPG"), "what is this"),
        (["-i", "a.png,b.png", "c.png,d.png", "text"], ("a.png", "b.png", "c.png", "d.png"), "text"),
        (["text", "-i", "a.png", "b.png"], ("a.png", "b.png"), "text"),
        (["-i=a.png", "b.png"], ("a.png",), "b.png"),
        (["-i", "a.png", "what is in b.png"], ("a.png",), "what is in b.png"),
        (["-i", "a.png", "--", "b.png"], ("a.png",), "b.png"),
        (["-i", "a.png", "-i", "b.png", "text"], ("a.png", "b.png"), "text"),
        (["-i", "strange name", "text"], ("strange name",), "text"),
        (["text", "-i", "strange name", "another"], ("strange name", "another"), "text"),
        (["-i", "a.png", "-"], ("a.png",), "-"),
    ],
)
def test_words_behind_a_picture_are_pictures_if_they_read_so(
    arguments: list[str], images: tuple[str, ...], prompt: str
) -> None:
    assert values(*arguments) == {"image": images, "prompt": prompt}


def test_a_file_that_is_there_is_one_more_picture(tmp_path: Path) -> None:
    path = tmp_path / "scan 1"
    assert not is_further_image(str(path))
    path.touch()
    assert is_further_image(str(path))
    assert is_further_image(f"{path},{path}")
    assert not is_further_image(f"{path},{path}x")


def test_a_command_ends_the_pictures() -> None:
    assert parsed("-i", "a.png", "b.png", "g", "raw").inner.command is RAW


# -- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message", "tip"),
    [
        (
            ["--bogus"],
            "unexpected argument '--bogus' found",
            "to pass '--bogus' as a value, use '-- --bogus'",
        ),
        (
            ["--bogus=1"],
            "unexpected argument '--bogus' found",
            "to pass '--bogus' as a value, use '-- --bogus'",
        ),
        (["--modl", "x"], "unexpected argument '--modl' found", "a similar argument exists: '--model'"),
        (["--quie"], "unexpected argument '--quie' found", "a similar argument exists: '--quiet'"),
        (["-qx"], "unexpected argument '-x' found", "to pass '-x' as a value, use '-- -x'"),
        (["g", "--bogus"], "unexpected argument '--bogus' found", ""),
        (["a", "b"], "unexpected argument 'b' found", ""),
        (["grp", "b"], "unexpected argument 'b' found", "a similar subcommand exists: 'group'"),
        (["--", "a", "--loud"], "unexpected argument '--loud' found", ""),
        (["g", "ad"], "unrecognized subcommand 'ad'", "a similar subcommand exists: 'add'"),
        (["g", "zzz"], "unrecognized subcommand 'zzz'", ""),
        (["help", "zzz"], "unrecognized subcommand 'zzz'", ""),
        (["help", "g", "ad"], "unrecognized subcommand 'ad'", "a similar subcommand exists: 'add'"),
        (["-m", "a", "--model=b"], "the argument '--model <MODEL>' cannot be used multiple times", ""),
        (["-q", "-q"], "the argument '--quiet' cannot be used multiple times", ""),
        (["--quiet", "--shout"], "the argument '--quiet' cannot be used with '--loud'", ""),
        (["--shout", "-q"], "the argument '--loud' cannot be used with '--quiet'", ""),
        (["--quiet=1"], "unexpected value '1' for '--quiet' found; no more were expected", ""),
        (["-q=1"], "unexpected value '1' for '--quiet' found; no more were expected", ""),
        (["g", "add"], "the following required arguments were not provided:\n  <NAME>", ""),
    ],
)
def test_a_mistake_is_named_and_the_usage_told(arguments: list[str], message: str, tip: str) -> None:
    error = mistake(*arguments)
    assert (str(error), error.tip) == (message, tip)
    assert error.usage.startswith("Usage: try ")
    assert error.text().startswith(f"error: {message}\n\n")
    assert error.text().endswith(f"\n\n{HINT}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m"], "a value is required for '--model <MODEL>' but none was supplied"),
        (["-m", "-q"], "a value is required for '--model <MODEL>' but none was supplied"),
        (["-m", "--", "x"], "a value is required for '--model <MODEL>' but none was supplied"),
        (["--cd="], "a value is required for '--cd <DIR>' but none was supplied"),
        (["-i", ""], "a value is required for '--image <FILE>...' but none was supplied"),
        (["-i", "a,,b"], "a value is required for '--image <FILE>...' but none was supplied"),
        (
            ["-s"],
            "a value is required for '--mode <MODE>' but none was supplied\n  [possible values: soft, hard]",
        ),
        (["-s", "HARD"], "invalid value 'HARD' for '--mode <MODE>'\n  [possible values: soft, hard]"),
    ],
)
def test_a_mistake_in_a_value_needs_no_usage(arguments: list[str], message: str) -> None:
    error = mistake(*arguments)
    assert (str(error), error.usage) == (message, "")


def test_the_first_mistake_is_told() -> None:
    assert "--bogus" in str(mistake("--bogus", "-m"))
    assert "hot" in str(mistake("-s", "hot", "--help"))


# -- help and version ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "path", "is_long"),
    [
        (["-h"], [ROOT], False),
        (["--help"], [ROOT], True),
        (["-qh", "--bogus"], [ROOT], False),
        (["--help", "--bogus"], [ROOT], True),
        (["help"], [ROOT], True),
        (["help", "help"], [ROOT], True),
        (["help", "g"], [ROOT, GROUP], True),
        (["help", "group", "add"], [ROOT, GROUP, ADD], True),
        (["g", "help", "add"], [ROOT, GROUP, ADD], True),
        (["g", "add", "-h"], [ROOT, GROUP, ADD], False),
        (["help", "g", "raw"], [ROOT, GROUP, RAW], True),
    ],
)
def test_help_is_for_the_command_it_is_asked_of(
    arguments: list[str], path: list[Command], is_long: bool
) -> None:
    with pytest.raises(Asked) as caught:
        parsed(*arguments)
    asked = caught.value
    assert (list(asked.path), asked.option, asked.is_long, asked.is_error) == (path, HELP, is_long, False)


@pytest.mark.parametrize("arguments", [["-V"], ["--version"], ["-qVh"], ["-V=1"]])
def test_the_version_is_for_who_has_one(arguments: list[str]) -> None:
    with pytest.raises(Asked) as caught:
        parsed(*arguments)
    assert caught.value.option is VERSION
    assert str(mistake("g", *arguments[:1])).startswith("unexpected argument")


def test_a_group_alone_asks_for_its_short_help_as_an_error() -> None:
    with pytest.raises(Asked) as caught:
        parsed("group")
    assert (caught.value.is_error, caught.value.is_long) == (True, False)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((ROOT,), "Usage: try [OPTIONS] [PROMPT]\n       try [OPTIONS] [PROMPT] <COMMAND>"),
        ((ROOT, GROUP), "Usage: try group [OPTIONS] <COMMAND>"),
        ((ROOT, GROUP, ADD), "Usage: try group add [OPTIONS] <NAME> [COMMAND]..."),
    ],
)
def test_usage_lines(path: tuple[Command, ...], line: str) -> None:
    assert usage_line(path) == line


# -- any words ----------------------------------------------------------------------------------

WORDS = st.lists(
    st.sampled_from(
        [
            "-m",
            "--model",
            "-m=x",
            "-mx",
            "--model=",
            "-c",
            "-ca=b",
            "-q",
            "--loud",
            "--",
            "-",
            "x",
            "-z",
            "--y=1",
            "-i",
            "a.png",
            "group",
            "add",
            "raw",
            "help",
            "-h",
            "--version",
            "-s",
            "hard",
            "-qs",
            "--env",
            "é",
            "�",
        ]
    )
    | st.text(max_size=4),
    max_size=8,
)


def outcome(arguments: list[str]) -> Invocation | Asked | UsageError:
    try:
        return parsed(*arguments)
    except (Asked, UsageError) as end:
        return end


@given(WORDS)
def test_any_words_are_understood_asked_or_refused(arguments: list[str]) -> None:
    match outcome(arguments):
        case Asked(path=path):
            assert path[0] is ROOT
        case UsageError() as error:
            assert error.text().startswith("error: ")
        case Invocation() as invocation:
            values = [value for level in invocation.levels for value in level.values.values()]
            taken = [value for value in values if isinstance(value, str)]
            taken += [word for value in values if isinstance(value, tuple) for word in value]
            # No word is made up, and none is lost: what is neither an option's name nor a command is a value.
            text = "".join(arguments)
            assert all(word in text for word in taken)
            words = [word for word in arguments if word in ("x", "é", "\udcff")]
            assert invocation.inner.command is RAW or all(word in taken for word in words)

"""The contract with typer: our converter replaces its value adapters, and rich stays out of it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import pytest
import typer

from codex_core.testing import ScratchHome
from codex_exec.lean_typer import TrailingCommand, describe, new_app
from codex_exec.usage import usage_error


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def call(*arguments: str) -> tuple[object, ...]:
    """What a command with one parameter of each kind is called with."""
    app, command = new_app()
    calls: list[tuple[object, ...]] = []

    @command(help="Tries everything.")
    def everything(
        text: Annotated[str | None, typer.Argument()] = None,
        name: Annotated[str | None, typer.Option("-n", "--name")] = None,
        many: Annotated[list[str] | None, typer.Option("--many")] = None,
        flag: Annotated[bool, typer.Option("--flag")] = False,
        size: Annotated[Size, typer.Option("--size", metavar="SIZE")] = Size.SMALL,
        maybe: Annotated[Size | None, typer.Option("--maybe")] = None,
    ) -> None:
        calls.append((text, name, many, flag, size, maybe))

    app(list(arguments), prog_name="try", standalone_mode=False)
    (values,) = calls
    return values


def test_defaults_arrive_as_they_are() -> None:
    assert call() == (None, None, None, False, Size.SMALL, None)


def test_values_arrive_as_their_annotations_want_them() -> None:
    values = call("t", "-n", "n", "--many", "a", "--many=b", "--flag", "--size", "large", "--maybe=small")
    assert values == ("t", "n", ["a", "b"], True, Size.LARGE, Size.SMALL)
    assert isinstance(values[4], Size)
    assert isinstance(values[5], Size)


def test_texts_are_not_touched() -> None:
    assert call("--", " 1 ")[0] == " 1 "
    assert call("--name=")[1] == ""
    assert call("--name=null")[1] == "null"
    assert call("--many=a,b")[2] == ["a,b"]


@pytest.mark.parametrize("value", ["medium", "SMALL", "", " small"])
def test_an_unknown_choice_names_the_known_ones(value: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        call(f"--size={value}")
    assert str(caught.value.__cause__) == (
        f"invalid value '{value}' for '--size <SIZE>'\n  [possible values: small, large]"
    )


def test_the_method_that_is_replaced_is_still_the_one_typer_asks() -> None:
    """If typer renames it, options would silently be built by its adapters again."""
    from typer.core import TyperOption

    assert callable(TyperOption.get_runtime_param)


LEFT_OUT = ["typer._adapters", "typer.rich_utils", "rich", "click", "pydantic.type_adapter"]

PROGRAM = """
import json, sys
from codex_cli.sandbox import run_sandbox
codes = [run_sandbox(arguments, []) for arguments in {lines!r}]
print(json.dumps([codes, sorted(sys.modules)]), file=sys.__stdout__)
"""


def test_parsing_loads_neither_adapters_nor_rich(scratch_home: ScratchHome) -> None:
    lines = [["--bogus"], ["-s", "bogus"], ["-s", "read-only", "--network", "x"], ["--help"]]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(lines=lines)],
        env=scratch_home.environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    codes, modules = json.loads(done.stdout.splitlines()[-1])
    assert codes == [2, 2, 2, 0]
    assert "typer.core" in modules
    assert [name for name in modules if name in LEFT_OUT] == []


def test_a_defect_is_shown_without_the_values_of_variables() -> None:
    app, _ = new_app()
    assert app.pretty_exceptions_enable is False


def run_sized(arguments: Sequence[str], overrides: Sequence[str]) -> int:
    """A command as the rooms write them."""
    app, command = new_app(TrailingCommand)

    @command(help="Sizes things.\n\nAnd more.", epilog="Example: sized --size small ls")
    def sized(
        words: Annotated[list[str] | None, typer.Argument(metavar="COMMAND", help="What to size.")] = None,
        size: Annotated[Size | None, typer.Option("-s", "--size", metavar="SIZE", help="How big.")] = None,
        secret: Annotated[bool, typer.Option("--secret", hidden=True)] = False,
        cd: Annotated[str | None, typer.Option("-C", "--cd", metavar="DIR", help="Where.")] = None,
    ) -> None:
        if not words:
            raise typer.BadParameter("the following required arguments were not provided:\n  <COMMAND>...")
        print(size, *words)

    try:
        code = app(list(arguments), prog_name="codex sized", standalone_mode=False)
    except typer.TyperException as error:
        return usage_error(error, sys.stderr)
    return int(code or 0)


USAGE = "Usage: codex sized [OPTIONS] [COMMAND]...\n\nFor more information, try '--help'.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--bogus"],
            f"unexpected argument '--bogus' found\n\n  tip: to pass '--bogus' as a value, use '-- --bogus'\n\n{USAGE}",
        ),
        (
            ["--siz"],
            f"unexpected argument '--siz' found\n\n  tip: a similar argument exists: '--size'\n\n{USAGE}",
        ),
        ([], f"the following required arguments were not provided:\n  <COMMAND>...\n\n{USAGE}"),
        (
            ["-s", "huge"],
            (
                "invalid value 'huge' for '--size <SIZE>'\n  [possible values: small, large]\n\n"
                "For more information, try '--help'.\n"
            ),
        ),
    ],
)
def test_mistakes_are_told_as_by_all_our_commands(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_sized(arguments, []) == 2
    assert capsys.readouterr() == ("", f"error: {told}")


def test_the_help_page_is_as_of_all_our_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_sized(["--size", "small", "--help"], []) == 0
    page = capsys.readouterr().out
    assert page.startswith("Usage: codex sized [OPTIONS] [COMMAND]...\n\nSizes things.\n\nAnd more.\n")
    assert "-s, --size <SIZE>  How big. [small, large]" in page
    assert "sized --size small ls" in page
    assert "secret" not in page
    assert run_sized(["-h"], []) == 0
    assert "And more." not in capsys.readouterr().out


def test_words_of_a_command_line_are_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_sized(["-s=large", "ls", "-s", "--bogus", "--"], []) == 0
    assert capsys.readouterr().out == "large ls -s --bogus --\n"
    assert run_sized(["--", "-s"], []) == 0
    assert capsys.readouterr().out == "None -s\n"


def test_a_command_can_be_described_without_running_it(capsys: pytest.CaptureFixture[str]) -> None:
    definition = describe(run_sized)
    assert definition is not None
    options = {option.names: option for option in definition.options}
    assert options["-s", "--size"].choices == ("small", "large")
    assert options["-C", "--cd"].completes == "directory"
    assert options["--secret",].is_hidden
    assert [argument.label for argument in definition.arguments] == ["[COMMAND]..."]
    assert capsys.readouterr() == ("", "")
    assert describe(lambda arguments, overrides: len(arguments)) is None


def test_an_error_from_elsewhere_is_told_too() -> None:
    error = typer.BadParameter("it is wrong")
    stream = io.StringIO()
    assert usage_error(error, stream) == 2
    assert stream.getvalue() == "error: it is wrong\n\nFor more information, try '--help'.\n"

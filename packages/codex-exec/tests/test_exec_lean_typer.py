"""The contract with typer: our converter replaces its value adapters, and rich stays out of it."""

from __future__ import annotations

import json
import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import pytest
import typer

from codex_core.testing import ScratchHome
from codex_exec.lean_typer import new_app


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
    assert f"invalid value '{value}' for '--size <SIZE>'" in caught.value.format_message()
    assert "[possible values: small, large]" in caught.value.format_message()


def test_the_method_that_is_replaced_is_still_the_one_typer_asks() -> None:
    """If typer renames it, options would silently be built by its adapters again."""
    from typer.core import TyperOption

    assert callable(TyperOption.get_runtime_param)


LEFT_OUT = ["typer._adapters", "typer.rich_utils", "rich", "click", "pydantic.type_adapter"]

PROGRAM = """
import json, sys
from codex_exec import cli, run
run.run = lambda options: 0
codes = [cli.run_command_line(arguments) for arguments in {lines!r}]
print(json.dumps([codes, sorted(sys.modules)]), file=sys.__stdout__)
"""


def test_parsing_loads_neither_adapters_nor_rich(scratch_home: ScratchHome) -> None:
    lines = [
        ["-m", "x", "-i", "a", "-c", "k=v", "--full-auto", "-s", "read-only", "--color", "auto", "hi"],
        ["--bogus"],
        ["-s", "bogus"],
        ["--help"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(lines=lines)],
        env=scratch_home.environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    codes, modules = json.loads(done.stdout.splitlines()[-1])
    assert codes == [0, 2, 2, 0]
    assert "typer.core" in modules
    assert [name for name in modules if name in LEFT_OUT] == []


def test_a_defect_is_shown_without_the_values_of_variables() -> None:
    app, _ = new_app()
    assert app.pretty_exceptions_enable is False

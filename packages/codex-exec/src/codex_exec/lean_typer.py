"""Typer without the cost of its value adapters.

Typer converts each value with a pydantic adapter it builds at every start, 120 ms for a command of ours.
Our parameters are texts, switches and enums, so this command class converts them itself; the public
method Typer asks for its converter, `get_runtime_param`, is replaced on each parameter.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

F = TypeVar("F", bound="Callable[..., Any]")


class LeanCommand(TyperCommand):
    """A command whose parameters are `str`, `bool`, an enum of texts, or lists of `str`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer's own signature
        """Parses with `-m=x` understood as `-m x`, as `--model=x` is."""
        return super().parse_args(ctx, [*_with_values_apart(args, self.get_params(ctx))])

    def get_params(self, ctx: Any) -> list[Any]:  # typer's own signature
        """The parameters, help option included, with our converter."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            parameter.get_runtime_param = _Converter  # type: ignore[attr-defined]  # see the module's docstring
        return parameters


def _with_values_apart(arguments: list[str], parameters: list[Any]) -> Iterator[str]:
    letters = {
        name
        for parameter in parameters
        for name in parameter.opts
        if len(name) == 2 and not getattr(parameter, "is_flag", True)
    }
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            yield argument
            yield from remaining
        elif argument[:2] in letters and argument[2:3] == "=":
            yield argument[:2]
            yield argument[3:]
        else:
            yield argument


class _Converter:
    """Stands in for typer's `RuntimeParam`."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as its annotation wants it."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        annotation = param.type_descriptor.annotation
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return _choose(annotation, value, param, ctx)
        return value


def _choose(choices: type[Enum], value: object, param: Any, ctx: Any) -> Enum:
    try:
        return choices(value)
    except ValueError:
        possible = ", ".join(str(choice.value) for choice in choices)
        flag, name = max(param.opts, key=len), param.metavar or str(param.name).upper()
        raise typer.BadParameter(
            f"invalid value '{value}' for '{flag} <{name}>'\n  [possible values: {possible}]", ctx=ctx
        ) from None


def new_app() -> tuple[typer.Typer, Callable[..., Callable[[F], F]]]:
    """An empty app for one command, and the decorator that makes a function its command."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
    )

    def command(**settings: Any) -> Callable[[F], F]:
        return app.command(cls=LeanCommand, **settings)

    return app, command

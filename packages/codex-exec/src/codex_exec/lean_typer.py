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

from codex_exec.strict_arguments import ArgumentError, Option, strict_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


class LeanCommand(TyperCommand):
    """A command whose parameters are `str`, `bool`, an enum of texts, or lists of `str`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer's own signature
        """Parses what `strict_arguments` makes of the command line."""
        options = [
            Option(
                names=tuple(parameter.opts),
                value_name=None if parameter.is_flag else parameter.metavar or str(parameter.name).upper(),
                is_repeatable=parameter.multiple or parameter.is_eager,
            )
            for parameter in self.get_params(ctx)
            if parameter.param_type_name == "option"
        ]
        try:
            return super().parse_args(ctx, [*strict_arguments(args, options)])
        except ArgumentError as error:
            raise typer.BadParameter(str(error), ctx=ctx) from None

    def get_params(self, ctx: Any) -> list[Any]:  # typer's own signature
        """The parameters, help option included, with our converter."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            parameter.get_runtime_param = _Converter  # type: ignore[attr-defined]  # see the module's docstring
        return parameters


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

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


class TrailingCommand(LeanCommand):
    """A command whose last argument is a command line of its own.

    From the first word of that on, or from a `--` before it, nothing is an option of ours.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer's own signature
        """Parses what stands before the command line, and takes that word for word."""
        own, trailing = self.split(args, self.get_params(ctx))
        return super().parse_args(ctx, [*own, "--", *trailing] if trailing else own)

    def split(self, args: list[str], parameters: list[Any]) -> tuple[list[str], list[str]]:
        """Our own arguments, and the command line behind them."""
        own, rest = split_options(args, parameters)
        return own, rest[1:] if rest[:1] == ["--"] else rest


def split_options(arguments: list[str], parameters: list[Any]) -> tuple[list[str], list[str]]:
    """The options at the front with their values, and the rest: a word or `--`, and what follows it.

    After an option whose value is missing there is no rest, for the parser to complain of the option.
    """
    valued = {
        name for parameter in parameters if not getattr(parameter, "is_flag", True) for name in parameter.opts
    }
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        if argument in ("-", "--") or not argument.startswith("-"):
            break
        at += 1
        if _wants_value(argument, valued):
            if arguments[at : at + 1] in ([], ["--"]):
                return arguments[:at], []
            at += 1
    return arguments[:at], arguments[at:]


def _wants_value(argument: str, valued: set[str]) -> bool:
    """Whether the value of an option is the next argument, and not a part of this one."""
    if argument.startswith("--"):
        return argument in valued
    # Letters may be bundled; the first that takes a value has the others as its value.
    takers = (at for at, letter in enumerate(argument) if at and f"-{letter}" in valued)
    return next(takers, None) == len(argument) - 1


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


def new_app(
    kind: type[LeanCommand] = LeanCommand,
) -> tuple[typer.Typer, Callable[..., Callable[[F], F]]]:
    """An empty app for one command, and the decorator that makes a function its command."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,  # it would show the values of variables, keys among them
        context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
    )

    def command(**settings: Any) -> Callable[[F], F]:
        return app.command(cls=kind, **settings)

    return app, command

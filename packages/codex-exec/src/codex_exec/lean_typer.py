"""Typer with the grammar, the help pages and the usage errors of all our commands, and without its cost.

A command is a function with typer's annotations. From them comes a definition for
`codex_core.command_line`, which parses and prints help; typer calls the function. Typer's value adapters,
which it builds at every start (120 ms for a command of ours), are left out: the parameters are texts,
switches and enums, so the values are converted here, and the public method typer asks for its converter,
`get_runtime_param`, is replaced on each parameter.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperCommand

from codex_core.command_line.grammar import DIRECTORY, FILE, Argument, Command, Option
from codex_core.command_line.parser import Asked, parse, usage_line
from codex_core.command_line.usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_core.command_line.parser import Level

F = TypeVar("F", bound="Callable[..., Any]")

_COMPLETED = {"FILE": FILE, "DIR": DIRECTORY}
_is_describing: ContextVar[bool] = ContextVar("is_describing", default=False)


class LeanCommand(TyperCommand):
    """A command whose parameters are `str`, `bool`, an enum of texts, or lists of `str`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # typer's own signature
        """Parses by our grammar, and gives typer what was found in the plainest form."""
        definition = self.definition(ctx)
        if _is_describing.get():
            raise _Described(definition)
        try:
            level = parse((definition,), args).inner
        except Asked as asked:
            from codex_core.command_line.help_page import help_page, terminal_columns

            print(help_page(asked.path, columns=terminal_columns(), is_long=asked.is_long))
            ctx.exit()
        except UsageError as error:
            raise typer.BadParameter(str(error), ctx=ctx) from error
        return super().parse_args(ctx, _plain_words(definition, level))

    def invoke(self, ctx: Any) -> Any:  # typer's own signature
        """Calls the function; a `BadParameter` of its own becomes an error like those of the parser."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            message = error.format_message().removeprefix("Invalid value: ")
            # Where the value is named, the usage says nothing new (spec: config-cli.md section 4).
            usage = "" if message.startswith("invalid value") else usage_line((self.definition(ctx),))
            raise error from UsageError(message, usage=usage)

    def definition(self, ctx: Any) -> Command:
        """What the command takes, as its annotations say."""
        parameters = self.get_params(ctx)
        about = self.help or ""
        return Command(
            ctx.command_path,
            summary=about.partition("\n\n")[0],
            about=about,
            # An eager parameter is the help option, which is everybody's.
            options=[_option(each) for each in parameters if _is_option(each) and not each.is_eager],
            arguments=[_argument(each) for each in parameters if not _is_option(each)],
            examples=[((self.epilog or "").removeprefix("Example: "), "")] if self.epilog else (),
        )

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


def describe(run: Callable[[Sequence[str], Sequence[str]], int], *arguments: str) -> Command | None:
    """What a command made here takes; `run` is what parses for it.

    A command that is not made here prints its help, and None is returned.
    """
    token = _is_describing.set(True)
    try:
        run([*arguments, "--help"], [])
    except _Described as described:
        return described.definition
    finally:
        _is_describing.reset(token)
    return None


def new_app(
    kind: type[LeanCommand] = LeanCommand,
) -> tuple[typer.Typer, Callable[..., Callable[[F], F]]]:
    """An empty app for one command, and the decorator that makes a function its command."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,  # it would show the values of variables, keys among them
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def command(**settings: Any) -> Callable[[F], F]:
        return app.command(cls=kind, **settings)

    return app, command


class _Described(BaseException):  # no error, and nobody's to catch but `describe`
    """Carries a definition out of typer."""

    def __init__(self, definition: Command) -> None:
        super().__init__()
        self.definition = definition


class _Converter:
    """Stands in for typer's `RuntimeParam`."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 - what typer calls
        """The value as its annotation wants it; what it may be, the parser has checked."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        kind = _choices(param)
        return value if kind is None else kind(value)


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def _choices(parameter: Any) -> type[Enum] | None:
    annotation = parameter.type_descriptor.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Enum) else None


def _texts(parameter: Any) -> list[str]:
    return [str(choice.value) for choice in _choices(parameter) or ()]


def _option(parameter: Any) -> Option:
    value = None if parameter.is_flag else parameter.metavar or str(parameter.name).upper()
    return Option(
        *parameter.opts,
        key=parameter.name,
        value=value,
        help=parameter.help or "",
        choices=_texts(parameter),
        is_repeatable=parameter.multiple,
        is_required=parameter.required,
        is_hidden=parameter.hidden,
        completes=_COMPLETED.get(value or "", ""),
    )


def _argument(parameter: Any) -> Argument:
    return Argument(
        parameter.metavar or str(parameter.name).upper(),
        key=parameter.name,
        help=parameter.help or "",
        choices=_texts(parameter),
        is_required=parameter.required,
        is_repeatable=parameter.nargs == -1,
    )


def _plain_words(definition: Command, level: Level) -> list[str]:
    words: list[str] = []
    for option in definition.options:
        value = level.values.get(option.key)
        if value is True:
            words.append(option.names[-1])
        elif value is not None:
            for each in value if isinstance(value, tuple) else (str(value),):
                words += (option.names[-1], each)
    words.append("--")
    for argument in definition.arguments:
        words += level.texts(argument.key)
        if (text := level.text(argument.key)) is not None:
            words.append(text)
    return words


def _wants_value(argument: str, valued: set[str]) -> bool:
    """Whether the value of an option is the next argument, and not a part of this one."""
    if argument.startswith("--"):
        return argument in valued
    # Letters may be bundled; the first that takes a value has the others as its value.
    takers = (at for at, letter in enumerate(argument) if at and f"-{letter}" in valued)
    return next(takers, None) == len(argument) - 1

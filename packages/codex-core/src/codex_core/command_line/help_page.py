"""Help pages, printed from the definition of a command: `-h` one line for each option, `--help` all of it."""

from __future__ import annotations

from codex_core.command_line.grammar import HELP_COMMAND
from codex_core.command_line.parser import usage_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_core.command_line.grammar import Command

MIN_COLUMNS = 40
DEFAULT_COLUMNS = 80
MAX_COLUMNS = 100
_LABEL_COLUMNS = 30
"""A longer label has a line of its own; on a narrow terminal each has that is longer than a short option."""
_NARROW_LABEL_COLUMNS = 8
_NARROW_COLUMNS = 70


def help_page(path: Sequence[Command], *, columns: int = DEFAULT_COLUMNS, is_long: bool = True) -> str:
    """The help of the last command of `path`, without the final newline; no line is wider than `columns`.

    Words longer than that stay whole.
    """
    command = path[-1]
    width = max(MIN_COLUMNS, min(columns, MAX_COLUMNS))
    about = command.about or f"{command.summary}."
    if not is_long:
        about = about.partition("\n\n")[0]
    blocks = [usage_line(path), *(_filled(part, width) for part in about.split("\n\n"))]
    if below := [each for each in command.commands if not each.is_hidden]:
        names = [(", ".join(each.names), each.summary) for each in [*below, HELP_COMMAND]]
        blocks.append(_block("Commands", names, width, _indent(names, width)))
    arguments = [(each.label, _text(each.help, "", each.choices)) for each in command.arguments]
    groups = {
        heading: [
            (
                _names(option.names) + option.value_label,
                _text(option.help, option.details if is_long else "", option.choices),
            )
            for option in options
        ]
        for heading, options in command.groups().items()
    }
    indent = _indent([row for rows in [arguments, *groups.values()] for row in rows], width)
    if arguments:
        blocks.append(_block("Arguments", arguments, width, indent))
    blocks += (_block(heading, rows, width, indent) for heading, rows in groups.items())
    if command.examples and is_long:
        blocks.append("Examples:\n" + "\n".join(_examples(command.examples, width)))
    return "\n\n".join(blocks)


def terminal_columns() -> int:
    """How wide the terminal is that stdout is; `DEFAULT_COLUMNS` if it is none. `COLUMNS` has its say."""
    import os
    import sys

    named = os.environ.get("COLUMNS", "")
    if named.isascii() and named.isdigit() and int(named[:6]) > 0:
        return int(named[:6])
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or DEFAULT_COLUMNS
    except (AttributeError, ValueError, OSError):
        return DEFAULT_COLUMNS


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names)
    return shown if not names[0].startswith("--") else f"    {shown}"


def _text(text: str, details: str, choices: Sequence[str]) -> str:
    """What stands beside a label; choices it names itself are not named again."""
    named = not choices or all(choice in text for choice in choices)
    head = text if named else f"{text} [{', '.join(choices)}]"
    return f"{head.removesuffix('.')}. {details}" if details else head


def _indent(rows: Sequence[tuple[str, str]], width: int) -> int:
    """The column texts begin in."""
    limit = _NARROW_LABEL_COLUMNS if width < _NARROW_COLUMNS else _LABEL_COLUMNS
    return 4 + max((len(label) for label, _ in rows if len(label) <= limit), default=_NARROW_LABEL_COLUMNS)


def _block(heading: str, rows: Sequence[tuple[str, str]], width: int, indent: int) -> str:
    """Labels and texts in two columns; a long label has a line of its own."""
    lines = [f"{heading}:"]
    for label, text in rows:
        body = _lines(text, width - indent)
        if len(label) > indent - 4:
            lines.append(f"  {label}")
        else:
            lines.append(f"  {label:<{indent - 4}}  {body.pop(0) if body else ''}".rstrip())
        lines += [f"{'':<{indent}}{line}" for line in body]
    return "\n".join(lines)


def _examples(examples: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    column = max(len(line) for line, _ in examples)
    is_narrow = any(2 + column + 2 + len(meaning) > width for _, meaning in examples)
    for line, meaning in examples:
        if is_narrow and meaning:
            yield f"  {line}\n      {meaning}"
        else:
            yield f"  {line:<{column}}  {meaning}".rstrip()


def _filled(text: str, width: int) -> str:
    return "\n".join(_lines(text, width))


def _lines(text: str, width: int) -> list[str]:
    """The words of a text in lines of at most `width`; the standard library's way costs an import of `re`."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines

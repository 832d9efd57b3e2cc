"""What can be wrong with a configuration: where it is, which key, and one sentence about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KeyPath = tuple[str | int, ...]
"""Keys from the top of the document down; numbers are positions in an array."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong. `str()` is its sentence, with the place in front as compilers write it."""

    message: str
    key: str | None = None
    """Dotted path of the key, unquoted."""
    file: str | None = None
    line: int | None = None
    """Counted from 1."""
    column: int | None = None
    """Counted from 1, in characters."""
    override: str | None = None
    """Key of the `-c` override that brought it in; then there is no file."""

    def __str__(self) -> str:
        text = self.message if self.key is None else f"{self.message} in `{self.key}`"
        if self.override is not None:
            return f"-c {self.override}: {text}"
        if self.file is None:
            return text
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {text}"


class InvalidConfigError(ConfigError):
    """The configuration cannot be used; `problems` holds every reason found, its text one line for each."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems: tuple[ConfigProblem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def dotted(path: KeyPath) -> str:
    """The path as messages show it: joined by dots, never quoted; array positions are left out."""
    return ".".join(part for part in path if isinstance(part, str))


def os_error_text(error: OSError) -> str:
    """The system's reason and its number, e.g. `No such file or directory (os error 2)`."""
    return f"{error.strerror} (os error {error.errno})" if error.errno else str(error)


def suggestion(word: str, known: Sequence[str]) -> str:
    """` (did you mean `x`?)` for a near miss, else nothing."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f" (did you mean `{close[0]}`?)" if close else ""

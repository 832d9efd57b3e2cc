"""Logs of a front end: which records pass (`RUST_LOG`), where they go, and that no credential goes along.

A library never sets up logging: only a program does, by `configure_logging`, and undoes it by closing what it
gets (spec: config-cli.md sections 13 and 15).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping
    from typing import Protocol, Self

    class LogStream(Protocol):
        """What log lines can be written to."""

        def write(self, text: str, /) -> object: ...

        def flush(self) -> object: ...


FILTER_VARIABLE = "RUST_LOG"
EXEC_DEFAULT = "error"
TUI_DEFAULT = "codex_core=info,codex_tui=info"
"""The filters of the front ends where the variable is not set."""

TRACE = 5
"""Below `logging.DEBUG`."""
OFF = 100
"""Above `logging.CRITICAL`: nothing passes."""

OUR_PACKAGES = (
    "codex_chatgpt",
    "codex_cli",
    "codex_core",
    "codex_exec",
    "codex_linux_sandbox",
    "codex_login",
    "codex_mcp_server",
    "codex_protocol",
    "codex_tui",
)

_LEVELS = {"trace": TRACE, "debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "off": OFF}
_LEVEL_NAMES = ((40, "ERROR"), (30, "WARN"), (20, "INFO"), (10, "DEBUG"), (0, "TRACE"))
_COLORS = {"ERROR": "31", "WARN": "33", "INFO": "32", "DEBUG": "34", "TRACE": "35"}
_FOREIGN_LEVEL = 30
"""Libraries log what requests carry below this level."""
_TARGET = r"[A-Za-z_]\w*(?:(?:::|\.)\w+)*"

_HIDDEN = "***"
# Texts, not compiled patterns: most runs log nothing and need none of them.
_BY_NAME = (
    r"""(?i)((?:(?:access|refresh|id)_token|api[-_]?key|client_secret|password)"""
    r"""["']?\s*[:=]\s*b?["']?)[^\s"',}\])&]+"""
)
_SECRETS = (
    # A header or field whose value is a secret, quoted or not, as headers, JSON, TOML and Python write it.
    r"""(?i)((?:proxy-)?authorization(?:["']?\s*[:=]\s*b?["']?|["']\s*,\s*b?["']))[^\r\n"']+""",
    r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]+",
    r"\b(sk-)[A-Za-z0-9_-]{6,}",
    r"\b(eyJ)[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*",
    r"""(://)[^\s/@"']+(?=@)""",
)


Directive = tuple[str, int]
"""How names of loggers begin (empty for all), and the level from which on their records pass."""


class LogFilter:
    """The directives of one filter text."""

    # Not a dataclass: making one costs more than all the rest of setting up a log, at every start.
    __slots__ = ("directives",)

    def __init__(self, directives: tuple[Directive, ...]) -> None:
        self.directives = directives

    def level(self, name: str) -> int:
        """The least level at which records of this logger pass.

        The longest target that the name begins with decides, among equals the last; none lets nothing pass.
        """
        longest, level = "", OFF
        for target, at in self.directives:
            if name.startswith(target) and len(target) >= len(longest):
                longest, level = target, at
        return level

    def least_level(self, package: str) -> int:
        """The least level at which anything in the package passes."""
        inside = (level for target, level in self.directives if target.startswith(package))
        return min(self.level(package), *inside, OFF)


def parse_filter(text: str) -> tuple[LogFilter, tuple[str, ...]]:
    """The filter that `text` means, and the directives in it that mean nothing.

    `error`, `codex_core=debug,codex_exec=info`, `codex_core::model=trace`, `off`: a level alone is for all, a
    target alone passes everything of it. Case does not count in levels.
    """
    directives = []
    invalid = []
    for part in text.split(","):
        word = part.strip()
        if not word:
            continue
        directive = _directive(word)
        if directive is None:
            invalid.append(word)
        else:
            directives.append(directive)
    return LogFilter(tuple(directives)), tuple(invalid)


def redacted(text: str) -> str:
    """`text` with what looks like a credential taken out: keys, tokens, passwords in URLs."""
    return without_known_shapes(re.sub(_BY_NAME, rf"\g<1>{_HIDDEN}", text))


def without_known_shapes(text: str) -> str:
    """The same for credentials that are known by how they look or where they stand, not by a field's name."""
    for pattern in _SECRETS:
        text = re.sub(pattern, rf"\g<1>{_HIDDEN}", text)
    return text


class Logs:
    """Logging as it was set up; closing puts back what was there before."""

    def __init__(self, handler: logging.Handler, levels: Mapping[str, int]) -> None:
        self._handler = handler
        self._previous: dict[str, int] = {}
        import logging

        for name, level in levels.items():
            logger = logging.getLogger(name)
            self._previous[name] = logger.level
            logger.setLevel(level)
        logging.getLogger().addHandler(handler)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it; does nothing the second time."""
        import logging

        logging.getLogger().removeHandler(self._handler)
        for name, level in self._previous.items():
            logging.getLogger(name).setLevel(level)
        self._previous.clear()
        self._handler.close()


def configure_logging(
    environ: Mapping[str, str],
    *,
    default: str,
    stream: LogStream | None = None,
    file: str | None = None,
    colored: bool = False,
) -> Logs:
    """Sends log records of this process to `stream`, or to the end of `file`; give exactly one of them.

    RUST_LOG says what passes, `default` where it is not set or nothing in it can be used; what cannot be used
    is told once, in the log itself. Of libraries only warnings and errors pass. The file is opened with the
    first record, 0600 in a directory made 0700, and never rotated; where it cannot be written, and where
    nobody reads the stream, records are dropped: a log never stops the program.
    """
    if (stream is None) == (file is None):
        raise ValueError("give a stream or a file")
    text = environ.get(FILTER_VARIABLE, "")
    chosen, invalid = parse_filter(text)
    if not chosen.directives:
        chosen, _ = parse_filter(default)
    from codex_core.log_handler import LogHandler

    destination = stream if stream is not None else file
    assert destination is not None
    handler = LogHandler(destination, chosen, colored=colored)
    logs = Logs(handler, {name: chosen.least_level(name) for name in OUR_PACKAGES})
    for directive in invalid:
        handler.tell(f"{FILTER_VARIABLE}: ignored `{directive}`: expected LEVEL, TARGET or TARGET=LEVEL")
    return logs


def log_file(codex_home: str) -> str:
    """Where the terminal app logs."""
    return os.path.join(codex_home, "log", "codex-tui.log")


def passes(name: str, level: int, chosen: LogFilter) -> bool:
    """Whether a record of the logger `name` goes into the log."""
    package = name.partition(".")[0]
    least = chosen.level(name)
    return level >= (least if package in OUR_PACKAGES else max(least, _FOREIGN_LEVEL))


def log_line(created: float, level: int, name: str, message: str, *, colored: bool = False) -> str:
    """One record as it is written, e.g. `2026-11-22T08:41:54.332640Z  INFO codex_core::mcp: ready`.

    `created` is in seconds since 1970. Further lines of a message are indented, so that none can pass for a
    record of its own; controls are shown as signs, credentials are taken out.
    """
    from datetime import UTC, datetime

    from codex_core.presentation.safe_text import exact_text

    time = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    word = next((word for least, word in _LEVEL_NAMES if level >= least), "TRACE")
    label = f"\x1b[{_COLORS[word]}m{word:>5}\x1b[0m" if colored else f"{word:>5}"
    text = exact_text(redacted(message)).rstrip("\n").replace("\n", "\n    ")
    return f"{time} {label} {name.replace('.', '::')}: {text}\n"


def _directive(word: str) -> Directive | None:
    target, equals, level_name = (part.strip() for part in word.partition("="))
    if not equals:
        level = _LEVELS.get(target.lower())
        if level is not None:
            return "", level
        level_name = "trace"
    level = _LEVELS.get(level_name.lower())
    if level is None or not re.fullmatch(_TARGET, target, re.ASCII):
        return None
    return target.replace("::", "."), level

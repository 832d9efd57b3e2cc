"""The table `tui` of config.toml: what only the terminal app wants to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_tui.notifications import LATER_KINDS, Method, NotificationKind, NotificationSettings
from codex_tui.term.viewport import ResizePolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from codex_core.config.config import Config


@dataclass(frozen=True, slots=True)
class TuiTable:
    """What it says; where it says nothing, the defaults."""

    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    resize: ResizePolicy = ResizePolicy.SMART
    """What happens to the history on the terminal when the window changes; a key of ours."""


def read_tui_table(config: Config, overrides: Sequence[str]) -> TuiTable:
    """The table as files and `-c` have it; keys that are none of ours are left alone.

    Raises:
        InvalidConfigError: a value means nothing.
    """
    from codex_core.config.overrides import parse_override
    from codex_core.config.problems import InvalidConfigError
    from codex_core.config.sources import Sources

    changes = [parse_override(each) for each in overrides]
    sources = Sources.read(config.codex_home, changes, profile=config.active_profile)
    table = sources.merged.get("tui")
    if not isinstance(table, dict):
        return TuiTable()
    problems: list[tuple[str, str]] = []

    def read(key: str, default: object, reader: Callable[[object], object], expected: str) -> object:
        found = reader(table.get(key, default))
        if found is None:
            problems.append((key, f"expected {expected}"))
        return found

    kinds = _listed((*NotificationKind, *sorted(LATER_KINDS)))
    notified = read("notifications", True, _kinds, f"true, false or a list of {kinds}")
    method = read("notification_method", Method.AUTO, _method, f"one of {_listed(Method)}")
    resize = read("resize", ResizePolicy.SMART, _resize, f"one of {_listed(ResizePolicy)}")
    if not (
        isinstance(notified, frozenset) and isinstance(method, Method) and isinstance(resize, ResizePolicy)
    ):
        paths = [(("tui", key), sentence) for key, sentence in problems]
        raise InvalidConfigError(sources.problem(path, sentence, key=path) for path, sentence in paths)
    return TuiTable(NotificationSettings(notified, method), resize)


def _kinds(value: object) -> frozenset[NotificationKind] | None:
    match value:
        case bool():
            return frozenset(NotificationKind) if value else frozenset()
        case list() if all(each in LATER_KINDS or each in set(NotificationKind) for each in value):
            return frozenset(NotificationKind(each) for each in value if each not in LATER_KINDS)
    return None


def _method(value: object) -> Method | None:
    return Method(value) if isinstance(value, str) and value in set(Method) else None


def _resize(value: object) -> ResizePolicy | None:
    return ResizePolicy(value) if isinstance(value, str) and value in set(ResizePolicy) else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)

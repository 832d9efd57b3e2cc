"""Which files git leaves alone: `.gitignore`, `.ignore`, a repository's and the user's excludes.

Patterns mean what pathspec says they mean. Names and endings, which most are, are looked up in tables, so
that long files of them cost little per entry.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.workspace.git import repository_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_RULES_BYTES = 1 << 20
"""Of a longer file of patterns only the beginning counts."""

_NAME = re.compile(r"!?([A-Za-z0-9_.-]+)(/?)")
_ENDING = re.compile(r"!?\*(\.[A-Za-z0-9_-]+)(/?)")
_EXCLUDES_FILE = re.compile(r"^\s*excludesfile\s*=\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_SECTION = re.compile(r"^\s*\[", re.MULTILINE)
_CORE = re.compile(r"^\s*\[core\][^\n]*$", re.IGNORECASE | re.MULTILINE)


# How pathspec writes a pattern without slashes: this, what the name has to be, and one of the ends. The group
# in them matches what is inside of a directory, too; here an entry is asked for by itself.
_ANYWHERE = "^(?:.+/)?"
_INSIDE = "(?P<ps_d>/)"
_ITSELF = r"(?:/\Z)"
_ENDS = (f"(?:{_INSIDE}|$)", _INSIDE)


@dataclass(frozen=True, slots=True)
class _Rule:
    index: int
    ignores: bool
    for_directories: bool = False
    regex: re.Pattern[str] | None = None


class IgnoreRules:
    """The patterns of one file; the last one that matches decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._names: dict[str, list[_Rule]] = {}
        self._endings: dict[str, list[_Rule]] = {}
        self._name_patterns: list[_Rule] = []
        self._path_patterns: list[_Rule] = []
        for index, line in enumerate(lines):
            stripped = line.rstrip(" \t")
            ignores = not line.startswith("!")
            if (match := _NAME.fullmatch(stripped)) and match[1] not in (".", ".."):
                self._names.setdefault(match[1], []).append(_Rule(index, ignores, bool(match[2])))
                continue
            if match := _ENDING.fullmatch(stripped):
                self._endings.setdefault(match[1], []).append(_Rule(index, ignores, bool(match[2])))
                continue
            from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

            try:
                pattern = GitIgnoreSpecPattern(line)
            except ValueError:  # git skips what it cannot read, too
                continue
            if pattern.include is None or pattern.regex is None:
                continue
            name, for_directories = _name_regex(pattern.regex.pattern)
            if name is not None:
                self._name_patterns.append(_Rule(index, pattern.include, for_directories, re.compile(name)))
            else:
                regex = pattern.regex.pattern.replace(_INSIDE, _ITSELF)
                if regex.endswith("/"):  # `dir/**`: what is in it, but not the directory
                    regex += "."
                self._path_patterns.append(_Rule(index, pattern.include, regex=re.compile(regex)))
        self._name_filter = _one_of(self._name_patterns)
        self._path_filter = _one_of(self._path_patterns)

    def __bool__(self) -> bool:
        return bool(self._names or self._endings or self._name_patterns or self._path_patterns)

    def decide(self, path: str, name: str, *, is_directory: bool) -> bool | None:
        """Whether an entry is ignored; None if no pattern speaks of it.

        `path` is relative to the directory of the patterns, with `/`; `name` is its last part. Its parents
        have been asked for before: what is in an ignored directory is never looked at.
        """
        rules = [*self._names.get(name, ()), *self._endings.get(name[name.rfind(".") :], ())]
        if self._name_filter is not None and self._name_filter.fullmatch(name):
            rules += [rule for rule in self._name_patterns if rule.regex and rule.regex.fullmatch(name)]
        rules = [rule for rule in rules if is_directory or not rule.for_directories]
        asked = path + "/" if is_directory else path
        if self._path_filter is not None and self._path_filter.search(asked):
            rules += [rule for rule in self._path_patterns if rule.regex and rule.regex.search(asked)]
        return max(rules, key=_index).ignores if rules else None


def _index(rule: _Rule) -> int:
    return rule.index


def _name_regex(regex: str) -> tuple[str | None, bool]:
    """What a name has to be for a pattern without slashes, and whether it has to be a directory's."""
    if regex.startswith(_ANYWHERE):
        for end in _ENDS:
            core = regex[len(_ANYWHERE) : -len(end)]
            if regex.endswith(end) and "/" not in core.replace("[^/]", "") and "(?P" not in core:
                return core, end == _ENDS[1]
    return None, False


def _one_of(rules: list[_Rule]) -> re.Pattern[str] | None:
    """Matches where one of the rules does: most entries are none of them, and that is told at once."""
    regexes = [rule.regex.pattern for rule in rules if rule.regex is not None]
    return re.compile("|".join(f"(?:{regex})" for regex in regexes)) if regexes else None


@dataclass(frozen=True, slots=True)
class Layer:
    """Rules in force somewhere below a search: how a path below its root becomes one relative to them."""

    rules: IgnoreRules
    cut: int = 0
    """Characters to leave out, for rules of a directory below the root."""
    prefix: str = ""
    """What to put in front, for rules of a directory above the root."""

    def decide(self, path: str, name: str, *, is_directory: bool) -> bool | None:
        """As `IgnoreRules.decide`, for a path relative to the root of the search."""
        return self.rules.decide(self.prefix + path[self.cut :], name, is_directory=is_directory)


@dataclass(frozen=True, slots=True)
class Layers:
    """Everything in force in a directory, the deepest rules first; `.ignore` goes before git's files."""

    chosen: tuple[Layer, ...] = ()
    """What the searcher excludes: before all else."""
    ignore: tuple[Layer, ...] = ()
    git: tuple[Layer, ...] = ()
    user: tuple[Layer, ...] = ()

    def is_ignored(self, path: str, name: str, *, is_directory: bool) -> bool:
        """Whether an entry is left out."""
        for layers in (self.chosen, self.ignore, self.git, self.user):
            for layer in layers:
                found = layer.decide(path, name, is_directory=is_directory)
                if found is not None:
                    return found
        return False

    def inside(self, directory: str, path: str, names: Iterable[str]) -> Layers:
        """What is in force inside `directory`, at `path` below the root, which has entries called `names`.

        A repository of its own knows nothing of git's files around it.
        """
        cut = len(path) + 1 if path else 0
        names = set(names) & {".git", ".ignore", ".gitignore"}
        ignore, git = self.ignore, self.git
        if ".git" in names and path:
            git = ()
        if ".git" in names:
            git = (*_layer(os.path.join(directory, ".git", "info", "exclude"), cut), *git)
        if ".gitignore" in names:
            git = (*_layer(os.path.join(directory, ".gitignore"), cut), *git)
        if ".ignore" in names:
            ignore = (*_layer(os.path.join(directory, ".ignore"), cut), *ignore)
        if ignore is self.ignore and git is self.git:
            return self
        return Layers(self.chosen, ignore, git, self.user)


def layers_for(root: str, environ: Mapping[str, str], exclude: Iterable[str] = ()) -> Layers:
    """What is in force at the root of a search, but for the files in it: those of its parents within the same
    repository, and the user's excludes. `exclude` has patterns to leave out whatever else holds.
    """
    ignore: list[Layer] = []
    git: list[Layer] = []
    top = repository_root(root)
    if top is not None and top != root:
        directory, prefix = os.path.dirname(root), os.path.basename(root) + "/"
        while True:
            git += _layer(os.path.join(directory, ".gitignore"), 0, prefix)
            ignore += _layer(os.path.join(directory, ".ignore"), 0, prefix)
            if directory == top:
                git += _layer(os.path.join(directory, ".git", "info", "exclude"), 0, prefix)
                break
            prefix = f"{os.path.basename(directory)}/{prefix}"
            directory = os.path.dirname(directory)
    user = tuple(layer for path in (_user_excludes(environ),) if path for layer in _layer(path, 0))
    chosen = IgnoreRules(exclude)
    return Layers((Layer(chosen),) if chosen else (), tuple(ignore), tuple(git), user)


def _layer(path: str, cut: int, prefix: str = "") -> tuple[Layer, ...]:
    """The rules in a file, if it has any that can be read."""
    text = _read(path)
    if not text:
        return ()
    rules = IgnoreRules(text.splitlines())
    return (Layer(rules, cut, prefix),) if rules else ()


def _read(path: str) -> str:
    """The text of a regular file; empty if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            data = file.read(MAX_RULES_BYTES) or b""
    except OSError:
        return ""
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _user_excludes(environ: Mapping[str, str]) -> str | None:
    """The file `core.excludesFile` names, else git's default for it."""
    home = environ.get("HOME", "")
    config = environ.get("XDG_CONFIG_HOME") or (os.path.join(home, ".config") if home else "")
    for path in (os.path.join(home, ".gitconfig") if home else "", os.path.join(config, "git", "config")):
        if not os.path.isabs(path):
            continue
        text = _read(path)
        for core in _CORE.finditer(text):
            end = _SECTION.search(text, core.end())
            named = _EXCLUDES_FILE.search(text, core.end(), end.start() if end else len(text))
            if named:
                value = named[1].strip('"')
                return home + value[1:] if value.startswith("~/") else value
    return os.path.join(config, "git", "ignore") if config else None

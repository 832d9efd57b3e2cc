"""The texts a configuration is made of, what they say together, and which of them said what."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.config.config import Layer
from codex_core.config.document import Document, holds, read_document
from codex_core.config.overrides import Override, apply_overrides, merge_tables
from codex_core.config.problems import ConfigProblem, KeyPath, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CONFIG_FILE_NAME = "config.toml"
PROFILE_FILE_SUFFIX = ".config.toml"


class Sources:
    """config.toml, the profile's own file if there is one, and the overrides on top of both."""

    def __init__(self, main: Document, profile_file: Document | None, overrides: Sequence[Override]) -> None:
        self.main = main
        self.profile_file = profile_file
        self.overrides = overrides
        merged: Mapping[str, object] = main.values
        if profile_file is not None:
            merged = merge_tables(merged, profile_file.values)
        self.merged = apply_overrides(merged, overrides)

    @classmethod
    def read(cls, home: str, overrides: Sequence[Override], *, profile: str | None) -> Sources:
        """What is in the directory `home`; without `profile` the key `profile` names the active one.

        Raises: InvalidConfigError when a file cannot be read or is not TOML.
        """
        main_path = os.path.join(home, CONFIG_FILE_NAME)
        main = read_document(main_path) or Document(main_path)
        sources = cls(main, None, overrides)
        name = profile if profile is not None else sources.merged.get("profile")
        # A name with a slash in it cannot be a file of ours; it may still be a table's.
        if not isinstance(name, str) or not name or os.sep in name or "\0" in name:
            return sources
        profile_file = read_document(os.path.join(home, name + PROFILE_FILE_SUFFIX))
        return sources if profile_file is None else cls(main, profile_file, overrides)

    def merged_holds(self, path: KeyPath) -> bool:
        """Whether any source has a value at exactly this path."""
        return holds(self.merged, path)

    def layer(self, path: KeyPath) -> Layer:
        """The strongest layer with a word on this key; flags and `[profiles]` tables are not known here."""
        if any(override.path == path[: len(override.path)] for override in self.overrides):
            return Layer.OVERRIDE
        if self.profile_file is not None and self.profile_file.holds(path):
            return Layer.PROFILE
        return Layer.FILE if self.main.holds(path) else Layer.DEFAULT

    def problem(self, path: KeyPath, message: str, *, key: KeyPath | None = None) -> ConfigProblem:
        """A problem with the value at `path`, placed where that value was said last.

        `key` is the key to name in the sentence; None names none.
        """
        name = dotted(key) if key else None
        for override in reversed(self.overrides):
            if override.path == path[: len(override.path)]:
                return ConfigProblem(message, key=name, override=override.key)
        for document in (self.profile_file, self.main):
            place = document.position(path) if document is not None and document.holds(path) else None
            if document is not None and place is not None:
                return ConfigProblem(message, key=name, file=document.path, line=place[0], column=place[1])
        # The table is there only because an override set something inside it.
        for override in reversed(self.overrides):
            if path == override.path[: len(path)]:
                return ConfigProblem(message, key=name, override=override.key)
        return ConfigProblem(message, key=name)


def leaves(document: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], object]]:
    """All values but tables with something in them. Not recursive: files nest deeper than calls can."""
    waiting: list[tuple[tuple[str, ...], Mapping[str, object]]] = [((), document)]
    while waiting:
        path, table = waiting.pop()
        for key, value in table.items():
            if isinstance(value, dict) and value:
                waiting.append(((*path, key), value))
            else:
                yield (*path, key), value

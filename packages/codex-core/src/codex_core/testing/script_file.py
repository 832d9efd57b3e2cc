"""Scripts of the mock model as JSON files; read by `codex_core.model.scripted.script_file`."""

from __future__ import annotations

from codex_core.model.scripted.script_file import (
    ScriptFileError,
    load_script,
    reply_from_json,
)

__all__ = [
    "ScriptFileError",
    "load_script",
    "reply_from_json",
]

"""The draft in the user's own editor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import Mapping


class EditorError(CodexError):
    """The editor is not named, or did not do its work."""


def edit(text: str, environ: Mapping[str, str]) -> str:
    """The text as `$VISUAL`, else `$EDITOR`, left it; returns when that has ended.

    Raises:
        EditorError: none is named, it cannot be started, it failed, or what it wrote is no text.
    """
    import shlex
    import subprocess
    import tempfile

    command = environ.get("VISUAL") or environ.get("EDITOR")
    if not command:
        raise EditorError("No editor is named; set VISUAL or EDITOR to one, e.g. EDITOR=vi.")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise EditorError(f"VISUAL or EDITOR cannot be understood: {command}") from error
    try:
        with tempfile.TemporaryDirectory(prefix="codex-draft-") as directory:
            path = os.path.join(directory, "draft.md")
            with open(path, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            code = subprocess.run([*words, path], env=dict(environ), check=False).returncode
            if code != 0:
                raise EditorError(f"The editor {words[0]} ended with code {code}; the draft is as it was.")
            with open(path, encoding="utf-8") as file:
                return file.read()
    except OSError as error:
        raise EditorError(f"The editor {words[0]} cannot be used: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EditorError("The editor wrote something that is not UTF-8; the draft is as it was.") from error

"""The draft in the user's own editor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import Mapping


class EditorError(CodexError):
    """The editor is not named, or did not do its work."""


async def edit(text: str, environ: Mapping[str, str]) -> str:
    """The text as `$VISUAL`, else `$EDITOR`, left it; returns when that has ended, and ends it if cancelled.

    Raises:
        EditorError: none is named, it cannot be started, it failed, or what it wrote is no text.
    """
    import shlex
    import tempfile

    command = (environ.get("VISUAL") or environ.get("EDITOR") or "").strip()
    if not command:
        raise EditorError("No editor is named; set VISUAL or EDITOR to one, e.g. EDITOR=vi.")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise EditorError(f"VISUAL or EDITOR cannot be understood: {command}") from error
    try:
        with tempfile.TemporaryDirectory(prefix="codex-draft-", ignore_cleanup_errors=True) as directory:
            path = os.path.join(directory, "draft.md")
            _write(path, text)
            code = await _run([*words, path], environ)
            if code != 0:
                how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
                raise EditorError(f"The editor {words[0]} {how}; the draft is as it was.")
            return _read(path)
    except OSError as error:
        raise EditorError(f"The editor {words[0]} cannot be used: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise EditorError("The editor wrote something that is not UTF-8; the draft is as it was.") from error


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


async def _run(words: list[str], environ: Mapping[str, str]) -> int:
    """The exit code of a program that has the terminal."""
    import asyncio

    process = await asyncio.create_subprocess_exec(*words, env=dict(environ))
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(1.0):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

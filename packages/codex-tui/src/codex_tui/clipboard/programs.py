"""Asks a program for bytes: no shell, within a time and a size, and nothing of it is left running."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIECE_BYTES = 1 << 16
_KILL_TIMEOUT_S = 1.0


class ClipboardError(CodexError):
    """An image cannot be had from the clipboard; the sentence says why."""


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """Where the program is; a directory of PATH that depends on where we are is not looked at."""
    for directory in environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(directory, name)
        if os.path.isabs(directory) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


class Program:
    """A program that can be asked."""

    def __init__(self, path: str, environ: Mapping[str, str], *, max_bytes: int, timeout_s: float) -> None:
        self.name = os.path.basename(path)
        self._path = path
        self._environ = environ
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def ask(self, *arguments: str) -> bytes:
        """What it prints; nothing if it fails, which these programs do where there is nothing to print.

        Raises:
            ClipboardError: it cannot be started, takes too long, or prints too much.
        """
        import subprocess

        try:
            process = await asyncio.create_subprocess_exec(
                self._path,
                *arguments,
                cwd="/",
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ClipboardError(f"{self.name} cannot be started: {error.strerror}.") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                printed = await self._read(process)
                code = await process.wait()
        except TimeoutError:
            raise ClipboardError(
                f"The clipboard did not answer: {self.name} took longer than {self._timeout_s:g} s."
            ) from None
        finally:
            await _end(process)
        return printed if code == 0 else b""

    async def _read(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdout is not None
        printed = bytearray()
        while piece := await process.stdout.read(_PIECE_BYTES):
            printed += piece
            if len(printed) > self._max_bytes:
                raise ClipboardError("The image in the clipboard is too large to be sent.")
        return bytes(printed)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it and what it has started; what escaped is not waited for."""
    if process.returncode is not None:
        return
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIMEOUT_S):
            await process.wait()

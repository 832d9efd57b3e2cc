"""What has changed in the working tree, new files included, as git shows it (spec: tui.md section 12)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.presentation.spans import Line, Style

_GIT_TIMEOUT_S = 30.0
_MAX_DIFF_BYTES = 4_000_000
_MAX_UNTRACKED = 200


def diff_rows(text: str) -> list[Line]:
    """The diff in colours of ours: those of git could not be told from what a file contains."""
    from codex_core.presentation.safe_text import exact_line
    from codex_core.presentation.spans import Span

    rows: list[Line] = []
    in_hunk = False
    for row in text.removesuffix("\n").split("\n"):
        if row.startswith("diff "):
            in_hunk = False
        elif row.startswith("@@"):
            in_hunk = True
        # A line end of DOS is a part of the line here: it may be all that has changed.
        shown = exact_line(row.removesuffix("\r")) + ("␍" if row.endswith("\r") else "")
        rows.append((Span(shown, _style(row, in_hunk=in_hunk)),))
    return rows


def _style(row: str, *, in_hunk: bool) -> Style:
    from codex_core.presentation.spans import Style

    if not in_hunk:
        return Style.STRONG
    return {"+": Style.ADDED, "-": Style.REMOVED, "@": Style.ACCENT}.get(row[:1], Style.PLAIN)


async def working_diff(cwd: str, environ: Mapping[str, str]) -> str | None:
    """What differs from the index, and the files git does not know, as a diff; None if git fails."""
    tracked = await _git(cwd, environ, "diff", "--no-color", "--no-ext-diff", "--no-textconv")
    listed = await _git(cwd, environ, "ls-files", "--others", "--exclude-standard", "-z")
    if tracked is None or listed is None:
        return None
    found = [tracked]
    paths = [path for path in listed.split("\0") if path]
    for path in paths[:_MAX_UNTRACKED]:
        options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-index")
        found.append(await _git(cwd, environ, "diff", *options, "--", "/dev/null", path, is_diff=True) or "")
        if sum(map(len, found)) > _MAX_DIFF_BYTES:
            break
    if len(found) <= len(paths):
        found.append(f"… and {len(paths) - len(found) + 1} more new files\n")
    return "".join(found)


async def _git(cwd: str, environ: Mapping[str, str], *arguments: str, is_diff: bool = False) -> str | None:
    """What git prints, at most `_MAX_DIFF_BYTES` of it; None if it fails or takes too long."""
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "-c", "core.fsmonitor=false", "--no-pager", *arguments,
            cwd=cwd,
            env={**environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        out = bytearray()
        async with asyncio.timeout(_GIT_TIMEOUT_S):
            while len(out) < _MAX_DIFF_BYTES and (some := await process.stdout.read(65536)):
                out += some
            if len(out) >= _MAX_DIFF_BYTES:
                return out.decode("utf-8", "replace") + "\n… (cut: the diff is too large)\n"
            code = await process.wait()
    except (OSError, TimeoutError):
        return None
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode("utf-8", "replace") if code == 0 or (is_diff and code == 1) else None

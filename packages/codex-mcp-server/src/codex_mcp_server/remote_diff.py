"""The nearest commit a remote has too, and everything that differs from it (spec: servers.md section 5.3)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GIT_SECONDS = 5.0
"""How long each git call may take; then there is no diff."""
MAX_DIFF_BYTES = 64 * 1024 * 1024
"""Of a larger diff there is none: no editor could take it."""
_READ_BYTES = 256 * 1024
AT_ONCE = 8
"""Untracked files that are compared at the same time."""


@dataclass(frozen=True, slots=True)
class RemoteDiff:
    """A commit and what differs from it."""

    sha: str
    text: str


class _NoDiff(Exception):  # noqa: N818 - it names an answer
    """There is nothing to compare with, or git failed."""


async def diff_to_remote(cwd: str, environ: Mapping[str, str]) -> RemoteDiff | None:
    """The diff of the working tree around `cwd`, untracked files included; None if there is none."""
    from codex_core.workspace.git import repository_root

    if "\0" in cwd or repository_root(cwd) is None:
        return None
    git = _Git(cwd, environ)
    try:
        remotes = await _remotes(git)
        sha = await _closest_commit(git, remotes)
        return RemoteDiff(sha, await _diff(git, sha))
    except _NoDiff:
        return None


class _Git:
    """Runs git in one directory."""

    def __init__(self, cwd: str, environ: Mapping[str, str]) -> None:
        self._cwd = cwd
        self._environ = {**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}

    async def output(self, *arguments: str, good: Sequence[int] = (0,)) -> bytes:
        """What it prints. Raises: _NoDiff when it fails, is missing, or takes too long."""
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                "-c",
                "core.fsmonitor=false",  # a program the repository names; nobody asked to run one
                *arguments,
                cwd=self._cwd,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise _NoDiff from error
        assert process.stdout is not None
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(GIT_SECONDS):
                while piece := await process.stdout.read(_READ_BYTES):
                    pieces.append(piece)
                    size += len(piece)
                    if size > MAX_DIFF_BYTES:
                        raise _NoDiff
                await process.wait()
        except TimeoutError as error:
            raise _NoDiff from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode not in good:
            raise _NoDiff
        return b"".join(pieces)

    async def line(self, *arguments: str) -> str | None:
        """The one line it prints; None when it fails or prints nothing."""
        try:
            return (await self.output(*arguments)).decode("utf-8", "replace").strip() or None
        except _NoDiff:
            return None

    async def lines(self, *arguments: str) -> list[str]:
        """The lines it prints; none when it fails."""
        return (await self.line(*arguments) or "").split("\n")


async def _remotes(git: _Git) -> list[str]:
    names = [name for name in await git.lines("remote") if name]
    return sorted(names, key=lambda name: name != "origin")


async def _closest_commit(git: _Git, remotes: Sequence[str]) -> str:
    """Of the branches that remotes have, the commit of the one nearest to HEAD. Raises: _NoDiff."""
    found: list[tuple[int, str]] = []
    for branch in await _branches(git, remotes):
        for remote in remotes:
            ref = f"refs/remotes/{remote}/{branch}"
            if (sha := await git.line("rev-parse", "--verify", "--quiet", ref)) is not None:
                distance = await _distance(git, branch) or await _distance(git, ref)
                if distance is not None:
                    found.append((int(distance), sha))
                break
    if not found:
        raise _NoDiff
    return min(found, key=lambda pair: pair[0])[1]


async def _distance(git: _Git, ref: str) -> str | None:
    return await git.line("rev-list", "--count", "--end-of-options", f"{ref}..HEAD")


async def _branches(git: _Git, remotes: Sequence[str]) -> list[str]:
    """Candidates: the present branch, the default branch, and those of remotes that hold HEAD."""
    branches: list[str] = []

    def add(name: str | None) -> None:
        if name and name not in branches:
            branches.append(name)

    current = await git.line("rev-parse", "--abbrev-ref", "HEAD")
    add(None if current == "HEAD" else current)
    add(await _default_branch(git, remotes))
    for remote in remotes:
        prefix = f"{remote}/"
        listed = await git.lines(
            "for-each-ref", "--format=%(refname:short)", "--contains=HEAD", f"refs/remotes/{remote}"
        )
        for name in listed:
            if name.startswith(prefix) and name != f"{remote}/HEAD":
                add(name.removeprefix(prefix))
    return branches


async def _default_branch(git: _Git, remotes: Sequence[str]) -> str | None:
    for remote in remotes:
        head = await git.line("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
        if head is not None:
            return head.rsplit("/", 1)[-1]
        for line in await git.lines("remote", "show", remote):
            _, label, name = line.partition("HEAD branch:")
            if label and name.strip() not in ("", "(unknown)"):
                return name.strip()
    for name in ("main", "master"):
        if await git.line("rev-parse", "--verify", "--quiet", f"refs/heads/{name}") is not None:
            return name
    return None


async def _diff(git: _Git, sha: str) -> str:
    """What git says of tracked files, then of each untracked one that is not ignored. Raises: _NoDiff."""
    options = ("--no-textconv", "--no-ext-diff")
    tracked = await git.output("diff", *options, sha, good=(0, 1))
    listed = await git.output("ls-files", "--others", "--exclude-standard", "-z")
    names = [name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name]
    turn = asyncio.Semaphore(AT_ONCE)

    async def added(name: str) -> bytes:
        async with turn:
            return await git.output(
                "diff", *options, "--binary", "--no-index", "--", os.devnull, name, good=(0, 1)
            )

    async with contextlib.AsyncExitStack() as stack:
        tasks = [asyncio.ensure_future(added(name)) for name in names]
        stack.push_async_callback(_stop, tasks)
        parts = [tracked, *(await asyncio.gather(*tasks))]
    if sum(map(len, parts)) > MAX_DIFF_BYTES:
        raise _NoDiff
    return b"".join(parts).decode("utf-8", "replace")


async def _stop(tasks: Sequence[asyncio.Future[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

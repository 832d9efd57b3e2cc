"""Many commands in the namespaces of one server: what they share, what they do not, what ends it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_core.execution.command import ExecOutcome, ExecRequest, run_command
from codex_core.execution.command_server import CommandLostError, CommandServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

if sys.platform != "linux":
    pytest.skip("namespaces exist on Linux only", allow_module_level=True)

from codex_linux_sandbox import write_launcher
from codex_linux_sandbox.landlock import kernel_abi
from codex_linux_sandbox.probes.catalog import POLICIES, all_probes
from codex_linux_sandbox.probes.trial import Trial, try_probes, wrong_outcomes

PATH = "/usr/local/bin:/usr/bin:/bin"
SETTINGS = "home"


class Enclosed:
    """Runs commands under one policy through one command server, in a workspace of its own."""

    def __init__(self, directory: Path, *, isolation: str = "namespaces") -> None:
        self.workspace = directory / "workspace"
        self.workspace.mkdir()
        self.helper = write_launcher(str(directory))
        self.server = CommandServer(self.helper)
        self.isolation = isolation

    async def __call__(
        self, script: str, *, timeout_ms: int = 60_000, tmpdir: str | None = None, **policy: object
    ) -> ExecOutcome:
        wanted = {"mode": "workspace-write", "exclude_slash_tmp": True, **policy}
        options = ("--isolation", self.isolation, "--settings", str(self.workspace / SETTINGS))
        argv = (self.helper, *options, str(self.workspace), json.dumps(wanted), "--", "bash", "-c", script)
        env = {"PATH": PATH} if tmpdir is None else {"PATH": PATH, "TMPDIR": tmpdir}
        return await run_command(ExecRequest(argv, str(self.workspace), env, timeout_ms), server=self.server)

    @property
    def left(self) -> list[str]:
        """What lies in the workspace now."""
        return sorted(os.listdir(self.workspace))

    @property
    def pid(self) -> int:
        (pid,) = self.server.pids
        return pid


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Enclosed]:
    enclosed = Enclosed(tmp_path)
    outcome = await enclosed("true")
    if outcome.exit_code == 101:
        await enclosed.server.aclose()
        pytest.skip(outcome.stderr.decode())
    yield enclosed
    await enclosed.server.aclose()


def call(*argv: str) -> int:
    """Runs a program that is over in no time; its exit code."""
    return subprocess.run(argv, check=False, stdin=subprocess.DEVNULL).returncode


async def test_commands_share_namespaces_that_are_not_ours(run: Enclosed) -> None:
    script = "for kind in mnt pid ipc; do readlink /proc/self/ns/$kind; done"
    first, second = await run(script), await run(script)
    mounts, processes, _ = first.stdout.split()
    assert second.stdout.split()[:2] == [mounts, processes]
    assert os.readlink("/proc/self/ns/mnt").encode() != mounts
    assert os.readlink("/proc/self/ns/pid").encode() != processes


async def test_nothing_is_left_for_the_next_command(run: Enclosed) -> None:
    made = await run("echo x > /dev/shm/left; ipcmk -Q -M 100 > /dev/null; sleep 1000 & disown; echo $!")
    assert made.exit_code == 0
    seen = await run("ls /dev/shm; cat /proc/sysvipc/* | grep -c '^ *[0-9]'; pgrep sleep")
    assert seen.stdout == b"0\n"
    assert (await run("echo x > /dev/shm/again && cat /dev/shm/again")).stdout == b"x\n"


async def test_missing_names_cannot_be_made_and_leave_no_trace(run: Enclosed) -> None:
    for _ in range(2):
        done = await run("for n in .git .codex .agents home; do echo x > $n/new; mv $n aside; rmdir $n; done")
        assert (done.stderr.count(b"Read-only file system"), done.stderr.count(b"busy")) == (4, 8)
        assert run.left == []


@pytest.mark.parametrize("script", ["sleep 1000", "trap '' TERM; setsid sleep 1000 & sleep 1000"])
async def test_command_that_is_ended_leaves_no_trace(run: Enclosed, script: str) -> None:
    pid = run.pid
    assert (await run(script, timeout_ms=200)).timed_out
    assert run.left == []
    assert (await run("echo next")).stdout == b"next\n"
    assert run.pid == pid


async def test_killed_server_leaves_place_holders_only_until_the_next_command(run: Enclosed) -> None:
    for name in (".git", ".codex"):
        (run.workspace / name).mkdir()
        (run.workspace / name).chmod(0o1755)
    assert (await run("touch .git/x || echo refused")).stdout == b"refused\n"
    assert run.left == []


@pytest.mark.parametrize("victim", ["outside", "inside"])
async def test_place_holders_go_whichever_process_of_the_server_is_killed(run: Enclosed, victim: str) -> None:
    outside = run.pid
    (inside,) = map(int, Path(f"/proc/{outside}/task/{outside}/children").read_text().split())
    ends = [os.pidfd_open(outside), os.pidfd_open(inside)]
    ready = run.workspace / "ready"
    os.mkfifo(ready)
    running = asyncio.create_task(run("echo > ready; sleep 600"))
    await asyncio.to_thread(ready.read_bytes)
    assert set(run.left) == {".agents", ".codex", ".git", SETTINGS, "ready"}
    os.kill(outside if victim == "outside" else inside, signal.SIGKILL)
    ended = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(ended[0], CommandLostError) or ended[0].signal == signal.SIGKILL
    for end in ends:
        await asyncio.to_thread(select.select, [end], [], [])
        os.close(end)
    assert run.left == ["ready"]
    assert (await run("echo next")).stdout == b"next\n"


async def test_closing_the_server_ends_what_it_runs(run: Enclosed, caplog: pytest.LogCaptureFixture) -> None:
    ready = run.workspace / "ready"
    os.mkfifo(ready)
    running = asyncio.create_task(run("echo > ready; sleep 600"))
    await asyncio.to_thread(ready.read_bytes)
    await run.server.aclose()
    ended = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(ended[0], CommandLostError) or ended[0].signal == signal.SIGKILL
    assert run.left == ["ready"]
    assert caplog.messages == []


async def test_repository_made_between_commands_is_protected(run: Enclosed) -> None:
    pid = run.pid
    assert call("git", "init", "-q", str(run.workspace)) == 0
    done = await run("echo x >> .git/config; touch .git/hooks/x; git status --short; touch new")
    assert done.stderr.count(b"Read-only file system") == 2
    assert run.left == [".git", "new"]
    assert run.pid != pid
    pid = run.pid
    assert (await run("git status --short")).stdout == b"?? new\n"
    assert run.pid == pid


async def test_repository_that_was_exchanged_is_protected(run: Enclosed) -> None:
    (run.workspace / ".git").mkdir()
    await run("true")
    (run.workspace / ".git").rename(run.workspace / "old")
    (run.workspace / ".git").mkdir()
    assert (await run("touch .git/x || echo refused; touch old/x")).stdout == b"refused\n"
    assert (run.workspace / "old" / "x").exists()


async def test_workspace_that_was_exchanged_is_the_new_one(run: Enclosed) -> None:
    run.workspace.rename(run.workspace.with_name("aside"))
    run.workspace.mkdir()
    assert (await run("touch new && echo made")).stdout == b"made\n"
    assert run.left == ["new"]


async def test_settings_in_the_workspace_are_read_only(run: Enclosed) -> None:
    home = run.workspace / SETTINGS
    (home / "sessions").mkdir(parents=True)
    (run.workspace / "dotfiles").mkdir()
    linked = run.workspace / "dotfiles" / "config.toml"
    linked.touch()
    (home / "config.toml").symlink_to(linked)
    done = await run(
        "echo x > home/auth.json; echo x > home/sessions/x; rm home/config.toml; echo x > dotfiles/config.toml;"
        "chmod 777 home; mv home aside; ln -f dotfiles/more dotfiles/config.toml; touch dotfiles/more"
    )
    assert len(done.stderr.splitlines()) == 7
    assert linked.read_text() == ""
    assert run.left == ["dotfiles", "home"]
    assert sorted(os.listdir(run.workspace / "dotfiles")) == ["config.toml", "more"]


async def test_worktree_protects_the_repository_it_belongs_to(run: Enclosed, tmp_path: Path) -> None:
    main = tmp_path / "main"
    git = ["git", "-C", str(main), "-c", "user.name=a", "-c", "user.email=a@b"]
    assert call("git", "init", "-q", str(main)) == 0
    assert call(*git, "commit", "-q", "--allow-empty", "-m", "x") == 0
    run.workspace.rmdir()
    assert call(*git, "worktree", "add", "-q", str(run.workspace)) == 0
    script = f"git status > /dev/null && echo read; touch {main}/.git/x {main}/.git/worktrees/workspace/HEAD {main}/y"
    done = await run(script, writable_roots=[str(main)])
    assert done.stdout == b"read\n"
    assert done.stderr.count(b"Read-only file system") == 2
    assert (main / "y").exists()


async def test_repository_around_the_workspace_is_protected(run: Enclosed, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    other = tmp_path / "other" / ".git"
    other.mkdir(parents=True)
    done = await run(f"touch ../.git/x; touch {other}/x", writable_roots=[str(tmp_path)])
    assert done.stderr.count(b"Read-only file system") == 1
    assert os.listdir(other) == ["x"]  # a repository further down is not


async def test_servers_of_different_policies_stand_side_by_side(run: Enclosed, tmp_path: Path) -> None:
    for _ in range(2):
        assert (await run("touch ../x")).exit_code == 1
        assert (await run("touch ../x && rm ../x", writable_roots=[str(tmp_path)])).exit_code == 0
    assert len(run.server.pids) == 2
    for number in range(5):
        await run("true", tmpdir=f"/nowhere/{number}")
    assert len(run.server.pids) <= 4


UNDER_A_FILTER = """
import os, sys
import pyseccomp
table = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
table.add_rule(pyseccomp.ERRNO(1), "mount")
table.load()
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("isolation", ["auto", "namespaces"])
async def test_where_namespaces_are_refused_commands_do_without_or_do_not_run(
    tmp_path: Path, isolation: str
) -> None:
    enclosed = Enclosed(tmp_path, isolation=isolation)
    real = enclosed.helper
    enclosed.helper = str(tmp_path / "helper")
    Path(enclosed.helper).write_text(
        f"#!/bin/sh\nexec {sys.executable} -c '{UNDER_A_FILTER}' {real} \"$@\"\n"
    )
    Path(enclosed.helper).chmod(0o755)
    enclosed.server = CommandServer(enclosed.helper)
    try:
        for _ in range(2):
            done = await enclosed("touch new; touch ../outside; echo ran")
            if isolation == "auto":
                assert done.stdout == b"ran\n"
                assert b"'../outside': Permission denied" in done.stderr
                assert enclosed.left == ["new"]
            else:
                assert (done.stdout, done.exit_code) == (b"", 101)
                assert enclosed.left == []
        assert len(enclosed.server.pids) == 1
    finally:
        await enclosed.server.aclose()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount that others see")
async def test_server_lets_go_of_mounts_when_they_change(run: Enclosed, tmp_path: Path) -> None:
    """Or nobody could eject a disk that a conversation once saw."""
    disk = tmp_path / "disk"
    disk.mkdir()
    # The server is to see mounts that this test makes and nobody else does.
    own = Path(run.helper).with_name("own")
    own.write_text(f'#!/bin/sh\nexec unshare --mount {run.helper} "$@"\n')
    own.chmod(0o755)
    await run.server.aclose()
    run.helper, run.server = str(own), CommandServer(str(own))
    try:
        await run("true")
        pid = run.pid
        enter = ["nsenter", "--mount", "--target", str(pid)]
        if call(*enter, "mount", "-t", "tmpfs", "none", str(disk)) != 0:
            pytest.skip("mounts cannot be made here")
        await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert (await run("echo next")).stdout == b"next\n"
        assert run.pid != pid
    finally:
        await run.server.aclose()


# Stands in for the helper: runs its arguments through a command server, as the second command of a policy.
CLIENT = """
import asyncio, os, sys
from codex_core.execution.command import ExecRequest, run_command
from codex_core.execution.command_server import CommandServer
helper, *arguments = sys.argv[1:]
end = arguments.index("--") + 1
async def main():
    server = CommandServer(helper)
    def request(*command):
        words = (helper, *arguments[:end], *command)
        return ExecRequest(words, os.getcwd(), dict(os.environ), 120_000)
    await run_command(request("true"), server=server)
    outcome = await run_command(request(*arguments[end:]), server=server)
    assert len(server.pids) == 1, "it was not served"
    await server.aclose()
    sys.stdout.buffer.write(outcome.stdout)
    sys.stderr.buffer.write(outcome.stderr)
    return 1 if outcome.exit_code is None else outcome.exit_code
sys.exit(asyncio.run(main()))
"""


@pytest.mark.parametrize("isolation", ["landlock", "namespaces"])
@pytest.mark.parametrize("policy", POLICIES)
async def test_every_probe_ends_as_it_must_when_it_is_served(
    run: Enclosed, tmp_path: Path, policy: str, isolation: str
) -> None:
    client = [sys.executable, "-c", CLIENT, run.helper]
    # What ends the server, as the probe that kills the parent tries, would show: nothing is served then.
    probes = all_probes()

    def attempt(which: str | None) -> Trial:
        return try_probes(probes, policy=which, helper=client, directory=str(tmp_path), isolation=isolation)

    free, confined = await asyncio.to_thread(attempt, None), await asyncio.to_thread(attempt, policy)
    in_namespaces = isolation == "namespaces"
    assert wrong_outcomes(probes, free, confined, policy, in_namespaces=in_namespaces, abi=kernel_abi()) == {}

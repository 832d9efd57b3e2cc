"""Programs on terminals: they are started, talked to, kept within bounds and ended with all that came of them."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from codex_core.execution import terminal, terminal_sessions
from codex_core.execution.spawn import SpawnFailed
from codex_core.execution.terminal import Size, start_terminal
from codex_core.execution.terminal_sessions import (
    MAX_SESSIONS,
    Exchange,
    TerminalRequest,
    TerminalSession,
    TerminalSessions,
    TooManyTerminalsError,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals are POSIX ones")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

PATIENCE_S = 30.0
PATH = "/usr/local/bin:/usr/bin:/bin"


class Room:
    """The terminals of one test, and what they announced."""

    def __init__(self, cwd: Path) -> None:
        self.sessions = TerminalSessions()
        self.cwd = cwd
        self.announced: dict[int, bytes] = {}
        self.ends: list[int] = []
        self._told = asyncio.Event()

    async def open(self, *argv: str, size: Size = terminal.DEFAULT_SIZE, **env: str) -> TerminalSession:
        number = self.sessions.new_id()
        self.announced[number] = b""

        async def on_output(chunk: bytes) -> None:
            assert 0 < len(chunk) <= 8192
            self.announced[number] += chunk
            self._told.set()

        async def on_end(session: TerminalSession) -> None:
            self.ends.append(session.id)
            self._told.set()

        request = TerminalRequest(argv, str(self.cwd), {"PATH": PATH, "TERM": "dumb", **env}, size=size)
        return await self.sessions.open(number, request, on_output=on_output, on_end=on_end)

    async def told(self, is_so: Callable[[], bool]) -> None:
        """Waits until what was announced makes it so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._told.clear()
                await self._told.wait()

    async def bash(self, script: str) -> TerminalSession:
        return await self.open("bash", "-c", script)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path)
    try:
        yield made
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await made.sessions.aclose()


async def until(session: TerminalSession, pattern: str, typed: bytes = b"") -> str:
    """Types, then waits until what was printed since matches; all of that."""
    seen = ""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            exchange = await session.talk(typed, 0.05)
            typed = b""
            seen += exchange.printed.text
            if re.search(pattern, seen):
                return seen
            assert exchange.exit_code is None, f"ended with {exchange.exit_code} after {seen!r}"


async def to_end(session: TerminalSession, typed: bytes = b"") -> Exchange:
    """Types, then waits for the end of the program."""
    exchange = await session.talk(typed, PATIENCE_S)
    assert exchange.exit_code is not None
    return exchange


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until_dead(*pids: int) -> None:
    await asyncio.to_thread(wait_dead, pids)


def wait_dead(pids: Sequence[int]) -> None:
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            assert poll.poll(PATIENCE_S * 1000), f"{pid} is still there"
        finally:
            os.close(descriptor)


# -- a real terminal --------------------------------------------------------------------------------


async def test_a_program_has_a_controlling_terminal_of_24_by_80(room: Room) -> None:
    script = "stty size; test -t 0 && test -t 1 && test -t 2 && echo all >/dev/tty; ps -o sid=,pgid= -p $$"
    exchange = await to_end(await room.bash(script + " | tr -s ' ' '\\n'; echo $$"))
    size, everywhere, *numbers = exchange.printed.text.split("\r\n")
    assert (size, everywhere, exchange.exit_code) == ("24 80", "all", 0)
    assert len(set(filter(None, numbers))) == 1, "it leads a session and a group of its own"


async def test_a_program_gets_the_environment_it_is_given_and_no_more(room: Room) -> None:
    exchange = await to_end(await room.open("env", GREETING="h\udce9llo"))
    lines = exchange.printed.text.split("\r\n")
    assert sorted(filter(None, lines)) == ["GREETING=h\ufffdllo", f"PATH={PATH}", "TERM=dumb"]


async def test_a_program_has_the_three_streams_and_no_other_descriptor(room: Room) -> None:
    program = "import os; print([n for n in range(3, 300) if os.path.exists(f'/dev/fd/{n}')])"
    exchange = await to_end(await room.open(sys.executable, "-c", program))
    assert exchange.printed.text == "[]\r\n"


@on_linux
async def test_signals_have_their_defaults(room: Room) -> None:
    exchange = await to_end(await room.bash("grep -E 'Sig(Ign|Blk)' /proc/self/status"))
    masks = [int(mask, 16) for mask in re.findall("[0-9a-f]{16}", exchange.printed.text)]
    # From 32 on they are the C library's own, which no program can set back.
    assert [mask & 0x7FFF_FFFF for mask in masks] == [0, 0]


async def test_a_python_prompt_is_talked_to(room: Room) -> None:
    session = await room.open(sys.executable, "-q", PYTHON_BASIC_REPL="1")
    await until(session, ">>> $")
    assert "\r\n42\r\n" in await until(session, "42\r\n>>> $", b"6 * 7\n")
    exchange = await to_end(session, b"raise SystemExit(5)\n")
    assert exchange.exit_code == 5


async def test_a_shell_controls_jobs(room: Room) -> None:
    session = await room.open("bash", "--norc", "-i", PS1="ready> ")
    await until(session, "ready> $")
    await until(session, "sleep 1000\r\n", b"sleep 1000\n")
    assert "Stopped" in await until(session, "ready> $", b"\x1a")
    await until(session, r"sleep 1000 &\r\n.*ready> $", b"bg\n")
    await until(session, "sleep 1000\r\n", b"fg\n")
    assert "130" in await until(session, "130\r\n", b"\x03echo $?\n")
    assert (await to_end(session, b"exit 7\n")).exit_code == 7


async def test_cat_answers_until_its_input_ends(room: Room) -> None:
    session = await room.open("cat")
    assert await until(session, "\r\none\r\n", b"one\n") == "one\r\none\r\n"
    assert (await to_end(session, b"\x04")).exit_code == 0


async def test_control_c_interrupts(room: Room) -> None:
    session = await room.bash("trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 1000; done")
    await until(session, "ready")
    exchange = await to_end(session, b"\x03")
    assert "caught" in exchange.printed.text
    assert exchange.exit_code == 9


async def test_a_signal_that_ends_a_program_is_in_its_exit_code(room: Room) -> None:
    exchange = await to_end(await room.bash("kill -9 $$"))
    assert exchange.exit_code == 128 + signal.SIGKILL


async def test_a_resize_reaches_the_program(room: Room) -> None:
    session = await room.bash("trap 'stty size' WINCH; echo ready; while :; do sleep 0.01; done")
    await until(session, "ready")
    session.resize(Size(50, 132))
    await until(session, "50 132")


async def test_a_terminal_may_be_opened_with_another_size(room: Room) -> None:
    exchange = await to_end(await room.open("stty", "size", size=Size(7, 11)))
    assert exchange.printed.text == "7 11\r\n"


# -- output -----------------------------------------------------------------------------------------


async def test_output_between_calls_is_kept_for_the_next_one(room: Room) -> None:
    session = await room.bash("read x; echo got $x; echo more; exit 4")
    await session.talk(b"line\n", 0)
    await room.told(lambda: bool(room.ends))
    exchange = await session.talk(b"", 0)
    assert (exchange.exit_code, exchange.printed.text.split()[-3:]) == (4, ["got", "line", "more"])
    again = await session.talk(b"", 0)
    assert (again.exit_code, again.printed.text) == (4, "")


async def test_all_output_is_announced_before_the_answer_and_the_end_once(room: Room) -> None:
    session = await room.bash("echo one; echo two")
    exchange = await to_end(session)
    assert room.announced[session.id].decode() == exchange.printed.text == "one\r\ntwo\r\n"
    await session.talk(b"", 0)
    assert room.ends == [session.id]


async def test_an_end_nobody_waits_for_is_announced(room: Room) -> None:
    session = await room.bash("echo late; read x")
    await session.talk(b"\n", 0)
    await room.told(lambda: bool(room.ends))
    assert b"late\r\n" in room.announced[session.id]


async def test_a_character_is_not_cut_by_the_end_of_a_call(room: Room) -> None:
    session = await room.bash(
        r"stty raw -echo; printf 'a\342\202'; head -c1 >/dev/null; printf '\254b'; sleep 1000"
    )
    assert await until(session, "a") == "a"
    assert await until(session, "b", b"x") == "€b"


async def test_endless_output_is_bounded_and_can_be_stopped(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "BURST_BYTES", 65_536)  # every rest is passed through, too
    monkeypatch.setattr(terminal, "REST_SECONDS", 0.0)
    session = await room.open("yes")
    printed = 0
    async with asyncio.timeout(PATIENCE_S):
        while printed < 2 * 1024 * 1024:
            exchange = await session.talk(b"", 0.5)
            printed += exchange.printed.size
            assert len(exchange.printed.text) <= 1024 * 1024 + 100
    assert len(session.transcript.content()) <= 1024 * 1024 + 100
    assert (await to_end(session, b"\x03")).exit_code == 128 + signal.SIGINT


async def test_deltas_stop_at_their_limit_and_output_goes_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_sessions, "MAX_DELTAS", 2)
    session = await room.bash("head -c 60000 /dev/zero | tr '\\0' x; read y; echo end")
    exchange = await to_end(session, b"\n")
    assert len(room.announced[session.id]) <= 2 * 8192
    assert exchange.printed.text.endswith("end\r\n")
    assert exchange.printed.size > 60_000


async def test_a_slow_front_end_slows_the_program_and_loses_nothing(tmp_path: Path) -> None:
    sessions = TerminalSessions()
    go_on = asyncio.Event()
    announced = bytearray()

    async def on_output(chunk: bytes) -> None:
        await go_on.wait()
        announced.extend(chunk)

    async def on_end(session: TerminalSession) -> None:
        pass

    size = 3 * 1024 * 1024
    script = f"stty raw; : >started; head -c {size} /dev/zero | tr '\\0' x; : >finished"
    request = TerminalRequest(("bash", "-c", script), str(tmp_path), {"PATH": PATH})
    session = await sessions.open(0, request, on_output=on_output, on_end=on_end)
    talking = asyncio.create_task(session.talk(b"", PATIENCE_S))
    other = await sessions.open(
        1, TerminalRequest(("echo", "other"), "/", {"PATH": PATH}), on_output=_ignore, on_end=on_end
    )
    assert (await to_end(other)).printed.text == "other\r\n"  # is not held up
    assert not (tmp_path / "finished").exists()
    go_on.set()
    exchange = await talking
    assert exchange.exit_code == 0
    assert len(announced) == exchange.printed.size == size
    await sessions.aclose()


async def _ignore(chunk: bytes) -> None:
    pass


# -- input ------------------------------------------------------------------------------------------


async def test_input_the_program_does_not_read_does_not_block_for_ever(room: Room) -> None:
    session = await room.bash("stty raw -echo; echo ready; kill -STOP $$; cat >/dev/null")
    await until(session, "ready")
    data = b"x" * 1_000_000
    exchange = await session.talk(data, 0.2)
    assert exchange.exit_code is None
    assert 0 < exchange.untyped < len(data)


async def test_much_input_is_typed_as_it_is_read(room: Room) -> None:
    session = await room.bash("stty raw -echo; echo ready; head -c 300000 | wc -c")
    await until(session, "ready")
    exchange = await to_end(session, b"y" * 300_000)
    assert (exchange.untyped, exchange.printed.text.strip()) == (0, "300000")


async def test_input_for_a_finished_program_is_reported(room: Room) -> None:
    session = await room.bash("exit 3")
    await to_end(session)
    exchange = await session.talk(b"hello\n", 0)
    assert (exchange.exit_code, exchange.untyped) == (3, 6)


async def test_calls_to_one_terminal_take_turns(room: Room) -> None:
    session = await room.open("cat")
    first, second = await asyncio.gather(session.talk(b"one\n", 0.2), session.talk(b"two\n", 0.2))
    assert "two" not in first.printed.text
    assert second.printed.text.startswith("two")


# -- the end ----------------------------------------------------------------------------------------


async def test_a_program_that_closes_its_terminal_runs_on(room: Room) -> None:
    session = await room.bash(
        "echo a; exec <&- >&- 2>&-; exec 0</dev/tty 1>/dev/tty; read x; echo back $x; exit 6"
    )
    await until(session, "a\r\n")
    exchange = await to_end(session, b"again\n")
    assert "back again" in exchange.printed.text
    assert exchange.exit_code == 6


@on_linux
async def test_what_holds_the_terminal_delays_the_end_only_for_a_while(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "DRAIN_SECONDS", 0.05)
    session = await room.bash("trap '' HUP; sleep 1000 & echo $!; exit 2")
    exchange = await to_end(session)
    assert exchange.exit_code == 2
    await until_dead(int(exchange.printed.text))


async def test_late_output_of_a_background_job_is_still_read(room: Room) -> None:
    exchange = await to_end(await room.bash("trap '' HUP; (sleep 0.1; echo late) & echo done"))
    assert exchange.printed.text == "done\r\nlate\r\n"


@on_linux
async def test_a_process_that_left_the_session_ends_with_the_program(room: Room) -> None:
    script = "setsid sh -c 'echo $$; exec sleep 1000 </dev/null >/dev/null 2>&1' & read x"
    session = await room.bash(script)
    pid = int((await until(session, r"\d+\r\n")).split()[0])
    assert (await to_end(session, b"\n")).exit_code == 0
    await until_dead(pid)


@on_linux
async def test_closing_ends_everything(room: Room) -> None:
    script = (
        "trap '' HUP TERM INT; sleep 1000 & echo $!; "
        "setsid sh -c '(sleep 1000 & echo $!; exec sleep 1000) & echo $!' ; echo $$; echo all; wait; sleep 1000"
    )
    session = await room.bash(script)
    pids = [int(word) for word in (await until(session, "all")).split() if word.isdigit()]
    assert len(pids) == 4
    await room.sessions.aclose()
    assert not any(map(is_alive, pids))


async def test_a_program_that_is_ended_may_clean_up(room: Room, tmp_path: Path) -> None:
    session = await room.bash("trap ': >cleaned; exit' HUP; echo ready; while :; do sleep 0.01; done")
    await until(session, "ready")
    await room.sessions.aclose()
    assert (tmp_path / "cleaned").exists()


async def test_ending_one_terminal_leaves_the_others(room: Room) -> None:
    one, other = await room.open("cat"), await room.open("cat")
    await room.sessions.end(one)
    assert room.sessions.find(one.id) is None
    await until(other, "\r\nhere\r\n", b"here\n")


async def test_a_call_that_is_cancelled_leaves_the_program_and_its_output(room: Room) -> None:
    session = await room.bash("echo before; read x; echo after $x; read y")
    talking = asyncio.create_task(session.talk(b"", PATIENCE_S))
    await room.told(lambda: b"before" in room.announced[session.id])
    talking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await talking
    seen = await until(session, "after it\r\n", b"it\n")
    assert "before" in seen
    assert b"after it" in room.announced[session.id]


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    before = _descriptors()
    starting = asyncio.create_task(
        start_terminal(["sleep", "1000"], cwd="/", env={"PATH": PATH}, on_output=lambda _: None)
    )
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert _descriptors() == before


@on_linux
async def test_a_killed_keeper_takes_the_program_along(room: Room) -> None:
    session = await room.open("sleep", "1000")
    assert session._terminal is not None
    program = session._terminal.pid
    assert program is not None
    os.kill(session._terminal._keeper.pid, signal.SIGKILL)
    assert (await to_end(session)).exit_code == 128 + signal.SIGKILL
    await until_dead(program)


@on_linux
def test_programs_die_with_us() -> None:
    program = f"""
import asyncio
from codex_core.execution.terminal_sessions import TerminalRequest, TerminalSessions

async def main():
    async def say(chunk):
        print(chunk.decode(), flush=True)
    async def end(session):
        pass
    argv = ("bash", "-c", "trap '' HUP; setsid sleep 1000 & echo $! $$; sleep 1000")
    sessions = TerminalSessions()
    session = await sessions.open(0, TerminalRequest(argv, "/", {{"PATH": "{PATH}"}}), on_output=say, on_end=end)
    await session.talk(b"", 1000)

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        pids = [int(word) for word in agent.stdout.readline().split()]
        agent.kill()
    wait_dead(pids)


# -- many, and bad ones -----------------------------------------------------------------------------


async def test_twenty_terminals_at_once(room: Room) -> None:
    before = _descriptors()
    sessions = await asyncio.gather(*(room.bash(f"read x; echo $x {n}") for n in range(20)))
    exchanges = await asyncio.gather(*(to_end(session, b"it is\n") for session in sessions))
    assert [e.printed.text.split("\r\n")[-2] for e in exchanges] == [f"it is {n}" for n in range(20)]
    await room.sessions.aclose()
    assert _descriptors() == before


async def test_no_descriptor_is_lost(room: Room) -> None:
    before = _descriptors()
    await to_end(await room.open("true"))
    await room.open("cat")
    with pytest.raises(SpawnFailed):
        await room.open("/nonexistent")
    await room.sessions.aclose()
    assert _descriptors() == before


def _descriptors() -> int:
    gc.collect()
    return len(os.listdir("/dev/fd"))


@pytest.mark.parametrize(
    ("argv", "cwd", "reason"),
    [
        (["/nonexistent"], "/", "No such file or directory (os error 2)"),
        (["no-such-program"], "/", "No such file or directory (os error 2)"),
        (["true"], "/nonexistent", "No such file or directory (os error 2)"),
        (["/etc/passwd"], "/", "Permission denied (os error 13)"),
        ([], "/", "command args are empty"),
        (["a\0b"], "/", "embedded null byte"),
    ],
)
async def test_what_cannot_be_started_is_said(argv: list[str], cwd: str, reason: str) -> None:
    with pytest.raises(SpawnFailed) as caught:
        await start_terminal(argv, cwd=cwd, env={"PATH": PATH}, on_output=lambda _: None)
    assert str(caught.value) == reason


async def test_a_keeper_that_cannot_run_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_KEEPER", "/nonexistent.py")
    with pytest.raises(SpawnFailed):
        await start_terminal(["true"], cwd="/", env={"PATH": PATH}, on_output=lambda _: None)


async def test_a_keeper_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keeper.py").write_text("import time; time.sleep(1000)")
    monkeypatch.setattr(terminal, "_KEEPER", str(tmp_path / "keeper.py"))
    monkeypatch.setattr(terminal, "START_SECONDS", 0.05)
    monkeypatch.setattr(terminal, "END_SECONDS", 0.05)
    with pytest.raises(SpawnFailed, match="did not answer"):
        await start_terminal(["true"], cwd="/", env={"PATH": PATH}, on_output=lambda _: None)


async def test_finished_terminals_make_room_and_running_ones_do_not(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_SESSIONS == 64
    monkeypatch.setattr(terminal_sessions, "MAX_SESSIONS", 3)
    running = await room.open("cat")
    first, second = await room.open("true"), await room.open("true")
    await to_end(first)
    await to_end(second)
    third = await room.open("cat")
    assert room.sessions.find(first.id) is None
    assert room.sessions.find(second.id) is second
    await room.open("cat")
    with pytest.raises(TooManyTerminalsError, match="3 terminals are open"):
        await room.open("cat")
    assert room.sessions.find(running.id) is running
    assert room.sessions.find(third.id) is third


async def test_nothing_is_opened_after_the_end(room: Room) -> None:
    await room.sessions.aclose()
    with pytest.raises(SpawnFailed, match="the conversation is over"):
        await room.open("cat")
    assert len(room.sessions) == 0

"""What signals do to a run (spec: servers.md section 7.3)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from codex_core.errors import SessionError
from codex_exec.output import Output
from codex_exec.stop import REPEAT_SECONDS, Stop
from codex_protocol.ops import InterruptOp, Op


class Conversation:
    """A conversation that notes what is submitted, or refuses it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.submitted: list[Op] = []
        self.heard = asyncio.Event()
        self._refusal = refusal

    async def submit(self, op: Op) -> str:
        self.heard.set()
        if self._refusal is not None:
            raise self._refusal
        self.submitted.append(op)
        return "1"


class Case:
    """A stop whose time is set by hand and whose killing is noted: the signal and what would handle it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.killed: list[tuple[int, object]] = []
        self.stop = Stop(Output(), clock=lambda: self.now, kill=self._kill)

    def _kill(self, pid: int, number: int) -> None:
        assert pid == os.getpid()
        self.killed.append((number, signal.getsignal(number)))


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def dispositions() -> Iterator[None]:
    """Handlers as a terminal's programs find them, whatever started the tests; they are put back."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def wait_after(number: signal.Signals, stop: Stop) -> None:
    """Listens, sends itself a signal, and waits for ever."""
    with stop.listening():
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()


@pytest.mark.parametrize("first", SIGNALS)
async def test_the_first_signal_interrupts_the_turn(first: signal.Signals) -> None:
    case, conversation = Case(), Conversation()
    with case.stop.listening():
        case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
        os.kill(os.getpid(), first)
        await conversation.heard.wait()
    assert [type(op) for op in conversation.submitted] == [InterruptOp]
    assert case.stop.signal is first
    assert case.stop.exit_code == 128 + first
    assert case.killed == []


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_that_was_ignored_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    case, conversation = Case(), Conversation()
    with case.stop.listening():
        assert signal.getsignal(number) is signal.SIG_IGN
        case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
        os.kill(os.getpid(), number)
        other = next(each for each in SIGNALS if each != number)
        os.kill(os.getpid(), other)
        await conversation.heard.wait()
        assert case.stop.signal is other
    assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.parametrize("first", SIGNALS)
async def test_before_there_is_a_turn_the_task_is_cancelled(first: signal.Signals) -> None:
    case = Case()
    with pytest.raises(asyncio.CancelledError):
        await wait_after(first, case.stop)
    assert case.stop.exit_code == 128 + first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_same_signal_at_once_is_the_same_wish_and_later_kills(number: signal.Signals) -> None:
    case, conversation = Case(), Conversation()
    with case.stop.listening():
        case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
        os.kill(os.getpid(), number)
        await conversation.heard.wait()
        case.now += REPEAT_SECONDS / 2
        os.kill(os.getpid(), number)
        assert case.killed == []
        case.now += REPEAT_SECONDS / 2
        os.kill(os.getpid(), number)
        # The handler itself acts: nothing had to be awaited for it.
        assert case.killed == [(number, signal.SIG_DFL)]
    assert len(conversation.submitted) == 1


async def test_another_signal_kills_at_once_but_never_a_terminal_that_closes() -> None:
    case, conversation = Case(), Conversation()
    with case.stop.listening():
        case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
        os.kill(os.getpid(), signal.SIGINT)
        await conversation.heard.wait()
        case.now += 60
        os.kill(os.getpid(), signal.SIGHUP)
        assert case.killed == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert case.killed == [(signal.SIGTERM, signal.SIG_DFL)]


async def test_a_repeated_signal_after_the_turn_does_not_kill_while_we_clean_up() -> None:
    case, conversation = Case(), Conversation()
    with case.stop.listening():
        case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
        os.kill(os.getpid(), signal.SIGTERM)
        await conversation.heard.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGHUP)
    assert case.killed == []


async def test_without_a_signal_everything_is_as_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    case = Case()
    with case.stop.listening():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert case.stop.exit_code is None


async def test_a_signal_to_a_turn_that_has_just_ended_does_nothing() -> None:
    case, conversation = Case(), Conversation(SessionError("it is over"))
    with case.stop.listening():
        case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
        os.kill(os.getpid(), signal.SIGTERM)
        await conversation.heard.wait()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    assert conversation.submitted == []


async def test_an_interrupt_that_fails_is_seen() -> None:
    case, conversation = Case(), Conversation(ZeroDivisionError("a defect"))
    case.stop.interrupts(conversation)  # type: ignore[arg-type]  # a stand-in
    with pytest.raises(ZeroDivisionError, match="a defect"):
        await wait_after(signal.SIGINT, case.stop)

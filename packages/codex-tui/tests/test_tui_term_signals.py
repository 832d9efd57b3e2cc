"""Signals of a program that has the terminal."""

from __future__ import annotations

import asyncio
import os
import signal

from memory_app import until

from codex_tui.term.signals import EXIT_SIGNALS, TerminalSignals

ALL = (*EXIT_SIGNALS, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT, signal.SIGQUIT)


class Told:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def signals(self) -> TerminalSignals:
        return TerminalSignals(
            asyncio.get_running_loop(),
            resized=lambda: self.calls.append("resized"),
            stopped=lambda: self.calls.append("stopped"),
            continued=lambda: self.calls.append("continued"),
            terminated=lambda number: self.calls.append(f"ended by {number}"),
            leave=lambda: self.calls.append("left"),
        )


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in ALL]


async def sent(told: Told, *numbers: int) -> None:
    """Sends them, each when the one before was told of."""
    for number in numbers:
        count = len(told.calls)
        os.kill(os.getpid(), number)
        await until(lambda count=count: len(told.calls) > count)


async def test_each_is_told_and_all_are_given_back() -> None:
    told, before = Told(), handlers()
    signals = told.signals()
    signals.start()
    await sent(told, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT, signal.SIGTERM)
    signals.stop()
    signals.stop()
    assert told.calls == ["resized", "stopped", "continued", f"ended by {signal.SIGTERM}"]
    assert handlers() == before


async def test_one_that_was_ignored_stays_so() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        signals = Told().signals()
        signals.start()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        signals.stop()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


async def test_while_others_work_the_keyboard_is_theirs() -> None:
    told, before = Told(), handlers()
    signals = told.signals()
    signals.start()
    during = handlers()
    with signals.others_at_work():
        assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGCONT):
            os.kill(os.getpid(), number)
        for number in (signal.SIGINT, signal.SIGQUIT):
            assert signal.getsignal(number) not in (signal.SIG_IGN, signal.SIG_DFL)
    assert told.calls == []
    assert handlers() == during
    await sent(told, signal.SIGINT)
    assert told.calls == [f"ended by {signal.SIGINT}"]
    signals.stop()
    assert handlers() == before


async def test_an_end_while_others_work_is_told_and_leaves_nothing() -> None:
    told, before = Told(), handlers()
    signals = told.signals()
    signals.start()
    with signals.others_at_work():
        await sent(told, signal.SIGTERM)
        signals.stop()
    assert told.calls == [f"ended by {signal.SIGTERM}"]
    assert handlers() == before

"""Signals and counters across threads and event loops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from codex_core.model.scripted.signals import Counter, Gate, Signal


async def test_a_signal_set_in_another_thread_wakes_the_loop():
    signal = Signal()
    waiting = asyncio.create_task(signal.wait())
    thread = threading.Thread(target=signal.set)
    thread.start()
    await waiting
    thread.join()
    assert signal.is_set


async def test_a_signal_that_was_set_holds_nobody_up():
    signal = Signal()
    signal.set()
    signal.set()
    await signal.wait()
    assert signal.wait_blocking(0)


async def test_who_gave_up_waiting_is_forgotten():
    signal = Signal()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await signal.wait()
    assert signal._waiters == []
    assert not signal.wait_blocking(0)


def test_a_loop_that_is_gone_does_not_stop_the_signal():
    signal = Signal()

    async def wait_and_leave() -> None:
        waiter = asyncio.get_running_loop().create_future()
        signal._waiters.append((asyncio.get_running_loop(), waiter))

    asyncio.run(wait_and_leave())
    signal.set()
    assert signal.is_set


def test_a_counter_signals_each_number_it_reaches():
    counter = Counter()
    second = counter.reaching(2)
    counter.increase()
    assert not second.is_set
    assert counter.reaching(1).is_set
    counter.increase()
    assert second.is_set
    assert counter.value == 2


async def test_a_gate_opened_early_holds_nobody_up():
    gate = Gate("early")
    assert repr(gate) == "<Gate early closed>"
    gate.open()
    await gate.wait_open()
    assert repr(gate) == "<Gate early open>"

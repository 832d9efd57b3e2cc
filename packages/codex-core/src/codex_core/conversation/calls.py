"""Runs the calls of one answer: those that may run beside others together, the rest one by one.

A call is recorded before it runs. The outputs of calls that ran together are recorded in the order of the
calls, when the last of them has ended; so the history does not depend on which was faster. Whatever stops
the turn, every call gets its one output (spec: agent.md sections 3 and 26, D3, D4).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from codex_core.conversation.history import aborted_output, call_id
from codex_core.errors import ModelError
from codex_core.tools.runtime import CallKind, ToolCall, ToolOutput

if TYPE_CHECKING:
    from types import TracebackType

    from codex_core.conversation.thread import Thread
    from codex_core.tools.registry import ToolRegistry
    from codex_core.tools.runtime import ToolRuntime
    from codex_protocol.items import ResponseItem

_log = logging.getLogger(__name__)

MAX_PARALLEL_CALLS = 16
"""More calls of one answer wait for one of these to end."""


@dataclass(frozen=True, slots=True)
class _Running:
    call: ToolCall
    item: ResponseItem
    started: float
    task: asyncio.Task[ToolOutput]


class Calls:
    """The calls of one answer, as an async context manager: none is left running behind it."""

    def __init__(self, runtime: ToolRuntime, tools: ToolRegistry, thread: Thread) -> None:
        self._runtime = runtime
        self._tools = tools
        self._thread = thread
        self._running: list[_Running] = []
        self._slots = asyncio.Semaphore(MAX_PARALLEL_CALLS)

    async def run(self, call: ToolCall, item: ResponseItem) -> None:
        """Starts a call whose item has been recorded; returns when it has ended, or runs beside others."""
        self._start(call, item)
        if not self.may_run_beside_others(call):
            await self.finish()

    def may_run_beside_others(self, call: ToolCall) -> bool:
        """Whether what runs need not have ended before this call starts."""
        return self._tools.is_parallel_safe(call)

    async def finish(self) -> None:
        """Waits for what runs and records its outputs.

        Raises: what a tool raised, which is a defect of the tool.
        """
        if not self._running:
            return
        try:
            await asyncio.wait([running.task for running in self._running])
        except asyncio.CancelledError:
            await self._stop()
            raise
        if (defect := await self._record_outputs()) is not None:
            raise defect

    async def _stop(self) -> None:
        """Ends what runs and records that it was aborted."""
        tasks = [running.task for running in self._running]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if (defect := await self._record_outputs()) is not None:
            _log.error("a tool that was stopped ended in an unexpected error", exc_info=defect)

    async def _record_outputs(self) -> BaseException | None:
        """Records what came of the calls; returns what the first tool with a defect raised."""
        running, self._running = self._running, []
        outputs: list[ResponseItem] = []
        defect: BaseException | None = None
        for entry in running:
            if entry.task.cancelled():
                took = self._runtime.services.monotonic() - entry.started
                text = f"aborted by user after {took:.1f}s"
                outputs.append(aborted_output(entry.item, entry.call.call_id, text))
            elif (error := entry.task.exception()) is not None:
                defect = defect or error
            else:
                outputs.append(output_item(entry.call, entry.task.result()))
        await self._thread.record(outputs)
        return defect

    def _start(self, call: ToolCall, item: ResponseItem) -> None:
        started = self._runtime.services.monotonic()
        task = asyncio.create_task(self._run_one(call), name=f"call {call.call_id}")
        self._running.append(_Running(call, item, started, task))

    async def _run_one(self, call: ToolCall) -> ToolOutput:
        async with self._slots:
            return await self._tools.run(call, self._runtime)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A stream that broke off does not take back what it asked for before.
        if error is None or isinstance(error, ModelError):
            await self.finish()
        else:
            await self._stop()


def call_of(item: ResponseItem) -> ToolCall | None:
    """The call an item makes, or None."""
    from codex_protocol import items

    match item:
        case items.FunctionCallItem(name=name, arguments=arguments, call_id=identifier):
            return ToolCall(CallKind.FUNCTION, identifier, name, arguments)
        case items.CustomToolCallItem(name=name, input=text, call_id=identifier):
            return ToolCall(CallKind.CUSTOM, identifier, name, text)
        case items.LocalShellCallItem(action=action):
            from codex_protocol.jsonio import dumps

            call_arguments = {
                "command": list(action.command),
                "workdir": action.working_directory,
                "timeout_ms": action.timeout_ms,
            }
            return ToolCall(CallKind.LOCAL_SHELL, call_id(item) or "", "local_shell", dumps(call_arguments))
        case _:
            return None


def output_item(call: ToolCall, output: ToolOutput) -> ResponseItem:
    """The item that answers a call."""
    from codex_protocol.items import CustomToolCallOutputItem, FunctionCallOutputItem

    if call.kind is CallKind.CUSTOM:
        return CustomToolCallOutputItem(call_id=call.call_id, output=output.text)
    return FunctionCallOutputItem(call_id=call.call_id, output=output.text, success=output.success)

"""The mock model in a background thread, for tests that have no event loop of their own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from codex_core.model.scripted.signals import Signal
from codex_core.testing.model_server import WAIT_TIMEOUT_S, Exchange, ModelServer, Outcome

if TYPE_CHECKING:
    from codex_core.model.scripted.request import RecordedRequest


class ThreadedModelServer:
    """A `ModelServer` in a thread of its own; made by `ModelServer.in_thread`.

    It has the same properties; its waiting methods block. They also work beside an event loop of the
    caller's, which then stands still, so an asynchronous test prefers `ModelServer`.
    """

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._ready = Signal()
        self._stop = Signal()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="mock-model", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait_blocking(WAIT_TIMEOUT_S)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(WAIT_TIMEOUT_S)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - carried over to the thread of the test
            self._failure = error
        finally:
            self._ready.set()

    async def _main(self) -> None:
        async with self._server:
            self._ready.set()
            await self._stop.wait()

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """What `base_url` of a provider is set to."""
        return self._server.base_url

    @property
    def log(self) -> list[Exchange]:
        """Every exchange with any endpoint, in order of arrival."""
        return self._server.log

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges with the model, in order of arrival."""
        return self._server.exchanges

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests to the model, in order of arrival."""
        return self._server.requests

    @property
    def problems(self) -> list[str]:
        """What went wrong on the side of the script or of a client."""
        return self._server.problems

    def wait_for_request(self, number: int = 1, *, timeout_s: float = WAIT_TIMEOUT_S) -> RecordedRequest:
        """Block until the `number`-th request (from 1) has arrived; raises `AssertionError` otherwise."""
        if not self._server.arrival(number).wait_blocking(timeout_s):
            raise AssertionError(self._server.nothing_came(number, timeout_s))
        return self.requests[number - 1]

    def wait_for_outcome(self, number: int = 1, *, timeout_s: float = WAIT_TIMEOUT_S) -> Outcome:
        """Block until the answer to the `number`-th request is over; what became of it."""
        self.wait_for_request(number, timeout_s=timeout_s)
        exchange = self.exchanges[number - 1]
        if not exchange.over.wait_blocking(timeout_s):
            raise AssertionError(f"the answer to request {number} is still under way")
        return exchange.outcome

    def assert_done(self) -> None:
        """As `ModelServer.assert_done`."""
        self._server.assert_done()

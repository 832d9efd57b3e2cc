"""Runs checks side by side; whatever one of them does, there is a result for it."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from codex_cli.doctor.result import Finding, Result, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from codex_cli.doctor.result import Check, Patient

T = TypeVar("T")


class Attempt(Generic[T]):
    """A call in a thread of its own, which can be given up on.

    The thread is a daemon: one that hangs in the kernel (a dead network file system) must not keep the
    process from ending, which the threads of a pool do.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._begin = time.monotonic()
        self._end: float | None = None
        self._value: T | None = None
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="check", daemon=True)
        self._thread.start()

    @property
    def seconds(self) -> float:
        """How long it took, or has taken up to now."""
        return (self._end or time.monotonic()) - self._begin

    def value(self, timeout_s: float) -> T:
        """What the call returned, waited for until it is `timeout_s` old.

        Raises: TimeoutError, or what the call raised.
        """
        self._thread.join(max(0.0, self._begin + timeout_s - time.monotonic()))
        if self._thread.is_alive():
            raise TimeoutError(f"no result within {timeout_s:g} seconds")
        if self._problem is not None:
            raise self._problem
        return self._value  # type: ignore[return-value]  # set, or there would be a problem

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the value
            self._problem = error
        self._end = time.monotonic()


def run_checks(checks: Sequence[Check], patient: Patient) -> Iterator[Finding]:
    """The findings, in the order of the checks, each as soon as it and those before it are there."""
    attempts = [(check, Attempt(partial(check.run, patient))) for check in checks]
    for check, attempt in attempts:
        yield Finding(check, _result(check, attempt), attempt.seconds)


def _result(check: Check, attempt: Attempt[Result]) -> Result:
    """The outermost loop: no error of a check goes further than this."""
    try:
        return attempt.value(check.timeout_s)
    except TimeoutError:
        if attempt.seconds >= check.timeout_s:
            return Result(
                Status.FAIL,
                f"the check `{check.id}` did not end within {check.timeout_s:g} seconds",
                advice="a file system, a program or a server that does not answer is the usual cause",
            )
        return crashed(_cannot_run(check), TimeoutError("something timed out"))
    except BaseException as error:  # noqa: BLE001 - a SystemExit of a broken module is a finding, too
        return crashed(_cannot_run(check), error)


def _cannot_run(check: Check) -> str:
    return f"the check `{check.id}` could not be run"


def crashed(what: str, error: BaseException) -> Result:
    """The result where something raised; `what` says what could not be done."""
    text = " ".join(str(error).split()) or "no reason given"
    if isinstance(error, ImportError):
        return Result(
            Status.FAIL,
            f"{what}: a part of the installation is missing: {text}",
            advice="install codex-cli again",
        )
    return Result(Status.FAIL, f"{what}: {type(error).__name__}: {text}")

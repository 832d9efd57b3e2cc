"""Every edge of the core in one value: clock, ids, chance, time, network, environment.

A session takes what it needs from here and nowhere else, so a test can hold the clock still and a
recorded session can be replayed byte for byte.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    # uuid costs several ms to import for sixteen random bytes; version 4, RFC 9562.
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _jitter() -> float:
    return random.uniform(0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Services:
    """The outside world as the core sees it; the defaults are the real one."""

    now: Callable[[], datetime] = _now
    """Wall clock, timezone-aware, UTC."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never go back, for durations."""
    new_id: Callable[[], str] = _new_id
    """A fresh UUID (version 4) in canonical lower-case form."""
    jitter: Callable[[], float] = _jitter
    """Factor in [0.9, 1.1) for back-off delays (spec: agent.md section 9)."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits that many seconds."""
    http_transport: httpx.AsyncBaseTransport | None = None
    """Replaces the network below the HTTP client; None is the real network."""
    user_agent_suffix: str | None = None
    """What stands behind our name in the User-Agent header: the program that drives us, `name; version`."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """The environment of this process when the session began."""

"""What the model reads of a terminal (spec: agent.md section 23)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from codex_core.execution.terminal_sessions import Exchange

UNIFIED_OUTPUT_BYTES = 131_072
"""How much of the newest output `unified_exec` answers with."""

_BYTES_PER_TOKEN = 4
_CUT_TRIES = 4


def describe_exchange(
    exchange: Exchange, *, session_id: int, wall_s: float, max_tokens: int, warnings: tuple[str, ...] = ()
) -> str:
    """The answer to `exec_command` and `write_stdin`."""
    lines = [f"Wall time: {wall_s:.3f} seconds"]
    if exchange.exit_code is None:
        lines.append(f"Process running with session ID {session_id}")
    else:
        lines.append(f"Process exited with code {exchange.exit_code}")
    lines += warnings
    if exchange.untyped:
        lines.append(_untyped_warning(exchange))
    text = exchange.printed.text
    size = max(exchange.printed.size, len(text.encode()))
    cut = cut_middle(text, max_tokens * _BYTES_PER_TOKEN)
    if cut != text or size > len(text.encode()):
        lines.append(_cut_warning(size))
    return "\n".join((*lines, "Output:", cut))


def unified_reply(exchange: Exchange, *, session_id: int, warnings: tuple[str, ...] = ()) -> str:
    """The answer to `unified_exec`: the session is null when its program has ended."""
    if exchange.untyped:
        warnings += (_untyped_warning(exchange),)
    text = newest(exchange.printed.text)
    if exchange.printed.size > len(text.encode()):
        warnings += (_cut_warning(exchange.printed.size),)
    head = "".join(f"{warning}\n" for warning in warnings)
    identifier = str(session_id) if exchange.exit_code is None else None
    return dumps({"session_id": identifier, "output": head + text})


def clamp_wait(requested_ms: int, maximum_ms: int) -> tuple[int, tuple[str, ...]]:
    """How long to wait, in milliseconds, and what to tell the model if that is less than it wanted."""
    if requested_ms <= maximum_ms:
        return requested_ms, ()
    exceeds = f"requested timeout {requested_ms}ms exceeds maximum of {maximum_ms}ms"
    return maximum_ms, (f"Warning: {exceeds}; clamping to {maximum_ms}ms.",)


def cut_middle(text: str, max_bytes: int) -> str:
    """`text` itself if it has at most `max_bytes` bytes; else both its ends, in whole lines if there are any.

    In between stands how many tokens are missing, a token being four bytes. Where there is no room for either
    end, that is all.
    """
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    tokens = total = tokens_of(len(data))
    head = tail = b""
    for _ in range(_CUT_TRIES):
        budget = max_bytes - len(_marker(tokens).encode())
        if budget <= 0:
            return _marker(total)
        head = _whole_lines_at_start(data[: budget // 2])
        tail = _whole_lines_at_end(data[len(data) - (budget - budget // 2) :])
        missing = tokens_of(len(data) - len(head) - len(tail))
        if missing == tokens:
            break
        tokens = missing
    return f"{head.decode()}{_marker(tokens)}\n{tail.decode()}"


def newest(text: str) -> str:
    """The end of `text`, at most `UNIFIED_OUTPUT_BYTES` bytes of it."""
    data = text.encode()
    if len(data) <= UNIFIED_OUTPUT_BYTES:
        return text
    return data[-UNIFIED_OUTPUT_BYTES:].decode("utf-8", "ignore")


def tokens_of(size: int) -> int:
    """About how many tokens so many bytes of text are."""
    return -(-size // _BYTES_PER_TOKEN)


def _cut_warning(size: int) -> str:
    return f"Warning: truncated output (original token count: {tokens_of(size)})"


def _untyped_warning(exchange: Exchange) -> str:
    missing = f"the last {exchange.untyped} bytes were not typed"
    if exchange.exit_code is not None:
        return f"Warning: the program ended before it read all input; {missing}."
    return (
        f"Warning: the program did not read its input in time; {missing}. Send them again when it is ready."
    )


def _marker(tokens: int) -> str:
    return f"…{tokens} tokens truncated…"


def _whole_lines_at_start(data: bytes) -> bytes:
    end = data.rfind(b"\n") + 1
    # Cut off within a character, `ignore` leaves out its beginning.
    return data[:end] if end else data.decode("utf-8", "ignore").encode()


def _whole_lines_at_end(data: bytes) -> bytes:
    # Only the last byte may not decide: one long line would be lost to its own end.
    start = data.find(b"\n", 0, len(data) - 1) + 1
    return data[start:] if start else data.decode("utf-8", "ignore").encode()

"""Output kept within a fixed size."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.execution.capture import MAX_KEPT_BYTES, CappedBytes

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines


MARKER = re.compile(rb"\n\[\.\.\. omitted (\d+) bytes \.\.\.\]\n")


def kept(chunks: list[bytes], limit: int) -> CappedBytes:
    buffer = CappedBytes(limit)
    for chunk in chunks:
        buffer.append(chunk)
    return buffer


@calm
@given(st.lists(st.binary(max_size=12)), st.integers(min_value=2, max_value=40).map(lambda half: 2 * half))
def test_what_fits_is_kept_whole_and_of_the_rest_both_ends(chunks: list[bytes], limit: int) -> None:
    data = b"".join(chunks)
    buffer = kept(chunks, limit)
    if len(data) <= limit:
        assert buffer.content() == data
        assert buffer.dropped_lines is None
        return
    match = MARKER.search(buffer.content())
    assert match is not None
    head, tail = buffer.content()[: match.start()], buffer.content()[match.end() :]
    assert len(head) <= limit // 2
    assert len(tail) <= limit // 2
    assert len(head) + len(tail) >= limit - 6  # at most a broken character at either cut
    assert data.startswith(head)
    assert data.endswith(tail)
    assert int(match[1]) == len(data) - len(head) - len(tail)
    assert buffer.dropped_lines == data[limit // 2 : len(data) - limit // 2].count(b"\n")


@calm
@given(st.text(alphabet="aä€😀", min_size=40), st.integers(min_value=4, max_value=12))
def test_text_is_cut_between_characters(text: str, half: int) -> None:
    content = kept([text.encode()], 2 * half).content()
    assert "\ufffd" not in content.decode("utf-8", "replace")


def test_the_limit_is_one_mebibyte() -> None:
    assert kept([b"x" * MAX_KEPT_BYTES], MAX_KEPT_BYTES).dropped_lines is None
    assert MAX_KEPT_BYTES == 1_048_576
    over = CappedBytes()
    over.append(b"x" * (MAX_KEPT_BYTES + 1))
    assert b"[... omitted 1 bytes ...]" in over.content()

"""Output nobody has taken yet: nothing is lost within the limit, and no character is ever cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codex_core.execution.terminal_output import UnreadOutput

_chunks = st.lists(st.tuples(st.binary(max_size=12), st.booleans()), max_size=20)


@given(_chunks)
def test_within_the_limit_the_texts_are_the_output(chunks: list[tuple[bytes, bool]]) -> None:
    unread = UnreadOutput()
    text, size = "", 0
    for chunk, is_taken in chunks:
        unread.append(chunk)
        if is_taken:
            printed = unread.take(is_complete=False)
            text += printed.text
            size += printed.size
    last = unread.take(is_complete=True)
    everything = b"".join(chunk for chunk, _ in chunks)
    assert text + last.text == everything.decode("utf-8", "replace")
    assert size + last.size == len(everything)


@given(st.text(min_size=1, max_size=30), st.integers(min_value=1, max_value=4))
def test_text_cut_anywhere_comes_out_whole(text: str, step: int) -> None:
    data = text.encode("utf-8", "replace")
    unread = UnreadOutput()
    out = ""
    for start in range(0, len(data), step):
        unread.append(data[start : start + step])
        out += unread.take(is_complete=False).text
    assert out + unread.take(is_complete=True).text == data.decode()


@given(st.lists(st.binary(max_size=64), max_size=40), st.integers(min_value=2, max_value=64))
def test_beyond_the_limit_both_ends_are_kept_and_all_is_counted(chunks: list[bytes], limit: int) -> None:
    unread = UnreadOutput(limit)
    for chunk in chunks:
        unread.append(chunk)
    everything = b"".join(chunks)
    assert unread.size == len(everything)
    content = unread.take_bytes()
    assert len(content) <= limit + len("\n[... omitted 1000000 bytes ...]\n")
    if len(everything) <= limit // 2 * 2:
        assert content == everything
    else:
        head, _, rest = content.partition(b"\n[... omitted ")
        tail = rest.partition(b" bytes ...]\n")[2]
        assert everything.startswith(head)
        assert everything.endswith(tail)
    assert (unread.size, unread.take_bytes()) == (0, b"")

"""The new text of a file: its old text with the chunks of an update fitted in. Text in, text out.

Spec: exec-sandbox.md section E.3. Where the lines of a patch leave open how a file is written, the file
decides: its byte order mark, its CRLF line ends and its blank lines at the end stay.
"""

from __future__ import annotations

from codex_core.errors import PatchError
from codex_core.patch.seek import BYTE_ORDER_MARK, LineSearch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.patch.grammar import Chunk

    Replacement = tuple[int, int, list[str]]
    """Where it begins, how many lines go, which lines come."""


class MatchError(PatchError):
    """A chunk does not fit the file; the sentence shows what was looked for."""


def rewrite(text: str, chunks: Iterable[Chunk], path: str) -> str:
    """`text` with all `chunks` applied; `path` is only for the error.

    Raises: MatchError when a context line or a block of old lines is not found.
    """
    lines = text.split("\n")
    ends_in_newline = lines[-1] == ""
    if ends_in_newline:
        lines.pop()
    # Stable: what is added twice at one position stays in the order of the patch.
    replacements = sorted(_replacements(lines, chunks, path), key=_position)
    if "\r\n" in text and _keeps_crlf(lines, replacements, ends_in_newline=ends_in_newline):
        if not ends_in_newline:
            lines[-1] += "\r"
        replacements = [
            (at, gone, [line if line.endswith("\r") else line + "\r" for line in new])
            for at, gone, new in replacements
        ]
    for at, gone, new in reversed(replacements):
        lines[at : at + gone] = new
    result = "\n".join(lines) + "\n" if lines else ""
    if result and text.startswith(BYTE_ORDER_MARK) and not result.startswith(BYTE_ORDER_MARK):
        return BYTE_ORDER_MARK + result
    return result


def _position(replacement: Replacement) -> int:
    return replacement[0]


def _replacements(lines: list[str], chunks: Iterable[Chunk], path: str) -> list[Replacement]:
    search = LineSearch(lines)
    found: list[Replacement] = []
    position = 0
    for chunk in chunks:
        if chunk.context is not None:
            hit = search.find((chunk.context,), position)
            if hit is None:
                raise MatchError(f"Failed to find context '{chunk.context}' in {path}")
            position = hit + 1
        old, new = chunk.old_lines, chunk.new_lines
        if not old:
            before_blank = bool(lines) and lines[-1] == ""
            found.append((len(lines) - before_blank, 0, list(new)))
            continue
        hit = search.find(old, position, at_end=chunk.at_end)
        if hit is None and old[-1] == "":
            # An empty line at the end of a chunk is often only there to set the next one off.
            old = old[:-1]
            new = new[:-1] if new and new[-1] == "" else new
            hit = search.find(old, position, at_end=chunk.at_end)
        if hit is None:
            wanted = "\n".join(chunk.old_lines)
            raise MatchError(f"Failed to find expected lines in {path}:\n{wanted}")
        if hit == 0 and lines and lines[0].startswith(BYTE_ORDER_MARK):
            new = tuple(line.removeprefix(BYTE_ORDER_MARK) for line in new)  # put back once, at the start
        found.append((hit, len(old), list(new)))
        position = hit + len(old)
    return found


def _keeps_crlf(lines: list[str], replacements: list[Replacement], *, ends_in_newline: bool) -> bool:
    """Whether new lines end in CRLF: all old ones do, and at least one of them is left to tell."""
    ended = lines if ends_in_newline else lines[:-1]
    if not all(line.endswith("\r") for line in ended):
        return False
    untouched = 0
    for at, gone, _ in replacements:
        if at > untouched:
            return True
        untouched = max(untouched, at + gone)
    return untouched < len(lines)

"""What a user-role message carries: the user's own words, or a block made for the model."""

from __future__ import annotations

from codex_protocol.config_types import InputMessageKind

USER_INSTRUCTIONS_OPEN = "<user_instructions>"
USER_INSTRUCTIONS_CLOSE = "</user_instructions>"
ENVIRONMENT_CONTEXT_OPEN = "<environment_context>"
ENVIRONMENT_CONTEXT_CLOSE = "</environment_context>"
REQUEST_MARKER = "## My request for Codex:"
"""Editors put the user's request after this line, below what they add to it."""

_BLOCKS = (
    (InputMessageKind.ENVIRONMENT_CONTEXT, ENVIRONMENT_CONTEXT_OPEN, ENVIRONMENT_CONTEXT_CLOSE),
    (InputMessageKind.USER_INSTRUCTIONS, USER_INSTRUCTIONS_OPEN, USER_INSTRUCTIONS_CLOSE),
)


def kind_of_message(text: str) -> InputMessageKind:
    """The kind of a whole text: a block only if it begins and ends as one (spec: protocol.md section 1)."""
    folded = text.strip().lower()
    for kind, opening, closing in _BLOCKS:
        if folded.startswith(opening) and folded.endswith(closing):
            return kind
    return InputMessageKind.PLAIN


def kind_by_opening(text: str) -> InputMessageKind:
    """The kind as events tell it: by the opening tag alone (spec: protocol.md section 6.6)."""
    start = text.lstrip()
    for kind, opening, _ in _BLOCKS:
        if start.startswith(opening):
            return kind
    return InputMessageKind.PLAIN


def request_in(text: str) -> str:
    """The user's request in a message of an editor: what follows the marker, or all of it without one."""
    _, marker, request = text.partition(REQUEST_MARKER)
    return request.strip() if marker else text

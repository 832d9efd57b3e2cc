"""The seam between the client and the wire formats it can speak.

A wire format is a path, a function that writes a request body and a decoder for the stream that comes
back. The client knows nothing else of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_core.config.providers import WireApi
    from codex_core.model.prompt import Prompt, RequestSettings
    from codex_core.model.response_events import ResponseEvent


class StreamDecoder(Protocol):
    """Turns the data of server-sent events into what happened; no I/O, one per stream."""

    @property
    def is_complete(self) -> bool:
        """Whether the answer has reached its end, so that nothing more need be read."""

    @property
    def reasoning_field(self) -> str | None:
        """The name the server gave to reasoning in this answer, where the wire leaves that open."""

    def feed(self, data: str) -> Sequence[ResponseEvent]:
        """What one event's data says; unreadable data says nothing.

        Raises: a ModelError when the data says that the answer failed.
        """

    def finish(self) -> Sequence[ResponseEvent]:
        """What is left to say now that the stream has ended.

        Raises: StreamDisconnected when the answer had not reached its end.
        """


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire format."""

    path: str
    """Put behind the provider's base URL."""
    request_body: Callable[[Prompt, RequestSettings], dict[str, object]]
    new_decoder: Callable[[Callable[[], str]], StreamDecoder]
    """Takes what makes ids, for calls that the server gives none."""
    names_conversation: bool
    """Whether requests carry the conversation's id, and the login of auth.json where it belongs."""


def wire_for(api: WireApi) -> Wire:
    """The wire format of that name; only the module it needs is imported."""
    from codex_core.config.providers import WireApi

    match api:
        case WireApi.RESPONSES:
            from codex_core.model.responses_api import ResponsesDecoder, request_body

            return Wire("/responses", request_body, lambda _new_id: ResponsesDecoder(), True)
        case WireApi.CHAT:
            from codex_core.model.chat_completions import ChatDecoder
            from codex_core.model.chat_completions import request_body as chat_body

            return Wire("/chat/completions", chat_body, ChatDecoder, False)

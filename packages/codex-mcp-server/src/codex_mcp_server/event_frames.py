"""Events as the notifications that carry them, written straight from the event.

The same frames as `codex_protocol.ide_methods` makes, without building two more models for every delta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from codex_mcp_server.peer import Id
    from codex_protocol.events import Event

_WITH_SCORES = frozenset({"exited_review_mode", "session_configured"})
"""Events whose review scores look different in a notification (spec: protocol.md section 0)."""


def listener_frame(event: Event, conversation_id: str) -> str:
    """What a listener of a conversation gets."""
    return _frame(f"codex/event/{event.msg.type}", "", event, f',"conversationId":{dumps(conversation_id)}')


def call_frame(event: Event, request_id: Id | None) -> str:
    """What the caller of a tool gets; without an id, what is sent once when a conversation is resumed."""
    meta = "" if request_id is None else f'"_meta":{{"requestId":{dumps(request_id)}}},'
    return _frame("codex/event", meta, event, "")


def _frame(method: str, before: str, event: Event, behind: str) -> str:
    if event.msg.type in _WITH_SCORES:
        from codex_protocol.review import widened

        text = dumps(widened(event.to_wire()))
    else:
        text = event.to_json()
    return f'{{"jsonrpc":"2.0","method":{dumps(method)},"params":{{{before}{text[1:-1]}{behind}}}}}'

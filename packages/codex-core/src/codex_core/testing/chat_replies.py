"""Builders for the Chat Completions wire; they live in `codex_core.model.scripted.chat_replies`."""

from __future__ import annotations

from codex_core.model.scripted.chat_replies import (
    CHAT_DONE,
    chat_answer,
    chat_chunk,
    chat_finish,
    chat_reasoning,
    chat_text,
    chat_tool_call,
)

__all__ = [
    "CHAT_DONE",
    "chat_answer",
    "chat_chunk",
    "chat_finish",
    "chat_reasoning",
    "chat_text",
    "chat_tool_call",
]

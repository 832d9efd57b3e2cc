"""Asking the model: `ModelClient` sends a `Prompt` and yields what happens as `ResponseEvent`s."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.model.client import KEEP, ModelClient
    from codex_core.model.families import ModelFamily, ModelInfo, family_for, find_family, model_info
    from codex_core.model.prompt import Prompt
    from codex_core.model.response_events import ResponseEvent

__all__ = [
    "KEEP",
    "ModelClient",
    "ModelFamily",
    "ModelInfo",
    "Prompt",
    "ResponseEvent",
    "family_for",
    "find_family",
    "model_info",
]

_HOMES = {
    "KEEP": "client",
    "ModelClient": "client",
    "ModelFamily": "families",
    "ModelInfo": "families",
    "Prompt": "prompt",
    "ResponseEvent": "response_events",
    "family_for": "families",
    "find_family": "families",
    "model_info": "families",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value

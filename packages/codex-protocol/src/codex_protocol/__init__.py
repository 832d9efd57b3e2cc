"""Wire and disk types of the Codex coding agent: operations, events, items, rollouts, editor messages.

The types live in the modules of this package; importing the package itself imports none of them, and
a module is imported when it is first named, as in `codex_protocol.events.Event`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_protocol import (
        base,
        config_types,
        elicitation,
        errors,
        events,
        exec_events,
        fields,
        file_change,
        history_entry,
        ide,
        ide_methods,
        initial_history,
        items,
        json_rpc,
        jsonio,
        mcp_tools,
        mcp_types,
        message_kind,
        number_format,
        ops,
        parsed_command,
        plan,
        quick_start,
        review,
        rollout,
        sandbox_policy,
        schema,
        shapes,
        testing,
        tokens,
        tool_calls,
        typescript,
        unions,
        validation,
    )

__version__ = "0.36.0"

__all__ = [
    "__version__",
    "base",
    "config_types",
    "elicitation",
    "errors",
    "events",
    "exec_events",
    "fields",
    "file_change",
    "history_entry",
    "ide",
    "ide_methods",
    "initial_history",
    "items",
    "json_rpc",
    "jsonio",
    "mcp_tools",
    "mcp_types",
    "message_kind",
    "number_format",
    "ops",
    "parsed_command",
    "plan",
    "quick_start",
    "review",
    "rollout",
    "sandbox_policy",
    "schema",
    "shapes",
    "testing",
    "tokens",
    "tool_calls",
    "typescript",
    "unions",
    "validation",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

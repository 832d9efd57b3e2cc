"""What the model is told besides the talk: base instructions, the user's standing ones, its surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.conversation.context import environment_item, environment_update, login_shell_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.conversation.turn_context import TurnContext
    from codex_core.tools.registry import ToolRegistry
    from codex_protocol.items import ResponseItem
    from codex_protocol.ops import OverrideTurnContextOp


def instructions(context: TurnContext, tools: ToolRegistry) -> str:
    """The base instructions of a request under these settings (spec: agent.md section 5)."""
    from codex_core.conversation.prompts import base_instructions

    if context.base_instructions is not None:
        return context.base_instructions
    return base_instructions(context.family, teach_apply_patch=not tools.offers("apply_patch", context))


def initial_items(context: TurnContext, user_instructions: str | None) -> list[ResponseItem]:
    """What the model is told before the user's first word."""
    from codex_core.conversation.context import instructions_item

    items: list[ResponseItem] = [instructions_item(user_instructions)] if user_instructions else []
    items.append(
        environment_item(
            cwd=context.cwd,
            approval_policy=context.approval_policy,
            sandbox_policy=context.sandbox_policy,
            shell=login_shell_name(),
        )
    )
    return items


def environment_updates(items: Iterable[ResponseItem], context: TurnContext) -> list[ResponseItem]:
    """What to tell the model of its surroundings if `items` say otherwise, else nothing."""
    item = environment_update(items, context)
    return [] if item is None else [item]


def override_note(op: OverrideTurnContextOp, context: TurnContext) -> ResponseItem | None:
    """What to tell the model of settings that `op` has changed to `context`; None if nothing concerns it."""
    if op.cwd is None and op.approval_policy is None and op.sandbox_policy is None:
        return None
    return environment_item(
        cwd=None if op.cwd is None else context.cwd,
        approval_policy=op.approval_policy,
        sandbox_policy=op.sandbox_policy,
        shell=None,
    )

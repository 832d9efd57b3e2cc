"""What the model is told about its surroundings, as items of a conversation (agent.md section 4)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.conversation.turn_context import TurnContext
    from codex_protocol.config_types import AskForApproval
    from codex_protocol.items import MessageItem, ResponseItem
    from codex_protocol.sandbox_policy import SandboxPolicy

BRIDGE_OPENING = "An earlier part of this conversation is no longer shown to you. In it the user wrote:"
"""How the message begins that stands for everything before a compaction."""
TURN_ABORTED_OPENING = "<turn_aborted>"

_ENVIRONMENT_FIELDS = ("cwd", "approval_policy", "sandbox_mode", "network_access", "writable_roots")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_SANDBOX_FIELDS = ("sandbox_mode", "network_access", "writable_roots")


def user_message(text: str) -> MessageItem:
    """A message of the user's role with one text."""
    from codex_protocol.items import InputTextContent, MessageItem

    return MessageItem(role="user", content=(InputTextContent(text=text),))


def instructions_item(text: str) -> MessageItem:
    """The user's standing instructions as the model sees them."""
    return user_message(f"<user_instructions>\n\n{text}\n\n</user_instructions>")


def environment_item(
    *,
    cwd: str | None,
    approval_policy: AskForApproval | None,
    sandbox_policy: SandboxPolicy | None,
    shell: str | None,
) -> MessageItem:
    """Where the model works and what it may do; a part that is None is not mentioned."""
    lines = ["<environment_context>"]
    if cwd is not None:
        # As it will be read back: bytes of a name that are no UTF-8 are lone surrogates here.
        lines.append(f"  <cwd>{_SURROGATE.sub(_REPLACEMENT, cwd)}</cwd>")
    if approval_policy is not None:
        lines.append(f"  <approval_policy>{approval_policy}</approval_policy>")
    if sandbox_policy is not None:
        network = "enabled" if sandbox_policy.has_full_network_access else "restricted"
        lines.append(f"  <sandbox_mode>{sandbox_policy.mode}</sandbox_mode>")
        lines.append(f"  <network_access>{network}</network_access>")
        if roots := getattr(sandbox_policy, "writable_roots", ()):
            lines.append("  <writable_roots>")
            lines += [f"    <root>{root}</root>" for root in roots]
            lines.append("  </writable_roots>")
    if shell is not None:
        lines.append(f"  <shell>{shell}</shell>")
    lines.append("</environment_context>")
    return user_message("\n".join(lines))


def environment_fields(text: str) -> dict[str, str]:
    """The parts of an environment text by name, as they are written there."""
    fields: dict[str, str] = {}
    for name in _ENVIRONMENT_FIELDS:
        if match := re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL):
            fields[name] = match[1]
    return fields


def environment_update(items: Iterable[ResponseItem], context: TurnContext) -> MessageItem | None:
    """What has changed since the model was last told of its surroundings in `items`; None if nothing.

    A conversation that is resumed elsewhere, or under other policies, must not believe in the old ones
    (D22).
    """
    from codex_protocol.message_kind import ENVIRONMENT_CONTEXT_OPEN

    told: dict[str, str] = {}
    for item in items:
        text = text_of(item) if item.type == "message" else None
        if text is None or not text.lstrip().startswith(ENVIRONMENT_CONTEXT_OPEN):
            continue
        fields = environment_fields(text)
        if "sandbox_mode" in fields:
            told.pop("writable_roots", None)
        told |= fields
    now = environment_fields(
        text_of(
            environment_item(
                cwd=context.cwd,
                approval_policy=context.approval_policy,
                sandbox_policy=context.sandbox_policy,
                shell=None,
            )
        )
        or ""
    )
    changed = {name for name in _ENVIRONMENT_FIELDS if told.get(name) != now.get(name)}
    if not changed:
        return None
    return environment_item(
        cwd=context.cwd if "cwd" in changed else None,
        approval_policy=context.approval_policy if "approval_policy" in changed else None,
        sandbox_policy=context.sandbox_policy if changed & {*_SANDBOX_FIELDS} else None,
        shell=None,
    )


def text_of(item: ResponseItem) -> str | None:
    """The text of a message of the user's role; None for other items, and without any text."""
    from codex_protocol.items import InputTextContent, MessageItem

    if not isinstance(item, MessageItem) or item.role != "user":
        return None
    texts = [part.text for part in item.content if isinstance(part, InputTextContent)]
    return "\n".join(texts) if texts else None


def is_prompt(item: ResponseItem) -> bool:
    """Whether an item is what the user said or showed, not a block that was made for the model."""
    from codex_protocol.config_types import InputMessageKind
    from codex_protocol.items import MessageItem
    from codex_protocol.message_kind import kind_of_message

    if not isinstance(item, MessageItem) or item.role != "user":
        return False
    text = text_of(item)
    if text is None:
        return bool(item.content)
    return kind_of_message(text) is InputMessageKind.PLAIN and not text.startswith(
        (BRIDGE_OPENING, TURN_ABORTED_OPENING)
    )


_KNOWN_SHELLS = frozenset({"bash", "zsh"})
"""Others are not named: many are no shell at all, as `nologin`."""


def login_shell_name() -> str | None:
    """Base name of the user's login shell (`bash`), from the password database; None when unknown."""
    import pwd

    try:
        shell = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        return None
    name = os.path.basename(shell)
    return name if name in _KNOWN_SHELLS else None


def turn_aborted_item() -> MessageItem:
    """Tells the model, at its next request, that the user stopped it (agent.md section 26, Interrupt)."""
    return user_message(
        f"{TURN_ABORTED_OPENING}\nThe user interrupted the previous turn on purpose. Commands that were "
        "running have been stopped and may have done part of their work; check before you repeat them.\n"
        "</turn_aborted>"
    )

"""What the model is told about its surroundings, as items of a conversation (agent.md section 4)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_protocol.config_types import AskForApproval
    from codex_protocol.items import MessageItem
    from codex_protocol.sandbox_policy import SandboxPolicy


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
        lines.append(f"  <cwd>{cwd}</cwd>")
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
        "<turn_aborted>\nThe user interrupted the previous turn on purpose. Commands that were running have "
        "been stopped and may have done part of their work; check before you repeat them.\n</turn_aborted>"
    )

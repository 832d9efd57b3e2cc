"""What the interactive app was asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.command_line.agent_options import AgentOptions

if TYPE_CHECKING:
    from codex_protocol.config_types import AskForApproval


@dataclass(frozen=True, slots=True, kw_only=True)
class TuiOptions(AgentOptions):
    """The command line of `codex` or `codex resume`.

    Without a prompt the composer is empty at first; of a `resume` without an id and `last` the user picks
    the session.
    """

    approval: AskForApproval | None = None
    """After `full_auto`, which says `on-request`."""
    web_search: bool = False
    is_fork: bool = False
    """Whether a copy of that session goes on, and the session itself stays as it is."""

"""The recorded session that a run goes on with, or goes on from in a copy (spec: servers.md section 7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_core.conversation.manager import ConversationManager, NewConversation
    from codex_exec.options import ExecOptions


def find_origin(options: ExecOptions, codex_home: str) -> str | None:
    """The session file that the command line means; None for a run that begins anew.

    Raises:
        SessionError: there is no such session.
    """
    from codex_core.rollout.catalog import find_session, last_session

    if options.resume is None:
        return None
    if options.resume.session_id is None:
        return last_session(codex_home)
    return find_session(codex_home, options.resume.session_id)


async def continued(
    manager: ConversationManager, config: Config, path: str, *, is_fork: bool
) -> NewConversation:
    """The conversation in that file, or a copy of it, ready for the next turn.

    Raises:
        SessionError: it cannot be read or continued, or another process is just writing it.
    """
    if is_fork:
        return await manager.fork_conversation(config, path=path)
    return await manager.resume_conversation(config, path=path)

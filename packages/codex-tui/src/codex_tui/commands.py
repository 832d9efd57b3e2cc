"""What the commands with a slash do (spec: tui.md section 12)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_tui import __version__
from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from codex_core.config.mcp_servers import McpServerConfig
    from codex_core.presentation.spans import Line
    from codex_protocol.events import McpListToolsResponseEvent
    from codex_tui.controller import Controller

_INIT_PROMPT = """Write a file AGENTS.md in this directory: a guide for who contributes to this repository, \
human or agent. Look at the repository first and describe only what is there. Title it "Repository \
Guidelines" and keep it between 200 and 400 words, in short sections with headings: how the project is laid \
out; the commands to build, test and run it; code style and naming; how tests are written and run; what \
commits and pull requests look like here. Give examples of commands and paths. If there is an AGENTS.md \
already, improve it instead of replacing what is right."""

_AT_ANY_TIME = frozenset({"redraw", "help", "quit"})
"""Commands that need no conversation; others wait until it has begun."""


async def run_command(controller: Controller, name: str, arguments: str) -> None:
    """Does what a command of `codex_tui.composer.slash_commands` says."""
    from codex_tui.settings_pickers import pick_approvals, pick_model

    commands: Mapping[str, Callable[[Controller], Awaitable[None]]] = {
        "approvals": pick_approvals,
        "new": _begin_anew,
        "init": _write_guide,
        "compact": _compact,
        "diff": _show_diff,
        "status": _show_status,
        "mcp": _list_mcp_tools,
        "redraw": _redraw,
        "help": _show_help,
        "logout": _log_out,
        "quit": _quit,
    }
    if name not in _AT_ANY_TIME:
        await controller.sessions.until_ready()
    if controller.state.is_busy and not _works_during_turn(name):  # a turn has begun since it was typed
        controller.notice(NoticeKind.ERROR, f"'/{name}' is disabled while a task is in progress.")
        return
    if name == "model":
        await pick_model(controller, arguments)
        return
    command = commands.get(name)
    if command is None:
        controller.notice(NoticeKind.ERROR, f"/{name} is not part of this version.")
        return
    if arguments:
        controller.notice(NoticeKind.INFO, f"/{name} takes no arguments; what followed it was left out.")
    await command(controller)


def _works_during_turn(name: str) -> bool:
    from codex_tui.composer.slash_commands import COMMANDS

    return any(command.name == name and command.works_during_turn for command in COMMANDS)


# --- the conversation --------------------------------------------------------------------------------


async def _begin_anew(controller: Controller) -> None:
    controller.begin_anew()


async def _write_guide(controller: Controller) -> None:
    from codex_tui.composer.draft import Message

    controller.send(Message(_INIT_PROMPT))


async def _compact(controller: Controller) -> None:
    from codex_protocol.ops import CompactOp

    controller.history.tokens = None
    controller.state.is_turn_coming = True  # what is said before that is heard of is no turn of its own
    controller.submit(CompactOp())


async def _redraw(controller: Controller) -> None:
    controller.stage.redraw()


async def _quit(controller: Controller) -> None:
    controller.leave()


async def _log_out(controller: Controller) -> None:
    from codex_login.errors import LoginError

    controller.notice(NoticeKind.BACKGROUND, "Signing out …")  # the issuer is told, which may take a while
    try:
        removed = await controller.launch.auth.sign_out()
    except (LoginError, OSError) as error:
        controller.notice(NoticeKind.ERROR, f"The sign-in is still stored: {error}")
        return
    controller.notice(NoticeKind.INFO, "You are signed out." if removed else "You were not signed in.")
    controller.leave()


# --- what is shown -----------------------------------------------------------------------------------


async def _show_status(controller: Controller) -> None:
    from codex_tui.history.session_cells import FactsCell, status_sections

    config, tokens = controller.state.config, controller.history.tokens
    sections = status_sections(
        config,
        version=__version__,
        session_id=controller.history.session_id,
        usage=None if tokens is None else tokens.total_token_usage,
        agents_files=await asyncio.to_thread(_agents_files, config.cwd),
        account=_account(controller),
        home=controller.launch.home,
    )
    controller.history.add(FactsCell("/status", sections))
    controller.stage.changed()


def _account(controller: Controller) -> list[tuple[str, str]]:
    auth = controller.launch.auth.auth()
    if auth is None or not controller.state.config.model_provider.requires_openai_auth:
        return []
    if auth.tokens is None:
        return [("Signed in with an API key", "")]
    claims = auth.tokens.claims
    facts = [("Signed in with ChatGPT", "")]
    if email := getattr(claims, "email", None):
        facts.append(("Login", str(email)))
    if plan := auth.plan_type:
        facts.append(("Plan", plan.title()))
    return facts


def _agents_files(cwd: str) -> list[str]:
    """The AGENTS.md files from the repository's root down, relative to the session's directory."""
    import os

    from codex_core.workspace.git import repository_root

    found: list[str] = []
    top = repository_root(cwd) or cwd
    current = cwd
    while True:
        path = os.path.join(current, "AGENTS.md")
        if os.path.isfile(path):
            found.insert(0, os.path.relpath(path, cwd))
        if current in (top, os.path.dirname(current)):
            return found
        current = os.path.dirname(current)


async def _list_mcp_tools(controller: Controller) -> None:
    from codex_protocol.ops import ListMcpToolsOp

    controller.submit(ListMcpToolsOp())


def show_mcp_tools(controller: Controller, msg: McpListToolsResponseEvent) -> None:
    """The answer to `/mcp`: the servers there are and their tools."""
    from codex_tui.history.session_cells import FactsCell, mcp_sections

    servers: dict[str, tuple[str, list[str]]] = {
        name: (_how_reached(server), []) for name, server in controller.state.config.mcp_servers.items()
    }
    by_length = sorted(servers, key=len, reverse=True)  # one name may begin another
    for qualified in msg.tools:
        name = next((each for each in by_length if qualified.startswith(f"{each}__")), None)
        if name is not None:
            servers[name][1].append(qualified[len(name) + 2 :])
    for name in controller.state.failed_servers & servers.keys():
        servers[name][1].append("(none: it did not start)")
    controller.history.add(FactsCell("/mcp", mcp_sections(servers)))


def _how_reached(server: McpServerConfig) -> str:
    from shlex import join

    from codex_core.config.mcp_servers import McpStdioTransport

    transport = server.transport
    if isinstance(transport, McpStdioTransport):
        return join((transport.command, *transport.args))
    return transport.url


async def _show_help(controller: Controller) -> None:
    from codex_core.presentation.spans import Span, Style
    from codex_tui.composer.shortcuts import shortcut_sheet
    from codex_tui.composer.slash_commands import COMMANDS

    rows: list[Line] = [(Span("Commands", Style.HEADING),)]
    rows += [
        (Span(f"  /{command.name:<15}", Style.ACCENT), Span(command.description)) for command in COMMANDS
    ]
    rows += [(), *shortcut_sheet()]
    controller.stage.page("Help", lambda _width: rows)


async def _show_diff(controller: Controller) -> None:
    from codex_core.workspace.git import repository_root
    from codex_tui.working_diff import diff_rows, working_diff

    cwd = controller.state.config.cwd
    if repository_root(cwd) is None:
        controller.notice(NoticeKind.INFO, f"{cwd} is not inside a git repository: there is no diff.")
        return
    text = await working_diff(cwd, controller.launch.services.environ)
    if text is None:
        controller.notice(NoticeKind.ERROR, "git could not tell what has changed; see `git status`.")
    elif not text.strip():
        controller.notice(NoticeKind.INFO, "No changes detected.")
    else:
        rows = diff_rows(text)
        controller.stage.page("Diff", lambda _width: rows)

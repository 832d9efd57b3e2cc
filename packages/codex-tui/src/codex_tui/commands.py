"""What the commands with a slash do (spec: tui.md section 12)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_core.errors import CodexError, ConfigError
from codex_tui import __version__
from codex_tui.history.notice_cells import NoticeKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from codex_core.config.config import Config
    from codex_core.presentation.spans import Line
    from codex_protocol.config_types import AskForApproval, ReasoningEffort
    from codex_protocol.events import McpListToolsResponseEvent
    from codex_protocol.sandbox_policy import SandboxPolicy
    from codex_tui.controller import Controller

_GIT_TIMEOUT_S = 30.0
_MAX_DIFF_BYTES = 4_000_000
_MAX_UNTRACKED = 200
_INIT_PROMPT = """Write a file AGENTS.md in this directory: a guide for who contributes to this repository, \
human or agent. Look at the repository first and describe only what is there. Title it "Repository \
Guidelines" and keep it between 200 and 400 words, in short sections with headings: how the project is laid \
out; the commands to build, test and run it; code style and naming; how tests are written and run; what \
commits and pull requests look like here. Give examples of commands and paths. If there is an AGENTS.md \
already, improve it instead of replacing what is right."""


async def run_command(controller: Controller, name: str, arguments: str) -> None:
    """Does what a command of `codex_tui.composer.slash_commands` says."""
    commands: Mapping[str, Callable[[Controller], Awaitable[None]]] = {
        "model": _pick_model,
        "approvals": _pick_approvals,
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
    command = commands.get(name)
    if command is None:
        controller.notice(NoticeKind.ERROR, f"/{name} is not part of this version.")
        return
    if arguments:
        controller.notice(NoticeKind.INFO, f"/{name} takes no arguments; what followed it was left out.")
    await command(controller)


# --- settings ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelPreset:
    """A model and how hard it thinks."""

    model: str
    effort: ReasoningEffort | None
    name: str
    description: str


def model_presets(*, has_codex_models: bool) -> list[ModelPreset]:
    """What `/model` offers; the first three need a ChatGPT login (spec: tui.md section 12)."""
    from codex_protocol.config_types import ReasoningEffort as Effort

    codex = [
        ModelPreset("gpt-5-codex", Effort.LOW, "gpt-5-codex low", "made for code; answers soonest"),
        ModelPreset("gpt-5-codex", None, "gpt-5-codex medium", "made for code; thinks as long as it needs"),
        ModelPreset("gpt-5-codex", Effort.HIGH, "gpt-5-codex high", "made for code; for hard problems"),
    ]
    general = [
        ModelPreset("gpt-5", Effort.MINIMAL, "gpt-5 minimal", "hardly thinks; for small, clear tasks"),
        ModelPreset("gpt-5", Effort.LOW, "gpt-5 low", "thinks a little; for plain questions"),
        ModelPreset("gpt-5", Effort.MEDIUM, "gpt-5 medium", "a balance; good for most work"),
        ModelPreset("gpt-5", Effort.HIGH, "gpt-5 high", "thinks longest; for open or tricky problems"),
    ]
    return [*codex, *general] if has_codex_models else general


async def _pick_model(controller: Controller) -> None:
    from codex_core.config.edit import set_default_model
    from codex_protocol.config_types import AuthMode
    from codex_protocol.ops import CLEAR_EFFORT, OverrideTurnContextOp
    from codex_tui.screens.picker import ListPicker, Option

    config = controller.state.config
    present = (config.model, config.model_reasoning_effort)
    presets = model_presets(has_codex_models=controller.launch.auth.mode is not AuthMode.API_KEY)
    options = [
        Option(preset.name, preset, preset.description, (preset.model, preset.effort) == present)
        for preset in presets
    ]
    picker = ListPicker(
        "Select model and reasoning level", options, explanation="For this session and those to come."
    )
    preset = await controller.ask(picker)
    if not isinstance(preset, ModelPreset):
        return
    effort = CLEAR_EFFORT if preset.effort is None else preset.effort
    controller.submit(OverrideTurnContextOp(model=preset.model, effort=effort))
    config = controller.state.config
    controller.state.config = replace(config, model=preset.model, model_reasoning_effort=preset.effort)
    controller.history.settings = replace(controller.history.settings, requested_model=preset.model)
    profile = config.active_profile
    try:
        await asyncio.to_thread(
            set_default_model,
            config.codex_home,
            model=preset.model,
            effort=None if preset.effort is None else preset.effort.value,
            profile=profile,
        )
    except ConfigError as error:
        what = f"model for profile `{profile}`" if profile else "default model"
        controller.notice(NoticeKind.ERROR, f"Failed to save {what}: {error}")
        return
    place = f" for {profile} profile" if profile else ""
    controller.notice(NoticeKind.INFO, f"Model changed to {preset.name}{place}")


@dataclass(frozen=True, slots=True)
class ApprovalPreset:
    """A sandbox and when to ask, under one name."""

    name: str
    approval: AskForApproval
    sandbox: SandboxPolicy
    description: str


def approval_presets(config: Config) -> list[ApprovalPreset]:
    """What `/approvals` offers (spec: tui.md section 12)."""
    from codex_protocol.config_types import AskForApproval
    from codex_protocol.sandbox_policy import DangerFullAccessPolicy, ReadOnlyPolicy

    return [
        ApprovalPreset(
            "Read Only",
            AskForApproval.ON_REQUEST,
            ReadOnlyPolicy(),
            "reads files and answers; asks before it changes anything or uses the network",
        ),
        ApprovalPreset(
            "Auto",
            AskForApproval.ON_REQUEST,
            config.workspace_write,
            "changes and runs things in the workspace; asks for anything beyond, and for the network",
        ),
        ApprovalPreset(
            "Full Access",
            AskForApproval.NEVER,
            DangerFullAccessPolicy(),
            "changes anything, uses the network, and never asks; only where nothing can be lost",
        ),
    ]


async def _pick_approvals(controller: Controller) -> None:
    from codex_protocol.ops import OverrideTurnContextOp
    from codex_tui.screens.picker import ListPicker, Option

    config = controller.state.config
    present = (config.approval_policy, config.sandbox_policy)
    options = [
        Option(preset.name, preset, preset.description, (preset.approval, preset.sandbox) == present)
        for preset in approval_presets(config)
    ]
    preset = await controller.ask(
        ListPicker("Select approval mode", options, explanation="For this session only.")
    )
    if not isinstance(preset, ApprovalPreset):
        return
    controller.submit(OverrideTurnContextOp(approval_policy=preset.approval, sandbox_policy=preset.sandbox))
    controller.state.config = replace(
        controller.state.config, approval_policy=preset.approval, sandbox_policy=preset.sandbox
    )
    controller.notice(NoticeKind.INFO, f"Approval mode changed to {preset.name}")


# --- the conversation --------------------------------------------------------------------------------


async def _begin_anew(controller: Controller) -> None:
    controller.begin_anew()


async def _write_guide(controller: Controller) -> None:
    from codex_tui.composer.draft import Message

    controller.send(Message(_INIT_PROMPT))


async def _compact(controller: Controller) -> None:
    from codex_protocol.ops import CompactOp

    controller.history.tokens = None
    controller.submit(CompactOp())


async def _redraw(controller: Controller) -> None:
    controller.stage.redraw()


async def _quit(controller: Controller) -> None:
    controller.leave()


async def _log_out(controller: Controller) -> None:
    from codex_login.storage import delete_auth
    from codex_login.stores import StoreKind, open_store

    config = controller.state.config
    try:
        if config.cli_auth_credentials_store == StoreKind.FILE:
            delete_auth(config.codex_home)
        else:
            open_store(config.codex_home, config.cli_auth_credentials_store).delete()
    except (CodexError, OSError) as error:
        controller.notice(NoticeKind.ERROR, f"The login is still stored: {error}")
        return
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

    servers: dict[str, tuple[str, list[str]]] = {}
    for name, server in controller.state.config.mcp_servers.items():
        command = getattr(server, "command", None)
        how = (
            " ".join((command, *getattr(server, "args", ()))) if command else str(getattr(server, "url", ""))
        )
        servers[name] = (how, [])
    for qualified in msg.tools:
        server_name, _, tool = qualified.partition("__")
        if server_name in servers:
            servers[server_name][1].append(tool)
    controller.history.add(FactsCell("/mcp", mcp_sections(servers)))


async def _show_help(controller: Controller) -> None:
    from codex_core.presentation.spans import Span, Style
    from codex_tui.composer.shortcuts import shortcut_sheet
    from codex_tui.composer.slash_commands import COMMANDS

    rows: list[Line] = [(Span("Commands", Style.HEADING),)]
    rows += [
        (Span(f"  /{command.name:<15}", Style.ACCENT), Span(command.description)) for command in COMMANDS
    ]
    rows += [(), *shortcut_sheet()]
    controller.stage.page("Help", lambda _width: rows, at_end=False)


async def _show_diff(controller: Controller) -> None:
    from codex_core.presentation.ink import inked_rows, raw_rows
    from codex_core.presentation.spans import Style
    from codex_core.workspace.git import repository_root

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
        rows = inked_rows(raw_rows(text), Style.PLAIN)
        controller.stage.page("Diff", lambda _width: rows, at_end=False)


async def working_diff(cwd: str, environ: Mapping[str, str]) -> str | None:
    """What differs from the index, and the files git does not know, as a coloured diff; None if git fails."""
    tracked = await _git(cwd, environ, "diff", "--color=always", "--no-ext-diff", "--no-textconv")
    listed = await _git(cwd, environ, "ls-files", "--others", "--exclude-standard", "-z")
    if tracked is None or listed is None:
        return None
    found = [tracked]
    paths = [path for path in listed.split("\0") if path]
    for path in paths[:_MAX_UNTRACKED]:
        options = ("--color=always", "--no-ext-diff", "--no-textconv", "--no-index")
        found.append(await _git(cwd, environ, "diff", *options, "--", "/dev/null", path, is_diff=True) or "")
        if sum(map(len, found)) > _MAX_DIFF_BYTES:
            break
    if len(found) <= len(paths):
        found.append(f"… and {len(paths) - len(found) + 1} more new files\n")
    return "".join(found)


async def _git(cwd: str, environ: Mapping[str, str], *arguments: str, is_diff: bool = False) -> str | None:
    """What git prints, at most `_MAX_DIFF_BYTES` of it; None if it fails or takes too long."""
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "-c", "core.fsmonitor=false", "--no-pager", *arguments,
            cwd=cwd,
            env={**environ, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        out = bytearray()
        async with asyncio.timeout(_GIT_TIMEOUT_S):
            while len(out) < _MAX_DIFF_BYTES and (some := await process.stdout.read(65536)):
                out += some
            if len(out) >= _MAX_DIFF_BYTES:
                return out.decode("utf-8", "replace") + "\n… (cut: the diff is too large)\n"
            code = await process.wait()
    except (OSError, TimeoutError):
        return None
    finally:
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode("utf-8", "replace") if code == 0 or (is_diff and code == 1) else None

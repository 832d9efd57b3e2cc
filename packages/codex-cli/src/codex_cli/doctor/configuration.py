"""The configuration and the MCP servers in it: does it load, what is wrong with it, can the servers start."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Check, Result, Status, ok, skipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_cli.doctor.result import Patient, Value
    from codex_core.config.config import Config
    from codex_core.config.mcp_servers import McpServerConfig

GROUP = "Configuration"


def judge_config(config: Config | None, problems: Sequence[str], *, has_file: bool) -> Result:
    """Whether the configuration loads, with every problem and notice."""
    if config is None:
        count = len(problems)
        return Result(
            Status.FAIL,
            f"the configuration cannot be used: {count} problem{'' if count == 1 else 's'}",
            tuple(problems),
            advice="correct what is named; `codex doctor` again tells what is left",
            data={"problems": list(problems)},
        )
    data: dict[str, Value] = {
        "file": has_file,
        "model": config.model,
        "provider": config.model_provider_id,
        "profile": config.active_profile,
        "approval_policy": config.approval_policy.value,
        "sandbox_mode": config.sandbox_policy.mode.value,
        "cwd": config.cwd,
        "notices": list(config.notices),
    }
    summary = (
        f"{'config.toml loads' if has_file else 'no config.toml, defaults'}: "
        f"model {config.model} of provider {config.model_provider_id}, "
        f"approval {config.approval_policy.value}, sandbox {config.sandbox_policy.mode.value}"
    )
    if config.active_profile is not None:
        summary += f", profile {config.active_profile}"
    status = Status.WARN if config.notices else Status.OK
    return Result(status, summary, config.notices, data=data)


def judge_dotenv(names: Sequence[str] | None, *, is_readable: bool) -> Result:
    """What CODEX_HOME/.env brings in: names only; None where there is no file."""
    if not is_readable:
        return Result(Status.WARN, ".env cannot be read, so nothing in it counts")
    if names is None:
        return ok("no .env")
    if not names:
        return Result(
            Status.WARN,
            ".env sets nothing",
            advice="a line is NAME=value, with quotes around a value with blanks; CODEX_ names do not count",
        )
    return ok(f".env sets {', '.join(names)}", names=list(names))


def judge_servers(servers: Mapping[str, McpServerConfig], environ: Mapping[str, str], cwd: str) -> Result:
    """Whether the program of every MCP server is there. Arguments and values may be secret: not shown."""
    if not servers:
        return ok("no MCP servers are configured")
    details = []
    missing = []
    found: dict[str, Value] = {}
    for name, server in servers.items():
        state, is_there = _examine_server(server, environ, cwd)
        details.append(f"{name}: {state}")
        found[name] = {"enabled": server.enabled, "usable": is_there, "state": state}
        if not is_there:
            missing.append(name)
    if missing:
        return Result(
            Status.FAIL,
            f"MCP server{'' if len(missing) == 1 else 's'} that cannot be used: {', '.join(missing)}",
            tuple(details),
            advice="correct [mcp_servers.NAME] in config.toml, or switch it off there with `enabled = false`",
            data={"servers": found},
        )
    summary = f"{len(servers)} MCP server{'' if len(servers) == 1 else 's'}"
    return Result(Status.OK, summary, tuple(details), data={"servers": found})


def _examine_server(server: McpServerConfig, environ: Mapping[str, str], cwd: str) -> tuple[str, bool]:
    """What there is to say of a server, and whether nothing keeps it from being started or reached."""
    from codex_core.config.mcp_servers import McpHttpTransport
    from codex_login.shown_url import shown_url

    if not server.enabled:
        return "switched off", True
    transport = server.transport
    if isinstance(transport, McpHttpTransport):
        variable = transport.bearer_token_env_var
        where = shown_url(transport.url)
        if variable and not environ.get(variable, "").strip():
            return f"{where}; {variable}, its token, is not set", False
        return where, True
    directory = os.path.join(cwd, transport.cwd or "")
    if not os.path.isdir(directory):
        return f"its working directory {directory} is not there", False
    path = find_program(transport.command, {**environ, **(transport.env or {})}, directory)
    return (path, True) if path is not None else (f"there is no program {transport.command}", False)


def find_program(command: str, environ: Mapping[str, str], cwd: str) -> str | None:
    """Where a command would be found, by PATH of `environ` or below `cwd`."""
    if os.sep in command:
        command = os.path.join(cwd, command)
    try:
        return shutil.which(command, path=environ.get("PATH", os.defpath))
    except ValueError:  # a null byte
        return None


def _check_config(patient: Patient) -> Result:
    from codex_core.config.sources import CONFIG_FILE_NAME

    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    has_file = os.path.exists(os.path.join(patient.home, CONFIG_FILE_NAME))
    return judge_config(patient.config, patient.problems, has_file=has_file)


def _check_dotenv(patient: Patient) -> Result:
    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    from codex_core.execution.dotenv import load_dotenv

    try:
        with open(os.path.join(patient.home, ".env"), encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except FileNotFoundError:
        return judge_dotenv(None, is_readable=True)
    except OSError:
        return judge_dotenv(None, is_readable=False)
    return judge_dotenv(list(load_dotenv(text, patient.environ)), is_readable=True)


def _check_servers(patient: Patient) -> Result:
    if patient.config is None:
        return skipped("the configuration cannot be used")
    return judge_servers(patient.config.mcp_servers, patient.environ, patient.config.cwd)


CHECKS: tuple[Check, ...] = (
    Check("config", GROUP, _check_config),
    Check("dotenv", GROUP, _check_dotenv),
    Check("mcp_servers", GROUP, _check_servers),
)

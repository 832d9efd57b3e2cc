"""Arguments of `codex` and `codex-reply`, the tools our MCP server offers (spec: servers.md section 2)."""

from __future__ import annotations

from pydantic import ConfigDict

from codex_protocol.base import WireModel
from codex_protocol.camel import CamelModel
from codex_protocol.config_types import AskForApproval, SandboxMode
from codex_protocol.fields import Bool, OmitNone


def to_kebab(name: str) -> str:
    """`approval_policy` as `approval-policy`."""
    return name.replace("_", "-")


class CodexToolCallParams(WireModel):
    """How a session starts, and its first prompt; `config` holds settings under dotted keys."""

    model_config = ConfigDict(alias_generator=to_kebab, validate_by_name=True, validate_by_alias=True)

    approval_policy: OmitNone[AskForApproval] = None
    base_instructions: OmitNone[str] = None
    config: OmitNone[dict[str, object]] = None
    cwd: OmitNone[str] = None
    include_plan_tool: OmitNone[Bool] = None
    model: OmitNone[str] = None
    profile: OmitNone[str] = None
    prompt: str
    sandbox: OmitNone[SandboxMode] = None


class CodexReplyToolCallParams(CamelModel):
    """The next prompt of a session."""

    conversation_id: str
    prompt: str

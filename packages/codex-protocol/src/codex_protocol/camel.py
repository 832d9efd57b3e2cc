"""Base of the wire types whose keys are camelCase: MCP and the editor methods."""

from __future__ import annotations

from pydantic import ConfigDict

from codex_protocol.base import WireModel


def to_camel(name: str) -> str:
    """`rollout_path` as `rolloutPath`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


class CamelModel(WireModel):
    """snake_case in code, camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)

"""The arguments models give the tools that every session has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_protocol.base import WireModel
from codex_protocol.errors import ProtocolError
from codex_protocol.fields import Bool, OmitNone, Uint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


class ShellToolCallParams(WireModel):
    """Arguments of `shell` and `container.exec`; `timeout` is read as another name of `timeout_ms`."""

    command: tuple[str, ...]
    workdir: OmitNone[str] = None
    timeout_ms: OmitNone[Uint] = None
    with_escalated_permissions: OmitNone[Bool] = None
    justification: OmitNone[str] = None

    @classmethod
    def from_wire(cls, data: Mapping[str, object]) -> Self:
        """The arguments a decoded JSON object stands for.

        Raises:
            ProtocolError: when a field is missing, of the wrong kind, or given under both its names.
        """
        if isinstance(data, dict) and "timeout" in data:
            if "timeout_ms" in data:
                raise ProtocolError("duplicate field `timeout_ms`")
            data = {"timeout_ms" if key == "timeout" else key: value for key, value in data.items()}
        return super().from_wire(data)

"""The JSON Schema that the final answer has to fit (spec: servers.md section 8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_exec.prompt import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_output_schema(path: str) -> Mapping[str, object]:
    """The schema in a file.

    Raises:
        RunError: it cannot be read, or is no JSON object.
    """
    from codex_protocol.errors import ProtocolError
    from codex_protocol.jsonio import loads_object

    try:
        with open(path, "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RunError(f"Failed to read output schema file {path}: {reason}") from error
    try:
        return loads_object(data)
    except ProtocolError as error:
        raise RunError(f"Output schema file {path} is not valid JSON: {error}") from error

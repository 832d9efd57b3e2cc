"""What Ollama tells while it downloads a model: JSON lines, read as they come (spec: auth.md section 14)."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Status:
    """What it is doing."""

    text: str


@dataclass(frozen=True, slots=True)
class LayerProgress:
    """How far one layer of the model is; None where that was not said."""

    digest: str
    total: int | None = None
    completed: int | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The model is there."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It gave up."""

    reason: str


PullEvent = Status | LayerProgress | Succeeded | Failed


class PullLines:
    """Cuts the stream into lines and reads them; what is no JSON object is skipped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[PullEvent]:
        """What the lines say that are complete now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest = b""  # not a line of Ollama's
        return [event for line in lines for event in _read(line)]

    def finish(self) -> list[PullEvent]:
        """What a last line says that has no end."""
        line, self._rest = self._rest, b""
        return _read(line)


def _read(line: bytes) -> list[PullEvent]:
    import json

    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return []
    if not isinstance(found, dict):
        return []
    if (error := found.get("error")) is not None:
        return [Failed(error if isinstance(error, str) else json.dumps(error))]
    status, digest = found.get("status"), found.get("digest")
    total, completed = _size(found.get("total")), _size(found.get("completed"))
    if status == "success":
        return [Succeeded()]
    if total is not None or completed is not None:
        # The status beside amounts only names the layer.
        return [LayerProgress(digest if isinstance(digest, str) else "", total, completed)]
    return [Status(status)] if isinstance(status, str) and status else []


def _size(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None

"""What the model says when it calls a terminal tool, read with care (spec: agent.md sections 11 and 23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe, loads_object

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SHELL = "/bin/bash"
DEFAULT_EXEC_YIELD_MS = 10_000
DEFAULT_WRITE_YIELD_MS = 250
DEFAULT_UNIFIED_TIMEOUT_MS = 1_000
DEFAULT_MAX_OUTPUT_TOKENS = 10_000

_U32, _U64 = 2**32 - 1, 2**64 - 1


@dataclass(frozen=True, slots=True)
class ExecCommandArguments:
    """Arguments of `exec_command`."""

    cmd: str
    shell: str
    login: bool
    workdir: str | None
    yield_time_ms: int
    max_output_tokens: int
    with_escalated_permissions: bool
    justification: str | None

    @classmethod
    def parse(cls, text: str) -> ExecCommandArguments:
        """The arguments in JSON `text`. Raises: ProtocolError."""
        fields = _Fields(loads_object(text))
        return cls(
            cmd=fields.text("cmd"),
            shell=fields.optional_text("shell") or DEFAULT_SHELL,
            login=fields.flag("login", default=True),
            workdir=fields.path("workdir"),
            yield_time_ms=fields.count("yield_time_ms", DEFAULT_EXEC_YIELD_MS),
            max_output_tokens=fields.count("max_output_tokens", DEFAULT_MAX_OUTPUT_TOKENS),
            with_escalated_permissions=fields.flag("with_escalated_permissions", default=False),
            justification=fields.optional_text("justification"),
        )


@dataclass(frozen=True, slots=True)
class WriteStdinArguments:
    """Arguments of `write_stdin`."""

    session_id: int
    chars: str
    yield_time_ms: int
    max_output_tokens: int

    @classmethod
    def parse(cls, text: str) -> WriteStdinArguments:
        """The arguments in JSON `text`. Raises: ProtocolError."""
        fields = _Fields(loads_object(text))
        return cls(
            session_id=fields.count("session_id", None, limit=_U32, kind="u32"),
            chars=fields.text("chars"),
            yield_time_ms=fields.count("yield_time_ms", DEFAULT_WRITE_YIELD_MS),
            max_output_tokens=fields.count("max_output_tokens", DEFAULT_MAX_OUTPUT_TOKENS),
        )


@dataclass(frozen=True, slots=True)
class UnifiedExecArguments:
    """Arguments of `unified_exec`."""

    input: tuple[str, ...]
    session_id: str | None
    timeout_ms: int
    with_escalated_permissions: bool
    justification: str | None

    @classmethod
    def parse(cls, text: str) -> UnifiedExecArguments:
        """The arguments in JSON `text`. Raises: ProtocolError."""
        fields = _Fields(loads_object(text))
        return cls(
            input=fields.texts("input"),
            session_id=fields.optional_text("session_id"),
            timeout_ms=fields.count("timeout_ms", DEFAULT_UNIFIED_TIMEOUT_MS),
            with_escalated_permissions=fields.flag("with_escalated_permissions", default=False),
            justification=fields.optional_text("justification"),
        )


class _Fields:
    """Reads one argument after the other; unknown ones are ignored, null stands for a missing one."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        if name not in self._values:
            raise ProtocolError(f"missing field `{name}`")
        return _text(name, self._values[name])

    def optional_text(self, name: str) -> str | None:
        value = self._values.get(name)
        return None if value is None else _text(name, value)

    def path(self, name: str) -> str | None:
        value = self.optional_text(name)
        if value is not None and "\0" in value:
            raise ProtocolError(f"`{name}` holds a NUL character, which no path can have")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        if name not in self._values:
            raise ProtocolError(f"missing field `{name}`")
        value = self._values[name]
        if not isinstance(value, list):
            raise _wrong(name, value, "a sequence")
        return tuple(_text(name, item) for item in value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise _wrong(name, value, "a boolean")
        return value

    def count(self, name: str, default: int | None, *, limit: int = _U64, kind: str = "u64") -> int:
        value = self._values.get(name)
        if value is None:
            if default is None:
                raise ProtocolError(f"missing field `{name}`")
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # the schema says "number", so a model may well write 250.0
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(name, value, kind)
        if not 0 <= value <= limit:
            raise ProtocolError(f"invalid value: {describe(value)}, expected {kind} (`{name}`)")
        return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "a string")
    return value


def _wrong(name: str, value: object, expected: str) -> ProtocolError:
    return ProtocolError(f"invalid type: {describe(value)}, expected {expected} (`{name}`)")

"""How single fields behave on the wire: left out when none, unsigned, 32-bit, base64, UUID, resolved late."""

from __future__ import annotations

import re
import struct
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar, cast

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, Strict
from pydantic_core import core_schema

from codex_protocol import sandbox_policy
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler

    from codex_protocol.jsonio import JSON

T = TypeVar("T")


def is_none(value: object) -> bool:
    """Whether a field is left out because it holds nothing."""
    return value is None


def is_empty(value: object) -> bool:
    """Whether a field is left out because it holds an empty collection or text."""
    return not value


def canonical_uuid(text: str) -> str:
    """A UUID of any version in lower-case hyphenated form; simple, braced and urn spellings are read too.

    Raises:
        ProtocolError: when `text` is no UUID.
    """
    match = _UUID.fullmatch(text)
    if match is None:
        raise ProtocolError(f"invalid value: {describe(text)}, expected a UUID")
    digits = (match["digits"] or match["urn"] or match["braced"]).replace("-", "").lower()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_HYPHENATED = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_UUID = re.compile(
    rf"(?P<digits>{_HYPHENATED}|[0-9a-fA-F]{{32}})|urn:uuid:(?P<urn>{_HYPHENATED})|\{{(?P<braced>{_HYPHENATED})\}}"
)


def round_to_float32(value: float) -> float:
    """The number with the fewest digits that is the same 32-bit float as `value`.

    Raises:
        ProtocolError: when `value` does not fit 32 bits.
    """
    single = widen_float32(value)
    for digits in range(1, 9):
        short = float(f"{single:.{digits}g}")
        # Rounded up, the largest numbers no longer fit.
        if abs(short) <= MAX_FLOAT32 and widen_float32(short) == single:
            return short
    return float(f"{single:.9g}")


def widen_float32(value: float) -> float:
    """The 64-bit number that a 32-bit float shows as when it passes through a generic JSON tree."""
    try:
        single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError as error:
        raise ProtocolError(f"invalid value: {describe(value)}, expected a 32-bit number") from error
    if single - single != 0.0:
        raise ProtocolError(f"invalid value: {describe(value)}, expected a finite number")
    return single


MAX_FLOAT32 = (2 - 2**-23) * 2.0**127


class Base64:
    """Marks a bytes field that is standard base64 with padding on the wire."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _decode_base64,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _encode_base64, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )


def _decode_base64(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ProtocolError(f"invalid type: {describe(value)}, expected a string")
    # Padding is always written, and may be missing when read.
    padding = "" if "=" in value else "=" * (-len(value) % 4)
    try:
        return a2b_base64(value + padding, strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise ProtocolError(f"invalid base64: {error}") from error


def _encode_base64(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode("ascii")


class Policy:
    """Marks a field that holds a sandbox policy, which is no pydantic model."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read_policy,
            serialization=core_schema.plain_serializer_function_ser_schema(_write_policy, when_used="json"),
        )


def _read_policy(value: object) -> sandbox_policy.SandboxPolicy:
    if isinstance(value, sandbox_policy.SandboxPolicy):
        return value
    return sandbox_policy.parse_sandbox_policy(cast("Mapping[str, object]", value))


def _write_policy(value: sandbox_policy.SandboxPolicy) -> dict[str, JSON]:
    return value.to_wire()


IN_MEMORY = "counts things in memory"

OmitNone: TypeAlias = Annotated[T | None, Field(exclude_if=is_none)]
"""Missing and null read as None; None is left out when written."""

Int32: TypeAlias = Annotated[int, Strict(), Ge(-(2**31)), Le(2**31 - 1)]
Int64: TypeAlias = Annotated[int, Strict(), Ge(-(2**63)), Le(2**63 - 1)]
Uint32: TypeAlias = Annotated[int, Strict(), Ge(0), Le(2**32 - 1)]
Uint: TypeAlias = Annotated[int, Strict(), Ge(0), Le(2**64 - 1)]
"""Unsigned 64-bit integer."""
Size: TypeAlias = Annotated[int, Strict(), Ge(0), Le(2**64 - 1), IN_MEMORY]
"""Unsigned integer that counts things in memory, so that a JavaScript number can hold it."""
Bool: TypeAlias = Annotated[bool, Strict()]
Float32: TypeAlias = Annotated[float, Strict(), AfterValidator(round_to_float32)]
Float64: TypeAlias = Annotated[float, Strict()]
Base64Bytes: TypeAlias = Annotated[bytes, Base64()]
SandboxPolicy: TypeAlias = Annotated[sandbox_policy.SandboxPolicy, Policy()]
GIT_SHA = "git object name"
GitSha: TypeAlias = Annotated[str, GIT_SHA]
"""A commit's name as git prints it, 40 hex digits."""
ConversationId: TypeAlias = Annotated[str, AfterValidator(canonical_uuid)]
"""Identifies a conversation: a UUID, kept in canonical form."""

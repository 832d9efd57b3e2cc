"""The errors this distribution raises for data that is not what it claims to be.

ProtocolError
└── UnknownMethodError
"""

from __future__ import annotations


class ProtocolError(ValueError):
    """Text that is not JSON of the expected shape; `str()` names the first thing wrong with it.

    `reason` is the sentence alone, `location` the keys and indexes that lead to where it applies.
    """

    def __init__(self, reason: str, location: tuple[str, ...] = ()) -> None:
        super().__init__(reason, location)
        self.reason = reason
        self.location = location

    def __str__(self) -> str:
        return f"{self.reason} in `{'.'.join(self.location)}`" if self.location else self.reason


class UnknownMethodError(ProtocolError):
    """A well-formed JSON-RPC frame that names a method nobody here knows."""

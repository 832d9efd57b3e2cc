"""The errors this distribution raises for data that is not what it claims to be.

ProtocolError
└── UnknownMethodError
"""

from __future__ import annotations


class ProtocolError(ValueError):
    """Text that is not JSON of the expected shape; `str()` names the first thing wrong with it."""


class UnknownMethodError(ProtocolError):
    """A well-formed JSON-RPC frame that names a method nobody here knows."""

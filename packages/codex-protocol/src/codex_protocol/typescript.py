"""TypeScript declarations of everything an editor says and hears, one file per type.

The names, fields and optionality are those `codex generate-ts` of the reference gives (spec: protocol.md
section 13). There optional keys are `T | null` though they may be absent on the wire, durations and bytes
are `string`, and 64-bit numbers are `bigint`.
"""

from __future__ import annotations

import os
from enum import Enum, StrEnum
from inspect import cleandoc
from typing import TYPE_CHECKING

from codex_protocol import config_types, file_change, ide, json_rpc, mcp_types, parsed_command, plan, review, tokens
from codex_protocol.base import WireModel
from codex_protocol.events.dispatch import EVENT_MSG
from codex_protocol.shapes import (
    SANDBOX_POLICY,
    Anything,
    Const,
    Either,
    Flag,
    ListOf,
    MapOf,
    Member,
    Named,
    Nullable,
    Number,
    Object,
    OtherThan,
    Shape,
    Text,
    shape_of,
    shape_of_marker,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_protocol.fields import Tagged

"""Reading the JSON of stream events: fast, forgiving, and never half a character."""

from __future__ import annotations

import json
import logging
import math

_log = logging.getLogger(__name__)


def _finite(text: str) -> float | None:
    """A number as JSON knows it; one that no float can hold is as if it were not given."""
    number = float(text)
    return number if math.isfinite(number) else None


# NaN and the infinities are no JSON, and could not be written down again.
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=lambda _: None)
_raw_decode = _DECODER.raw_decode


def decoded(data: str) -> dict[str, object] | None:
    """The object in one event's data; None, with a log line, when it is none."""
    try:
        # json.loads costs three times as much for a line this short.
        event, end = _raw_decode(data)
        if end != len(data) and not data[end:].isspace():
            event = None
    except (ValueError, RecursionError):
        event = _decoded_with_margins(data)
    if not isinstance(event, dict):
        _log.debug("skipped event data that is no JSON object")
        return None
    if "\\ud" in data or "\\uD" in data:
        # Half a surrogate pair is no character; written and read again it is U+FFFD, and the rest is kept.
        from codex_protocol.jsonio import dumps

        event = dict(_DECODER.decode(dumps(event)))
    return event


def _decoded_with_margins(data: str) -> object:
    try:
        value: object = _DECODER.decode(data)
    except (ValueError, RecursionError):
        return None
    return value


def mapping(value: object) -> dict[str, object]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """The value if it is a text that says something."""
    return value if isinstance(value, str) and value else None

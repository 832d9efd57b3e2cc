"""A code review: what is asked for and what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_protocol.base import WireModel
from codex_protocol.errors import ProtocolError
from codex_protocol.fields import Float32, Int32, Uint32, widen_float32
from codex_protocol.jsonio import loads_object

if TYPE_CHECKING:
    from codex_protocol.jsonio import JSON


class ReviewRequest(WireModel):
    """What to review, in full for the model and in brief for the user."""

    prompt: str
    user_facing_hint: str


class ReviewLineRange(WireModel):
    """Lines from `start` to `end`, both included."""

    start: Uint32
    end: Uint32


class ReviewCodeLocation(WireModel):
    """Where in the code a finding is."""

    absolute_file_path: str
    line_range: ReviewLineRange


class ReviewFinding(WireModel):
    """One thing found."""

    title: str
    body: str
    confidence_score: Float32
    priority: Int32
    code_location: ReviewCodeLocation


class ReviewOutputEvent(WireModel):
    """The outcome of a review. Everything is required on the wire; the defaults make the fallback."""

    findings: tuple[ReviewFinding, ...]
    overall_correctness: str
    overall_explanation: str
    overall_confidence_score: Float32

    @classmethod
    def plain(cls, explanation: str) -> ReviewOutputEvent:
        """The outcome when the reviewer answered in prose."""
        return cls(
            findings=(),
            overall_correctness="",
            overall_explanation=explanation,
            overall_confidence_score=0.0,
        )

    @classmethod
    def from_answer(cls, text: str) -> ReviewOutputEvent:
        """The outcome a reviewer's final text stands for: JSON, JSON inside prose, or prose."""
        start, end = text.find("{"), text.rfind("}")
        for candidate in (text, text[start : end + 1] if 0 <= start < end else ""):
            try:
                return cls.from_wire(loads_object(candidate))
            except ProtocolError:
                continue
        return cls.plain(text)


def widened(wire: JSON) -> JSON:
    """Written data with the review scores in it as they look after a trip through a generic JSON tree.

    Notifications of the MCP server show them this way (spec: protocol.md section 0).
    """
    if isinstance(wire, dict):
        return {
            key: widen_float32(value) if key in _SCORES and isinstance(value, float) else widened(value)
            for key, value in wire.items()
        }
    if isinstance(wire, list):
        return [widened(child) for child in wire]
    return wire


_SCORES = frozenset({"confidence_score", "overall_confidence_score"})

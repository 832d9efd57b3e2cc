"""What a reviewer's final text stands for."""

from __future__ import annotations

import pytest

from codex_protocol.events import Event, ExitedReviewModeEvent
from codex_protocol.ide import EventNotificationParams, ResumeConversationResponse
from codex_protocol.review import (
    ReviewCodeLocation,
    ReviewFinding,
    ReviewLineRange,
    ReviewOutputEvent,
)

OUTPUT = ReviewOutputEvent(
    findings=(
        ReviewFinding(
            title="t",
            body="b",
            confidence_score=0.9,
            priority=-1,
            code_location=ReviewCodeLocation(
                absolute_file_path="/x", line_range=ReviewLineRange(start=1, end=2)
            ),
        ),
    ),
    overall_correctness="ok",
    overall_explanation="e",
    overall_confidence_score=0.1,
)


@pytest.mark.parametrize("frame", ["{}", "```json\n{}\n```", "Here you are: {} Bye."])
def test_json_is_found_whole_or_inside_prose(frame):
    assert ReviewOutputEvent.from_answer(frame.replace("{}", OUTPUT.to_json())) == OUTPUT


@pytest.mark.parametrize("text", ["fine", "", "{", "} {", '{"findings":[]}', "{not json}", "[]"])
def test_anything_else_is_an_explanation(text):
    output = ReviewOutputEvent.from_answer(text)
    assert output == ReviewOutputEvent.plain(text)
    assert output.to_wire() == {
        "findings": [],
        "overall_correctness": "",
        "overall_explanation": text,
        "overall_confidence_score": 0.0,
    }


def test_scores_widen_on_their_way_to_an_editor_and_come_back_short():
    event = Event(id="0", msg=ExitedReviewModeEvent(review_output=OUTPUT))
    assert '"confidence_score":0.9,' in event.to_json()
    sent = EventNotificationParams(id=event.id, msg=event.msg, conversation_id="c").to_json()
    assert '"confidence_score":0.8999999761581421,' in sent
    assert '"overall_confidence_score":0.10000000149011612}' in sent
    assert EventNotificationParams.from_json(sent).msg == event.msg
    uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8"
    resumed = ResumeConversationResponse(conversation_id=uuid, model="m", initial_messages=(event.msg,))
    assert '"confidence_score":0.8999999761581421,' in resumed.to_json()
    assert ResumeConversationResponse.from_json(resumed.to_json()) == resumed

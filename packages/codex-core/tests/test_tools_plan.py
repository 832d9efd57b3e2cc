"""`update_plan`: the plan becomes an event, the model an acknowledgement (spec: agent.md section 12)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codex_core.tools.plan import PlanTool

STEP = {"step": "read", "status": "in_progress"}


async def test_a_plan_is_shown_and_acknowledged(bench: Any) -> None:
    plan = [STEP, {"step": "write", "status": "pending"}, {"step": "ask", "status": "completed"}]
    assert await bench.call("update_plan", {"explanation": "why", "plan": plan}) == "Plan updated"
    assert bench.events == [{"type": "plan_update", "explanation": "why", "plan": plan}]


@pytest.mark.parametrize("arguments", [{"plan": []}, {"plan": [], "explanation": None}])
async def test_a_plan_needs_neither_steps_nor_reason(arguments: object, bench: Any) -> None:
    assert await bench.call("update_plan", arguments) == "Plan updated"
    assert bench.events == [{"type": "plan_update", "explanation": None, "plan": []}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", ""),
        ("{broken", ""),
        ("[]", ""),
        ({}, "plan"),
        ({"plan": "read"}, "plan"),
        ({"plan": [{"step": "read"}]}, "status"),
        ({"plan": [{"status": "pending"}]}, "step"),
        ({"plan": [{"step": "read", "status": "done"}]}, "done"),
        ({"plan": [{**STEP, "owner": "me"}]}, "owner"),
        ({"plan": [STEP], "title": "x"}, "title"),
    ],
)
async def test_anything_else_is_an_error_the_model_can_mend(
    arguments: object, words: str, bench: Any
) -> None:
    output = await bench.call("update_plan", arguments)
    assert output.startswith("failed to parse function arguments: ")
    assert words in output
    assert bench.events == []


def test_it_is_offered_where_plans_are_shown(bench: Any) -> None:
    assert PlanTool().spec(replace(bench.context, offers_plan=False)) is None
    spec = PlanTool().spec(replace(bench.context, offers_plan=True))
    assert spec is not None
    wire: dict[str, Any] = spec.to_responses()
    assert (wire["type"], wire["name"], wire["strict"]) == ("function", "update_plan", False)
    parameters = wire["parameters"]
    assert list(parameters["properties"]) == ["explanation", "plan"]
    assert (parameters["required"], parameters["additionalProperties"]) == (["plan"], False)
    step = parameters["properties"]["plan"]["items"]
    assert sorted(step["required"]) == ["status", "step"]
    assert step["additionalProperties"] is False


async def test_it_answers_though_it_is_not_offered(talk: Any) -> None:
    from codex_core.testing import answer, message, plan_call

    await talk.start([answer(plan_call(("read", "pending"))), answer(message("ok"))])
    assert "plan_update" in await talk.ask("go")
    assert talk.input_of(1)[-1]["output"] == "Plan updated"
    offered = [tool.get("name", tool["type"]) for tool in talk.server.requests[0].json["tools"]]
    assert "update_plan" not in offered

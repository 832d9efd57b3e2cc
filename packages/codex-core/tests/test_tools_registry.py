"""Which tools a turn offers, in which order, and who answers a call (spec: agent.md sections 11 and 12)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codex_core.model.families import family_for
from codex_core.tools.registry import default_registry


def offered(bench: Any, **changes: Any) -> list[str]:
    if "model" in changes:
        changes["family"] = family_for(changes["model"])
    specs = default_registry().specs(replace(bench.context, **changes))
    wires: list[dict[str, Any]] = [spec.to_responses() for spec in specs]
    return [str(wire.get("name", wire["type"])) for wire in wires]


def test_tools_are_offered_in_one_order_whatever_is_on(bench: Any) -> None:
    everything = {"offers_plan": True, "offers_apply_patch": True, "offers_web_search": True}
    assert offered(bench, **everything) == ["shell", "update_plan", "apply_patch", "web_search", "view_image"]
    assert offered(bench) == ["shell", "view_image"]
    assert offered(bench, offers_view_image=False) == ["shell"]
    assert offered(bench, model="gpt-oss:20b") == ["shell", "apply_patch", "view_image"]


def test_what_is_offered_can_be_asked_by_name(bench: Any) -> None:
    registry = default_registry()
    assert registry.offers("shell", bench.context)
    assert not registry.offers("apply_patch", bench.context)
    assert registry.offers("apply_patch", replace(bench.context, offers_apply_patch=True))
    assert not registry.offers("nothing", bench.context)


@pytest.mark.parametrize(
    ("name", "kind", "output"),
    [
        ("nothing", "function_call", "unsupported call: nothing"),
        ("", "function_call", "unsupported call: "),
        ("web_search", "function_call", "unsupported call: web_search"),
        ("nothing", "custom_tool_call", "unsupported custom tool call: nothing"),
        ("shell", "custom_tool_call", "unsupported custom tool call: shell"),
        ("update_plan", "custom_tool_call", "unsupported custom tool call: update_plan"),
    ],
)
async def test_calls_nobody_answers_are_told(name: str, kind: str, output: str, bench: Any) -> None:
    assert await bench.call(name, "{}", kind=kind) == output
    assert bench.events == []


async def test_a_search_of_the_provider_shows_only_its_events(talk: Any) -> None:
    from codex_core.testing import answer, message, web_search

    await talk.start([answer(web_search("cats"), message("ok")), answer(message("ok"))])
    kinds = await talk.ask("go")
    assert [kind for kind in kinds if kind.startswith("web_search")] == ["web_search_begin", "web_search_end"]
    await talk.ask("again")
    assert "web_search_call" not in [item["type"] for item in talk.input_of(1)]

"""Importing costs only what is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import codex_protocol

SHORT_TURN = (
    "from codex_protocol.events import Event, SessionConfiguredEvent, TaskStartedEvent, AgentMessageEvent, "
    "AgentMessageDeltaEvent, ExecCommandBeginEvent, ExecCommandEndEvent, TokenCountEvent, TaskCompleteEvent\n"
    "from codex_protocol import items, ops, rollout\n"
)


def loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_package_itself_imports_nothing():
    loaded = loaded_after("import codex_protocol")
    assert {name for name in loaded if name.startswith("codex_protocol")} == {"codex_protocol"}
    assert "pydantic" not in loaded


@pytest.mark.parametrize("area", ["config_types", "sandbox_policy", "jsonio", "errors", "number_format"])
def test_plain_areas_need_no_pydantic(area):
    loaded = loaded_after(f"import codex_protocol.{area}")
    assert not {"pydantic", "pydantic_core"} & loaded


def test_naming_the_events_imports_none_of_them():
    loaded = loaded_after("import codex_protocol.events")
    assert not {"pydantic", "codex_protocol.base"} & loaded


def test_a_short_turn_leaves_the_other_areas_alone():
    loaded = loaded_after(SHORT_TURN)
    areas = {name.removeprefix("codex_protocol.") for name in loaded if name.startswith("codex_protocol.")}
    assert not areas & {
        "events.answers",
        "events.calls",
        "events.patches",
        "events.reviews",
        "exec_events",
        "file_change",
        "ide",
        "mcp_types",
        "plan",
        "review",
        "schema",
        "shapes",
    }
    assert not {"hypothesis", "argparse"} & loaded


def test_importing_builds_no_validator_and_using_one_type_builds_only_that():
    code = (
        SHORT_TURN
        + "from codex_protocol.base import WireModel\n"
        + "def built(cls):\n"
        + "    return {c.__name__ for c in cls.__subclasses__() if c.__pydantic_complete__}.union(\n"
        + "        *(built(c) for c in cls.__subclasses__()))\n"
        + "assert not {n for n in built(WireModel) if not n.endswith('Model')}, built(WireModel)\n"
        + "Event(id='1', msg=AgentMessageEvent(message='m')).to_json()\n"
        + "found = {n for n in built(WireModel) if not n.endswith('Model')}\n"
        + "assert found == {'Event', 'AgentMessageEvent'}, found\n"
    )
    loaded_after(code)


def test_every_area_is_reached_through_the_package():
    for name in codex_protocol.__all__:
        assert getattr(codex_protocol, name) is not None
    assert set(codex_protocol.__all__) <= set(dir(codex_protocol))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = codex_protocol.nonsense

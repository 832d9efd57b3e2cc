"""Tool outputs and environments as the scripted model reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.model.demo.visit import Environment, Outcome, RefusedBy, read_outcome, read_visit


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ('{"output":"a\\n","metadata":{"exit_code":0,"duration_seconds":0.1}}', Outcome("a\n", 0)),
        ('{"output":"x","metadata":{"exit_code":3,"duration_seconds":0.1}}', Outcome("x", 3)),
        (
            '{"output":"touch: /x: Permission denied","metadata":{"exit_code":1}}',
            Outcome("touch: /x: Permission denied", 1, RefusedBy.SANDBOX),
        ),
        (
            (
                "failed in sandbox LinuxSeccomp with execution error: sandbox denied exec error, exit code: 2, "
                "stdout: some\nlines, stderr: no\n"
            ),
            Outcome("no", 2, RefusedBy.SANDBOX),
        ),
        (
            "failed in sandbox None with execution error: command was killed by a signal",
            Outcome("failed in sandbox None with execution error: command was killed by a signal"),
        ),
        ("exec command rejected by user", Outcome("exec command rejected by user", None, RefusedBy.USER)),
        ("patch rejected by user", Outcome("patch rejected by user", None, RefusedBy.USER)),
        ("exec command rejected: x", Outcome("exec command rejected: x", None, RefusedBy.POLICY)),
        ("patch rejected: outside", Outcome("patch rejected: outside", None, RefusedBy.POLICY)),
        ("Plan updated", Outcome("Plan updated", 0)),
        ("unsupported call: x", Outcome("unsupported call: x")),
        ("aborted", Outcome("aborted")),
        ("[1]", Outcome("[1]")),
    ],
)
def test_outputs_of_tools(text: str, outcome: Outcome) -> None:
    assert read_outcome(text) == outcome


def item(text: str) -> dict[str, object]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_a_later_environment_changes_what_it_names() -> None:
    first = (
        "<environment_context>\n  <cwd>/a b/<x></cwd>\n  <approval_policy>never</approval_policy>\n"
        "  <sandbox_mode>workspace-write</sandbox_mode>\n  <writable_roots>\n    <root>/r</root>\n"
        "  </writable_roots>\n</environment_context>"
    )
    second = "<environment_context>\n  <approval_policy>on-request</approval_policy>\n</environment_context>"
    third = "<environment_context>\n  <sandbox_mode>read-only</sandbox_mode>\n</environment_context>"
    assert read_visit({"input": [item(first), item(second)]}).environment == Environment(
        "/a b/<x>", "on-request", "workspace-write", ("/r",)
    )
    assert read_visit({"input": [item(first), item(third)]}).environment == Environment(
        "/a b/<x>", "never", "read-only", ()
    )


def test_what_was_injected_is_not_what_the_user_said() -> None:
    injected = ["<user_instructions>\n\nx", "<environment_context>\n", " <turn_aborted>\n"]
    visit = read_visit({"input": [item("hello"), *map(item, injected)]})
    assert (visit.turn, visit.asked) == (1, "hello")


def test_calls_of_this_turn_and_of_earlier_ones_are_told_apart() -> None:
    call = {"type": "function_call", "name": "shell", "arguments": "{}"}
    output = {"type": "function_call_output", "output": "Plan updated"}
    visit = read_visit(
        {
            "input": [
                item("one"),
                {**call, "call_id": "demo_x_1_plan"},
                {**output, "call_id": "demo_x_1_plan"},
                item("two"),
                {**call, "call_id": "demo_x_2_plan"},
                {**output, "call_id": "demo_x_2_plan"},
                {**call, "call_id": "demo_x_2_list"},
                {**call, "call_id": "call_of_another_model"},
            ]
        }
    )
    assert (visit.turn, visit.earlier_steps) == (2, 1)
    assert visit.outcomes == {"plan": Outcome("Plan updated", 0), "list": None}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
items = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "function_call", "function_call_output", "reasoning"])},
    optional={
        "role": st.just("user"),
        "content": json_values,
        "call_id": st.just("demo_x_1_plan") | json_values,
        "output": json_values,
    },
)


@given(
    st.dictionaries(st.sampled_from(["tools", "prompt_cache_key"]), json_values),
    st.lists(items | json_values),
)
def test_no_request_breaks_the_script(body: dict[str, object], given_items: list[object]) -> None:
    from codex_core.model.demo.tour import next_events

    assert next_events(read_visit({**body, "input": given_items}))

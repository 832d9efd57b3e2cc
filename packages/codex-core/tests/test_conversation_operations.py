"""Every operation of the protocol is served, also while a task runs; parts of a session close together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

import pytest

from codex_core.testing import Gate, answer, function_call, message
from codex_core.tools.runtime import ToolOutput
from codex_protocol.ops import OP, parse_op


async def submit(talk: Any, kind: str, **fields: Any) -> str:
    identifier: str = await talk.conversation.submit(parse_op({"type": kind, **fields}))
    return identifier


async def test_saved_prompts_are_listed(talk: Any) -> None:
    talk.home.write("prompts/abc.md", "x\n")
    await talk.start([])
    await submit(talk, "list_custom_prompts")
    (prompt,) = (await talk.until("list_custom_prompts_response"))["custom_prompts"]
    assert prompt == {
        "name": "abc",
        "path": str(talk.home.codex_home / "prompts" / "abc.md"),
        "content": "x\n",
    }


async def test_without_servers_there_are_no_mcp_tools(talk: Any) -> None:
    await talk.start([])
    await submit(talk, "list_mcp_tools")
    assert (await talk.until("mcp_list_tools_response"))["tools"] == {}


async def test_questions_are_answered_while_a_task_runs(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(gate, message("ok"))])
    await talk.say("go")
    await gate.reached.wait()
    await submit(talk, "get_path")
    await talk.until("conversation_path")
    await submit(talk, "list_custom_prompts")
    await talk.until("list_custom_prompts_response")
    gate.open()
    await talk.until("task_complete")


async def test_more_questions_than_are_answered_at_once_are_all_answered(talk: Any) -> None:
    from codex_core.conversation.beside import MAX_ANSWERS

    await talk.start([])
    count = MAX_ANSWERS * 3
    asking = [asyncio.create_task(submit(talk, "list_custom_prompts")) for _ in range(count)]
    for _ in range(count):
        await talk.until("list_custom_prompts_response")
    await asyncio.gather(*asking)


async def test_effort_can_be_set_and_cleared(talk: Any) -> None:
    from codex_protocol.ops import CLEAR_EFFORT, OverrideTurnContextOp

    await talk.start([answer(message("ok"))] * 3)
    await submit(talk, "override_turn_context", model="gpt-5", effort="high")
    await talk.ask("one")
    await submit(talk, "override_turn_context", summary="none")
    await talk.ask("two")
    await talk.conversation.submit(OverrideTurnContextOp(effort=CLEAR_EFFORT))
    await talk.ask("three")
    efforts = [request.json["reasoning"] for request in talk.server.requests]
    assert efforts == [
        {"effort": "high", "summary": "auto"},
        {"effort": "high", "summary": "none"},
        {"summary": "none"},
    ]


async def test_a_relative_directory_is_relative_to_the_present_one(talk: Any) -> None:
    (talk.repo.path / "sub").mkdir()
    script = [
        answer(function_call("shell", {"command": ["pwd"]})),
        answer(message("ok")),
        answer(message("ok")),
    ]
    await talk.start(script)
    await submit(talk, "override_turn_context", cwd="sub")
    await talk.ask("go")
    begin = next(event["msg"] for event in talk.events if event["msg"]["type"] == "exec_command_begin")
    assert begin["cwd"] == str(talk.repo.path / "sub")
    assert f"<cwd>{talk.repo.path / 'sub'}</cwd>" in talk.input_of(0)[1]["content"][0]["text"]


async def test_a_turn_of_its_own_settings_changes_nothing_for_later(talk: Any) -> None:
    await talk.start([answer(message("ok")), answer(message("ok"))])
    turn = {
        "items": [{"type": "text", "text": "hi"}],
        "cwd": str(talk.repo.path),
        "approval_policy": "never",
        "sandbox_policy": {"mode": "read-only"},
        "model": "gpt-5",
        "effort": "low",
        "summary": "auto",
    }
    await submit(talk, "user_turn", **turn)
    await talk.until("task_complete")
    await talk.ask("again")
    assert [request.json["model"] for request in talk.server.requests] == ["gpt-5", "mock-model"]
    assert "read-only" not in str(talk.input_of(1))
    contexts = [line["payload"] for line in talk.home.read_rollout() if line["type"] == "turn_context"]
    assert [context["sandbox_policy"]["mode"] for context in contexts] == ["read-only", "danger-full-access"]


async def test_no_operation_is_forgotten(talk: Any, caplog: pytest.LogCaptureFixture) -> None:
    turn = {"cwd": "/", "approval_policy": "never", "sandbox_policy": {"mode": "read-only"}, "model": "m"}
    fields: dict[str, dict[str, Any]] = {
        "user_input": {"items": []},
        "user_turn": {"items": [], "summary": "auto", **turn},
        "exec_approval": {"id": "x", "decision": "denied"},
        "patch_approval": {"id": "x", "decision": "denied"},
        "add_to_history": {"text": "x"},
        "get_history_entry_request": {"offset": 0, "log_id": 0},
        "review": {"review_request": {"prompt": "p", "user_facing_hint": "h"}},
    }
    await talk.start([answer(message("fine"))] * 2)
    for cls in OP.classes():
        kind = cls.model_fields["type"].default
        await submit(talk, kind, **fields.get(kind, {}))
    await talk.until("shutdown_complete")
    assert "is not served" not in caplog.text


# -- MCP servers and terminals ------------------------------------------------------------------------


class FakeTool:
    """A tool of an MCP server."""

    def __init__(self, name: str) -> None:
        self.names = (name,)
        self.is_parallel_safe = True

    def spec(self, context: Any) -> Any:
        from codex_core.model.tool_spec import FunctionTool, object_schema

        return FunctionTool(name=self.names[0], description="d", parameters=object_schema({}, required=()))

    async def run(self, call: Any, runtime: Any) -> ToolOutput:
        assert runtime.mcp is FakeConnections.started[-1]
        return ToolOutput(f"answer of {call.name}", success=True)


class FakeConnections:
    """Stands for the MCP servers of a session."""

    started: ClassVar[list[FakeConnections]] = []

    def __init__(self, servers: Mapping[str, Any]) -> None:
        self.servers = servers
        self.is_up = asyncio.Event()
        self.is_closed = False
        self.failures = {"bad": "request timed out"}

    @classmethod
    def start(cls, servers: Mapping[str, Any], *, cwd: str, services: Any) -> FakeConnections:
        cls.started.append(cls(servers))
        return cls.started[-1]

    async def ready(self) -> None:
        await self.is_up.wait()

    def tools(self) -> tuple[FakeTool, ...]:
        return (FakeTool("good__echo"), FakeTool("shell"))

    def wire_tools(self) -> Mapping[str, Any]:
        from codex_protocol.mcp_types import Tool

        return {"good__echo": Tool.from_wire({"name": "echo", "inputSchema": {"type": "object"}})}

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.fixture
def mcp(monkeypatch: pytest.MonkeyPatch) -> type[FakeConnections]:
    import sys

    module = ModuleType("codex_core.mcp.connections")
    module.McpConnections = FakeConnections  # type: ignore[attr-defined]  # a module made here
    module.failure_message = lambda server, why: f"{server}: {why}"  # type: ignore[attr-defined]  # as above
    package = ModuleType("codex_core.mcp")
    package.connections = module  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "codex_core.mcp", package)
    monkeypatch.setitem(sys.modules, "codex_core.mcp.connections", module)
    FakeConnections.started = []
    return FakeConnections


SERVERS = {"mcp_servers": {"good": {"command": "true"}, "bad": {"command": "true"}}}


async def test_mcp_tools_are_offered_behind_the_others_and_answer(talk: Any, mcp: Any) -> None:
    await talk.start([answer(function_call("good__echo", {}, "c")), answer(message("ok"))], settings=SERVERS)
    (connections,) = mcp.started
    assert set(connections.servers) == {"good", "bad"}
    await talk.say("go")
    await talk.until("task_started")
    assert talk.server.requests == []
    connections.is_up.set()
    await talk.until("task_complete")
    offered = [tool["name"] for tool in talk.server.requests[0].json["tools"]]
    assert offered[-1] == "good__echo"
    assert offered.count("shell") == 1
    assert talk.input_of(1)[-1]["output"] == "answer of good__echo"
    (failure,) = [event for event in talk.events if event["msg"]["type"] == "error"]
    assert failure == {"id": "", "msg": {"type": "error", "message": "bad: request timed out"}}
    await submit(talk, "list_mcp_tools")
    assert list((await talk.until("mcp_list_tools_response"))["tools"]) == ["good__echo"]
    await talk.manager.aclose()
    assert connections.is_closed


async def test_waiting_for_servers_can_be_interrupted_and_ended(talk: Any, mcp: Any) -> None:
    await talk.start([answer(message("ok"))], settings=SERVERS)
    (connections,) = mcp.started
    await talk.say("go")
    await talk.until("task_started")
    await submit(talk, "list_mcp_tools")
    await talk.interrupt()
    await talk.until("turn_aborted")
    connections.is_up.set()
    await talk.until("mcp_list_tools_response")
    await talk.ask("again")


async def test_a_defect_in_the_start_of_servers_does_not_stop_the_conversation(
    talk: Any, mcp: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: FakeConnections) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(FakeConnections, "ready", broken)
    await talk.start([answer(message("ok"))], settings=SERVERS)
    assert (await talk.ask("hi"))[-1] == "task_complete"
    assert "mcp start ended in an unexpected error" in caplog.text


async def test_a_session_that_ends_while_servers_start_leaves_nothing(talk: Any, mcp: Any) -> None:
    before = asyncio.all_tasks()
    await talk.start([], settings=SERVERS)
    await talk.until("session_configured")
    await submit(talk, "list_mcp_tools")
    await submit(talk, "get_path")
    await talk.until("conversation_path")
    await talk.manager.aclose()
    assert mcp.started[0].is_closed
    assert {
        task for task in asyncio.all_tasks() - before if task.get_name().startswith(("mcp", "answer"))
    } == set()


async def test_terminals_are_made_once_and_closed_with_the_session(
    talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    made: list[Any] = []

    class FakeTerminals:
        def __init__(self) -> None:
            self.is_closed = False
            made.append(self)

        async def aclose(self) -> None:
            self.is_closed = True

    class FakeTerminalTool(FakeTool):
        async def run(self, call: Any, runtime: Any) -> ToolOutput:
            assert runtime.terminals is runtime.terminals
            return ToolOutput("typed", success=True)

    sessions = ModuleType("codex_core.execution.terminal_sessions")
    sessions.TerminalSessions = FakeTerminals  # type: ignore[attr-defined]  # a module made here
    tools = ModuleType("codex_core.tools.terminal")
    names = {
        "ExecCommandTool": "exec_command",
        "WriteStdinTool": "write_stdin",
        "UnifiedExecTool": "unified_exec",
    }
    for cls, name in names.items():
        setattr(tools, cls, lambda name=name: FakeTerminalTool(name))
    monkeypatch.setitem(sys.modules, "codex_core.execution.terminal_sessions", sessions)
    monkeypatch.setitem(sys.modules, "codex_core.tools.terminal", tools)
    script = [answer(function_call("exec_command", {}, "c")), answer(message("ok"))]
    await talk.start(script, settings={"experimental_use_exec_command_tool": True})
    await talk.ask("go")
    offered = [tool["name"] for tool in talk.server.requests[0].json["tools"]]
    assert "shell" not in offered
    assert "exec_command" in offered
    assert talk.input_of(1)[-1]["output"] == "typed"
    await talk.manager.aclose()
    assert [terminals.is_closed for terminals in made] == [True]


async def test_a_change_of_settings_does_not_part_a_call_from_its_output(talk: Any) -> None:
    import os

    fifo = talk.repo.path / "fifo"
    os.mkfifo(fifo)
    call = function_call("shell", {"command": ["cat", str(fifo)]}, "c1")
    await talk.start([answer(call), answer(message("ok")), answer(message("ok"))])
    await talk.say("go")
    await talk.until("exec_command_begin")
    await submit(talk, "override_turn_context", sandbox_policy={"mode": "read-only"})
    await submit(talk, "get_path")
    await talk.until("conversation_path")
    await asyncio.to_thread(fifo.write_text, "data")
    await talk.until("task_complete")
    kinds = [item["type"] for item in talk.input_of(1)]
    assert kinds == ["message", "message", "function_call", "function_call_output", "message"]
    assert "read-only" in str(talk.input_of(1)[-1])


async def test_a_change_of_settings_survives_an_interrupt(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(gate, message("never")), answer(message("ok"))])
    await talk.say("go")
    await gate.reached.wait()
    await submit(talk, "override_turn_context", sandbox_policy={"mode": "read-only"})
    await talk.interrupt()
    await talk.until("turn_aborted")
    await talk.ask("again")
    assert sum("read-only" in str(item) for item in talk.input_of(1)) == 1


async def test_a_conversation_has_settled_when_nothing_waits_or_runs(talk: Any) -> None:
    gate = Gate()
    await talk.start([answer(gate, message("ok")), answer(message("SUMMARY"))])
    await talk.say("go")
    await submit(talk, "compact")
    settling = asyncio.create_task(talk.conversation.settled())
    await gate.reached.wait()
    assert not settling.done()
    gate.open()
    async with asyncio.timeout(20):
        await settling
    for _ in range(2):
        await talk.until("task_complete")
    await talk.manager.aclose()
    async with asyncio.timeout(20):
        await talk.conversation.settled()


async def test_more_tasks_than_may_wait_are_refused_and_an_interrupt_still_works(talk: Any) -> None:
    from codex_core.conversation.tasks import MAX_WAITING

    gate = Gate()
    await talk.start([answer(gate, message("never")), answer(message("ok"))])
    await talk.say("go")
    await gate.reached.wait()
    for _ in range(MAX_WAITING + 1):
        await submit(talk, "compact")
    assert "Too many tasks wait" in (await talk.until("error"))["message"]
    await talk.interrupt()
    await talk.until("turn_aborted")
    assert (await talk.ask("again"))[-1] == "task_complete"
    assert len(talk.server.requests) == 2

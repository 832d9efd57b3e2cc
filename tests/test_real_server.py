"""Turns against a server that nobody of this project wrote; skipped unless CODEX_REAL_SERVER names one.

CODEX_REAL_SERVER is a base URL, e.g. `http://127.0.0.1:8080/v1`; CODEX_REAL_MODEL a model it has (otherwise the
first it lists), CODEX_REAL_KEY its key. `tiny_llama_server.py` starts llama.cpp's on a model made on the spot.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.response_events import Completed, ItemDone, ResponseEvent
from codex_core.model.tool_spec import FunctionTool, array, object_schema, string
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_core.testing.pytest_plugin import RunCodex
from codex_protocol.items import parse_response_item

KEY = "CODEX_REAL_KEY"
SHELL = FunctionTool(
    "shell", "Runs a command.", object_schema({"command": array(string())}, required=["command"])
)


@dataclass(frozen=True)
class Server:
    """The server under test, on one wire."""

    base_url: str
    model: str
    wire: WireApi

    def client(self) -> ModelClient:
        key = KEY if os.environ.get(KEY) else None
        provider = ModelProvider(
            id="real",
            name="Real",
            base_url=self.base_url,
            wire_api=self.wire,
            env_key=key,
            request_max_retries=0,
        )
        return ModelClient(
            provider=provider,
            model=self.model,
            family=family_for(self.model),
            conversation_id="00000000-0000-4000-8000-000000000001",
            auth=None,
            services=Services(),
            user_agent="codex_cli_rs/test",
            originator="codex_cli_rs",
        )


@pytest.fixture(params=list(WireApi))
def server(request: pytest.FixtureRequest) -> Server:
    base_url = os.environ.get("CODEX_REAL_SERVER")
    if not base_url:
        pytest.skip("CODEX_REAL_SERVER names no server")
    wire: WireApi = request.param
    if wire is WireApi.RESPONSES and _status(f"{base_url}/responses") in {404, 405, 501}:
        pytest.skip("the server has no Responses API")
    return Server(base_url, os.environ.get("CODEX_REAL_MODEL") or _first_model(base_url), wire)


def _request(url: str, body: bytes | None = None) -> urllib.request.Request:
    headers = {"content-type": "application/json"}
    if key := os.environ.get(KEY):
        headers["authorization"] = f"Bearer {key}"
    return urllib.request.Request(url, body, headers)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(_request(url, b"{}")) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _first_model(base_url: str) -> str:
    with urllib.request.urlopen(_request(f"{base_url}/models")) as response:
        return str(json.load(response)["data"][0]["id"])


async def ask(server: Server, *items: dict[str, object]) -> list[ResponseEvent]:
    client = server.client()
    prompt = Prompt("Be brief.", tuple(parse_response_item(item) for item in items), (SHELL,))
    try:
        async with aclosing(client.stream(prompt)) as stream:
            return [event async for event in stream]
    finally:
        await client.aclose()


def said(role: str, text: str) -> dict[str, object]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def called(call_id: str, arguments: str) -> list[dict[str, object]]:
    call: dict[str, object] = {"type": "function_call", "name": "shell", "arguments": arguments}
    output: dict[str, object] = {"type": "function_call_output", "output": "ok"}
    return [{**call, "call_id": call_id}, {**output, "call_id": call_id}]


def test_a_whole_turn(server: Server, scratch_home: ScratchHome, run_codex: RunCodex) -> None:
    scratch_home.codex_home.joinpath("config.toml").write_text(
        f'model = "{server.model}"\nmodel_provider = "real"\n[model_providers.real]\nname = "Real"\n'
        f'base_url = "{server.base_url}"\nwire_api = "{server.wire}"\n',
        encoding="utf-8",
    )
    lines = run_codex("exec", "--json", "Say hello. Use no tools unless you must.").check().json_lines()
    messages = [line["msg"] for line in lines if "msg" in line]
    assert not [message for message in messages if message["type"] in {"error", "stream_error"}]
    assert [message["message"] for message in messages if message["type"] == "agent_message"][-1].strip()
    counts = [message["info"] for message in messages if message["type"] == "token_count"]
    assert counts[-1]["total_token_usage"]["output_tokens"] > 0
    begun = [message["call_id"] for message in messages if message["type"] == "exec_command_begin"]
    ended = [message["call_id"] for message in messages if message["type"] == "exec_command_end"]
    assert begun == ended


async def test_calls_and_what_the_assistant_said_are_accepted(server: Server) -> None:
    events = await ask(
        server,
        said("user", "Look around."),
        said("assistant", "I look."),
        *called("call_1", '{"command": ["ls"]}'),
        {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Now the other one."}],
            "encrypted_content": None,
        }
        if server.wire is WireApi.CHAT
        else said("assistant", "Now the other one."),
        *called("call_2", '{"command": ["pwd"]}'),
    )
    assert any(isinstance(event, ItemDone) for event in events)
    assert isinstance(events[-1], Completed)


async def test_calls_that_only_other_servers_know_do_not_end_the_conversation(server: Server) -> None:
    if server.wire is WireApi.RESPONSES:
        pytest.skip("these items go out as they are on the Responses wire")
    action: dict[str, object] = {"type": "exec", "command": ["ls"]}
    events = await ask(
        server,
        said("user", "Look around."),
        *called("call_1", '{"command": ["l'),
        {"type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "*** Begin Patch"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "no"},
        {"type": "local_shell_call", "call_id": "call_3", "status": "completed", "action": action},
        {"type": "function_call_output", "call_id": "call_3", "output": "ok"},
    )
    assert isinstance(events[-1], Completed)


async def test_hanging_up_in_the_middle_leaves_the_server_usable(server: Server) -> None:
    client = server.client()
    prompt = Prompt("Be brief.", (parse_response_item(said("user", "Count to ten.")),))
    try:
        async with aclosing(client.stream(prompt)) as stream:
            await anext(stream)
        async with aclosing(client.stream(prompt)) as stream:
            events = [event async for event in stream]
    finally:
        await client.aclose()
    assert isinstance(events[-1], Completed)

"""Files we write, resumed by the reference 0.36.0: it reads every line and sends every item on."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from codex_protocol.events import (
    AgentMessageEvent,
    AgentReasoningEvent,
    AgentReasoningRawContentEvent,
    EnteredReviewModeEvent,
    ExitedReviewModeEvent,
    TokenCountEvent,
    TurnAbortedEvent,
    UserMessageEvent,
)
from codex_protocol.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImageContent,
    InputTextContent,
    LocalShellCallItem,
    LocalShellExecAction,
    LocalShellStatus,
    MessageItem,
    OtherItem,
    OutputTextContent,
    PlainTextContent,
    ReasoningItem,
    ReasoningTextContent,
    SummaryText,
)
from codex_protocol.json_rpc import JsonRpcRequest
from codex_protocol.review import ReviewOutputEvent, widened
from codex_protocol.rollout import GitInfo, RolloutLine, SessionMeta, TurnContextItem
from codex_protocol.sandbox_policy import WorkspaceWritePolicy
from codex_protocol.tokens import TokenUsage, TokenUsageInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UUID = "67e55044-10b1-426f-9247-bb680e5fe0c8"
STAMP = "2025-11-22T08:34:04.539Z"
ANSWER = (
    b'event: response.output_item.done\ndata: {"type":"response.output_item.done","item":{"type":"message",'
    b'"role":"assistant","content":[{"type":"output_text","text":"ok"}]}}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","usage":null}}\n\n'
)

META = SessionMeta(
    id=UUID,
    timestamp=STAMP,
    cwd="/tmp",
    originator="codex_cli_rs",
    cli_version="0.36.0",
    instructions="Be kind. é🙂",
    git=GitInfo(branch="main"),
)
CONTEXT = TurnContextItem(
    cwd="/tmp",
    approval_policy="on-failure",
    sandbox_policy=WorkspaceWritePolicy(("/x",), network_access=True),
    model="m",
    effort="high",
    summary="detailed",
)
ITEMS = (
    MessageItem(
        role="user",
        content=(
            InputTextContent(text="go \u2028 é🙂\x00\x7f"),
            InputImageContent(image_url="data:image/png;base64,AA=="),
        ),
    ),
    ReasoningItem(summary=(SummaryText(text="s"),), encrypted_content="gAAA"),
    ReasoningItem(summary=(), content=(ReasoningTextContent(text="raw"), PlainTextContent(text="text"))),
    LocalShellCallItem(
        call_id="c1",
        status=LocalShellStatus.COMPLETED,
        action=LocalShellExecAction(command=("ls",), timeout_ms=5, env={"A": "b"}),
    ),
    FunctionCallOutputItem(call_id="c1", output="out", success=True),
    FunctionCallItem(id="fc", name="shell", arguments='{"command":  ["ls"]}', call_id="c2"),
    FunctionCallOutputItem(call_id="c2", output='{"output":"x","metadata":{"exit_code":0}}'),
    CustomToolCallItem(call_id="c3", name="apply_patch", input="*** Begin Patch", status="completed"),
    CustomToolCallOutputItem(call_id="c3", output="aborted"),
    MessageItem(role="assistant", content=(OutputTextContent(text="done"),)),
)
USAGE = TokenUsage(
    input_tokens=2**40,
    cached_input_tokens=1,
    output_tokens=2,
    reasoning_output_tokens=1,
    total_tokens=2**40 + 2,
)
REVIEW = ReviewOutputEvent(
    findings=(), overall_correctness="ok", overall_explanation="e", overall_confidence_score=0.9
)
EVENTS = (
    UserMessageEvent(message="go", kind="plain", images=("data:image/png;base64,AA==",)),
    AgentReasoningEvent(text="s"),
    AgentReasoningRawContentEvent(text="raw"),
    TokenCountEvent(info=TokenUsageInfo(total_token_usage=USAGE, last_token_usage=USAGE)),
    TokenCountEvent(),
    AgentMessageEvent(message="done"),
    TurnAbortedEvent(reason="interrupted"),
    EnteredReviewModeEvent(prompt="p", user_facing_hint="h"),
    ExitedReviewModeEvent(review_output=REVIEW),
    ExitedReviewModeEvent(),
)


class Model:
    """A model on loopback that remembers what it is asked and says ok."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []
        remembered = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                remembered.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(ANSWER)))
                self.end_headers()
                self.wfile.write(ANSWER)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def write_rollout(codex_home: Path) -> Path:
    payloads = (META, CONTEXT, *ITEMS, OtherItem.from_wire({"type": "from_the_future", "x": 1}), *EVENTS)
    directory = codex_home / "sessions" / "2025" / "11" / "22"
    directory.mkdir(parents=True)
    path = directory / f"rollout-2025-11-22T08-34-04-{UUID}.jsonl"
    lines = [RolloutLine(timestamp=STAMP, payload=payload).to_json() for payload in payloads]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.reference
def test_a_file_of_ours_is_resumed_whole(reference: str, model: Model, tmp_path: Path):
    home = tmp_path / "home"
    rollout = write_rollout(home)
    (home / "config.toml").write_text(
        'model = "m"\nmodel_provider = "mock"\n[model_providers.mock]\nname = "Mock"\nwire_api = "responses"\n'
        f'base_url = "http://127.0.0.1:{model.server.server_port}/v1"\n'
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home)}
    with subprocess.Popen(
        [reference, "mcp"],
        env=environ,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def ask(number: int, method: str, params: dict[str, object]) -> list[dict[str, object]]:
            """The frames up to the answer."""
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(JsonRpcRequest(id=number, method=method, params=params).to_json() + "\n")
            server.stdin.flush()
            frames = []
            for line in server.stdout:
                frames.append(json.loads(line))
                if frames[-1].get("id") == number:
                    break
            return frames

        configured, resumed = ask(1, "resumeConversation", {"path": str(rollout), "overrides": {}})
        ask(2, "addConversationListener", {"conversationId": UUID})
        message = {"type": "text", "data": {"text": "again"}}
        ask(3, "sendUserMessage", {"conversationId": UUID, "items": [message]})
        for line in server.stdout:
            if "task_complete" in line:
                break
        server.stdin.close()
    expected = [widened(event.to_wire()) for event in EVENTS]
    assert configured["params"]["msg"]["initial_messages"] == expected
    assert resumed["result"]["conversationId"] == UUID
    (request,) = model.requests
    assert request["input"][: len(ITEMS)] == [item.to_wire() for item in ITEMS]
    last_line = rollout.read_text("utf-8").splitlines()[-1]
    assert RolloutLine.from_json(last_line).to_json() == last_line

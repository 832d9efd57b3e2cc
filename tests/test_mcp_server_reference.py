"""The same script over stdio for the reference and for ours: replies, notifications, questions, their order.

The reference is the binary that `benchmarks/exec_turn.py` has installed, or the path in CODEX_REFERENCE.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    Normaliser,
    Places,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    http_error,
    make_home,
    make_repo,
    message,
    patch_call,
    reasoning,
    shell_call,
    sse,
)
from codex_core.testing.differences import compare, report
from mcp_server_client import INITIALIZE, TIMEOUT_S, Client, Frame, server_process

pytestmark = pytest.mark.reference

FULL = {"sandbox_mode": "danger-full-access"}
PATCH = "*** Begin Patch\n*** Add File: new.txt\n+one\n+two\n*** End Patch\n"
UNKNOWN = "67e55044-10b1-426f-9247-bb680e5fe0c8"


class Stage:
    """Where a script plays."""

    def __init__(self, client: Client, home: ScratchHome, repo: ScratchRepo, gates: dict[str, Gate]) -> None:
        self.client = client
        self.home = home
        self.repo = repo
        self.gates = gates

    async def conversation(self, **params: Any) -> str:
        begun = await self.client.call("newConversation", {"cwd": str(self.repo.path), **params})
        identifier: str = begun["conversationId"]
        return identifier

    async def listened(self, **params: Any) -> str:
        identifier = await self.conversation(**params)
        await self.client.call("addConversationListener", {"conversationId": identifier})
        return identifier

    async def say(self, identifier: str, text: str = "go") -> None:
        items = [{"type": "text", "data": {"text": text}}]
        await self.client.call("sendUserMessage", {"conversationId": identifier, "items": items})

    async def turn(self, identifier: str, text: str = "go") -> None:
        start = len(self.client.frames)
        await self.say(identifier, text)
        await self.client.event("task_complete", start=start)

    async def recorded(self, path: str, text: str) -> None:
        """Returns when the text is in the file: the reference writes it beside everything else."""
        async with asyncio.timeout(TIMEOUT_S):
            while not os.path.exists(path) or text not in Path(path).read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


Script: TypeAlias = Callable[[Stage], Awaitable[None]]
Model: TypeAlias = Callable[[dict[str, Gate]], list[Any]]


def gate(gates: dict[str, Gate], name: str) -> Gate:
    return gates.setdefault(name, Gate())


# --- what is played ----------------------------------------------------------------------------------


async def handshake(stage: Stage) -> None:
    client = stage.client
    await client.call("initialize", INITIALIZE)
    await client.notify("notifications/initialized")
    await client.error("initialize", INITIALIZE)
    await client.call("ping")
    await client.call("tools/list", {"cursor": "x"})
    await client.reply(await client.ask("ping", id="text"))
    await client.call("getUserAgent")


async def tool_refusals(stage: Stage) -> None:
    for arguments in (None, {}, {"prompt": "x", "profile": "zzz"}):
        await stage.client.call("tools/call", {"name": "codex", "arguments": arguments})
    for arguments in (None, {"prompt": "x"}, {"prompt": "x", "conversationId": UNKNOWN}):
        await stage.client.call("tools/call", {"name": "codex-reply", "arguments": arguments})
    await stage.client.call("tools/call", {"name": "nope", "arguments": {}})


async def tool_turns(stage: Stage) -> None:
    client, cwd = stage.client, str(stage.repo.path)
    wishes = {"prompt": "hi", "cwd": cwd, "config": {"model_reasoning_summary": "detailed"}}
    await client.call("tools/call", {"name": "codex", "arguments": wishes})
    identifier = client.frames[0]["params"]["msg"]["session_id"]
    for prompt in ("again", "and again"):
        await client.call(
            "tools/call",
            {"name": "codex-reply", "arguments": {"conversationId": identifier, "prompt": prompt}},
        )


async def tool_approvals(stage: Stage) -> None:
    client = stage.client
    wishes = {"cwd": str(stage.repo.path), "approval-policy": "untrusted", "sandbox": "danger-full-access"}
    call = await client.ask("tools/call", {"name": "codex", "arguments": {"prompt": "go", **wishes}})
    for decision in ("approved", "denied", "approved"):
        await client.answer(await client.question(), {"decision": decision})
    await client.reply(call)


async def editor_turns(stage: Stage) -> None:
    client = stage.client
    await client.call("initialize", INITIALIZE)
    identifier = await stage.listened(model="gpt-5", config={"model_reasoning_effort": "high"})
    await stage.turn(identifier)
    start = len(client.frames)
    turn = {
        "conversationId": identifier,
        "items": [{"type": "text", "data": {"text": "go on"}}],
        "cwd": str(stage.repo.path),
        "approvalPolicy": "never",
        "sandboxPolicy": {"mode": "danger-full-access"},
        "model": "gpt-5",
        "effort": "low",
        "summary": "auto",
    }
    await client.call("sendUserTurn", turn)
    await client.event("task_complete", start=start)


async def editor_approvals(stage: Stage) -> None:
    identifier = await stage.listened(approvalPolicy="untrusted", sandbox="danger-full-access")
    await stage.say(identifier)
    for decision in ("approved", "denied", "nonsense", "approved"):
        await stage.client.answer(await stage.client.question(), {"decision": decision})
    await stage.client.event("task_complete")


async def interruption(stage: Stage) -> None:
    client = stage.client
    identifier = await stage.listened()
    await stage.say(identifier)
    await client.event("agent_message_delta", start=0)
    # Both in one write: the reference never answers one that comes behind the end of the turn.
    interrupts = [
        {"id": word, "method": "interruptConversation", "params": {"conversationId": identifier}}
        for word in ("first", "second")
    ]
    await client.send("\n".join(map(json.dumps, interrupts)))
    for interrupt in interrupts:
        await client.reply(interrupt["id"])


async def late_listener(stage: Stage) -> None:
    client = stage.client
    identifier = await stage.conversation()
    await stage.say(identifier)
    await stage.gates["end"].reached.wait()
    stage.gates["end"].open()
    listener = await client.call("addConversationListener", {"conversationId": identifier})
    await client.event("task_complete", start=0)
    await client.call("removeConversationListener", listener)
    await client.error("removeConversationListener", listener)
    await stage.say(identifier, "unheard")


async def failing_turn(stage: Stage) -> None:
    identifier = await stage.listened()
    await stage.turn(identifier)


async def files(stage: Stage) -> None:
    client = stage.client
    await client.call("listConversations", {})
    begun = await client.call("newConversation", {"cwd": str(stage.repo.path), "sandbox": "workspace-write"})
    identifier, path = begun["conversationId"], begun["rolloutPath"]
    await client.call("addConversationListener", {"conversationId": identifier})
    await stage.turn(identifier, "others\n## My request for Codex:\n the wish ")
    await stage.recorded(path, '"one"')
    listed = await client.call("listConversations", {"pageSize": 1})
    await client.call("listConversations", {"pageSize": 5, "cursor": listed["nextCursor"]})
    await client.call("listConversations", {"pageSize": 5, "cursor": "nonsense"})
    await client.call("resumeConversation", {"path": path, "overrides": {"model": "gpt-5"}})
    await client.call("addConversationListener", {"conversationId": identifier})
    await stage.turn(identifier, "more")
    rollout = {"conversationId": identifier, "rolloutPath": path}
    await client.error("archiveConversation", {**rollout, "conversationId": UNKNOWN})
    await client.call("archiveConversation", rollout)
    await client.call("listConversations", {})
    await client.error("archiveConversation", rollout)
    await client.error("interruptConversation", {"conversationId": identifier})


async def refusals(stage: Stage) -> None:
    client = stage.client
    unknown = {"conversationId": UNKNOWN}
    for method, params in (
        ("newConversation", {"profile": "zzz"}),
        ("addConversationListener", unknown),
        ("removeConversationListener", {"subscriptionId": UNKNOWN}),
        ("sendUserMessage", {**unknown, "items": []}),
        ("interruptConversation", unknown),
        ("resumeConversation", {"path": "/there/is/none"}),
        ("resumeConversation", {"path": str(stage.repo.path / "README.md")}),
        ("archiveConversation", {**unknown, "rolloutPath": "/there/is/none"}),
        ("archiveConversation", {**unknown, "rolloutPath": str(stage.repo.path / "README.md")}),
        ("cancelLoginChatGpt", {"loginId": UNKNOWN}),
        ("execOneOffCommand", {"command": []}),
        ("gitDiffToRemote", {"cwd": str(stage.repo.path)}),
        ("gitDiffToRemote", {"cwd": "/there/is/none"}),
    ):
        await client.error(method, params)


async def api_key(stage: Stage) -> None:
    client = stage.client
    await client.call("getAuthStatus", {})
    await client.call("userInfo")
    await client.call("loginApiKey", {"apiKey": "sk-test"})
    await client.until(lambda frame: frame.get("method") == "authStatusChange")
    await client.call("getAuthStatus", {})
    await client.call("getAuthStatus", {"includeToken": True, "refreshToken": True})
    await client.call("userInfo")
    for _ in range(2):
        await client.call("logoutChatGpt")
        await client.until(lambda frame: frame.get("method") == "authStatusChange")
    await client.call("getAuthStatus", {"includeToken": True})


async def browser_login(stage: Stage) -> None:
    client = stage.client

    def completed_login(frame: Frame) -> bool:
        return frame.get("method") == "loginChatGptComplete"

    first = await client.call("loginChatGpt")
    start = len(client.frames)
    await client.call("cancelLoginChatGpt", {"loginId": first["loginId"]})
    await client.until(completed_login, start=start)
    await client.error("cancelLoginChatGpt", {"loginId": first["loginId"]})
    start = len(client.frames)
    await client.call("loginChatGpt")
    await client.call("loginChatGpt")  # replaces the one before
    await client.until(completed_login, start=start)
    start = len(client.frames)
    await client.call("loginApiKey", {"apiKey": "sk-test"})
    await client.until(completed_login, start=start)
    await client.call("getAuthStatus", {})
    await client.call("loginChatGpt")
    start = len(client.frames)
    await client.call("logoutChatGpt")
    await client.until(completed_login, start=start)
    await client.call("getAuthStatus", {})


async def saved_config(stage: Stage) -> None:
    client = stage.client
    await client.call("getUserSavedConfig")
    await client.call("setDefaultModel", {"model": "gpt-new", "reasoningEffort": "minimal"})
    await client.call("getUserSavedConfig")
    await stage.conversation()
    await client.call("setDefaultModel", {})
    await client.call("getUserSavedConfig")


async def one_off(stage: Stage) -> None:
    client, free = stage.client, {"sandboxPolicy": {"mode": "danger-full-access"}}
    for command in (["echo", "hi"], ["sh", "-c", "echo out; echo err >&2; exit 4"], ["cat"], ["pwd"]):
        await client.call("execOneOffCommand", {"command": command, "cwd": str(stage.repo.path), **free})
    await client.error("execOneOffCommand", {"command": ["/there/is/none"], **free})
    await client.error("execOneOffCommand", {"command": ["sleep", "9"], "timeoutMs": 50, **free})
    await client.error("execOneOffCommand", {"command": ["sh", "-c", "kill -9 $$"], **free})


async def diff_to_remote(stage: Stage) -> None:
    repo = stage.repo.path

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=repo, env=stage.home.environ(), check=True, capture_output=True)

    bare = stage.home.path / "remote.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git("remote", "add", "origin", str(bare))
    git("push", "--quiet", "origin", "main")
    (repo / "README.md").write_text("changed\n")
    git("commit", "--quiet", "--all", "-m", "ahead")
    (repo / "README.md").write_text("changed again\n")
    (repo / "a new.txt").write_text("new\n")
    (repo / "binary").write_bytes(b"\0\1\2")
    (repo / "empty").write_text("")
    (repo / ".gitignore").write_text("ignored\n")
    (repo / "ignored").write_text("not seen\n")
    await stage.client.call("gitDiffToRemote", {"cwd": str(repo)})
    git("checkout", "--quiet", "-b", "topic")
    await stage.client.call("gitDiffToRemote", {"cwd": str(repo)})
    git("checkout", "--quiet", "--detach")
    await stage.client.call("gitDiffToRemote", {"cwd": str(repo)})


def commands(_: dict[str, Gate]) -> list[Any]:
    return [
        answer(shell_call(["echo", "one"], call_id="c1")),
        answer(shell_call(["touch", "two"], call_id="c2")),
        answer(patch_call(PATCH, call_id="c3")),
        answer(message("Done.")),
    ]


SAVED = {
    "approval_policy": "on-request",
    "sandbox_mode": "workspace-write",
    "model_reasoning_effort": "high",
    "model_reasoning_summary": "concise",
    "model_verbosity": "low",
    "tools": {"web_search": True},
    "sandbox_workspace_write": {"writable_roots": ["/x"], "network_access": True},
    "profiles": {"p1": {"model": "pm"}},
}

SCRIPTS: dict[str, tuple[Script, Model, dict[str, Any]]] = {
    "handshake": (handshake, lambda _: [], {}),
    "tool-refusals": (tool_refusals, lambda _: [], {}),
    "tool-turns": (
        tool_turns,
        lambda _: [answer(reasoning("**Think**"), message("Hello", deltas=["Hel", "lo"])), "two", "three"],
        {},
    ),
    "tool-approvals": (tool_approvals, lambda _: [
        answer(shell_call(["touch", "a b"], call_id="c1")),
        answer(shell_call(["touch", "two"], call_id="c2")),
        answer(patch_call(PATCH, call_id="c3")),
        "Done.",
    ], {}),
    "editor-turns": (editor_turns, lambda _: [
        answer(message("one", deltas=["o", "ne"])), answer(shell_call(["echo", "hi"], call_id="c1")), "two",
    ], FULL),
    "editor-approvals": (editor_approvals, lambda _: [
        answer(shell_call(["touch", "one"], call_id="c1")),
        answer(shell_call(["touch", "two"], call_id="c2")),
        answer(shell_call(["touch", "three"], call_id="c3")),
        answer(patch_call(PATCH, call_id="c4")),
        "Done.",
    ], {}),
    "interruption": (interruption, lambda gates: [
        sse(created(), message("x", deltas=["x"]), gate(gates, "never"), completed()),
    ], {}),
    "late-listener": (late_listener, lambda gates: [
        sse(created(), message("x", deltas=["x"]), gate(gates, "end"), completed()), "unheard",
    ], {}),
    "failing-turn": (failing_turn, lambda _: [http_error(500, "")] * 2, {}),
    "files": (files, lambda _: ["one", "two"], {}),
    "refusals": (refusals, lambda _: [], {}),
    "api-key": (api_key, lambda _: [], {"model_provider": "openai"}),
    "browser-login": (browser_login, lambda _: [], {"model_provider": "openai"}),
    "saved-config": (saved_config, lambda _: [], SAVED),
    "one-off": (one_off, lambda _: [], {}),
    "diff-to-remote": (diff_to_remote, lambda _: [], {}),
}  # fmt: skip


RACING = frozenset({"browser-login"})
"""Scripts in which the reference tells the end of a login now before, now behind what comes at the same time."""


async def played(name: str, command: tuple[str, ...], root: Path) -> list[Frame]:
    """Every frame the server sent, normalised."""
    script, model, settings = SCRIPTS[name]
    home = make_home(root / "home")
    repo = make_repo(root / "repo", {"README.md": "A scratch repository.\n"})
    gates: dict[str, Gate] = {}
    async with ModelServer(model(gates)) as server:
        home.use_model_server(server.base_url, settings=settings)
        async with server_process(home, *command[1:], command=command[0], cwd=root) as (client, process):
            await script(Stage(client, home, repo, gates))
            await process.close_stdin()
            await process.finish()
    normaliser = Normaliser(Places(repo.path, home.codex_home, home.path))
    frames = [normalised(frame, normaliser) for frame in client.frames]
    if name in RACING:
        frames.sort(key=lambda frame: frame.get("method") == "loginChatGptComplete")
    return frames


def normalised(frame: Frame, normaliser: Normaliser) -> Frame:
    frame = copy.deepcopy(frame)
    msg = frame.get("params", {}).get("msg", {})
    if "duration" in msg:
        msg["duration"] = {"secs": 0, "nanos": 0}
    if msg.get("type") == "session_configured":
        msg["history_log_id"] = 0
    for tool in frame.get("result", {}).get("tools", ()):  # the words are our own
        tool["description"] = ""
        for each in tool["inputSchema"]["properties"].values():
            each["description"] = ""
    if isinstance(result := frame.get("result"), dict):
        result.pop("structuredContent", None)
        if "authUrl" in result:
            result["authUrl"] = re.sub(r"(state|code_challenge)=[\w-]+", r"\1=X", result["authUrl"])
        if "nextCursor" in result:
            result["nextCursor"] = re.sub(r"T\d\d-\d\d-\d\d", "TIME", result["nextCursor"])
    value: Any = normaliser.value(frame)
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", SCRIPTS)
async def test_both_say_the_same(name: str, reference: str, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "ours").mkdir()
    theirs = await played(name, (reference, "mcp"), tmp_path / "theirs")
    ours = await played(name, ("codex", "mcp"), tmp_path / "ours")
    differences = compare(theirs, ours, "frames", key_order=True)
    assert not differences, report(differences)

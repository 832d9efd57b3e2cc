"""Servers over streamable HTTP: headers and tokens, refusals in words, and what the SDK makes of the rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from codex_core.config.mcp_servers import McpHttpTransport, McpServerConfig
from codex_core.mcp.connection import ServerConnection, make_wire
from codex_core.mcp.errors import McpError, RefusedByServer, ServerGone, ServerUnreachable, SessionEnded
from codex_core.services import Services

pytest.importorskip("mcp", reason="the MCP SDK is not installed")

URL = "https://mcp.example.invalid/mcp"
TOKEN = "secret-token-of-the-test"
Answer = Callable[[httpx.Request, dict[str, Any]], httpx.Response | None]
Connect = Callable[..., Awaitable[ServerConnection]]


class Site:
    """A server as an HTTP transport: knows the handshake, everything else is up to the test."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.on_post: Answer | None = None
        self.session: str | None = "session-1"
        self.as_events = False

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method != "POST":
            return httpx.Response(405)
        message = json.loads(request.content)
        if self.on_post is not None and (response := self.on_post(request, message)) is not None:
            return response
        method = message.get("method")
        if "id" not in message or "result" in message:
            return httpx.Response(202)
        if method == "initialize":
            result: object = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "site", "version": "1"},
            }
        elif method == "tools/list":
            result = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
        else:
            result = {"content": [{"type": "text", "text": "pong"}]}
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        headers = {"mcp-session-id": self.session} if method == "initialize" and self.session else {}
        if self.as_events:
            events = f": hello\n\nevent: message\ndata: {json.dumps(body)}\n\n"
            return httpx.Response(200, headers={**headers, "content-type": "text/event-stream"}, text=events)
        return httpx.Response(200, headers=headers, json=body)

    @property
    def posts(self) -> list[tuple[httpx.Request, dict[str, Any]]]:
        return [(each, json.loads(each.content)) for each in self.requests if each.method == "POST"]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def connect(site: Site) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def start(
            *, environ: dict[str, str] | None = None, tool_s: float = 20.0, **transport: Any
        ) -> ServerConnection:
            config = McpServerConfig(
                "web",
                McpHttpTransport(**{"url": URL, **transport}),
                startup_timeout_ms=20_000,
                tool_timeout_s=tool_s,
            )
            services = Services(environ=environ or {}, http_transport=httpx.MockTransport(site))
            connection = ServerConnection(config, make_wire(config, cwd="/w", services=services), cwd="/w")
            stack.push_async_callback(connection.aclose)
            await connection.start()
            return connection

        yield start


@pytest.mark.parametrize("as_events", [False, True])
async def test_handshake_listing_and_call(connect: Connect, site: Site, as_events: bool) -> None:
    site.as_events = as_events
    connection = await connect()
    assert connection.server_info == "site 1"
    assert [tool.name for tool in connection.listing.tools] == ["echo"]
    result = await connection.call("echo", {"msg": "hi"})
    assert result.to_wire() == {"content": [{"text": "pong", "type": "text"}]}
    methods = [message["method"] for _, message in site.posts]
    assert methods == ["initialize", "notifications/initialized", "tools/list", "tools/call"]
    assert site.posts[0][1]["params"]["protocolVersion"] == "2025-06-18"
    assert "mcp-protocol-version" not in site.posts[0][0].headers
    for request, _ in site.posts[1:]:
        assert request.headers["mcp-session-id"] == "session-1"
        assert request.headers["mcp-protocol-version"] == "2025-06-18"


async def test_the_session_is_ended_at_the_server(connect: Connect, site: Site) -> None:
    connection = await connect()
    await connection.aclose()
    assert [request.method for request in site.requests].count("DELETE") == 1


async def test_token_and_headers_go_along(connect: Connect, site: Site) -> None:
    await connect(
        environ={"TOKEN": f" {TOKEN}\n", "TEAM": "blue", "EMPTY": " "},
        bearer_token_env_var="TOKEN",
        http_headers={"X-One": "1", "Authorization": "Basic wrong"},
        env_http_headers={"X-Team": "TEAM", "X-None": "NOT_SET", "X-Empty": "EMPTY"},
    )
    for request in site.requests:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["x-one"] == "1"
        assert request.headers["x-team"] == "blue"
        assert not {"x-none", "x-empty", "user-agent"} & set(request.headers)


@pytest.mark.parametrize(
    "location",
    [
        "https://other.example.invalid/mcp",
        "http://mcp.example.invalid/mcp",
        "https://mcp.example.invalid:444/",
    ],
)
async def test_a_redirect_never_takes_the_token_elsewhere(
    connect: Connect, site: Site, location: str
) -> None:
    site.on_post = lambda request, message: httpx.Response(307, headers={"location": location})
    with pytest.raises(McpError, match="not followed"):
        await connect(environ={"TOKEN": TOKEN}, bearer_token_env_var="TOKEN")
    assert {str(request.url) for request in site.requests} == {URL}


async def test_a_redirect_on_the_same_server_is_followed(connect: Connect, site: Site) -> None:
    def redirect(request: httpx.Request, _: dict[str, Any]) -> httpx.Response | None:
        return None if request.url.path == "/mcp/" else httpx.Response(307, headers={"location": "/mcp/"})

    site.on_post = redirect
    assert (await connect()).server_info == "site 1"


@pytest.mark.parametrize(
    ("transport", "sentence"),
    [
        (
            {"bearer_token_env_var": "TOKEN"},
            "the environment variable TOKEN (`bearer_token_env_var`) is not set or empty",
        ),
        (
            {"bearer_token_env_var": "BROKEN"},
            "the token in the environment variable BROKEN has characters that cannot",
        ),
        ({"url": "ftp://x.invalid"}, "its `url` ftp://x.invalid is not an http or https address"),
        ({"url": "mcp.example.invalid"}, "is not an http or https address"),
        ({"http_headers": {"X Y": "1"}}, "`X Y` cannot be the name of an HTTP header"),
        (
            {"http_headers": {"X-Y": "a\nb"}},
            "the value of the HTTP header `X-Y` has characters that cannot be sent",
        ),
    ],
)
async def test_what_cannot_work_is_said_before_anything_is_sent(
    connect: Connect, site: Site, transport: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        await connect(environ={"BROKEN": f"{TOKEN}\nü"}, **transport)
    assert sentence in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert site.requests == []


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (httpx.Response(401), "HTTP status 401; the token in the environment variable TOKEN is not accepted"),
        (httpx.Response(403, text="no"), "HTTP status 403; the token in the environment variable TOKEN"),
        (httpx.Response(500, text="<p>down\n now</p>"), "HTTP status 500: <p>down now</p>"),
        (httpx.Response(404, text="nothing"), "HTTP status 404: nothing"),
        (
            httpx.Response(200, text="<html>", headers={"content-type": "text/html"}),
            "Unexpected content type: text/html",
        ),
        (
            httpx.Response(200, text="{", headers={"content-type": "application/json"}),
            "Failed to parse JSON response",
        ),
    ],
)
async def test_a_refusal_is_told_in_words(
    connect: Connect, site: Site, response: httpx.Response, sentence: str
) -> None:
    site.on_post = lambda request, message: response
    with pytest.raises(McpError) as caught:
        await connect(environ={"TOKEN": TOKEN}, bearer_token_env_var="TOKEN")
    assert sentence in str(caught.value)
    assert URL in str(caught.value)
    assert TOKEN not in str(caught.value)


async def test_without_a_token_the_key_for_it_is_named(connect: Connect, site: Site) -> None:
    site.on_post = lambda request, message: httpx.Response(401)
    with pytest.raises(ServerUnreachable, match="name the variable that has it in `bearer_token_env_var`"):
        await connect()


async def test_an_error_explained_in_json_rpc_keeps_its_words(connect: Connect, site: Site) -> None:
    def refuse(_: httpx.Request, message: dict[str, Any]) -> httpx.Response | None:
        if message.get("method") != "tools/call":
            return None
        error = {"code": -32602, "message": "no such tool"}
        return httpx.Response(400, json={"jsonrpc": "2.0", "id": None, "error": error})

    site.on_post = refuse
    connection = await connect()
    with pytest.raises(RefusedByServer, match=r"^no such tool$"):
        await connection.call("echo", None)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.RemoteProtocolError("odd")]
)
async def test_a_call_that_cannot_be_sent_fails_alone(connect: Connect, site: Site, error: Exception) -> None:
    connection = await connect()

    def fail(_: httpx.Request, message: dict[str, Any]) -> httpx.Response:
        raise error

    site.on_post = fail
    with pytest.raises(ServerUnreachable, match="it cannot be reached: "):
        await connection.call("echo", None)
    site.on_post = None
    assert (await connection.call("echo", None)).content


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_answer_that_breaks_off_fails_alone(connect: Connect, site: Site, kind: str) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc":'
        raise httpx.ReadError("reset")

    connection = await connect()
    site.on_post = lambda request, message: httpx.Response(
        200, content=broken(), headers={"content-type": kind}
    )
    with pytest.raises(McpError):
        await connection.call("echo", None)
    site.on_post = None
    assert (await connection.call("echo", None)).content


async def test_too_large_an_answer_is_not_kept(
    connect: Connect, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_core.mcp.http_bridge.MAX_MESSAGE_BYTES", 1000)
    connection = await connect()
    site.on_post = lambda request, message: httpx.Response(200, json={"x": "y" * 2000})
    with pytest.raises(ServerUnreachable, match="more than 1000 bytes"):
        await connection.call("echo", None)


async def test_a_closed_connection_takes_no_calls(connect: Connect) -> None:
    connection = await connect()
    await connection.aclose()
    with pytest.raises(ServerGone):
        await connection.call("echo", None)


async def test_a_call_given_up_is_cancelled_at_the_server(connect: Connect, site: Site) -> None:
    connection = await connect(tool_s=0.05)
    site.on_post = lambda request, message: (
        httpx.Response(200, content=_silence(), headers={"content-type": "text/event-stream"})
        if message.get("method") == "tools/call"
        else None
    )
    with pytest.raises(McpError, match=r"no answer within 0\.05 s"):
        await connection.call("echo", None)
    await connection._list(20.0)
    methods = [message["method"] for _, message in site.posts]
    assert methods[-2:] == ["notifications/cancelled", "tools/list"]


async def _silence() -> AsyncIterator[bytes]:
    yield b": still here\n\n"
    await asyncio.Event().wait()


async def test_a_server_that_forgot_the_session_gets_a_new_one_and_the_call(
    connect: Connect, site: Site
) -> None:
    connection = await connect()
    site.session = "session-2"

    def forget(request: httpx.Request, _: dict[str, Any]) -> httpx.Response | None:
        return httpx.Response(404) if request.headers.get("mcp-session-id") == "session-1" else None

    site.on_post = forget
    calls = await asyncio.gather(*(connection.call("echo", None) for _ in range(3)))
    assert [call.to_wire()["content"] for call in calls] == [[{"text": "pong", "type": "text"}]] * 3
    methods = [message["method"] for _, message in site.posts]
    assert methods.count("initialize") == 2
    await connection.call("echo", None)
    assert site.requests[-1].headers["mcp-session-id"] == "session-2"


async def test_a_server_that_forgets_every_session_is_not_asked_for_ever(
    connect: Connect, site: Site
) -> None:
    connection = await connect()
    site.on_post = lambda request, message: (
        httpx.Response(404) if "mcp-session-id" in request.headers else None
    )
    with pytest.raises(SessionEnded, match="does not know our session any more"):
        await connection.call("echo", None)
    methods = [message["method"] for _, message in site.posts]
    assert methods.count("initialize") == 2

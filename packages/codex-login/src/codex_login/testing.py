"""An issuer of tokens on loopback, for tests of programs that sign in.

    async with MockIssuer() as issuer:
        settings = SignInSettings(codex_home, issuer=issuer_at(issuer.url), port=0)

It is strict where a real one is: PKCE is checked, codes and refresh tokens are good once. `issuer.requests`
has everything it was asked.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import h11

from codex_login.id_token import AUTH_CLAIMS
from codex_login.oauth import challenge_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_READ_BYTES = 64 * 1024


def make_jwt(claims: Mapping[str, object]) -> str:
    """A token with these claims; its signature is worth nothing."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{payload}.c2lnbmF0dXJl"


@dataclass(frozen=True, slots=True)
class IssuerRequest:
    """One request to the issuer."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The form or the JSON object in the body."""
        if self.headers.get("content-type", "").startswith("application/json"):
            found: dict[str, str] = json.loads(self.body)
            return found
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Reply = tuple[int, dict[str, str], bytes]


def _json(status: int, content: object) -> Reply:
    return status, {"content-type": "application/json"}, json.dumps(content).encode()


@dataclass
class MockIssuer:
    """Says yes to everybody, unless told otherwise."""

    email: str = "someone@example.test"
    account_id: str = "acc-123"
    plan: str = "pro"
    auth_claims: dict[str, object] = field(default_factory=dict)
    """More of what the id_token says of the user."""
    denial: dict[str, str] | None = None
    """The parameters of the callback instead of a code, e.g. `{"error": "access_denied"}`."""
    state: str | None = None
    """Replaces the state that is sent back."""
    failing: dict[str, Reply] = field(default_factory=dict)
    """Grant type, or path, and what is answered instead."""
    gives_key: bool = True
    mark: str = ""
    """Stands in its tokens, and makes them unlike those of other issuers; where it is empty, the URL does."""
    device_answers: list[int] = field(default_factory=list)
    """Status codes before the user has typed the code of a device."""
    device_interval: str = "5"
    """Seconds a device is told to wait between two questions."""
    requests: list[IssuerRequest] = field(default_factory=list)
    refresh_tokens: set[str] = field(default_factory=set)
    """Those that are good."""
    url: str = ""

    def __post_init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {}
        self._count = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    def asked(self, path: str) -> list[IssuerRequest]:
        """The requests for that path."""
        return [request for request in self.requests if request.path == path]

    def new_tokens(self) -> dict[str, str]:
        """A fresh set of tokens."""
        self._count += 1
        auth = {"chatgpt_plan_type": self.plan, "chatgpt_account_id": self.account_id, **self.auth_claims}
        mark = self.mark or self.url
        refresh_token = f"rt-{self._count}-{mark}"
        self.refresh_tokens.add(refresh_token)
        unique = {"iss": mark, "n": self._count}
        return {
            "id_token": make_jwt({"email": self.email, AUTH_CLAIMS: auth, **unique}),
            "access_token": make_jwt({AUTH_CLAIMS: {"chatgpt_plan_type": self.plan}, **unique}),
            "refresh_token": refresh_token,
        }

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = h11.Connection(h11.SERVER)
        head: h11.Request | None = None
        body = b""
        try:
            while True:
                event = protocol.next_event()
                if event is h11.NEED_DATA:
                    protocol.receive_data(await reader.read(_READ_BYTES))
                elif isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.EndOfMessage) and head is not None:
                    break
                else:
                    return
            status, headers, content = self._reply(_request(head, body))
            lines = [*headers.items(), ("content-length", str(len(content))), ("connection", "close")]
            for sent in (
                h11.Response(status_code=status, headers=lines),
                h11.Data(content),
                h11.EndOfMessage(),
            ):
                writer.write(protocol.send(sent) or b"")
            await writer.drain()
        except (OSError, h11.RemoteProtocolError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _reply(self, request: IssuerRequest) -> Reply:
        self.requests.append(request)
        if request.path in self.failing:
            return self.failing[request.path]
        match request.path:
            case "/oauth/authorize":
                return self._authorize(request.query)
            case "/oauth/token":
                return self._token(request.fields)
            case "/oauth/revoke":
                self.refresh_tokens.discard(request.fields.get("token", ""))
                return _json(200, {})
            case "/api/accounts/deviceauth/usercode":
                code = {"device_auth_id": "device-1", "user_code": "ABCD-12345"}
                return _json(200, {**code, "interval": self.device_interval})
            case "/api/accounts/deviceauth/token":
                return self._device(request.fields)
            case _:
                return 404, {}, b"not found"

    def _authorize(self, query: Mapping[str, str]) -> Reply:
        state = query["state"] if self.state is None else self.state
        if self.denial is not None:
            answer = {**self.denial, "state": state}
        else:
            answer = {"code": self._new_code(query["redirect_uri"], query["code_challenge"]), "state": state}
        return 302, {"location": f"{query['redirect_uri']}?{urlencode(answer)}"}, b""

    def _new_code(self, redirect_uri: str, challenge: str) -> str:
        self._count += 1
        code = f"code-{self._count}"
        self._codes[code] = {"redirect_uri": redirect_uri, "challenge": challenge}
        return code

    def _token(self, fields: Mapping[str, str]) -> Reply:
        grant = fields.get("grant_type", "")
        if grant in self.failing:
            return self.failing[grant]
        match grant:
            case "authorization_code":
                expected = self._codes.pop(fields["code"], None)
                given = {
                    "redirect_uri": fields["redirect_uri"],
                    "challenge": challenge_of(fields["code_verifier"]),
                }
                if given != expected:
                    return _json(400, {"error": "invalid_grant"})
                return _json(200, self.new_tokens())
            case "refresh_token":
                if fields["refresh_token"] not in self.refresh_tokens:
                    return _json(401, {"error": {"code": "refresh_token_reused"}})
                self.refresh_tokens.discard(fields["refresh_token"])
                return _json(200, self.new_tokens())
            case "urn:ietf:params:oauth:grant-type:token-exchange" if self.gives_key:
                return _json(200, {"access_token": "sk-exchanged-0123456789"})
            case _:
                return _json(400, {"error": "unsupported_grant_type"})

    def _device(self, fields: Mapping[str, str]) -> Reply:
        if (fields["device_auth_id"], fields["user_code"]) != ("device-1", "ABCD-12345"):
            return _json(400, {})
        if self.device_answers:
            return _json(self.device_answers.pop(0), {})
        verifier = "v" * 64
        code = self._new_code(f"{self.url}/deviceauth/callback", challenge_of(verifier))
        return _json(
            200,
            {
                "authorization_code": code,
                "code_challenge": challenge_of(verifier),
                "code_verifier": verifier,
            },
        )


def _request(head: h11.Request, body: bytes) -> IssuerRequest:
    target = urlsplit(head.target.decode())
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    return IssuerRequest(head.method.decode(), target.path, query, headers, body)

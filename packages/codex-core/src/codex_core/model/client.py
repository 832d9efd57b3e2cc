"""The model client: one prompt in, a stream of response events out, over HTTP.

Repeats a request that could not be answered for a passing reason (quietly, a few times) and ends the
stream with the answer. It does not repeat an answer that broke off: the turn does, because it knows what
already happened (spec: agent.md sections 7 to 10).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from codex_core.model.bursts import BURST, joined
from codex_core.model.credentials import Source, base_url, choose_credential, refusal_hint
from codex_core.model.errors import ConnectionFailed, InvalidRequest, StreamDisconnected
from codex_core.model.prompt import DEFAULT_REASONING_FIELD, RequestSettings
from codex_core.model.refusal import Refusal, judge_refusal
from codex_core.model.response_body import IDLE_DETAIL, ResponseBody, shown
from codex_core.model.retry import backoff
from codex_core.model.sse import EventTooLargeError, SseDecoder
from codex_core.model.wire import wire_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    import httpx

    from codex_core.config.providers import ModelProvider
    from codex_core.model.credentials import Credential, StoredLogin
    from codex_core.model.families import ModelFamily
    from codex_core.model.prompt import Prompt
    from codex_core.model.response_events import ResponseEvent
    from codex_core.model.wire import StreamDecoder, Wire
    from codex_core.services import Services
    from codex_protocol.config_types import ReasoningEffort, ReasoningSummary, Verbosity

MAX_REFUSAL_BYTES = 64 * 1024
"""As much of a refusal's body is read; it ends up in a sentence for the user."""
MAX_LOGIN_RECOVERIES = 2
"""A 401 is answered by reading the login again, then by renewing it (spec: auth.md section 3)."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Keep(Enum):
    """Stands for "as before" where None already means "not set"."""

    KEEP = "keep"


KEEP = Keep.KEEP


class Connection:
    """The HTTP client that all copies of one model client share; made when it is first needed."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self.reasoning_field = DEFAULT_REASONING_FIELD
        """What the server calls reasoning, as far as is known (`RequestSettings.reasoning_field`)."""
        self.alternating_models: set[str] = set()
        """Models that refused two messages of the user in a row (`RequestSettings.alternates`)."""
        self.text_only_models: set[str] = set()
        """Models that refused images."""

    def open(self, url: str, provider: ModelProvider, services: Services) -> httpx.AsyncClient:
        """The HTTP client for requests to `url`.

        Raises: InvalidRequest when the URL, a proxy, certificates, a script or a recording cannot be used.
        """
        if self._client is None:
            from codex_core.model.transports import transport_for
            from codex_login.errors import ConnectionSetupError
            from codex_login.http import import_httpx, make_client

            import_httpx()  # before anything else imports it the slow way
            try:
                self._client = make_client(url, transport=transport_for(provider, services))
            except ConnectionSetupError as error:
                raise InvalidRequest(str(error)) from error
        return self._client

    async def aclose(self) -> None:
        """Closes every connection to the server; the next request opens a new one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelClient:
    """Asks one model of one provider on behalf of one conversation."""

    provider: ModelProvider = field(repr=False)
    model: str
    family: ModelFamily
    conversation_id: str
    auth: StoredLogin | None = field(repr=False)
    services: Services = field(repr=False)
    user_agent: str
    originator: str
    effort: ReasoningEffort | None = None
    summary: ReasoningSummary | None = None
    verbosity: Verbosity | None = None
    connection: Connection = field(default_factory=Connection, repr=False, compare=False)

    def with_turn(
        self,
        *,
        model: str | Keep = KEEP,
        family: ModelFamily | Keep = KEEP,
        effort: ReasoningEffort | Keep | None = KEEP,
        summary: ReasoningSummary | Keep | None = KEEP,
        verbosity: Verbosity | Keep | None = KEEP,
    ) -> ModelClient:
        """A copy that asks differently over the same connection; closing either closes it for both."""
        return replace(
            self,
            model=self.model if model is KEEP else model,
            family=self.family if family is KEEP else family,
            effort=self.effort if effort is KEEP else effort,
            summary=self.summary if summary is KEEP else summary,
            verbosity=self.verbosity if verbosity is KEEP else verbosity,
        )

    async def aclose(self) -> None:
        """Closes the connection; a later request opens a new one."""
        await self.connection.aclose()

    async def stream(self, prompt: Prompt) -> AsyncGenerator[ResponseEvent, None]:
        """What happens as the model answers; `Completed` is the last event of a whole answer.

        Close it (`contextlib.aclosing`) when you stop before its end: that hangs up on the server.

        Raises: the leaves of ModelError (`codex_core.model.errors`); `retryable` says whether the prompt
        can be asked again.
        """
        wire = wire_for(self.provider.wire_api)
        response = await self._ask(wire, prompt)
        try:
            body = ResponseBody(response, idle_s=self._idle_s)
            events = SseDecoder()
            decoder = wire.new_decoder(self.services.new_id)
            if any(name.startswith("x-codex-") for name in response.headers):
                from codex_core.model.rate_limits import rate_limits_in

                if limits := rate_limits_in(response.headers):
                    yield limits
            while True:
                chunk = await body.next_chunk()
                if finished := _finished_events(events, chunk):
                    body.has_events = True
                    for event in happened_in(finished, decoder):
                        yield event
                    if decoder.is_complete:
                        self._note(decoder)
                        await body.drain()
                        return
                if chunk is None:
                    for event in body.end(decoder):
                        yield event
                    self._note(decoder)
                    return
        finally:
            await response.aclose()

    def _note(self, decoder: StreamDecoder) -> None:
        if decoder.reasoning_field is not None:
            self.connection.reasoning_field = decoder.reasoning_field

    async def _ask(self, wire: Wire, prompt: Prompt) -> httpx.Response:
        """The response whose body is the answer; repeats the request as long as that can help.

        Raises: a ModelError.
        """
        url = self._url(wire)
        client = self.connection.open(url, self.provider, self.services)
        payload = self._payload(wire, prompt)
        retries = recoveries = 0
        while True:
            credential = await choose_credential(self.provider, self.auth, self.services.environ)
            outcome = await self._send(client, url, self._headers(wire, credential), payload)
            if isinstance(outcome, ConnectionFailed):
                refusal = Refusal(outcome, may_repeat=True)
            elif outcome.is_success:
                return outcome
            else:
                refusal = await self._refusal(outcome, credential)
                if self._learns_from(refusal):
                    payload = self._payload(wire, prompt)
                    continue
                if outcome.status_code == 401 and recoveries < MAX_LOGIN_RECOVERIES:
                    recoveries += 1
                    if await self._recover_login(credential):
                        continue
            if not refusal.may_repeat or retries >= self.provider.request_max_retries:
                raise refusal.error
            retries += 1
            wait = backoff(retries, self.services.jitter()) if refusal.wait is None else refusal.wait
            await self.services.sleep(wait)

    def _payload(self, wire: Wire, prompt: Prompt) -> bytes:
        from codex_protocol.jsonio import dumps

        if self.model in self.connection.text_only_models:
            from codex_core.model.text_only import without_images

            prompt = replace(prompt, input=without_images(prompt.input))
        return dumps(wire.request_body(prompt, self._settings())).encode()

    def _learns_from(self, refusal: Refusal) -> bool:
        """Remembers what the model does not take; whether that was news, so that asking again can help."""
        is_news = False
        for is_told, models in (
            (refusal.wants_alternation, self.connection.alternating_models),
            (refusal.refuses_images, self.connection.text_only_models),
        ):
            if is_told and self.model not in models:
                models.add(self.model)
                is_news = True
        return is_news

    async def _send(
        self, client: httpx.AsyncClient, url: str, headers: dict[str, str], payload: bytes
    ) -> httpx.Response | ConnectionFailed:
        """The head of a response, or why there is none."""
        import httpx

        from codex_login.errors import ConnectionSetupError

        # The libraries quote what they do not like, headers and passwords included: no text or cause of
        # theirs goes into these errors.
        try:
            request = client.build_request("POST", url, content=payload, headers=headers)
        except (httpx.InvalidURL, UnicodeError):
            raise InvalidRequest(f"a request to {shown(url)} cannot be sent: it is not a valid URL") from None
        try:
            async with asyncio.timeout(self._idle_s):
                return await client.send(request, stream=True)
        except httpx.UnsupportedProtocol:
            raise InvalidRequest(
                f"a request to {shown(url)} cannot be sent: the URL does not begin with http:// or https://"
            ) from None
        except httpx.LocalProtocolError:
            raise InvalidRequest(
                f"a request to {shown(url)} cannot be sent: HTTP does not allow its headers"
            ) from None
        except ConnectionSetupError as error:
            raise InvalidRequest(str(error)) from error
        except httpx.TransportError as error:
            failure = ConnectionFailed(shown(str(request.url)))
            failure.__cause__ = error
            return failure
        except TimeoutError:
            raise StreamDisconnected(IDLE_DETAIL) from None

    async def _refusal(self, response: httpx.Response, credential: Credential) -> Refusal:
        import httpx

        body = bytearray()
        try:
            async with asyncio.timeout(self._idle_s):
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) >= MAX_REFUSAL_BYTES:
                        break
        except (httpx.RequestError, TimeoutError):
            pass  # the status alone says enough
        finally:
            await response.aclose()
        return judge_refusal(
            response.status_code,
            response.headers,
            bytes(body[:MAX_REFUSAL_BYTES]).decode("utf-8", "replace"),
            plan=self.auth.plan_type if self.auth is not None and credential.source is Source.LOGIN else None,
            now=self.services.now().timestamp(),
            hint=refusal_hint(self.provider, credential, self.auth),
        )

    async def _recover_login(self, credential: Credential) -> bool:
        if self.auth is None or credential.source is not Source.LOGIN:
            return False
        return await self.auth.recover_from_unauthorized(credential.bearer)

    def _settings(self) -> RequestSettings:
        return RequestSettings(
            model=self.model,
            family=self.family,
            conversation_id=self.conversation_id,
            effort=self.effort,
            summary=self.summary,
            verbosity=self.verbosity,
            reasoning_field=self.connection.reasoning_field,
            alternates=self.model in self.connection.alternating_models,
            store=self.provider.is_azure,
        )

    def _url(self, wire: Wire) -> str:
        # Without the slash that people copy along: servers know no path with two.
        url = base_url(self.provider, self.auth).rstrip("/") + wire.path
        query = "&".join(f"{name}={value}" for name, value in self.provider.query_params.items())
        return f"{url}?{query}" if query else url

    def _headers(self, wire: Wire, credential: Credential) -> dict[str, str]:
        """Headers by lower-case name; what the provider's configuration sets wins over ours."""
        headers: dict[str, str] = {}
        if credential.bearer is not None:
            headers["authorization"] = f"Bearer {credential.bearer}"
        if wire.names_conversation:
            headers["openai-beta"] = "responses=experimental"
            headers["conversation_id"] = self.conversation_id
            headers["session_id"] = self.conversation_id
        headers["accept"] = "text/event-stream"
        headers["content-type"] = "application/json"
        if credential.account_id is not None:
            headers["chatgpt-account-id"] = credential.account_id
        headers["user-agent"] = self.user_agent
        headers["originator"] = self.originator
        for name, value in self.provider.headers(self.services.environ).items():
            if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
                raise InvalidRequest(
                    f"the header `{name}` of model provider `{self.provider.id}` has characters in it that "
                    "cannot be sent"
                )
            headers[name.lower()] = value
        return headers

    @property
    def _idle_s(self) -> float:
        return self.provider.stream_idle_timeout_ms / 1000


def happened_in(finished: Sequence[str], decoder: StreamDecoder) -> Iterator[ResponseEvent]:
    """What the data of events that arrived together says, up to the end of the answer.

    Raises: a ModelError when the data says that the answer failed.
    """
    happened = _told(finished, decoder)
    return happened if len(finished) < BURST else joined(happened)


def _told(finished: Sequence[str], decoder: StreamDecoder) -> Iterator[ResponseEvent]:
    for data in finished:
        yield from decoder.feed(data)
        if decoder.is_complete:
            return


def _finished_events(events: SseDecoder, chunk: bytes | None) -> list[str]:
    try:
        return events.finish() if chunk is None else events.feed(chunk)
    except EventTooLargeError as error:
        raise StreamDisconnected(str(error)) from error

"""A model client, a scripted server behind it, and a login, for the tests of the client."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from codex_core.config.providers import ModelProvider, WireApi
from codex_core.errors import ModelError
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.demo.transport import ScriptedTransport
from codex_core.model.response_events import (
    ResponseEvent,
)
from codex_core.model.scripted.replies import (
    Reply,
)
from codex_core.services import Services
from codex_protocol.config_types import ReasoningSummary
from codex_protocol.items import InputTextContent, MessageItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_core.model.demo.transport import Responder

PROMPT = Prompt("Be brief.", (MessageItem(role="user", content=(InputTextContent(text="hi"),)),))
MOCK = ModelProvider(id="mock", name="Mock", base_url="https://mock.test/v1", wire_api=WireApi.RESPONSES)


@dataclass
class Login:
    """What a user signed in with, as the client sees it."""

    is_chatgpt: bool = True
    account_id: str | None = "acc-1"
    plan_type: str | None = "plus"
    problem: Exception | None = None
    tokens: list[str] = field(default_factory=lambda: ["old"])
    asked_to_recover: int = 0

    async def bearer_token(self) -> str | None:
        return self.tokens[0] if self.tokens else None

    async def recover_from_unauthorized(self, refused: str | None = None) -> bool:
        self.asked_to_recover += 1
        if len(self.tokens) < 2:
            return False
        self.tokens.pop(0)
        return True


class World:
    """A client, the scripted server behind it and how long it slept."""

    def __init__(
        self,
        script: Iterable[Reply | str | Responder],
        *,
        provider: ModelProvider = MOCK,
        login: Login | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.slept: list[float] = []
        self.server = ScriptedTransport(script)
        self.client = ModelClient(
            provider=provider,
            model="gpt-5",
            family=family_for("gpt-5"),
            conversation_id="conversation-1",
            auth=login,
            services=Services(
                http_transport=self.server, sleep=self._sleep, jitter=lambda: 1.0, environ=environ or {}
            ),
            user_agent="codex_cli_rs/0.36.0 (Test)",
            originator="codex_cli_rs",
            summary=ReasoningSummary.AUTO,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self) -> list[ResponseEvent]:
        try:
            return [event async for event in self.client.stream(PROMPT)]
        finally:
            await self.client.aclose()

    async def ask_until_error(self) -> tuple[list[ResponseEvent], ModelError]:
        """What was said before the error, and the error."""
        events: list[ResponseEvent] = []
        try:
            async for event in self.client.stream(PROMPT):
                events.append(event)  # noqa: PERF401 - what came before the error counts
        except ModelError as error:
            return events, error
        finally:
            await self.client.aclose()
        raise AssertionError("no error came")

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.server.requests[-1].headers)


def changed(provider: ModelProvider = MOCK, **changes: object) -> ModelProvider:
    return replace(provider, **changes)  # type: ignore[arg-type]  # by name

"""Model providers: where requests go, with which wire format, headers, key and patience.

Knows the built-in ones (spec: config-cli.md section 9, agent.md section 10). Which credential a request
carries is the model client's business; this only says what the provider is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI_ID = "openai"
OSS_ID = "oss"
DEMO_ID = "demo"

DEFAULT_REQUEST_MAX_RETRIES = 4
DEFAULT_STREAM_MAX_RETRIES = 5
MAX_RETRIES = 100
DEFAULT_STREAM_IDLE_TIMEOUT_MS = 300_000

DEMO_BASE_URL = "http://demo.invalid/v1"
"""`.invalid` is never resolvable (RFC 2606): a request that escapes the demo transport goes nowhere."""
OSS_DEFAULT_PORT = 11434

_AZURE_HOST_PARTS = ("openai.azure.", "cognitiveservices.azure.", "aoai.azure.", "azure-api.", "azurefd.")


class WireApi(StrEnum):
    """The request and stream format a provider speaks."""

    CHAT = "chat"
    RESPONSES = "responses"


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """One entry of `model_providers`, or a built-in one."""

    id: str
    name: str
    base_url: str | None = None
    """Prefix of `/responses` or `/chat/completions`; None means OpenAI's own, by kind of login."""
    env_key: str | None = None
    """Name of the environment variable with the bearer key."""
    env_key_instructions: str | None = None
    wire_api: WireApi = WireApi.CHAT
    query_params: Mapping[str, str] = field(default_factory=dict)
    http_headers: Mapping[str, str] = field(default_factory=dict)
    env_http_headers: Mapping[str, str] = field(default_factory=dict)
    """Header name -> environment variable; sent when the variable is set and not blank."""
    request_max_retries: int = DEFAULT_REQUEST_MAX_RETRIES
    stream_max_retries: int = DEFAULT_STREAM_MAX_RETRIES
    stream_idle_timeout_ms: int = DEFAULT_STREAM_IDLE_TIMEOUT_MS
    requires_openai_auth: bool = False
    """Whether stored OpenAI credentials belong to it; they are sent to no other provider."""

    @property
    def is_azure(self) -> bool:
        """Whether the endpoint is Azure's flavour of the Responses API."""
        if self.wire_api is not WireApi.RESPONSES:
            return False
        url = (self.base_url or "").lower()
        return self.name.lower() == "azure" or any(part in url for part in _AZURE_HOST_PARTS)

    def headers(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The provider's own headers: the fixed ones, then those whose variable is set and not blank."""
        headers = dict(self.http_headers)
        for name, variable in self.env_http_headers.items():
            value = environ.get(variable, "")
            if value.strip():
                headers[name] = value
        return headers


def built_in_providers(
    environ: Mapping[str, str], *, openai_base_url: str | None = None
) -> dict[str, ModelProvider]:
    """The providers every configuration has, by id; `environ` may move their base URLs.

    `openai_base_url` is the key of that name, which is stronger than `OPENAI_BASE_URL`.
    """
    openai = ModelProvider(
        id=OPENAI_ID,
        name="OpenAI",
        base_url=_not_blank(openai_base_url) or _not_blank(environ.get("OPENAI_BASE_URL")),
        wire_api=WireApi.RESPONSES,
        http_headers={"version": __version__},
        env_http_headers={"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"},
        requires_openai_auth=True,
    )
    oss = ModelProvider(id=OSS_ID, name="gpt-oss", base_url=_oss_base_url(environ))
    demo = ModelProvider(id=DEMO_ID, name="Offline demo", base_url=DEMO_BASE_URL, wire_api=WireApi.RESPONSES)
    return {provider.id: provider for provider in (openai, oss, demo)}


def _oss_base_url(environ: Mapping[str, str]) -> str:
    given = _not_blank(environ.get("CODEX_OSS_BASE_URL"))
    if given is not None:
        return given
    port = environ.get("CODEX_OSS_PORT", "")
    # Plain ASCII digits of a 16-bit number; anything else is as if it were not set.
    usable = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    return f"http://localhost:{int(port) if usable else OSS_DEFAULT_PORT}/v1"


def _not_blank(value: str | None) -> str | None:
    return value if value is not None and value.strip() else None

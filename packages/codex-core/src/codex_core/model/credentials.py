"""Which bearer credential a request carries, and that it goes to nobody but whom it belongs to.

A provider's own key (`env_key`), or user name and password in its `base_url`, go to that provider, wherever
the user says it is. What `codex login` stored goes to OpenAI: to the built-in provider and to those that are
configured with `requires_openai_auth`, and to them by https or on this machine only (spec: agent.md section
25, D11).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from codex_core.model.errors import InvalidRequest, MissingApiKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.config.providers import ModelProvider

OPENAI_API_URL = "https://api.openai.com/v1"
CHATGPT_API_URL = "https://chatgpt.com/backend-api/codex"


class StoredLogin(Protocol):
    """What `codex login` stored, as the model client needs it. One object serves all conversations."""

    @property
    def is_chatgpt(self) -> bool:
        """Whether it is a ChatGPT login rather than an API key."""

    @property
    def account_id(self) -> str | None:
        """The ChatGPT account the login is for."""

    @property
    def plan_type(self) -> str | None:
        """The account's plan as the login names it, e.g. `plus`."""

    @property
    def problem(self) -> Exception | None:
        """Why the login could not be read or renewed, if that is so."""

    async def bearer_token(self) -> str | None:
        """The API key or a current access token; None when nothing is stored."""

    async def recover_from_unauthorized(self, refused: str | None = None) -> bool:
        """Called after a 401: gets another credential than `refused` if it can, and says whether it did."""


class Source(StrEnum):
    """Where a credential came from."""

    ENVIRONMENT = "environment"
    ADDRESS = "address"
    """User name and password in the provider's `base_url`."""
    LOGIN = "login"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Credential:
    """What one request carries."""

    source: Source
    bearer: str | None = None
    account_id: str | None = None


async def choose_credential(
    provider: ModelProvider, login: StoredLogin | None, environ: Mapping[str, str]
) -> Credential:
    """The credential of the next request to `provider`; a request without one is still sent.

    Raises: MissingApiKey when the provider wants a key from the environment and nothing stands in for it;
    InvalidRequest when the credential has characters in it that cannot stand in a header, or is the stored
    login and would travel in clear.
    """
    from codex_login.auth import can_be_sent, clean_key
    from codex_login.destination import has_user_name, travels_in_clear

    if has_user_name(provider.base_url or ""):
        return Credential(Source.ADDRESS)  # a request has room for one, and the HTTP client takes this one
    if provider.env_key is not None:
        key = clean_key(environ.get(provider.env_key, ""))
        if key:
            if not can_be_sent(key):
                raise InvalidRequest(f"The key in `{provider.env_key}` has characters that cannot be sent.")
            return Credential(Source.ENVIRONMENT, key)
    if login is not None and may_use_login(provider):
        url = base_url(provider, login)
        if travels_in_clear(url):
            raise InvalidRequest(_in_clear(url))
        bearer = await login.bearer_token()
        if bearer:
            account_id = login.account_id if login.is_chatgpt else None
            if not (can_be_sent(bearer) and can_be_sent(account_id or "")):
                what = "ChatGPT login" if login.is_chatgpt else "API key you are logged in with"
                raise InvalidRequest(
                    f"The {what} has characters in it that cannot be sent. Log in again with `codex login`, "
                    "or correct CODEX_API_KEY if that is set."
                )
            return Credential(Source.LOGIN, bearer, account_id)
    if provider.env_key is not None:
        raise MissingApiKey(provider.env_key, provider.env_key_instructions)
    return Credential(Source.NOWHERE)


def _in_clear(url: str) -> str:
    from codex_login.shown_url import shown_url

    return (
        f"Your login is not sent to {shown_url(url)}: anybody on the way could read it. Use an https "
        "address, or a model provider with an `env_key` of its own for this server."
    )


def may_use_login(provider: ModelProvider) -> bool:
    """Whether the stored login belongs to this provider: built-in `openai`, or one that requires it."""
    from codex_core.config.providers import OPENAI_ID, WireApi

    belongs = provider.requires_openai_auth or provider.id == OPENAI_ID
    return belongs and provider.wire_api is WireApi.RESPONSES


def base_url(provider: ModelProvider, login: StoredLogin | None) -> str:
    """Where requests to `provider` go."""
    if provider.base_url is not None:
        return provider.base_url
    if login is not None and login.is_chatgpt and may_use_login(provider):
        return CHATGPT_API_URL
    return OPENAI_API_URL


def refusal_hint(provider: ModelProvider, credential: Credential, login: StoredLogin | None) -> str:
    """What a user can do about a credential that the server did not accept."""
    match credential.source:
        case Source.ENVIRONMENT:
            return f"Check the key in the environment variable {provider.env_key}."
        case Source.ADDRESS:
            return f"Check the user name and password in the address of model provider `{provider.id}`."
        case Source.LOGIN:
            if login is not None and login.problem is not None:
                return str(login.problem)
            return "Run `codex login` to sign in again."
        case Source.NOWHERE if may_use_login(provider):
            return "Run `codex login` first."
        case Source.NOWHERE:
            return (
                f"No key was sent: set `env_key` of model provider `{provider.id}` to the variable with it."
            )

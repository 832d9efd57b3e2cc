"""One sign-in with OAuth and PKCE as data: what is asked of the issuer, and what its answers mean.

Nothing here touches the network or the disk (spec: auth.md sections 5 and 8; RFC 6749, RFC 7636).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_login.destination import check_destination, has_user_name
from codex_login.errors import AddressError, SignInError
from codex_login.id_token import AUTH_CLAIMS, InvalidTokenError, read_claims, read_id_token
from codex_login.shown_url import shown_url
from codex_login.storage import StoredAuth, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

DEFAULT_ISSUER = "https://auth.openai.com"
CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
DEFAULT_PORT = 1455
CALLBACK_PATH = "/auth/callback"
SCOPE = "openid profile email offline_access"
SETUP_URL = "https://platform.openai.com/org-setup"
"""Where an owner finishes the organisation of the API; the default issuer's."""
PROVENANCE_FIELD = "oauth_provenance"
"""Who gave out the tokens; in auth.json where it was not the default issuer."""

_VERIFIER_BYTES = 64
_STATE_BYTES = 32
_MAX_REASON_CHARACTERS = 300
_UNDECODABLE = "error decoding response body"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who gives out tokens, and as which of its clients we ask. Tokens go back to nobody else."""

    url: str = DEFAULT_ISSUER
    client_id: str = CLIENT_ID

    @property
    def is_default(self) -> bool:
        """Whether it is the one everybody uses."""
        return self == Issuer()

    @property
    def token_url(self) -> str:
        """Where codes and refresh tokens are exchanged."""
        return f"{self.url}/oauth/token"

    @property
    def revoke_url(self) -> str:
        """Where tokens are given back."""
        return f"{self.url}/oauth/revoke"


def issuer_at(url: str | None = None, client_id: str | None = None) -> Issuer:
    """The issuer a user names; what is not named is the default's.

    Raises: AddressError when tokens would travel to it in clear, or nowhere at all.
    """
    from urllib.parse import urlsplit

    given = DEFAULT_ISSUER if url is None else url.strip().rstrip("/")
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = parts = None
    if parts is None or not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise AddressError(f"the issuer {shown_url(given)} is no address of a server (https://…)")
    if has_user_name(given):  # the browser is sent there
        raise AddressError(f"the issuer {shown_url(given)} must have no user name and password in it")
    check_destination(given, "the issuer")
    return Issuer(given, client_id or CLIENT_ID)


def issuer_of(tokens: Tokens) -> Issuer:
    """Who gave out these tokens, as the file that holds them says.

    Raises: AddressError when it names somebody tokens cannot be sent to.
    """
    found = tokens.others.get(PROVENANCE_FIELD)
    if not isinstance(found, dict):
        return Issuer()
    url, client_id = found.get("issuer"), found.get("client_id")
    return issuer_at(url if isinstance(url, str) else None, client_id if isinstance(client_id, str) else None)


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """One attempt to sign in through a browser."""

    issuer: Issuer
    redirect_uri: str
    originator: str
    verifier: str = field(repr=False)
    state: str = field(repr=False)
    workspace_id: str | None = None
    """The only ChatGPT workspace that may be signed in to."""

    @property
    def url(self) -> str:
        """Where the user signs in."""
        parameters = [
            ("response_type", "code"),
            ("client_id", self.issuer.client_id),
            ("redirect_uri", self.redirect_uri),
            ("scope", SCOPE),
            ("code_challenge", challenge_of(self.verifier)),
            ("code_challenge_method", "S256"),
            ("id_token_add_organizations", "true"),
            ("codex_cli_simplified_flow", "true"),
            ("state", self.state),
            ("originator", self.originator),
        ]
        if self.workspace_id is not None:
            parameters.append(("allowed_workspace_id", self.workspace_id))
        return f"{self.issuer.url}/oauth/authorize?{form(parameters)}"


def new_verifier() -> str:
    """A fresh PKCE verifier of 86 characters."""
    return _base64url(os.urandom(_VERIFIER_BYTES))


def new_state() -> str:
    """A fresh value that ties a callback to the request that led to it."""
    return _base64url(os.urandom(_STATE_BYTES))


def challenge_of(verifier: str) -> str:
    """What the issuer is shown of a verifier (S256)."""
    import hashlib

    return _base64url(hashlib.sha256(verifier.encode()).digest())


def form(fields: Iterable[tuple[str, str]]) -> str:
    """Fields percent-encoded in their order, a space as `%20`."""
    from urllib.parse import quote, urlencode

    return urlencode(list(fields), quote_via=quote, safe="")


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser brought back: a code, or why there is none."""

    code: str | None = field(default=None, repr=False)
    refusal: str | None = None
    """What the issuer says of a sign-in it refused."""
    is_ours: bool = True
    """False when it belongs to another request, or was made up."""


def read_callback(query: str, state: str) -> Callback:
    """What the query of a callback says, if its state is that of our request."""
    import hmac
    from urllib.parse import parse_qsl

    try:
        given = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return Callback(is_ours=False)
    # Lone surrogates can be in what a terminal was given.
    if not hmac.compare_digest(given.get("state", "").encode(errors="replace"), state.encode()):
        return Callback(is_ours=False)
    if code := given.get("code"):
        return Callback(code=code)
    if error := given.get("error"):
        return Callback(refusal=_reason(given.get("error_description") or error))
    return Callback()


def code_fields(request: SignInRequest, code: str) -> list[tuple[str, str]]:
    """The form that exchanges a code for tokens."""
    return [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", request.redirect_uri),
        ("client_id", request.issuer.client_id),
        ("code_verifier", request.verifier),
    ]


def key_fields(issuer: Issuer, id_token: str) -> list[tuple[str, str]]:
    """The form that asks for an API key of the account."""
    return [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", issuer.client_id),
        ("requested_token", "openai-api-key"),
        ("subject_token", id_token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
    ]


def read_tokens(content: bytes, issuer: Issuer) -> Tokens:
    """The tokens in the answer to a code; all three must be there.

    Raises: SignInError; its text holds none of them.
    """
    answer = _object(content)
    id_token, access_token, refresh_token = (
        _text(answer, name) for name in ("id_token", "access_token", "refresh_token")
    )
    if not (id_token and access_token and refresh_token):
        raise SignInError(_UNDECODABLE)
    try:
        claims = read_id_token(id_token)
    except InvalidTokenError as error:
        raise SignInError(str(error)) from None
    others: dict[str, object] = {}
    if not issuer.is_default:
        others[PROVENANCE_FIELD] = {"issuer": issuer.url, "client_id": issuer.client_id}
    return Tokens(id_token, access_token, refresh_token, claims.account_id, claims, others)


def read_api_key(content: bytes) -> str | None:
    """The API key in the answer to `key_fields`; None if there is none."""
    try:
        return _text(_object(content), "access_token") or None
    except SignInError:
        return None


def signed_in(
    tokens: Tokens, *, api_key: str | None, now: datetime, others: Mapping[str, object]
) -> StoredAuth:
    """What auth.json holds after a sign-in with ChatGPT: the tokens count, not the key beside them.

    `others` are the fields of newer programs that were in it before.
    """
    return StoredAuth(api_key=api_key, tokens=tokens, last_refresh=now, auth_mode="chatgpt", others=others)


def setup_url(tokens: Tokens, issuer: Issuer) -> str | None:
    """Where the user still has an organisation of the API to set up; None when there is nothing to do.

    It carries the id_token, so it is given for the default issuer's accounts only.
    """
    claims = _auth_claims(tokens.id_token)
    is_due = claims.get("is_org_owner") is True and claims.get("completed_platform_onboarding") is not True
    if not (is_due and issuer.is_default):
        return None
    fields = [
        ("p", _text(_auth_claims(tokens.access_token), "chatgpt_plan_type") or ""),
        ("t", tokens.id_token),
        ("with_org", _text(claims, "organization_id") or ""),
        ("project_id", _text(claims, "project_id") or ""),
    ]
    return f"{SETUP_URL}?{form(fields)}"


def _auth_claims(token: str) -> Mapping[str, object]:
    try:
        found = read_claims(token).get(AUTH_CLAIMS)
    except InvalidTokenError:
        return {}
    return found if isinstance(found, dict) else {}


def _object(content: bytes) -> dict[str, object]:
    import json

    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise SignInError(_UNDECODABLE)
    return answer


def _text(answer: Mapping[str, object], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) else None


def _reason(text: str) -> str:
    """What a server says, as it may stand on a terminal and on a page."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(shown.split())[:_MAX_REASON_CHARACTERS]


def _base64url(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).decode().rstrip("=")

"""Reads the claims of a JSON Web Token without checking its signature (spec: auth.md section 5).

We are not the audience of these tokens: their claims only tell the user who is signed in and choose texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_login.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTH_CLAIMS = "https://api.openai.com/auth"
_PROFILE_CLAIMS = "https://api.openai.com/profile"
_KNOWN_PLANS = frozenset({"free", "plus", "pro", "team", "business", "enterprise", "edu"})


class InvalidTokenError(CredentialsError):
    """The text is not a JSON Web Token."""


@dataclass(frozen=True, slots=True)
class IdTokenClaims:
    """What an id_token says of the person signed in; every claim is optional."""

    email: str | None = None
    plan_type: str | None = None
    """`free`, `plus`, `pro`, `team`, `business`, `enterprise`, `edu`, or a word we do not know yet."""
    account_id: str | None = None

    @property
    def plan_name(self) -> str | None:
        """The plan as people read it: known ones capitalised, others as they are."""
        return self.plan_type.capitalize() if self.plan_type in _KNOWN_PLANS else self.plan_type


def read_id_token(token: str) -> IdTokenClaims:
    """The claims of an id_token.

    Raises: InvalidTokenError.
    """
    payload = read_claims(token)
    auth = payload.get(AUTH_CLAIMS)
    auth = auth if isinstance(auth, dict) else {}
    profile = payload.get(_PROFILE_CLAIMS)
    profile = profile if isinstance(profile, dict) else {}
    return IdTokenClaims(
        email=_text(payload, "email") or _text(profile, "email"),
        plan_type=_text(auth, "chatgpt_plan_type"),
        account_id=_text(auth, "chatgpt_account_id"),
    )


def read_claims(token: str) -> dict[str, object]:
    """The payload of any JSON Web Token.

    Raises: InvalidTokenError; its text never holds any of the token.
    """
    parts = token.split(".")
    if len(parts) < 3 or not all(parts[:3]):
        raise InvalidTokenError("invalid ID token format")
    import base64
    import binascii
    import json

    payload = parts[1]
    try:
        decoded = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        claims = json.loads(decoded)
    except (binascii.Error, UnicodeDecodeError, ValueError, RecursionError):
        # `from None`: the decoder's exception carries the payload.
        raise InvalidTokenError("invalid ID token payload: it is not base64url-encoded JSON") from None
    if not isinstance(claims, dict):
        raise InvalidTokenError("invalid ID token payload: it is not a JSON object")
    return claims


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None

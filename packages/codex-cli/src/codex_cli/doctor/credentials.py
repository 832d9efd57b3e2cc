"""How the user is signed in, without a word of any secret (spec: auth.md sections 1, 2 and 4)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Check, Result, Status, skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_cli.doctor.result import Patient, Value
    from codex_core.config.providers import ModelProvider
    from codex_login.auth import CodexAuth

GROUP = "Login"
MAX_TOKEN_AGE = timedelta(days=28)
"""After that tokens are renewed before they are used (spec: auth.md section 4)."""
EXEC_KEY_VARIABLE = "CODEX_API_KEY"
LOGIN = "codex login"


def judge_login(
    auth: CodexAuth | None, *, now: datetime, is_needed: bool, has_exec_key: bool, storage: str = "auth.json"
) -> Result:
    """Whether there is a sign-in, of what kind, and whether it is still good. `storage` says where it is."""
    from codex_login.auth import can_be_sent
    from codex_protocol.config_types import AuthMode

    data: dict[str, Value] = {
        "mode": None if auth is None else auth.mode.value,
        "storage": None if auth is None else storage,
        "needed": is_needed,
        EXEC_KEY_VARIABLE: has_exec_key,
    }
    extra = (f"`codex exec` uses the key in {EXEC_KEY_VARIABLE} instead",) if has_exec_key else ()
    missing = Status.OK if not is_needed else Status.WARN if has_exec_key else Status.FAIL
    if auth is None:
        why = "" if is_needed else " (the provider in use does not need it)"
        return Result(
            missing, f"not logged in{why}", extra, advice=f"run `{LOGIN}`" if is_needed else None, data=data
        )
    if auth.mode is AuthMode.API_KEY:
        if not auth.api_key or not can_be_sent(auth.api_key):
            what = "an empty one" if not auth.api_key else "none that can be sent"
            return Result(missing, f"the stored API key is {what}", extra, advice=f"run `{LOGIN}`", data=data)
        return Result(Status.OK, f"logged in with an API key, stored in {storage}", extra, data=data)
    if auth.tokens is None:
        return Result(
            missing, f"{storage} holds neither a key nor tokens", extra, advice=f"run `{LOGIN}`", data=data
        )
    return _judge_tokens(auth, now, data, extra, storage)


def _judge_tokens(
    auth: CodexAuth, now: datetime, data: dict[str, Value], extra: tuple[str, ...], storage: str
) -> Result:
    assert auth.tokens is not None
    plan = auth.tokens.claims.plan_name
    expiry = token_expiry(auth.tokens.access_token)
    renewed = auth.stored.last_refresh if auth.stored is not None else None
    data |= {
        "plan": auth.plan_type,
        "access_token_expires_at": None if expiry is None else expiry.isoformat(),
        "last_refresh": None if renewed is None else renewed.isoformat(),
    }
    summary = f"logged in with ChatGPT{'' if plan is None else f' ({plan})'}, stored in {storage}"
    details = []
    if expiry is not None:
        details.append(f"the access token {'expired' if expiry <= now else 'is good until'} {_day(expiry)}")
    if renewed is not None:
        details.append(f"renewed last on {_day(renewed)}")
        if renewed > now + timedelta(days=1):
            details.append("that is in the future: is the clock of this machine right?")
            return Result(Status.WARN, summary, (*details, *extra), advice="set the clock", data=data)
    if not auth.tokens.refresh_token:
        advice = "log in again: there is no refresh token"
        return Result(Status.WARN, summary, (*details, *extra), advice=advice, data=data)
    if renewed is None or now - renewed > MAX_TOKEN_AGE or (expiry is not None and expiry <= now):
        details.append("it is renewed with the next request")
    return Result(Status.OK, summary, (*details, *extra), data=data)


def judge_provider_key(provider: ModelProvider, environ: Mapping[str, str]) -> Result:
    """Whether the variables that the provider in use takes secrets from are set."""
    from codex_core.model.credentials import may_use_login

    missing = [name for name in provider.env_http_headers.values() if not environ.get(name, "").strip()]
    details = tuple(
        f"{name} is not set, so the header it stands for is not sent"
        for name in missing
        if name not in ("OPENAI_ORGANIZATION", "OPENAI_PROJECT")
    )
    if provider.env_key is None:
        return Result(Status.OK, f"provider {provider.id} takes no key from the environment", details)
    data: dict[str, Value] = {"variable": provider.env_key}
    if environ.get(provider.env_key, "").strip():
        return Result(
            Status.OK, f"the key of provider {provider.id} is in {provider.env_key}", details, data=data
        )
    instead = may_use_login(provider)
    summary = f"{provider.env_key}, the key of provider {provider.id}, is not set"
    if instead:
        return Result(Status.WARN, f"{summary}; the stored login is used instead", details, data=data)
    advice = provider.env_key_instructions or f"set {provider.env_key}, or write it into CODEX_HOME/.env"
    return Result(Status.FAIL, summary, details, advice=advice, data=data)


def token_expiry(token: str) -> datetime | None:
    """When a token ends, if it says so."""
    from codex_login.id_token import InvalidTokenError, read_claims

    try:
        expiry = read_claims(token).get("exp")
        if isinstance(expiry, bool) or not isinstance(expiry, int | float):
            return None
        return datetime.fromtimestamp(expiry, UTC)
    except (InvalidTokenError, ValueError, OverflowError, OSError):
        return None


def is_login_needed(provider: ModelProvider, environ: Mapping[str, str]) -> bool:
    """Whether requests to the provider carry the stored login."""
    from codex_core.model.credentials import may_use_login

    return may_use_login(provider) and not (provider.env_key and environ.get(provider.env_key, "").strip())


def _day(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")


def _check_login(patient: Patient) -> Result:
    if patient.home is None:
        return skipped("there is no CODEX_HOME")
    from codex_login.auth import AuthManager
    from codex_login.errors import LoginError
    from codex_login.stores import StoreKind, open_store

    needed = patient.config is None or is_login_needed(patient.config.model_provider, patient.environ)
    kind = StoreKind.FILE if patient.config is None else patient.config.cli_auth_credentials_store
    path = os.path.join(patient.home, "auth.json")
    is_in_file = kind == StoreKind.FILE or (kind == StoreKind.AUTO and os.path.lexists(path))
    storage = "auth.json" if is_in_file else "the keyring"
    try:
        manager = AuthManager(patient.home, store=open_store(patient.home, kind))
        problem = manager.problem
    except LoginError as error:
        problem = error
    if problem is not None:
        advice = f"run `{LOGIN}`" + (f", or remove {path}" if is_in_file else "")
        return Result(Status.FAIL if needed else Status.WARN, str(problem), advice=advice)
    has_key = bool(patient.environ.get(EXEC_KEY_VARIABLE, "").strip())
    return judge_login(
        manager.auth(), now=datetime.now(UTC), is_needed=needed, has_exec_key=has_key, storage=storage
    )


def _check_provider_key(patient: Patient) -> Result:
    if patient.config is None:
        return skipped("the configuration cannot be used")
    return judge_provider_key(patient.config.model_provider, patient.environ)


CHECKS: tuple[Check, ...] = (
    Check("login", GROUP, _check_login),
    Check("provider_key", GROUP, _check_provider_key),
)

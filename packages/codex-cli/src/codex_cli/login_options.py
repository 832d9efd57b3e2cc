"""What `codex login` and `codex logout` take (spec: auth.md sections 8, 9 and 15)."""

from __future__ import annotations

from codex_core.command_line.grammar import Command, Option
from codex_core.command_line.options import CONFIG

_WAYS = "Ways to log in"

STATUS = Command(
    "status",
    summary="Say how you are logged in",
    about="Say how you are logged in, without the secret. Exit code 1: not at all.",
    options=(CONFIG,),
    run="codex_cli.login:run_status",
)
LOGIN = Command(
    "login",
    summary="Log in, or say how you are logged in (login status)",
    about="Log in with ChatGPT through your browser, or with an API key. Credentials are stored in the codex "
    "home, readable by you alone.\n\n"
    "Where there is no browser: --device-auth, or open the link on any machine and paste the address its "
    "browser ends up at back into the terminal.",
    options=(
        Option(
            "--device-auth",
            key="device_auth",
            conflicts=("api_key", "with_api_key"),
            group=_WAYS,
            help="Show a code to type into a page on any other device",
        ),
        Option(
            "--with-api-key",
            key="with_api_key",
            conflicts=("api_key",),
            group=_WAYS,
            help="Read an API key from stdin and store it",
        ),
        Option(
            "--api-key",
            key="api_key",
            value="API_KEY",
            group=_WAYS,
            help="Store this API key; shells remember it, so better pipe it in",
        ),
        Option(
            "--experimental_issuer",
            key="issuer",
            value="URL",
            is_hidden=True,
            help="Who gives out the tokens",
        ),
        Option(
            "--experimental_client-id",
            key="client_id",
            value="CLIENT_ID",
            is_hidden=True,
            help="As which of its clients",
        ),
        CONFIG,
    ),
    commands=(STATUS,),
    run="codex_cli.login:run_login",
    examples=(
        ("codex login", "with ChatGPT, in your browser"),
        ("codex login --device-auth", "over ssh"),
        ("printenv OPENAI_API_KEY | codex login --with-api-key", "the key stays out of the history"),
    ),
)
LOGOUT = Command(
    "logout",
    summary="Remove the stored credentials",
    options=(CONFIG,),
    run="codex_cli.login:run_logout",
)

"""What the browser shows when a sign-in ends: one self-contained page, light and dark, without scripts."""

from __future__ import annotations

from dataclasses import dataclass

SETUP_DELAY_S = 3
_TEMPLATE = "sign_in_page.html"

_ALLOWED = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    ("content-security-policy", _ALLOWED),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
)
_CHECK = (
    '<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="3" '
    'stroke-linecap="round" stroke-linejoin="round"><path d="M5 12.5l4.5 4.5L19 7.5"/></svg>'
)
_CROSS = (
    '<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="3" '
    'stroke-linecap="round"><path d="M7 7l10 10M17 7L7 17"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the callback server."""

    status: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def text_page(status: int, text: str) -> Page:
    """A line of text, for programs and for requests nobody should make."""
    return Page(status, text)


def redirect(url: str) -> Page:
    """Sends the browser on."""
    return Page(302, headers=(("location", url),))


def success_page(email: str | None, setup_url: str | None) -> Page:
    """The user is signed in; `setup_url` is where an organisation still has to be set up."""
    who = f" as <strong>{_escaped(email)}</strong>" if email else ""
    if setup_url is None:
        body = f"<p>You are signed in{who}. You may now close this page and go back to Codex.</p>"
        refresh = ""
    else:
        link = _escaped(setup_url)
        body = (
            f"<p>You are signed in{who}. One thing is left: your API organization has not been set up.</p>"
            f"<p>You are taken there in {SETUP_DELAY_S} seconds.</p>"
            f'<p><a class="go" href="{link}" rel="noreferrer">Finish setting up</a></p>'
        )
        refresh = f'<meta http-equiv="refresh" content="{SETUP_DELAY_S};url={link}">'
    return _page(
        200,
        title="Signed in to Codex",
        tone="good",
        role="status",
        sign=_CHECK,
        heading="Signed in to Codex",
        body=body,
        refresh=refresh,
    )


def failure_page(status: int, reason: str) -> Page:
    """The sign-in did not come about, and is over."""
    body = (
        f'<p class="reason">{_escaped(reason)}</p>'
        "<p>Nothing has changed. To try again, go back to Codex; in a terminal: <code>codex login</code>.</p>"
    )
    return _page(
        status,
        title="Not signed in to Codex",
        tone="bad",
        role="alert",
        sign=_CROSS,
        heading="Signing in did not work",
        body=body,
        refresh="",
    )


def _page(status: int, **fields: str) -> Page:
    from importlib.resources import files
    from string import Template

    template = Template(files("codex_login").joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    return Page(status, template.substitute(fields), "text/html; charset=utf-8", _HEADERS)


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)

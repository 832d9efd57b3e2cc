"""Where a login may be sent: to servers that are reached by https, and to this machine.

One rule for everything that carries a stored key or token, so that none of them ever travels in clear.
"""

from __future__ import annotations

import contextlib

from codex_login.errors import AddressError
from codex_login.shown_url import shown_url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or as an address that never leaves it."""
    if host.lower() in ("localhost", "localhost."):
        return True
    import socket

    with contextlib.suppress(OSError, ValueError):  # no such address; or a NUL in it
        return socket.inet_pton(socket.AF_INET, host)[0] == 127
    with contextlib.suppress(OSError, ValueError):
        return socket.inet_pton(socket.AF_INET6, host) == b"\0" * 15 + b"\1"
    return False


def travels_in_clear(url: str) -> bool:
    """Whether others on the network could read what is sent to a URL; a URL nobody can read counts too."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not is_loopback(parts.hostname or "")
    except ValueError:
        return True


def has_user_name(url: str) -> bool:
    """Whether a user name or password stands in a URL; HTTP clients send them in place of a token."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.username or parts.password)


def check_destination(url: str, what: str) -> None:
    """Refuses a URL that a login must not be sent to; `what` is what the sentence calls it.

    Raises: AddressError.
    """
    if travels_in_clear(url):
        raise AddressError(f"{what} {shown_url(url)} must be reached by https: tokens would travel in clear")

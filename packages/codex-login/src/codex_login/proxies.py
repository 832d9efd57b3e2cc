"""Proxies of the environment, looked at before httpx does: its errors do not say whose fault they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_login.errors import ProxySetupError

if TYPE_CHECKING:
    import ssl

    import httpx

_PROXY_SCHEMES = ("http", "https", "all")
_SOCKS = ("socks5", "socks5h")
_MAX_PORT = 65535


def check_proxies() -> None:
    """Checks every proxy that is configured; httpx sets all of them up, whichever a request needs.

    Raises: ProxySetupError, which names the variable but never its value: there may be a password in it.
    """
    from urllib.request import getproxies

    configured = getproxies()
    for scheme in _PROXY_SCHEMES:
        value = configured.get(scheme)
        problem = _problem(value) if value else None
        if problem is not None:
            raise ProxySetupError(f"{_whence(scheme)} names no proxy that can be used: {problem}")


def proxied_client(tls: ssl.SSLContext, timeout: httpx.Timeout) -> httpx.AsyncClient:
    """A client that goes through the proxies, once those are checked.

    Raises: ProxySetupError when NO_PROXY cannot be understood.
    """
    import httpx

    try:
        return httpx.AsyncClient(verify=tls, timeout=timeout)
    except (httpx.InvalidURL, ValueError, OverflowError):
        raise ProxySetupError("NO_PROXY has an entry in it that is no host name or address") from None


def _problem(value: str) -> str | None:
    import httpx

    try:
        url = httpx.URL(value if "://" in value else f"http://{value}")
        host, port = url.host, url.port
        url.raw_host.decode("ascii").encode("idna")
    except (httpx.InvalidURL, ValueError):  # a UnicodeError is one
        return "it is not a valid URL"
    if url.scheme in _SOCKS and not _can_speak_socks():
        return "for SOCKS the Python package `socksio` must be installed (pip install 'httpx[socks]')"
    if url.scheme not in ("http", "https", *_SOCKS):
        return f"its scheme must be http, https or socks5, not `{url.scheme}`"
    if not host:
        return "there is no host name in it"
    if port is not None and not 0 < port <= _MAX_PORT:
        return f"there is no port {port}"
    return None


def _can_speak_socks() -> bool:
    from importlib.util import find_spec

    return find_spec("socksio") is not None


def _whence(scheme: str) -> str:
    """The variable that urllib took the proxy from: the lower-case one goes before any other."""
    wanted = f"{scheme}_proxy"
    names = [name for name, value in os.environ.items() if name.lower() == wanted and value]
    if not names:
        return f"the system's setting for {scheme} proxies"
    return wanted if wanted in names else names[-1]

"""Proxies of the environment: which one a request takes, looked at before httpx does.

httpx sends requests to this machine through proxies too, knows no address ranges in NO_PROXY, and its errors
do not say whose fault they are.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_login.destination import is_loopback
from codex_login.errors import ProxySetupError
from codex_login.no_proxy import is_exempt

if TYPE_CHECKING:
    import ssl

    import httpx

_PROXY_SCHEMES = ("http", "https", "all")
_SOCKS = ("socks5", "socks5h")
_MAX_PORT = 65535
_DEFAULT_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str) -> str | None:
    """The proxy that requests to a URL go through; None for those that go straight there.

    This machine is never asked through a proxy: to one, `localhost` is another machine.

    Raises: ProxySetupError when the proxy cannot be used, or NO_PROXY not be understood. It names the
    variable but never its value: there may be a password in it.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if is_loopback(host):
        return None
    from urllib.request import getproxies

    configured = getproxies()
    scheme = parts.scheme if configured.get(parts.scheme) else "all"
    value = configured.get(scheme)
    if not value or _is_exempt(parts.scheme, host, port, configured.get("no", "")):
        return None
    _check(scheme, value)
    return _as_url(value)


def check_proxies() -> None:
    """Checks every proxy that is configured, whether it is needed or not.

    Raises: ProxySetupError, as `proxy_for`.
    """
    from urllib.request import getproxies

    configured = getproxies()
    for scheme in _PROXY_SCHEMES:
        if value := configured.get(scheme):
            _check(scheme, value)
    is_exempt("http", "host.invalid", 80, configured.get("no", ""))


def proxied_client(proxy: str, tls: ssl.SSLContext, timeout: httpx.Timeout) -> httpx.AsyncClient:
    """A client that goes through a proxy `proxy_for` gave, wherever it is sent to."""
    import httpx

    # The proxy itself is trusted as a server is: with the authorities of the environment.
    own_tls = tls if proxy.lower().startswith("https:") else None
    through = httpx.Proxy(proxy, ssl_context=own_tls)
    return httpx.AsyncClient(proxy=through, verify=tls, timeout=timeout, trust_env=False)


def _is_exempt(scheme: str, host: str, port: int, no_proxy: str) -> bool:
    if is_exempt(scheme, host, port, no_proxy):
        return True
    if sys.platform != "darwin" or any(name.lower().endswith("_proxy") for name in os.environ):
        return False
    from urllib.request import proxy_bypass  # type: ignore[unreachable]  # on macOS: the system's own list

    return bool(proxy_bypass(host))


def _check(scheme: str, value: str) -> None:
    problem = _problem(value)
    if problem is not None:
        raise ProxySetupError(f"{_whence(scheme)} names no proxy that can be used: {problem}")


def _as_url(value: str) -> str:
    return value if "://" in value else f"http://{value}"


def _problem(value: str) -> str | None:
    import httpx

    try:
        url = httpx.URL(_as_url(value))
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

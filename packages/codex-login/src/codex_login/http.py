"""HTTP clients for everything we send: cheap to start, careful with credentials.

The one place that makes them, so that proxies, certificate authorities and time limits are the same
everywhere. Proxies come from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, and never stand between us and
this machine.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from codex_login.errors import AddressError, TlsSetupError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import httpx

CONNECT_TIMEOUT_S = 30.0
"""How long a connection (with its TLS handshake) may take; answers may take as long as they like."""

MAX_PORT = 65535

EXTRA_CA_FILE_VARIABLES = ("SSL_CERT_FILE", "CODEX_CA_CERTIFICATE")
EXTRA_CA_DIR_VARIABLE = "SSL_CERT_DIR"

_OPTIONAL_COMMAND_LINE = "httpx._main"


def make_client(
    url: str, *, transport: httpx.AsyncBaseTransport | None = None, headers: Mapping[str, str] | None = None
) -> httpx.AsyncClient:
    """A client for requests to `url`'s server, to be closed by the caller.

    It follows no redirects (they would carry credentials to another server), speaks HTTP/1.1, asks for
    no compression (a compressed event stream arrives late) and sends no user agent but the caller's.
    With `transport` nothing touches the network and no proxy is looked up.

    Raises: AddressError when `url` names no server; ProxySetupError when a proxy, TlsSetupError when a
    certificate file named by the environment cannot be used. Without a proxy only the first `https` request
    looks at certificates.
    """
    import_httpx()
    import httpx

    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    if transport is not None:
        client = httpx.AsyncClient(transport=transport, timeout=timeout)
    else:
        from codex_login.proxies import proxied_client, proxy_for

        _check_address(url)
        proxy = proxy_for(url)
        if proxy is None:
            from codex_login.direct import DirectTransport

            direct = DirectTransport(lambda: tls_context(os.environ))
            client = httpx.AsyncClient(transport=direct, timeout=timeout)
        else:
            # Without a context of its own a client for http:// refuses https:// rather than trust anybody.
            encrypted = any(each.lower().startswith("https:") for each in (url, proxy))
            tls = tls_context(os.environ) if encrypted else _empty_tls_context()
            client = proxied_client(proxy, tls, timeout)
    for name in ("user-agent", "accept-encoding"):
        del client.headers[name]
    if headers is not None:
        client.headers.update(headers)
    return client


def import_httpx() -> None:
    """Imports httpx without its command line; to be called before the first `import httpx` of a process.

    `import httpx` also imports its optional command-line program, and with it click, rich and pygments
    when they happen to be installed: some 200 ms. None in `sys.modules` is Python's documented way to
    say that a module is not there, and httpx copes with its absence.
    """
    if "httpx" not in sys.modules:
        sys.modules[_OPTIONAL_COMMAND_LINE] = None  # type: ignore[assignment]  # documented, not in typeshed
        try:
            import httpx  # noqa: F401 - for its entry in sys.modules
        finally:
            sys.modules.pop(_OPTIONAL_COMMAND_LINE, None)  # another thread may have been here too


def tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """A verifying TLS context: the system's authorities, or certifi's where the system has none.

    What SSL_CERT_FILE, SSL_CERT_DIR and CODEX_CA_CERTIFICATE name is trusted besides.

    Raises: TlsSetupError when one of those cannot be used.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    system = ssl.get_default_verify_paths()
    # The compiled-in places: OpenSSL itself would let the environment replace them.
    loaded = set()
    if _is_certificate_directory(system.openssl_capath):
        # Read by need during a handshake; a file of the same certificates costs tens of milliseconds.
        context.load_verify_locations(capath=system.openssl_capath)
        loaded.add(os.path.realpath(system.openssl_capath))
    if os.path.isfile(system.openssl_cafile):
        context.load_verify_locations(cafile=system.openssl_cafile)
        loaded.add(os.path.realpath(system.openssl_cafile))
    if not loaded:
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    for variable in (*EXTRA_CA_FILE_VARIABLES, EXTRA_CA_DIR_VARIABLE):
        path = environ.get(variable)
        if path and os.path.realpath(path) not in loaded:
            loaded.add(os.path.realpath(path))
            _trust(context, variable, path)
    return context


def _check_address(url: str) -> None:
    """Finds out before the first request what every request would fail at, in ways httpx does not foresee.

    Raises: AddressError.
    """
    import httpx

    try:
        parsed = httpx.URL(url)
        host, port = parsed.raw_host.decode("ascii"), parsed.port
        _ = parsed.host  # httpx needs it for the Host header, and it cannot decode everything it takes
    except (httpx.InvalidURL, ValueError):  # a UnicodeError, which idna raises, is one
        problem = "it is not a valid URL"
    else:
        if not host and parsed.scheme in ("http", "https"):
            problem = "there is no host name in it"
        elif port is not None and not 0 < port <= MAX_PORT:
            problem = f"there is no port {port}"
        elif not _can_be_looked_up(host):
            problem = "a part of the host name is empty or longer than 63 characters"
        else:
            return
    from codex_login.shown_url import shown_url

    # Not chained: httpx quotes the piece it stumbled over, which may be half a password.
    raise AddressError(f"a request to {shown_url(url)} cannot be sent: {problem}")


def _can_be_looked_up(host: str) -> bool:
    """Whether `getaddrinfo` takes the name."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _trust(context: ssl.SSLContext, variable: str, path: str) -> None:
    is_directory = variable == EXTRA_CA_DIR_VARIABLE
    try:
        if is_directory:
            os.listdir(path)  # OpenSSL takes any name and finds nothing there later
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:  # an SSLError is one, too
        # An SSLError's number is OpenSSL's and its reason is written for programmers.
        reason = "it holds no certificate in PEM form" if _is_ssl_error(error) else error.strerror
        what = "directory" if is_directory else "file"
        message = f"{path}, named by {variable}, cannot be used as a certificate {what}: {reason}"
        raise TlsSetupError(message) from error


def _is_ssl_error(error: OSError) -> bool:
    import ssl

    return isinstance(error, ssl.SSLError)


def _is_certificate_directory(path: str) -> bool:
    """Whether the directory has certificates under their hashes, as OpenSSL looks them up."""
    try:
        with os.scandir(path) as entries:
            return any(entry.name.endswith(".0") for entry in entries)
    except OSError:
        return False


def _empty_tls_context() -> ssl.SSLContext:
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

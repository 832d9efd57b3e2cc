"""NO_PROXY: which servers are reached without a proxy, read as curl and other programs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_login.errors import ProxySetupError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_SHORT_RANGE = re.compile(r"([0-9]+(?:\.[0-9]+){0,2})(?:\.|(/[0-9]+))")
"""`169.254/16`, as macOS has it, and `192.168.`."""


def is_exempt(scheme: str, host: str, port: int, no_proxy: str) -> bool:
    """Whether the list names the server; its entries stand between commas or white space.

    `*` is every server; `example.com`, `.example.com` and `*.example.com` are that domain and all below it;
    `10.1.2.3`, `::1`, `10.0.0.0/8` and `fd00::/8` are addresses. `:port` behind an entry and `scheme://`
    before it restrict it.

    Raises: ProxySetupError when an entry cannot be understood, so that no request takes the wrong way.
    """
    address = _address(host)
    name = host.lower().rstrip(".")
    # Not any(): an entry that cannot be understood is told whatever stands before it.
    return True in [
        _names(entry, scheme, name, address, port) for entry in no_proxy.replace(",", " ").split()
    ]


def _names(entry: str, scheme: str, name: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    own_scheme, mark, place = entry.lower().rpartition("://")
    place, own_port = _split_port(place)
    if (mark and own_scheme not in (scheme, "all")) or (own_port is not None and own_port != port):
        return False
    if _looks_like_addresses(place):
        from ipaddress import ip_network

        try:
            network = ip_network(place, strict=False)
        except ValueError:
            raise ProxySetupError(_UNREADABLE) from None
        return address is not None and address in network
    domain = _ascii(place.removeprefix("*").strip("."))
    return address is None and (name == domain or name.endswith(f".{domain}"))


def _split_port(place: str) -> tuple[str, int | None]:
    """An entry without the port behind it, and without the brackets around an address."""
    if place.startswith("["):
        inner, bracket, rest = place[1:].partition("]")
        if not bracket or not (rest == "" or (rest[0] == ":" and rest[1:].isdecimal())):
            raise ProxySetupError(_UNREADABLE)
        return inner, int(rest[1:]) if rest else None
    before, colon, digits = place.rpartition(":")
    if colon and ":" not in before and digits.isdecimal():
        return before, int(digits)
    return place, None


def _looks_like_addresses(place: str) -> bool:
    return ":" in place or "/" in place or place.replace(".", "").isdecimal()


def _ascii(domain: str) -> str:
    if domain.isascii():
        if not domain:
            raise ProxySetupError(_UNREADABLE)
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        raise ProxySetupError(_UNREADABLE) from None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address

    try:
        return ip_address(host)
    except ValueError:
        return None

"""NO_PROXY: which servers are reached without a proxy, read as curl and other programs read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_login.errors import ProxySetupError
from codex_login.shown_url import shown_url

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_SHORT_RANGE = re.compile(r"([0-9]+(?:\.[0-9]+){0,2})(?:\.|(/[0-9]+))")
"""`169.254/16`, as macOS has it, and `192.168.`."""


def is_exempt(scheme: str, host: str, port: int, no_proxy: str) -> bool:
    """Whether the list names the server; its entries stand between commas or white space.

    `*` is every server; `example.com`, `.example.com` and `*.example.com` are that domain and all below it;
    `10.1.2.3`, `::1`, `10.0.0.0/8` and `fd00::/8` are addresses. `:port` behind an entry and `scheme://`
    before it restrict it. `169.254/16` and `192.168.` are ranges too.

    Raises: ProxySetupError when an entry cannot be understood, so that no request takes the wrong way.
    """
    address = _address(host)
    name = host.lower().rstrip(".")
    is_named = False
    for entry in no_proxy.replace(",", " ").split():
        try:
            is_named |= _names(entry, scheme, name, address, port)
        except ValueError:  # told whatever stands before it
            shown = shown_url(entry)
            raise ProxySetupError(
                f"NO_PROXY has an entry in it that is no host name or address: {shown}"
            ) from None
    return is_named


def _names(entry: str, scheme: str, name: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    own_scheme, mark, place = entry.lower().rpartition("://")
    place, own_port = _split_port(place)
    if (mark and own_scheme not in (scheme, "all")) or (own_port is not None and own_port != port):
        return False
    if _looks_like_addresses(place):
        from ipaddress import ip_network

        network = ip_network(_whole(place), strict=False)
        return address is not None and address in network
    domain = _ascii(place.removeprefix("*").strip("."))
    return address is None and (name == domain or name.endswith(f".{domain}"))


def _split_port(place: str) -> tuple[str, int | None]:
    """An entry without the port behind it, and without the brackets around an address."""
    if place.startswith("["):
        inner, bracket, rest = place[1:].partition("]")
        if not bracket or not (rest == "" or (rest[0] == ":" and rest[1:].isdecimal())):
            raise ValueError
        return inner, int(rest[1:]) if rest else None
    before, colon, digits = place.rpartition(":")
    if colon and ":" not in before and digits.isdecimal():
        return before, int(digits)
    return place, None


def _looks_like_addresses(place: str) -> bool:
    return ":" in place or "/" in place or place.replace(".", "").isdecimal()


def _whole(place: str) -> str:
    """Addresses as `ip_network` reads them."""
    short = _SHORT_RANGE.fullmatch(place)
    if short is None:
        return place
    numbers = short[1].split(".")
    length = short[2] or f"/{8 * len(numbers)}"
    return ".".join([*numbers, "0", "0", "0"][:4]) + length


def _ascii(domain: str) -> str:
    if not domain:
        raise ValueError
    return domain if domain.isascii() else domain.encode("idna").decode()


def _address(host: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address

    try:
        return ip_address(host)
    except ValueError:
        return None

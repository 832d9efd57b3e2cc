"""NO_PROXY, and which hosts count as this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_login.destination import has_user_name, is_loopback, travels_in_clear
from codex_login.errors import ProxySetupError
from codex_login.no_proxy import is_exempt
from codex_login.proxies import proxy_for


@pytest.mark.parametrize(
    ("entry", "host", "exempt"),
    [
        ("*", "anything.test", True),
        ("example.com", "example.com", True),
        ("example.com", "sub.example.com", True),
        ("example.com", "notexample.com", False),
        ("example.com", "example.com.evil.test", False),
        (".example.com", "sub.example.com", True),
        (".example.com", "example.com", True),
        ("*.example.com", "sub.example.com", True),
        ("EXAMPLE.com.", "Example.Com", True),
        ("example.com", "example.com.", True),
        ("bücher.test", "xn--bcher-kva.test", True),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        ("https://example.com", "example.com", True),
        ("all://example.com", "example.com", True),
        ("http://example.com", "example.com", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.30", False),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("10.1.2.3:80", "10.1.2.3", False),
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.9.9.9/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "10.example.com", False),
        ("168.1.1", "192.168.1.1", False),
        ("169.254/16", "169.254.7.1", True),
        ("169.254/16", "169.253.7.1", False),
        ("192.168.", "192.168.7.1", True),
        ("192.168.", "192.169.7.1", False),
        ("10.:443", "10.1.2.3", True),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe80::1", False),
        ("fd12:0::1", "fd12::1", True),
        ("[fd12::1]", "fd12::1", True),
        ("[fd12::1]:443", "fd12::1", True),
        ("[fd12::1]:80", "fd12::1", False),
        ("a.test,b.test c.test", "c.test", True),
        (" , ,a.test, ", "b.test", False),
        ("", "a.test", False),
    ],
)
def test_an_entry_names_what_it_names_elsewhere(entry: str, host: str, exempt: bool) -> None:
    if entry == "168.1.1":  # no address: told, not taken for the end of one
        with pytest.raises(ProxySetupError):
            is_exempt("https", host, 443, entry)
        return
    assert is_exempt("https", host, 443, entry) is exempt


@pytest.mark.parametrize("entry", ["[::1", "[::1]x", "[::1]:x", "10.0.0.0/99", "::zz", "a/b", ".", "*, [::1"])
def test_an_entry_that_names_nothing_is_told(entry: str) -> None:
    with pytest.raises(
        ProxySetupError, match="NO_PROXY has an entry in it that is no host name or address: "
    ):
        is_exempt("https", "a.test", 443, f"b.test,{entry}")


def test_an_entry_that_names_nothing_is_shown_without_a_password() -> None:
    with pytest.raises(ProxySetupError) as caught:
        is_exempt("https", "a.test", 443, "https://ann:pa55@a.test/x")
    assert str(caught.value).endswith(": https://a.test/x")


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_read_or_refused(no_proxy: str, host: str) -> None:
    try:
        assert is_exempt("https", host, 443, no_proxy) in (True, False)
    except ProxySetupError:
        pass


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://a.test/", "http://secure.test:1"),
        ("http://a.test/", "socks5://every.test:2"),
        ("https://localhost:1/", None),
        ("http://127.3.2.1/", None),
        ("http://[::1]:8/", None),
        ("http://LOCALHOST/", None),
        ("http://localhost.evil.test/", "socks5://every.test:2"),
        ("http://10.0.0.1/", None),
    ],
)
def test_the_proxy_of_a_request(monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    monkeypatch.setenv("https_proxy", "secure.test:1")
    monkeypatch.setenv("ALL_PROXY", "socks5://every.test:2")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")
    monkeypatch.setattr("codex_login.proxies._can_speak_socks", lambda: True)
    assert proxy_for(url) == proxy


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost.", "127.0.0.1", "127.255.0.9", "::1"])
def test_hosts_that_are_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a.localhost",
        "localhost.test",
        "0.0.0.0",
        "128.0.0.1",
        "::2",
        "127.1",
        "127.0.0.1.test",
        "127.0.0.1\0",
    ],
)
def test_hosts_that_may_be_others(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "in_clear"),
    [
        ("https://a.test/v1", False),
        ("http://a.test/v1", True),
        ("HTTP://A.TEST", True),
        (" http://a.test", True),
        ("http://127.0.0.1@a.test/", True),
        ("http://a.test#@127.0.0.1/", True),
        ("http://127.0.0.1\\@a.test/", True),
        ("http://127.0.0.1:80@a.test:80/", True),
        ("http://127.0.0.1:1/v1", False),
        ("http://u:p@localhost/v1", False),
        ("http://[::1", True),
        ("http://192.168.1.2:8080/v1", True),
        ("http://host.docker.internal:4000/v1", True),
    ],
)
def test_what_travels_in_clear(url: str, in_clear: bool) -> None:
    assert travels_in_clear(url) is in_clear


def test_a_user_name_in_a_url() -> None:
    assert has_user_name("https://ann@a.test")
    assert has_user_name("https://:pa55@a.test")
    assert not has_user_name("https://a.test/@x")
    assert not has_user_name("https://[::1")

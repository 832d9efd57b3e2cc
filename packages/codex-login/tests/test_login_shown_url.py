"""URLs in messages: what may be a secret is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_login.shown_url import shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/v1/responses", "https://h/v1/responses"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        ("http://user:pw@h:1/v1", "http://h:1/v1"),
        ("http://user@pw@h/v1", "http://h/v1"),
        ("http://h/v1?a=1&b=&c&d=x=y", "http://h/v1?a=…&b=&…&d=…"),
        ("http://h/v1#frag", "http://h/v1#…"),
        ("http://h/@team/v1", "http://h/@team/v1"),
        ("user:pw@h/v1", "h/v1"),
        ("nothing/responses", "nothing/responses"),
        ("http://user:p/w@h/v1", "http://…"),
        ("http://user:p?w@h/v1", "http://…"),
        ("http://user:1/w@h/v1", "http://…"),
        ("http://user:p#w@h/v1", "http://…"),
        ("http://h/a\nb", "http://h/a\ufffdb"),
        ("", ""),
    ],
)
def test_what_is_shown(url, shown):
    assert shown_url(url) == shown


@given(st.text(), st.text(alphabet="/?#@:&= \n", max_size=3))
def test_no_password_is_ever_shown(before, after):
    assert "S3CRET" not in shown_url(f"http://ann:{before}S3CRET{after}@host/v1?q=S3CRET")
    assert "S3CRET" not in shown_url(f"http://host/v1?{after}q=S3CRET".replace("@", ""))

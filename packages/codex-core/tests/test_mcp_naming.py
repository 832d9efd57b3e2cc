"""The names MCP tools are offered under."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from codex_core.mcp.naming import ToolAddress, assign_names, qualified_name

SERVERS = st.text("ab_-", min_size=1, max_size=70)
ADDRESSES = st.builds(ToolAddress, SERVERS, st.text(min_size=1, max_size=90) | st.text("ab_./", min_size=1))
LONG = "L" * 70


def test_a_name_is_server_and_tool() -> None:
    assert qualified_name(ToolAddress("srv", "echo")) == "srv__echo"


def test_a_long_name_is_cut_and_hashed_as_recorded() -> None:
    expected = "srv__LLLLLLLLLLLLLLLLLLL1aba65b2f3cca8fafcc0df88e23715c515609979"
    assert qualified_name(ToolAddress("srv", LONG)) == expected


def test_a_name_of_64_bytes_stays_whole() -> None:
    name = "srv__" + "x" * 59
    assert qualified_name(ToolAddress("srv", "x" * 59)) == name
    assert qualified_name(ToolAddress("srv", "x" * 60)) != name + "x"


def test_characters_the_api_refuses_are_replaced() -> None:
    assert qualified_name(ToolAddress("srv", "weird.name/x")) == "srv__weird_name_x"


def test_a_tool_listed_twice_counts_once_and_is_told() -> None:
    echo = ToolAddress("srv", "echo")
    naming = assign_names([echo, ToolAddress("srv", "a"), echo])
    assert list(naming.addresses) == ["srv__a", "srv__echo"]
    assert naming.duplicates == (echo,)


def test_who_is_really_called_so_keeps_the_name() -> None:
    naming = assign_names([ToolAddress("srv", "a.b"), ToolAddress("srv", "a_b"), ToolAddress("srv", "a/b")])
    assert naming.addresses["srv__a_b"].tool == "a_b"
    assert {address.tool for address in naming.addresses.values()} == {"a.b", "a_b", "a/b"}


def test_two_servers_that_spell_one_name_both_have_theirs() -> None:
    naming = assign_names([ToolAddress("a", "_b"), ToolAddress("a_", "b"), ToolAddress("a", "_b")])
    assert len(naming.addresses) == 2


@given(st.lists(ADDRESSES, max_size=20))
def test_names_fit_the_api_and_lead_back_to_their_tools(addresses: list[ToolAddress]) -> None:
    naming = assign_names(addresses)
    assert set(naming.addresses.values()) == set(addresses)
    assert len(naming.addresses) == len(set(addresses))
    assert len(naming.duplicates) == len(addresses) - len(set(addresses))
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in naming.addresses)
    assert list(naming.addresses) == sorted(naming.addresses)


@given(st.lists(ADDRESSES, max_size=12), st.randoms())
def test_names_do_not_depend_on_the_order_of_the_servers(
    addresses: list[ToolAddress], random: object
) -> None:
    shuffled = list(addresses)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types its Random loosely
    assert assign_names(shuffled).addresses == assign_names(addresses).addresses

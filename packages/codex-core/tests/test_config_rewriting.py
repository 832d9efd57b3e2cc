"""Changing single values of a TOML text: golden texts, and random ones of which nothing else may change."""

from __future__ import annotations

import tomllib
from textwrap import dedent

import pytest
import tomlkit
from hypothesis import assume, given
from hypothesis import strategies as st

from codex_core.config.rewriting import TomlText, UneditableTomlError

TRUST = ("projects", "/p", "trust_level")
SERVER = ("mcp_servers", "s")
ENTRY = {"command": "c", "args": ["a b", '"'], "env": {"A": "1", "B.C": "2"}}


def after_set(text: str, path: tuple[str, ...], value: object) -> str:
    document = TomlText(dedent(text))
    document.set(path, value)
    return document.text


def after_remove(text: str, path: tuple[str, ...]) -> str:
    document = TomlText(dedent(text))
    assert document.remove(path)
    return document.text


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("", ("model",), "m", 'model = "m"\n'),
        ("", TRUST, "trusted", '[projects."/p"]\ntrust_level = "trusted"\n'),
        ("# only words\n", ("model",), "m", '# only words\nmodel = "m"\n'),
        ("# only words", TRUST, "t", '# only words\n\n[projects."/p"]\ntrust_level = "t"\n'),
        # A value in its place: spacing, comment and neighbours stay.
        ("a = 1\nmodel='q'# why\nb = 2\n", ("model",), "m", 'a = 1\nmodel="m"# why\nb = 2\n'),
        ("model = '''\nlong\n''' # c", ("model",), "m", 'model = "m" # c'),
        ("model = 'm'\n", ("model",), "m", "model = 'm'\n"),
        ("model = 1\n", ("model",), True, "model = true\n"),
        ("a = [\n  1, # x\n]\n", ("a",), ["n"], 'a = ["n"]\n'),
        # A new key of the top level comes behind the last one, or before the first table.
        ("a = 1 # c\n\n# t\n[t]\n", ("model",), "m", 'a = 1 # c\nmodel = "m"\n\n# t\n[t]\n'),
        ("# t\n[t]\nx = 1\n", ("model",), "m", 'model = "m"\n\n# t\n[t]\nx = 1\n'),
        ("# file\n\n# t\n[t]\n", ("model",), "m", '# file\n\nmodel = "m"\n\n# t\n[t]\n'),
        # A new table comes last; a comment that stands apart at the end stays last.
        ("[t]\nx = 1", TRUST, "t", '[t]\nx = 1\n\n[projects."/p"]\ntrust_level = "t"\n'),
        (
            "[t]\nx = 1\n# y = 2\n\n# vim: x\n",
            TRUST,
            "t",
            '[t]\nx = 1\n# y = 2\n\n[projects."/p"]\ntrust_level = "t"\n\n# vim: x\n',
        ),
        # An existing table, however it is written, takes the key in its own way.
        (
            '[projects."/p"] # mine\nother = 1 # o\n# end\n\n[t]\n',
            TRUST,
            "t",
            '[projects."/p"] # mine\nother = 1 # o\ntrust_level = "t"\n# end\n\n[t]\n',
        ),
        ('[projects."/p"]\n[t]\n', TRUST, "t", '[projects."/p"]\ntrust_level = "t"\n[t]\n'),
        (
            'projects = { "/p" = { other = 1 }, "/q" = {} } # c\n',
            TRUST,
            "t",
            'projects = { "/p" = { other = 1, trust_level = "t" }, "/q" = {} } # c\n',
        ),
        ("projects = {}\n", TRUST, "t", 'projects = { "/p" = { trust_level = "t" } }\n'),
        (
            'projects = {"/q" = { trust_level = "x" }}\n',
            TRUST,
            "t",
            'projects = {"/q" = { trust_level = "x" }, "/p" = { trust_level = "t" }}\n',
        ),
        (
            'projects = {"/p".other = 1}\n',
            TRUST,
            "t",
            'projects = {"/p".other = 1, "/p".trust_level = "t"}\n',
        ),
        (
            'projects."/q".trust_level = "x"\nz = 1\n',
            TRUST,
            "t",
            'projects."/q".trust_level = "x"\nprojects."/p".trust_level = "t"\nz = 1\n',
        ),
        (
            '[projects]\n"/q".trust_level = "x"\n\n[t]\n',
            TRUST,
            "t",
            '[projects]\n"/q".trust_level = "x"\n\n[projects."/p"]\ntrust_level = "t"\n\n[t]\n',
        ),
        (
            '[projects]\n"/p".other = 1 # o\n[t]\n',
            TRUST,
            "t",
            '[projects]\n"/p".other = 1 # o\n"/p".trust_level = "t"\n[t]\n',
        ),
        # A table made by the headers of tables inside it gets a header of its own.
        ("[profiles.a.b]\nx = 1\n", ("profiles", "a", "model"), "m", '[profiles.a.b]\nx = 1\n\n[profiles.a]\nmodel = "m"\n'),
        ("[profiles.'my.team name']\n", ("profiles", "my.team name", "model"), "m", "[profiles.'my.team name']\nmodel = \"m\"\n"),
        ("", ("profiles", "my.team name", "model"), "m", '[profiles."my.team name"]\nmodel = "m"\n'),
        ("a = 1\r\n[t]\r\nb = 2\r\n", ("model",), "m", 'a = 1\r\nmodel = "m"\r\n[t]\r\nb = 2\r\n'),
        ("[t]\r\nb = 2", TRUST, "t", '[t]\r\nb = 2\r\n\r\n[projects."/p"]\r\ntrust_level = "t"\r\n'),
        # A table where a value is wanted goes, and so does a value where a table is wanted.
        ("[model]\nx = 1\n", ("model",), "m", 'model = "m"\n'),
    ],
)  # fmt: skip
def test_a_value_is_set(text: str, path: tuple[str, ...], value: object, expected: str):
    assert after_set(text, path, value) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("a = 1\n# m\nmodel = 'm' # c\nb = 2\n", ("model",), "a = 1\n# m\nb = 2\n"),
        ("model = 'm'", ("model",), ""),
        ("a.x = 1\nb = 1\na.y = 2\n", ("a",), "b = 1\n"),
        ("t = { a = 1, b = 2, c = 3 }\n", ("t", "a"), "t = { b = 2, c = 3 }\n"),
        ("t = { a = 1, b = 2, c = 3 }\n", ("t", "b"), "t = { a = 1, c = 3 }\n"),
        ("t = { a = 1, b = 2, c = 3 }\n", ("t", "c"), "t = { a = 1, b = 2 }\n"),
        ("t = { a = 1 }\n", ("t", "a"), "t = {}\n"),
        ("t = { a.x = 1, a.y = 2, b = 3 }\n", ("t", "a"), "t = { b = 3 }\n"),
        (
            "[x]\n\n# s\n[mcp_servers.s]\na = 1\n\n[mcp_servers.s.env]\n\n# y\n[y]\n",
            SERVER,
            "[x]\n\n# y\n[y]\n",
        ),
        ("[x]\n\n# s\n[mcp_servers.s]\na = 1\n", SERVER, "[x]\n"),
        ("[x]\r\n\r\n[mcp_servers.s]\r\na = 1\r\n\r\n", SERVER, "[x]\r\n"),
        ("# about this file\n[mcp_servers.s]\na = 1\n[y]\n", SERVER, "# about this file\n[y]\n"),
        (
            "[mcp_servers.s]\na = 1\n[y]\n[mcp_servers.s.env]\nb = 1\n[z]\n",
            SERVER,
            "[y]\n[z]\n",
        ),
        ("[mcp_servers]\nr = 1\ns = { a = 1 }\n", SERVER, "[mcp_servers]\nr = 1\n"),
    ],
)
def test_a_value_is_removed(text: str, path: tuple[str, ...], expected: str):
    assert after_remove(text, path) == expected


def test_what_is_not_there_need_not_be_removed():
    document = TomlText("a = 1\n")
    assert not document.remove(("b",))
    assert not document.remove(("a", "b"))
    assert document.text == "a = 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            """\
            [mcp_servers.s]
            command = "c"
            args = ["a b", "\\""]

            [mcp_servers.s.env]
            A = "1"
            "B.C" = "2"
            """,
        ),
        (
            """\
            # the one
            [mcp_servers.s] # s
            command = "old" # program
            startup_timeout_ms = 20_000

            # the variables
            [mcp_servers.s.env]
            Z = "0"
            A = "1"

            [mcp_servers.other] # untouched
            command = 'o'
            startup_timeout_ms = 20_000
            """,
            """\
            # the one
            [mcp_servers.s] # s
            command = "c" # program
            args = ["a b", "\\""]

            # the variables
            [mcp_servers.s.env]
            A = "1"
            "B.C" = "2"

            [mcp_servers.other] # untouched
            command = 'o'
            startup_timeout_ms = 20_000
            """,
        ),
        (
            """\
            [mcp_servers.s]
            command = "c"
            # env is to come
            [tui]
            """,
            """\
            [mcp_servers.s]
            command = "c"
            args = ["a b", "\\""]
            # env is to come

            [mcp_servers.s.env]
            A = "1"
            "B.C" = "2"

            [tui]
            """,
        ),
        (
            "mcp_servers = { r = { command = 'r' } }\n",
            (
                'mcp_servers = { r = { command = \'r\' }, s = { command = "c", args = ["a b", "\\""], '
                'env = { A = "1", "B.C" = "2" } } }\n'
            ),
        ),
        (
            "mcp_servers.r.command = 'r'\n",
            (
                "mcp_servers.r.command = 'r'\n"
                'mcp_servers.s.command = "c"\n'
                'mcp_servers.s.args = ["a b", "\\""]\n'
                'mcp_servers.s.env = { A = "1", "B.C" = "2" }\n'
            ),
        ),
        (
            "[mcp_servers]\ns = 'nonsense'\n",
            (
                '[mcp_servers]\n\n[mcp_servers.s]\ncommand = "c"\nargs = ["a b", "\\""]\n\n'
                '[mcp_servers.s.env]\nA = "1"\n"B.C" = "2"\n'
            ),
        ),
    ],
)
def test_a_table_is_replaced(text: str, expected: str):
    document = TomlText(dedent(text))
    document.replace_table(SERVER, ENTRY)
    assert document.text == dedent(expected)
    assert document.get(SERVER) == ENTRY


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("projects = 1\n", "`projects` is not a table"),
        ("projects = []\n", "`projects` is not a table"),
        ("[[projects]]\nx = 1\n", "`projects` is not a table"),
        ('[projects]\n"/p" = "trusted"\n', "`projects./p` is not a table"),
    ],
)
def test_what_is_no_table_is_left_alone(text: str, sentence: str):
    document = TomlText(text)
    with pytest.raises(UneditableTomlError) as caught:
        document.set(TRUST, "trusted")
    assert str(caught.value) == sentence
    assert document.text == text


def test_an_array_of_tables_in_its_place_goes():
    document = TomlText("[mcp_servers.s]\ncommand = 'c'\n[[mcp_servers.s.env]]\nA = 1\n\n[tui]\n")
    document.replace_table(SERVER, {"command": "c", "env": {"A": "1"}})
    assert document.text == ("[mcp_servers.s]\ncommand = 'c'\n\n[mcp_servers.s.env]\nA = \"1\"\n\n[tui]\n")


def test_keys_nested_too_deeply_are_left_alone():
    text = ".".join(["a"] * 5000) + " = 1\n"
    document = TomlText(text)
    with pytest.raises(UneditableTomlError, match="by hand"):
        document.set(("model",), "m")
    assert document.text == text


names = st.sampled_from(["a", "b", "model", "/p", "x y", "é.ü", "", 'q"', "\t"])
keys = st.lists(names, min_size=1, max_size=3)
scalars = st.sampled_from(
    ["1", "-2.5", "nan", "true", '"s # ]"', "'{'", '"""m\n]"""', "'''\n= x'''", "1979-05-27", "[\n 1, # c\n]", "[ {a=1} ]"]
)  # fmt: skip


def quoted(name: str) -> str:
    if name.isascii() and name.isalnum():
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def written(key: list[str]) -> str:
    return ".".join(map(quoted, key))


values = st.recursive(
    scalars,
    lambda inner: st.lists(st.tuples(keys, inner), max_size=3).map(
        lambda items: "{ " + ", ".join(f"{written(key)} = {value}" for key, value in items) + " }"
    ),
    max_leaves=4,
)
lines = st.one_of(
    keys.map(lambda key: f"[{written(key)}] # t"),
    keys.map(lambda key: f"[[{written(key)}]]"),
    st.tuples(keys, values).map(lambda item: f"{written(item[0])} = {item[1]}  # v"),
    st.tuples(keys, values).map(lambda item: f" {written(item[0])}={item[1]}"),
    st.sampled_from(["", "# words", "  # [a]"]),
)
documents = st.tuples(st.lists(lines, max_size=7), st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
    lambda parts: parts[1].join("\n".join(parts[0]).split("\n")) + (parts[1] if parts[2] else "")
)


def parsed(text: str) -> dict[str, object]:
    return tomllib.loads(text, parse_float=lambda number: ("float", number))


def pruned(value: object) -> object:
    if not isinstance(value, dict):
        return value
    inner = {key: pruned(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item != {}}


def shared(first: str, second: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(first), len(second)))


def is_valid(text: str) -> bool:
    try:
        parsed(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def looked_up(document: object, path: list[str]) -> object:
    for part in path:
        if not isinstance(document, dict) or part not in document:
            return None
        document = document[part]
    return document


@given(documents, keys, st.sampled_from(["new", 'q"\n\\', True, 7, ["a", "b"]]))
def test_nothing_else_changes_when_a_value_is_set(text: str, path: list[str], value: object):
    assume(is_valid(text))
    before = parsed(text)
    holders = [looked_up(before, path[:length]) for length in range(1, len(path))]
    document = TomlText(text)
    if not all(holder is None or isinstance(holder, dict) for holder in holders):
        with pytest.raises(UneditableTomlError):
            document.set(tuple(path), value)
        assert document.text == text
        return
    was_table = isinstance(looked_up(before, path), dict)
    array_of_tables = isinstance(looked_up(before, path), list)
    try:
        document.set(tuple(path), value)
    except UneditableTomlError:
        assert array_of_tables  # one spelled by `[[headers]]` cannot be taken apart
        assert document.text == text
        return
    wanted = before
    inner: dict[str, object] = wanted
    for part in path[:-1]:
        inner = inner.setdefault(part, {})  # type: ignore[assignment]
    inner[path[-1]] = value
    assert pruned(parsed(document.text)) == pruned(wanted)
    if was_table or (array_of_tables and "[[" in text):
        return
    # One piece was put in, or took the place of one value.
    at = shared(text, document.text)
    if looked_up(parsed(text), path) is None:
        added = len(document.text) - len(text)
        assert any(text == document.text[:cut] + document.text[cut + added :] for cut in range(at + 1))
    else:
        behind = shared(text[::-1], document.text[::-1])
        assert at + behind >= len(document.text) - len(tomlkit.item(value).as_string())


@given(documents, keys)
def test_nothing_else_changes_when_a_value_is_removed(text: str, path: list[str]):
    assume(is_valid(text))
    before = parsed(text)
    there = looked_up(before, path)
    document = TomlText(text)
    try:
        removed = document.remove(tuple(path))
    except UneditableTomlError:
        assert "[[" in text
        assert document.text == text
        return
    assert removed == (there is not None)
    if not removed:
        assert document.text == text
        return
    holder = looked_up(before, path[:-1])
    assert isinstance(holder, dict)
    del holder[path[-1]]
    assert pruned(parsed(document.text)) == pruned(before)
    # Only whole pieces went: what is left is found in the old text in the same order.
    old = iter(text)
    missing = [character for character in document.text if character not in old]
    assert missing == []


@given(documents)
def test_a_server_can_be_added_and_taken_out_again(text: str):
    assume(is_valid(text))
    document = TomlText(text)
    document.replace_table(SERVER, ENTRY)
    assert document.get(SERVER) == ENTRY
    document.remove(SERVER)
    assert pruned(parsed(document.text)) == pruned(parsed(text))
    assert [line for line in document.text.splitlines() if line] == [
        line for line in text.splitlines() if line
    ]

"""Places of values in a TOML text."""

from __future__ import annotations

import tomllib
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.config.positions import scan_positions

TEXT = dedent(
    '''\
    # top
    model = "o3"   # trailing
    notify = ["a", 1,
      # between
      "c",
    ]
    "quoted key" = 1
    'literal' = 2
    a.b . c = 3
    when = 1979-05-27 07:32:00
    text = """
    not = "a key" \\"""" # end
    raw = \'\'\'
    [nor.a.table]\'\'\'
    inline = { x = 1, "y z" = { deep = [ {k = 5} ] }, w = "}" }

    [tools]
    web_search = true
      [tools.sub]
      v = 1

    [mcp_servers."a.b"]
    command = 5
    [mcp_servers."a.b".env]
    X = 1
    [[list]]
    n = 1
    [[list]]
    n = 2
    [list.inner]
    m = 3
    '''
)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("model",), (2, 9)),
        (("notify",), (3, 10)),
        (("notify", 0), (3, 11)),
        (("notify", 1), (3, 16)),
        (("notify", 2), (5, 3)),
        (("quoted key",), (7, 16)),
        (("literal",), (8, 13)),
        (("a",), (9, 1)),
        (("a", "b"), (9, 1)),
        (("a", "b", "c"), (9, 11)),
        (("when",), (10, 8)),
        (("text",), (11, 8)),
        (("raw",), (13, 7)),
        (("inline",), (15, 10)),
        (("inline", "x"), (15, 16)),
        (("inline", "y z"), (15, 27)),
        (("inline", "y z", "deep"), (15, 36)),
        (("inline", "y z", "deep", 0, "k"), (15, 43)),
        (("inline", "w"), (15, 55)),
        (("tools",), (17, 1)),
        (("tools", "web_search"), (18, 14)),
        (("tools", "sub"), (19, 3)),
        (("tools", "sub", "v"), (20, 7)),
        (("mcp_servers", "a.b"), (22, 1)),
        (("mcp_servers", "a.b", "command"), (23, 11)),
        (("mcp_servers", "a.b", "env", "X"), (25, 5)),
        (("list",), (26, 1)),
        (("list", 0, "n"), (27, 5)),
        (("list", 1, "n"), (29, 5)),
        (("list", 1, "inner", "m"), (31, 5)),
    ],
)
def test_place(path, place):
    assert tomllib.loads(TEXT)
    assert scan_positions(TEXT)[path] == place


def test_keys_inside_strings_and_comments_are_not_found():
    places = scan_positions(TEXT)
    assert ("not",) not in places
    assert ("nor",) not in places
    assert ("top",) not in places


def test_columns_count_characters():
    assert scan_positions('ü = "äöü" # x\nb = 1\n')[("b",)] == (2, 5)
    assert scan_positions('k = ["äöü", 1]')[("k", 1)] == (1, 13)


def test_windows_line_ends():
    assert scan_positions('a = 1\r\n[t]\r\nb = "x"\r\n')[("t", "b")] == (3, 5)


keys = st.text(alphabet="abc-_1", min_size=1, max_size=3)
quoted_keys = st.text(alphabet='ab. =[]#"', max_size=4).map(lambda text: '"' + text.replace('"', '\\"') + '"')
scalars = st.sampled_from(
    ["1", "-2.5", "true", '"s # ]"', "'{'", '"""m\n]"""', "'''\n= x'''", "1979-05-27", '"\\""']
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ", # c ]\n".join(items) + "]")
        | st.dictionaries(keys | quoted_keys, inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
documents = st.lists(
    st.tuples(st.booleans(), keys | quoted_keys, values).map(
        lambda item: f"[{item[1]}]  # t" if item[0] else f"{item[1]} = {item[2]}  # {item[1]}"
    ),
    max_size=6,
).map("\n".join)


@given(documents)
def test_every_value_the_parser_sees_is_found(text):
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    places = scan_positions(text)

    def check(value: object, path: tuple[str | int, ...]) -> None:
        if path:
            assert path in places
        match value:
            case dict():
                for key, inner in value.items():
                    check(inner, (*path, key))
            case list():
                for index, inner in enumerate(value):
                    check(inner, (*path, index))

    check(document, ())

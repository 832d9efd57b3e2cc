"""What is said about a configuration that cannot be used (spec: config-cli.md section 10)."""

from __future__ import annotations

import os
from textwrap import dedent

import pytest

from codex_core.config.config import ConfigFlags
from codex_core.config.problems import ConfigProblem, InvalidConfigError
from codex_core.config.resolve import load_config
from codex_core.errors import ConfigError
from codex_core.services import Services


@pytest.fixture
def failing(tmp_path):
    """Loads a file that cannot be used and gives the lines of the error, with `HOME` for the directory."""

    def failing(content: str | bytes, *overrides: str, **flags) -> list[str]:
        raw = content if isinstance(content, bytes) else dedent(content).encode()
        (tmp_path / "config.toml").write_bytes(raw)
        services = Services(environ={"CODEX_HOME": str(tmp_path)})
        with pytest.raises(ConfigError) as raised:
            load_config(overrides=overrides, flags=ConfigFlags(**flags), services=services)
        return str(raised.value).replace(str(tmp_path), "HOME").split("\n")

    failing.home = tmp_path
    return failing


SANDBOXES = "`read-only`, `workspace-write`, `danger-full-access`"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("model = 1", "1:9: invalid type: integer `1`, expected a string in `model`"),
        ("model = true", "1:9: invalid type: boolean `true`, expected a string in `model`"),
        ("model = 5.5", "1:9: invalid type: floating point `5.5`, expected a string in `model`"),
        ("model = [1]", "1:9: invalid type: sequence, expected a string in `model`"),
        ("model = {a = 1}", "1:9: invalid type: map, expected a string in `model`"),
        ("model.a = 1", "1:1: invalid type: map, expected a string in `model`"),
        ("[model]", "1:1: invalid type: map, expected a string in `model`"),
        (
            "hide_agent_reasoning = 'yes'",
            '1:24: invalid type: string "yes", expected a boolean in `hide_agent_reasoning`',
        ),
        ("notify = 'x'", '1:10: invalid type: string "x", expected a sequence in `notify`'),
        ("notify = ['a', 1]", "1:16: invalid type: integer `1`, expected a string in `notify`"),
        ("history = 1", "1:11: invalid type: integer `1`, expected a table in `history`"),
        ("tui = 1", "1:7: invalid type: integer `1`, expected a table in `tui`"),
        ("mcp_servers = []", "1:15: invalid type: sequence, expected a table in `mcp_servers`"),
        ("mcp_servers.a = 1", "1:17: invalid type: integer `1`, expected a table in `mcp_servers.a`"),
        ("mcp_servers.x = {}", "1:17: missing field `command` in `mcp_servers.x`"),
        ("\n[mcp_servers.x]\nargs = []", "2:1: missing field `command` in `mcp_servers.x`"),
        (
            "[mcp_servers.x]\ncommand = 'c'\n[mcp_servers.x.env]\nA = 1",
            "4:5: invalid type: integer `1`, expected a string in `mcp_servers.x.env.A`",
        ),
        ("[model_providers.x]", "1:1: missing field `name` in `model_providers.x`"),
        ("history.max_bytes = 3", "1:1: missing field `persistence` in `history`"),
        (
            'projects."/x".trust_level = 1',
            "1:29: invalid type: integer `1`, expected a string in `projects./x.trust_level`",
        ),
        (
            "tools = {web_search = true, web_search_request = true}",
            "1:9: duplicate field `web_search` in `tools`",
        ),
        ("sandbox_mode = 'ro'", f"1:16: unknown variant `ro`, expected one of {SANDBOXES} in `sandbox_mode`"),
        (
            "sandbox_mode = 'readonly'",
            f"1:16: unknown variant `readonly`, expected one of {SANDBOXES} (did you mean `read-only`?) in `sandbox_mode`",
        ),
        (
            "history.persistence = 'some'",
            "1:23: unknown variant `some`, expected `save-all` or `none` in `history.persistence`",
        ),
        (
            "sandbox_mode = 1",
            f"1:16: invalid type: integer `1`, expected one of {SANDBOXES} in `sandbox_mode`",
        ),
        (
            "approval_policy = {granular = {}}",
            "1:19: invalid type: map, expected one of `untrusted`, `on-failure`, `on-request`, `never` in `approval_policy`",
        ),
        (
            "model_reasoning_effort = 'xhigh'",
            "1:26: unknown variant `xhigh`, expected one of `minimal`, `low`, `medium`, `high` (did you mean `high`?) in `model_reasoning_effort`",
        ),
        (
            "model_context_window = -5",
            "1:24: invalid value: integer `-5`, expected u64 in `model_context_window`",
        ),
        (
            "model_context_window = 5.5",
            "1:24: invalid type: floating point `5.5`, expected u64 in `model_context_window`",
        ),
        (
            "model_context_window = true",
            "1:24: invalid type: boolean `true`, expected u64 in `model_context_window`",
        ),
        (
            "model_context_window = 18446744073709551616",
            "1:24: invalid value: integer `18446744073709551616`, expected u64 in `model_context_window`",
        ),
        (
            "project_doc_max_bytes = -1",
            "1:25: invalid value: integer `-1`, expected usize in `project_doc_max_bytes`",
        ),
        (
            "model_auto_compact_token_limit = 9223372036854775808",
            "1:34: invalid value: integer `9223372036854775808`, expected i64 in `model_auto_compact_token_limit`",
        ),
        ("profiles.a.model = 1", "1:20: invalid type: integer `1`, expected a string in `profiles.a.model`"),
        ("profile = 'zz'", "1:11: config profile `zz` not found"),
        ("profile = ''", "1:11: config profile `` not found"),
        ("profile = 'wrok'\n[profiles.work]", "1:11: config profile `wrok` not found (did you mean `work`?)"),
        ("model_provider = 'nope'", "1:18: Model provider `nope` not found"),
        ("model_provider = ''", "1:18: Model provider `` not found"),
        ("model_provider = 'opanai'", "1:18: Model provider `opanai` not found (did you mean `openai`?)"),
        ("profile = 'p'\n[profiles.p]\nmodel_provider = 'nope'", "3:18: Model provider `nope` not found"),
        (
            "experimental_instructions_file = '/nonexistent/x.md'",
            "1:34: failed to read experimental instructions file /nonexistent/x.md: No such file or directory (os error 2)",
        ),
        (
            "experimental_instructions_file = '/dev/null'",
            "1:34: experimental instructions file is empty: /dev/null",
        ),
    ],
)
def test_one_sentence_with_its_place(failing, text, error):
    assert failing(text) == [f"HOME/config.toml:{error}"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("model = ", "1:9: TOML parse error at line 1, column 9: Invalid value at the end of the file"),
        ("a = 1\na = 2\n", "2:6: TOML parse error at line 2, column 6: duplicate key"),
        ("[a]\n[a]\n", "2:3: TOML parse error at line 2, column 3: duplicate key"),
        ("a = {b = 1}\na.c = 2\n", "2:8: TOML parse error at line 2, column 8: duplicate key"),
        ("a = 'x", '1:7: TOML parse error at line 1, column 7: Expected "\'" at the end of the file'),
        (
            "ok = 1\nmodel",
            "2:6: TOML parse error at line 2, column 6: Expected '=' after a key in a key/value pair at the end of the file",
        ),
        (b"ok = 1\nmodel = '\xff'", "2:10: stream did not contain valid UTF-8"),
        (b"\xef\xbb\xbfmodel = '\xff'", "1:10: stream did not contain valid UTF-8"),
    ],
)
def test_what_is_no_toml(failing, content, error):
    [line] = failing(content)
    assert line == f"HOME/config.toml:{error}"


def test_nesting_without_end_is_a_sentence(failing):
    assert failing("a = " + "[" * 20_000) == ["HOME/config.toml: TOML values are nested too deeply"]


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("9" * 5000, "HOME/config.toml: a number has too many digits"),
        (
            "0x" + "f" * 5000,
            "HOME/config.toml:1:24: invalid value: integer `of too many digits`, expected u64 in `model_context_window`",
        ),
    ],
)
def test_number_without_end_is_a_sentence(failing, number, error):
    assert failing("model_context_window = " + number) == [error]


def test_byte_order_mark_does_not_shift_columns(failing):
    assert failing(b"\xef\xbb\xbfmodel = 1") == [
        "HOME/config.toml:1:9: invalid type: integer `1`, expected a string in `model`"
    ]


def test_every_problem_is_reported_in_order_of_keys(failing):
    text = """
        model_provider = "nope"
        sandbox_mode = "ro"
        model = 1
        [mcp_servers.b]
        [mcp_servers.a]
        args = [1, 2]
        """
    assert failing(text, "hide_agent_reasoning=1", cwd="/nonexistent") == [
        "-c hide_agent_reasoning: invalid type: integer `1`, expected a boolean in `hide_agent_reasoning`",
        "HOME/config.toml:6:1: missing field `command` in `mcp_servers.a`",
        "HOME/config.toml:7:9: invalid type: integer `1`, expected a string in `mcp_servers.a.args`",
        "HOME/config.toml:7:12: invalid type: integer `2`, expected a string in `mcp_servers.a.args`",
        "HOME/config.toml:5:1: missing field `command` in `mcp_servers.b`",
        "HOME/config.toml:4:9: invalid type: integer `1`, expected a string in `model`",
        f"HOME/config.toml:3:16: unknown variant `ro`, expected one of {SANDBOXES} in `sandbox_mode`",
        "the working directory /nonexistent cannot be used: No such file or directory (os error 2)",
        "HOME/config.toml:2:18: Model provider `nope` not found",
    ]


@pytest.mark.parametrize(
    ("text", "overrides", "error"),
    [
        ("model = 'm'", ["model=1"], "-c model: invalid type: integer `1`, expected a string in `model`"),
        ("", ["model.x=1"], "-c model.x: invalid type: map, expected a string in `model`"),
        ("", ["history.max_bytes=3"], "-c history.max_bytes: missing field `persistence` in `history`"),
        ("", ["mcp_servers={a={}}"], "-c mcp_servers: missing field `command` in `mcp_servers.a`"),
        (
            "[mcp_servers.a]",
            ["mcp_servers.a.args=[]"],
            "HOME/config.toml:1:1: missing field `command` in `mcp_servers.a`",
        ),
        (
            "model = 1",
            ["review_model=x"],
            "HOME/config.toml:1:9: invalid type: integer `1`, expected a string in `model`",
        ),
        ("", ["profile=zz"], "-c profile: config profile `zz` not found"),
        ("model_provider = 'oss'", ["model_provider=zz"], "-c model_provider: Model provider `zz` not found"),
        (
            "[profiles.p]\nmodel_provider = 'oss'",
            ["profile=p", "profiles.p.model_provider=zz"],
            "-c profiles.p.model_provider: Model provider `zz` not found",
        ),
        ("", ["nonsense"], "Invalid override (missing '='): nonsense"),
        ("", ["=1"], "Empty key in override: =1"),
    ],
)
def test_override_is_named_where_it_is_to_blame(failing, text, overrides, error):
    assert failing(text, *overrides) == [error]


def test_flags_have_no_place(failing):
    assert failing("profile = 'a'\n[profiles.a]", profile="zz") == ["config profile `zz` not found"]
    assert failing("", model_provider="zz") == ["Model provider `zz` not found"]


def test_file_of_a_profile_is_named(failing):
    (failing.home / "work.config.toml").write_text("model = 1\n")
    assert failing("model = 'm'", profile="work") == [
        "HOME/work.config.toml:1:9: invalid type: integer `1`, expected a string in `model`"
    ]
    (failing.home / "work.config.toml").write_text("model = \n")
    assert failing("", profile="work") == [
        "HOME/work.config.toml:1:9: TOML parse error at line 1, column 9: Invalid value"
    ]


def test_a_file_that_has_only_the_table_of_a_wrong_value_is_not_to_blame(failing):
    (failing.home / "work.config.toml").write_text("[tools]\nview_image = true\n")
    assert failing("[tools]\nweb_search = 1", profile="work") == [
        "HOME/config.toml:2:14: invalid type: integer `1`, expected a boolean in `tools.web_search`"
    ]


@pytest.mark.parametrize("number", [-(2**63) - 1, 2**63])
def test_a_number_with_a_sign_has_64_bits(failing, number):
    (line,) = failing(f"model_auto_compact_token_limit = {number}")
    problem = f"invalid value: integer `{number}`, expected i64 in `model_auto_compact_token_limit`"
    assert line == f"HOME/config.toml:1:34: {problem}"


def test_name_of_a_profile_is_no_path(failing):
    (failing.home.parent / "out.config.toml").write_text("model = 'm'\n")
    assert failing("", profile="../out") == ["config profile `../out` not found"]


def test_instructions_file_that_is_not_text(failing):
    path = failing.home / "x.md"
    path.write_bytes(b"\xff")
    assert failing(f"experimental_instructions_file = '{path}'") == [
        (
            "HOME/config.toml:1:34: failed to read experimental instructions file HOME/x.md: "
            "stream did not contain valid UTF-8"
        )
    ]


def test_file_that_cannot_be_read(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(InvalidConfigError) as raised:
        load_config(services=Services(environ={"CODEX_HOME": str(tmp_path)}))
    assert str(raised.value) == f"{tmp_path}/config.toml: Is a directory (os error 21)"


def test_problems_are_values_too(failing):
    (failing.home / "config.toml").write_text("\n\n  model = 1\n")
    with pytest.raises(InvalidConfigError) as raised:
        load_config(services=Services(environ={"CODEX_HOME": str(failing.home)}))
    assert raised.value.problems == (
        ConfigProblem(
            message="invalid type: integer `1`, expected a string",
            key="model",
            file=os.path.join(str(failing.home), "config.toml"),
            line=3,
            column=11,
        ),
    )


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("nonsense = 1", "1:12: unknown key `nonsense` is ignored"),
        ("modle = 'm'", "1:9: unknown key `modle` is ignored (did you mean `model`?)"),
        (
            "[tools]\nweb_serach = true",
            "2:14: unknown key `tools.web_serach` is ignored (did you mean `web_search`?)",
        ),
        (
            "[mcp_servers.a]\ncommand = 'c'\narg = []",
            "3:7: unknown key `mcp_servers.a.arg` is ignored (did you mean `args`?)",
        ),
        (
            "[profiles.p]\nmodels = 'c'",
            "2:10: unknown key `profiles.p.models` is ignored (did you mean `model`?)",
        ),
        ("[history]\npersistence = 'none'\nsize = 1", "3:8: unknown key `history.size` is ignored"),
        (
            "[model_providers.x]\nname = 'x'\nenvkey = 'K'",
            "3:10: unknown key `model_providers.x.envkey` is ignored (did you mean `env_key`?)",
        ),
    ],
)
def test_unknown_key_is_noted_and_never_fatal(tmp_path, text, notice):
    (tmp_path / "config.toml").write_text(text)
    services = Services(environ={"CODEX_HOME": str(tmp_path)})
    assert load_config(services=services).notices == (f"{tmp_path}/config.toml:{notice}",)


def test_unknown_key_of_an_override_is_noted_too(tmp_path):
    services = Services(environ={"CODEX_HOME": str(tmp_path)})
    [notice] = load_config(overrides=["foo.bar=1"], services=services).notices
    assert notice == "-c foo.bar: unknown key `foo` is ignored"


def test_strict_makes_unknown_keys_errors(failing):
    assert failing("modle = 'm'\nmodel = 1", "bogus=1", strict=True) == [
        "HOME/config.toml:2:9: invalid type: integer `1`, expected a string in `model`",
        "HOME/config.toml:1:9: unknown configuration field (did you mean `model`?) in `modle`",
        "-c bogus: unknown configuration field in `bogus`",
    ]


def test_values_of_unknown_tables_are_not_looked_at(tmp_path):
    (tmp_path / "config.toml").write_text("[features]\nx = 99999999999999999999\n")
    (notice,) = load_config(services=Services(environ={"CODEX_HOME": str(tmp_path)})).notices
    assert notice == "`features.x` is a key of later releases, without effect here"

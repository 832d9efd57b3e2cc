"""How events look to people: nothing reaches the terminal but text, and nothing that matters is hidden."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.config import Config, ConfigFlags, load_config
from codex_core.presentation.blocks import (
    command_text,
    config_rows,
    describe_sandbox,
    first_line,
    format_count,
    format_duration,
    head_and_tail,
    output_rows,
    plan_paragraphs,
    shorten_path,
    text_rows,
)
from codex_core.presentation.reports import patch
from codex_core.presentation.safe_text import exact_text, safe_text
from codex_core.presentation.spans import Emphasis, Line, Style, line, plain_text, unwrapped
from codex_core.services import Services
from codex_core.testing import ScratchHome
from codex_protocol.config_types import AskForApproval, ReasoningEffort
from codex_protocol.file_change import AddChange, FileChange, UpdateChange
from codex_protocol.plan import PlanItemArg, StepStatus
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
)

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TERMINAL_NOISE = st.text(
    alphabet=st.sampled_from(
        "\x1b[]()PX^_;?0123mHJK\\\x07\x08\x0b\x0c\r\n\t\x7f\x85\x9b\x9d\u2028" + BIDI + "abü"
    ),
    max_size=60,
)
ANY_TEXT = st.text(max_size=60) | st.text(alphabet=st.characters(), max_size=60) | TERMINAL_NOISE


def look(rows: list[Line]) -> list[str]:
    return [plain_text(row) for row in rows]


def styles(rows: list[Line]) -> list[Style]:
    return [row[-1].style for row in rows]


def assert_harmless(text: str) -> None:
    for character in text:
        assert character == "\n" or unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}, repr(
            text
        )
        assert character not in BIDI, repr(text)


# -- text of others -----------------------------------------------------------------------------


@given(ANY_TEXT)
def test_no_text_can_command_the_terminal(text: str) -> None:
    assert_harmless(safe_text(text))
    assert_harmless(exact_text(text))


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), max_size=60))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text
    assert exact_text(text) == text


@given(ANY_TEXT)
def test_exact_text_loses_no_visible_character(text: str) -> None:
    shown = exact_text(text)
    for character in set(text):
        if character.isprintable() and character != " ":
            assert shown.count(character) >= text.count(character)
    assert shown.count("\n") == text.count("\n")


@given(TERMINAL_NOISE, TERMINAL_NOISE)
def test_what_comes_in_pieces_is_as_harmless(first: str, second: str) -> None:
    assert_harmless(exact_text(first) + exact_text(second))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://x.invalid\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("\x1b[1;2", "1;2"),
        ("\x1b\x1b[31mx", "�x"),
        ("\x9b31mx", "�31mx"),
        ("a\x07b\x00c\x7fd", "a�b�c�d"),
        ("10%\r20%\r100%", "100%"),
        ("10%\r100%\r\ndone\r\n", "100%\ndone\n"),
        ("kept\r", "kept"),
        ("a\tb", "a    b"),
        ("user\u202etxt.exe", "user�txt.exe"),
        ("a\u2028b", "a�b"),
        ("", ""),
    ],
)
def test_output_is_shown_as_a_terminal_would_leave_it(raw: str, shown: str) -> None:
    assert safe_text(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("rm -rf ~ #\rls", "rm -rf ~ #␍ls"),
        ("ls \x1b]0;\nrm -rf ~\x07", "ls ␛]0;\nrm -rf ~␇"),
        ("\x1b[8mhidden", "␛[8mhidden"),
        ("a\x08b\x7f\x00", "a␈b␡␀"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("\x9b31m", "�31m"),
        ("a\tb", "a    b"),
        ("half \ud83d", "half �"),
    ],
)
def test_what_is_read_before_it_is_believed_hides_nothing(raw: str, shown: str) -> None:
    assert exact_text(raw) == shown


def test_a_flood_of_broken_sequences_is_read_in_one_go() -> None:
    for hostile in (
        "\x1b[" * 50_000,
        "\x1b[" + "0" * 200_000,
        "\x1b]" * 50_000,
        "\x1bP" * 50_000,
        "\r" * 200_000,
    ):
        assert_harmless(safe_text(hostile)[:1000])


# -- rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\n\n", ["a", ""]),
        ("\n", [""]),
        ("a\u2028b\x0bc", ["a�b␋c"]),
    ],
)
def test_text_becomes_rows_at_line_feeds_only(text: str, rows: list[str]) -> None:
    assert look(text_rows(text)) == rows


@given(ANY_TEXT)
def test_no_span_has_a_line_break(text: str) -> None:
    item = PlanItemArg(step=text, status=StepStatus.PENDING)
    changes: dict[str, FileChange] = {
        f"/w/{text}": AddChange(content=text),
        text: UpdateChange(unified_diff=text, move_path=text),
    }
    rows = [
        *text_rows(text, mark="+"),
        *output_rows(text, Style.DIM),
        *unwrapped(plan_paragraphs(text, [item])),
        *unwrapped(patch(changes, "/w", "/home")),
    ]
    for row in rows:
        assert "\n" not in plain_text(row)
        assert_harmless(plain_text(row))


def test_output_ends_after_twenty_rows_with_a_count() -> None:
    text = "".join(f"{number}\n" for number in range(1_300))
    rows = output_rows(text, Style.DIM)
    assert look(rows) == [*map(str, range(20)), "… 1,280 more lines"]
    assert len(output_rows("x\n" * 20, Style.DIM)) == 20
    assert look(output_rows("a\nb\nc", Style.DIM, limit=2)) == ["a", "b", "… 1 more line"]


@pytest.mark.parametrize("text", ["", "\n", "\n\n\n", "\r\n"])
def test_no_output_has_no_rows(text: str) -> None:
    assert output_rows(text, Style.DIM) == []


def test_blank_rows_inside_of_output_stay() -> None:
    assert look(output_rows("\na\n\nb\n\n", Style.DIM)) == ["", "a", "", "b"]


def plan(*steps: tuple[str, StepStatus]) -> list[PlanItemArg]:
    return [PlanItemArg(step=step, status=status) for step, status in steps]


def test_a_plan_shows_how_far_each_step_is() -> None:
    rows = unwrapped(
        plan_paragraphs(
            "Because.",
            plan(
                ("read", StepStatus.COMPLETED),
                ("write", StepStatus.IN_PROGRESS),
                ("test", StepStatus.PENDING),
            ),
        )
    )
    assert look(rows) == ["Because.", "  ✔ read", "  → write", "  □ test"]
    assert styles(rows) == [Style.THOUGHT, Style.DIM, Style.CURRENT, Style.PLAIN]
    assert [row[-1].emphasis for row in rows[1:]] == [Emphasis.STRIKE, Emphasis.NONE, Emphasis.NONE]


def test_a_plan_without_a_reason_or_steps() -> None:
    assert look(unwrapped(plan_paragraphs(None, plan(("", StepStatus.PENDING))))) == ["  □ "]
    assert look(unwrapped(plan_paragraphs(None, []))) == ["(no steps provided)"]


def test_a_step_of_several_lines_cannot_pass_for_several_steps() -> None:
    rows = unwrapped(plan_paragraphs(None, plan(("one\n  ✔ two", StepStatus.PENDING))))
    assert look(rows) == ["  □ one", "      ✔ two"]


def test_head_and_tail_say_how_much_lies_between() -> None:
    text = "".join(f"{number}\n" for number in range(1, 12))
    assert look(head_and_tail(text, Style.DIM, head=5, tail=5))[4:7] == ["5", "… +1 line", "7"]
    assert look(head_and_tail("a\nb\n", Style.DIM, head=1, tail=1)) == ["a", "b"]
    assert look(head_and_tail(text, Style.DIM, head=0, tail=2)) == ["… +9 lines", "10", "11"]
    assert look(head_and_tail("x" * 5_000, Style.DIM, head=1, tail=0)) == ["x" * 997 + "..."]


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["bash", "-lc", "ls | wc"], "ls | wc"),
        (["/bin/zsh", "-lc", "ls"], "ls"),
        (["bash", "-c", "ls"], "bash -c ls"),
        (["echo", "a b"], "echo 'a b'"),
        (["bash", "-lc", "a", "b"], "bash -lc a b"),
    ],
)
def test_a_script_of_a_login_shell_is_shown_alone(argv: list[str], shown: str) -> None:
    assert command_text(argv) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("ls", "ls"), ("ls\npwd", "ls ..."), ("x" * 9, "x" * 5 + "..."), ("a\x1bb", "a␛b"), ("\nls\n", "ls")],
)
def test_a_command_is_mentioned_by_its_first_line(text: str, shown: str) -> None:
    assert first_line(text, 8) == shown


@pytest.mark.parametrize(
    ("path", "cwd", "shown"),
    [
        ("/w/a/b", "/w", "a/b"),
        ("/w/a", "/w/", "a"),
        ("/work", "/w", "/work"),
        ("/w", "/w", "/w"),
        ("/etc/x", "/", "etc/x"),
        ("rel", "/w", "rel"),
    ],
)
def test_paths_below_the_directory_are_shown_from_there(path: str, cwd: str, shown: str) -> None:
    assert shorten_path(path, cwd) == shown


# -- numbers and settings -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0009, "0ms"),
        (0.804, "804ms"),
        (0.9999, "999ms"),
        (1, "1.00s"),
        (1.5, "1.50s"),
        (59.99, "59.99s"),
        (60, "1m 00s"),
        (75.9, "1m 15s"),
        (3601, "60m 01s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=999))
def test_whole_milliseconds_are_shown_as_they_are(milliseconds: int) -> None:
    assert format_duration(0 + milliseconds * 1_000_000 / 1e9) == f"{milliseconds}ms"


def test_counts_have_separators() -> None:
    assert [format_count(number) for number in (0, 999, 1_000, 1_234_567)] == [
        "0",
        "999",
        "1,000",
        "1,234,567",
    ]


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (DangerFullAccessPolicy(), "danger-full-access"),
        (ReadOnlyPolicy(), "read-only"),
        (WorkspaceWritePolicy(), "workspace-write [workdir, /tmp, $TMPDIR]"),
        (
            WorkspaceWritePolicy(writable_roots=("/a", "/b"), network_access=True),
            "workspace-write [workdir, /tmp, $TMPDIR, /a, /b] (network access enabled)",
        ),
        (
            WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True),
            "workspace-write [workdir]",
        ),
        (WorkspaceWritePolicy(exclude_slash_tmp=True), "workspace-write [workdir, $TMPDIR]"),
    ],
)
def test_a_sandbox_is_described_by_what_may_be_written(policy: SandboxPolicy, text: str) -> None:
    assert describe_sandbox(policy) == text


@pytest.fixture
def config(scratch_home: ScratchHome) -> Config:
    services = Services(environ=scratch_home.environ())
    flags = ConfigFlags(cwd=str(scratch_home.path), approval_policy=AskForApproval.NEVER)
    return load_config(flags=flags, services=services)


def test_settings_come_in_the_order_people_read_them(config: Config) -> None:
    assert config_rows(config) == [
        ("workdir", config.cwd),
        ("model", "gpt-5"),
        ("provider", "openai"),
        ("approval", "never"),
        ("sandbox", "read-only"),
        ("reasoning effort", "none"),
        ("reasoning summaries", "auto"),
    ]
    chosen = replace(config, model_reasoning_effort=ReasoningEffort.HIGH)
    assert ("reasoning effort", "high") in config_rows(chosen)


def test_reasoning_is_mentioned_only_where_there_is_some(config: Config) -> None:
    from codex_core.config.providers import WireApi

    chat = replace(config, model_provider=replace(config.model_provider, wire_api=WireApi.CHAT))
    for without in (
        replace(config, model="gpt-4o"),
        replace(config, model_supports_reasoning_summaries=False),
        chat,
    ):
        assert len(config_rows(without)) == 5
    told = replace(config, model="gpt-4o", model_supports_reasoning_summaries=True)
    assert len(config_rows(told)) == 7


def test_lines_are_made_of_texts_and_spans() -> None:
    row = line("a", *text_rows("b", Style.DIM)[0])
    assert plain_text(row) == "ab"
    assert [span.style for span in row] == [Style.PLAIN, Style.DIM]

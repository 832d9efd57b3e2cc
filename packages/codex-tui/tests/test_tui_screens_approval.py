"""The question whether a command may run: all of it can be read, and nothing in it can deceive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.presentation.spans import plain_text
from codex_protocol.events import ApplyPatchApprovalRequestEvent, ExecApprovalRequestEvent, parse_event_msg
from codex_protocol.ops import ReviewDecision
from codex_tui.history.wrapping import line_width
from codex_tui.screens.approval import ApprovalPanel
from codex_tui.term.inputs import Key

CWD = "/home/dev/demo"


def command(script: str, **fields: object) -> ApprovalPanel:
    msg = parse_event_msg(
        {
            "type": "exec_approval_request", "call_id": "a", "command": ["bash", "-lc", script], "cwd": CWD,
            **fields,
        }
    )  # fmt: skip
    assert isinstance(msg, ExecApprovalRequestEvent)
    return ApprovalPanel(msg, cwd=CWD)


def patch(**fields: object) -> ApprovalPanel:
    changes = {f"{CWD}/{name}.txt": {"add": {"content": "line\n" * 9}} for name in "abc"}
    msg = parse_event_msg(
        {"type": "apply_patch_approval_request", "call_id": "p", "changes": changes, **fields}
    )
    assert isinstance(msg, ApplyPatchApprovalRequestEvent)
    return ApprovalPanel(msg, cwd=CWD)


def press(panel: ApprovalPanel, *names: str) -> object:
    answer = None
    for name in names:
        answer = panel.press(Key(name, name if len(name) == 1 else None, 0.0))
    return None if answer is None else answer.value


def look(panel: ApprovalPanel, width: int = 60, rows: int = 18) -> list[str]:
    return [plain_text(row).rstrip() for row in panel.rows(width, rows)]


def test_a_short_command_is_there_with_its_reason_and_what_each_answer_means() -> None:
    panel = command("touch ../x", reason="It lies outside", cwd="/tmp")
    assert look(panel) == [
        "▌ Allow this command?",
        "▌ $ touch ../x",
        "▌   in /tmp",
        "▌   It lies outside",
        "▌",
        "▌ › Yes     Always     No, tell it what to do",
        "▌ Run this command, this time",
        "",
        "←/→ choose   ⏎ confirm   y/a/n at once   Esc no",
    ]
    press(panel, "right")
    assert "▌ Run it, and run exactly this command without asking until" in look(panel)


@pytest.mark.parametrize(("width", "rows"), [(60, 18), (100, 28), (20, 18), (60, 4)])
def test_every_line_of_a_long_command_can_be_read_before_it_is_approved(width: int, rows: int) -> None:
    lines = [f"line number {number} of the file" for number in range(300)]
    panel = command("cat > file <<'EOF'\n" + "\n".join(lines) + "\nEOF")
    read: list[str] = []
    while True:
        shown = look(panel, width, rows)
        assert any("Yes" in row for row in shown)
        part = [row for row in shown[1:] if row.startswith(("▌ $ ", "▌   "))]
        read += part[
            len(part)
            - next(
                n for n in range(len(part) + 1) if part[: len(part) - n] == read[len(read) - len(part) + n :]
            ) :
        ]
        before = shown
        assert press(panel, "pagedown") is None
        if look(panel, width, rows) == before:
            break
    text = "".join(row[4:] for row in read).replace(" ", "")
    assert text == "".join(["cat > file <<'EOF'", *lines, "EOF"]).replace(" ", "")
    press(panel, "home")
    assert "▌ $ cat" in "\n".join(look(panel, width, rows))


def test_it_says_how_much_is_not_seen() -> None:
    panel = command("\n".join(f"echo {number}" for number in range(100)))
    assert "▌ … rows 1 to 11 of 100: ↑/↓ PgUp/PgDn" in look(panel)
    press(panel, "down")
    assert "▌ … rows 2 to 12 of 100: ↑/↓ PgUp/PgDn" in look(panel)
    press(panel, "end")
    assert "▌ … rows 90 to 100 of 100: ↑/↓ PgUp/PgDn" in look(panel)
    press(panel, "up", "up")
    assert "▌ … rows 88 to 98 of 100: ↑/↓ PgUp/PgDn" in look(panel)


def test_a_long_reason_does_not_push_the_answers_away() -> None:
    panel = command("ls", reason="because " * 200)
    assert len(look(panel)) == 18
    press(panel, "end")
    shown = look(panel)
    assert any("because" in row for row in shown)
    assert any("Yes" in row for row in shown)


def test_a_patch_shows_its_files_and_what_a_yes_grants() -> None:
    panel = patch(reason="r", grant_root="/srv/data")
    shown = look(panel, 60, 30)
    assert shown[:2] == ["▌ Apply these changes?", "▌   a.txt (+9 -0)"]
    assert "▌ Yes also lets it write below /srv/data until this session" in shown
    assert "▌ › Yes     No, tell it what to do" in shown
    assert press(panel, "a") is None
    assert press(panel, "n") is ReviewDecision.ABORT


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (["y"], ReviewDecision.APPROVED),
        (["A"], ReviewDecision.APPROVED_FOR_SESSION),
        (["right", "enter"], ReviewDecision.APPROVED_FOR_SESSION),
        (["left", "enter"], ReviewDecision.ABORT),
        (["tab", "tab", "tab", "enter"], ReviewDecision.APPROVED),
        (["down", "enter"], ReviewDecision.APPROVED),
        (["escape"], ReviewDecision.ABORT),
        (["x"], None),
    ],
)
def test_keys_and_what_they_decide(keys: list[str], decision: ReviewDecision | None) -> None:
    assert press(command("ls"), *keys) is decision


@given(
    st.text(max_size=200), st.text(max_size=80), st.text(max_size=40), st.integers(12, 90), st.integers(4, 30)
)
def test_rows_of_any_question_fit_and_hold_nothing_that_commands_or_hides(
    script: str, reason: str, cwd: str, width: int, rows: int
) -> None:
    for row in command(script, reason=reason, cwd=cwd).rows(width, rows):
        if not plain_text(row).startswith(("←", "▌ ›")):
            assert line_width(row) <= width
        assert plain_text(row).isprintable() or is_harmless(plain_text(row))


def is_harmless(text: str) -> bool:
    from codex_core.presentation.safe_text import exact_text

    return exact_text(text) == text and "\n" not in text


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u00ad", "\u2060", "\ufeff", "\U000e0041", "\u202e", "\u2066", "\u180e", "\u115f", "\u3164"],
)
def test_what_cannot_be_seen_is_marked(hidden: str) -> None:
    assert "▌ $ rm �x" in look(command(f"rm {hidden}x"))

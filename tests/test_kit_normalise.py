"""What is taken out before runs are compared, and what is not."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from codex_core.testing.normalise import Normaliser, Places, join_chunks

if TYPE_CHECKING:
    from pathlib import Path

ID_A = "5603051b-482d-4979-ad15-5ff6a3b0b60d"
ID_B = "01a202f6-c21d-7d10-bd3f-8603ebd26121"


@pytest.fixture
def normaliser() -> Normaliser:
    return Normaliser(Places("/tmp/x/repo", "/tmp/x/home/.codex", "/tmp/x/home"))


def delta(text: str, stream: str = "stdout", call: str = "c") -> dict[str, object]:
    chunk = base64.b64encode(text.encode()).decode()
    message = {"type": "exec_command_output_delta", "call_id": call, "stream": stream, "chunk": chunk}
    return {"id": "1", "msg": message}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/tmp/x/repo/a /tmp/x/home/.codex/b /tmp/x/home/c", "/w/repo/a /h/.codex/b /h/c"),
        (f"{ID_A} {ID_A}", "00000000-0000-4000-8000-000000000001 00000000-0000-4000-8000-000000000001"),
        ("http://127.0.0.1:43517/v1", "http://127.0.0.1:PORT/v1"),
        ("2026-11-22T08:34:04.539Z", "YYYY-MM-DDTHH:MM:SS.mmmZ"),
        ('{"exit_code":0,"duration_seconds":12.3}', '{"exit_code":0,"duration_seconds":0.0}'),
        ("command timed out after 408 milliseconds", "command timed out after N milliseconds"),
        ("retrying 1/5 in 208ms…", "retrying 1/5 in DELAY…"),
        ("retrying 2/5 in 1.5s…", "retrying 2/5 in DELAY…"),
        (
            "/2026/11/22/rollout-2026-11-22T08-59-54-x.jsonl",
            "/YYYY/MM/DD/rollout-YYYY-MM-DDTHH-MM-SS-x.jsonl",
        ),
        ("<shell>zsh</shell>", "<shell>SHELL</shell>"),
    ],
)
def test_what_differs_from_run_to_run_is_replaced(normaliser: Normaliser, text: str, expected: str):
    assert normaliser.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"duration_seconds":0.123}',
        '{"duration_seconds":1}',
        "retrying 1/5 in 208 ms…",
        "retrying 1/5 in 208ms...",
        "command timed out after 0.4 seconds",
        "2026-11-22T08:34:04Z",
        ID_A.upper(),
    ],
)
def test_a_value_in_another_format_stays_and_is_seen(normaliser: Normaliser, text: str):
    assert normaliser.text(text) == text


def test_ids_are_numbered_as_they_are_met_in_values_and_keys(normaliser: Normaliser):
    assert normaliser.value({"a": ID_B, ID_A: [ID_B]}) == {
        "a": "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002": ["00000000-0000-4000-8000-000000000001"],
    }


def test_a_place_behind_a_link_is_known_by_both_names(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    normaliser = Normaliser(Places(tmp_path / "link", "/nowhere"))
    assert normaliser.text(f"{tmp_path}/link/a {tmp_path}/real/b") == "/w/repo/a /w/repo/b"


def test_chunks_of_a_command_are_joined_as_text():
    (event,) = join_chunks([delta("a\n"), delta("ü\n"), delta("c")])
    assert event["msg"]["chunk"] == "a\nü\nc"


def test_a_character_torn_apart_is_put_together():
    halves = [base64.b64encode(part).decode() for part in (b"\xc3", b"\xbc")]
    events = [delta(""), delta("")]
    for event, half in zip(events, halves, strict=True):
        event["msg"]["chunk"] = half
    assert join_chunks(events)[0]["msg"]["chunk"] == "ü"


def test_streams_and_calls_are_kept_apart_and_stdout_comes_first():
    events = join_chunks([delta("e", "stderr"), delta("o"), delta("x", call="b")])
    assert [(event["msg"]["call_id"], event["msg"]["stream"], event["msg"]["chunk"]) for event in events] == [
        ("b", "stdout", "x"),
        ("c", "stdout", "o"),
        ("c", "stderr", "e"),
    ]


def test_chunks_on_both_sides_of_another_event_are_not_joined():
    other = {"id": "1", "msg": {"type": "token_count"}}
    assert len(join_chunks([delta("a"), other, delta("b")])) == 3


def test_a_chunk_that_is_no_base64_is_an_error():
    broken = delta("")
    broken["msg"]["chunk"] = "not base64!"
    with pytest.raises(ValueError, match="base64"):
        join_chunks([broken])


def test_the_duration_of_an_event_is_set_to_zero_if_it_is_one(normaliser: Normaliser):
    good = {"id": "1", "msg": {"type": "exec_command_end", "duration": {"secs": 1, "nanos": 5}}}
    (event,) = normaliser.events([good])
    assert event["msg"]["duration"] == {"secs": 0, "nanos": 0}
    bad = {"id": "1", "msg": {"type": "exec_command_end", "duration": "1s"}}
    assert normaliser.events([bad]) == [bad]


def test_headers_lose_what_the_client_adds_and_the_system_it_runs_on(normaliser: Normaliser):
    headers = normaliser.headers(
        [
            ("Host", "127.0.0.1:1"),
            ("content-length", "5"),
            ("User-Agent", "codex_cli_rs/0.36.0 (Debian 12.0.0; x86_64) dumb (suffix)"),
            ("session_id", ID_A),
        ]
    )
    assert headers == {
        "user-agent": "codex_cli_rs/0.36.0 (OSNAME OSVERSION; ARCH) TERMINAL (suffix)",
        "session_id": "00000000-0000-4000-8000-000000000001",
    }
    assert normaliser.headers({"user-agent": "python-httpx/0.28"}) == {"user-agent": "python-httpx/0.28"}

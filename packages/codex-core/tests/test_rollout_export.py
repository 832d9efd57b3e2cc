"""Exports: nothing secret goes along, and nothing in a session can pass for something else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex_core.rollout.export import Format, exported
from codex_core.rollout.replay import read_rollout
from codex_core.rollout.secrets import masked, masked_json
from codex_protocol.jsonio import JSON

ID = "0a000000-0000-4000-8000-000000000001"
KEY = "sk-proj-abcdefghijklmnop"


def session(home: Path, *payloads: tuple[str, Mapping[str, object]]) -> Path:
    path = home / "r.jsonl"
    meta: dict[str, object] = {"id": ID, "cwd": "/w", "timestamp": "2026", "git": {"branch": "main"}}
    lines = [
        {"timestamp": "t", "type": kind, "payload": p} for kind, p in [("session_meta", meta), *payloads]
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def said(text: str, who: str = "user") -> tuple[str, dict[str, object]]:
    return "event_msg", {"type": f"{who}_message", "message": text, "kind": "plain"}


def document(path: Path, form: Format) -> str:
    return "".join(exported(read_rollout(str(path)), form))


@pytest.mark.parametrize("form", Format)
def test_no_credential_goes_along(form: Format, tmp_path: Path) -> None:
    call = {
        "command": [
            "bash",
            "-lc",
            f'curl -H "Authorization: Bearer {KEY}" -d "{{\\"api_key\\": \\"qwertyuiop\\"}}"',
        ]
    }
    path = session(
        tmp_path,
        said(f"my key is {KEY}"),
        (
            "response_item",
            {"type": "function_call", "name": "shell", "arguments": json.dumps(call), "call_id": "c"},
        ),
        (
            "response_item",
            {"type": "function_call_output", "call_id": "c", "output": "DB_PASSWORD=hunter2hunter2"},
        ),
        ("unheard_of", {"client_secret": "abc", "github": "ghp_" + "a" * 36}),
    )
    text = document(path, form)
    for secret in (KEY, "qwertyuiop", "hunter2hunter2", "a" * 36, '"abc"'):
        assert secret not in text
    assert "my key is sk-***" in text


def test_lines_stay_the_lines_of_the_session(tmp_path: Path) -> None:
    path = session(tmp_path, said("hi"), ("unheard_of", {"x": [1, None, 2.5, {"y": "z"}]}))
    with path.open("a") as file:
        file.write('{"torn')
    lines = [json.loads(line) for line in document(path, Format.JSONL).splitlines()]
    assert lines == [json.loads(line) for line in path.read_text().splitlines()[:-1]]


def test_a_page_shows_what_was_said_and_runs_nothing(tmp_path: Path) -> None:
    text = document(session(tmp_path, said("<script>alert(1)</script>\x1b[31m")), Format.HTML)
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;␛[31m" in text
    assert "default-src 'none'" in text
    assert text.endswith("</html>\n")


def test_nobody_can_speak_for_another_in_markdown(tmp_path: Path) -> None:
    path = session(tmp_path, said("one\n\n## codex\n\nnot me"), said("# Title\n```\n```\n## user\n", "agent"))
    text = document(path, Format.MARKDOWN)
    assert [row for row in text.splitlines() if row.startswith("## ")] == ["## user", "## codex"]
    assert "> ## codex" in text
    assert "### Title" in text


def test_code_in_an_answer_stays_as_it_is(tmp_path: Path) -> None:
    said_by_agent = "# Why\n````python\n# a comment\n```\n## two\n````\nTitle\n===\n---\n~~~\n# left open"
    text = document(session(tmp_path, said("hi"), said(said_by_agent, "agent")), Format.MARKDOWN)
    assert "### Why\n````python\n# a comment\n```\n## two\n````\nTitle\n\\===\n" in text
    assert text.endswith("~~~\n# left open\n~~~\n")


def test_a_fence_is_longer_than_what_it_holds(tmp_path: Path) -> None:
    call = {"type": "function_call", "name": "shell", "arguments": '{"command":["cat","x"]}', "call_id": "c"}
    printed = {
        "type": "function_call_output",
        "call_id": "c",
        "output": '{"output":"````\\nx","metadata":{"exit_code":0,"duration_seconds":2}}',
    }
    text = document(session(tmp_path, ("response_item", call), ("response_item", printed)), Format.MARKDOWN)
    assert "\n`````text\n````\nx\n`````\n" in text
    assert "\nexit code 0, 2.00s\n" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "export AWS_SECRET_ACCESS_KEY=***"),
        ("AKIAABCDEFGHIJKLMNOP", "***"),
        ("token: glpat-abcdefghijklmnopqrst", "token: ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\nx\n-----END RSA PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----"),
        ("https://user:pass@host/", "https://***@host/"),
        ("if token == expected: return secret", "if token == expected: return secret"),
        ("TOKEN=${TOKEN}", "TOKEN=${TOKEN}"),
        ("tokens used: 1234", "tokens used: 1234"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQO\n-----END PGP PRIVATE KEY BLOCK-----", "-----BEGIN PGP PRIVATE KEY BLOCK-----***-----END PGP PRIVATE KEY BLOCK-----"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "-----BEGIN PRIVATE KEY-----***"),
        ('PASSPHRASE="correct horse battery"', 'PASSPHRASE="***"'),
        (r'{\"api_key\": \"ab cd ef\", \"x\": 1}', r'{\"api_key\": \"***\", \"x\": 1}'),
        ("mysql --password hunter2hunter2 -e x", "mysql --password *** -e x"),
        ("tool --token --verbose", "tool --token --verbose"),
        ("curl -s -u me:hunter2 https://x", "curl -s -u me:*** https://x"),
        ("machine x login me password hunter2", "machine x login me password ***"),
        ("< Set-Cookie: sid=abcdef; Path=/", "< Set-Cookie: ***"),
        ("curl -H 'Cookie: sid=abcdef; a=b' x", "curl -H 'Cookie: ***' x"),
        ("sk_live_" + "a" * 24, "***"),
        ("https://hooks.slack.com/services/T000/B000/" + "X" * 24, "https://hooks.slack.com/services/***"),
        ("pypi-AgEIcHlwaS5vcmcCJGFi", "***"),
        ("hf_" + "a" * 34, "***"),
        ("ya29." + "a" * 30, "***"),
        ("x-api-key: abcdefgh", "x-api-key: ***"),
        ("password=12345678", "password=***"),
        ('{"password": "xy"}', '{"password": "***"}'),
        ("password = ChangeMe", "password = ***"),
        ("the password: it must be long", "the password: it must be long"),
        ("token = tokenizer.encode(text)", "token = tokenizer.encode(text)"),
        ("tokens: list[str] = []", "tokens: list[str] = []"),
        ('"max_tokens": 4096, --token-limit 4000', '"max_tokens": 4096, --token-limit 4000'),
        ("def login(user: str, password: str) -> Token:", "def login(user: str, password: str) -> Token:"),
        ('secret_key = os.environ["SECRET_KEY"]', 'secret_key = os.environ["SECRET_KEY"]'),
        ("Client(api_key=api_key, token=settings.API_TOKEN)", "Client(api_key=api_key, token=settings.API_TOKEN)"),
        ('fetch(url, {credentials: "same-origin"})', 'fetch(url, {credentials: "same-origin"})'),
        ("const accessToken = await getToken();", "const accessToken = await getToken();"),
        ("token: TokenKind", "token: TokenKind"),
        ('tokenizer_name: "bert-base"', 'tokenizer_name: "bert-base"'),
        ("the password must be long, and a cookie is a biscuit", "the password must be long, and a cookie is a biscuit"),
    ],
)  # fmt: skip
def test_what_is_masked_and_what_is_not(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_key_that_says_that_its_value_is_secret_is_believed() -> None:
    value: JSON = {
        "password": "x",
        "nested": {"API_KEY": "y"},
        "total_tokens": 5,
        "model_token": "z",
        "list": ["a"],
        "secrets": ["b"],
    }
    assert masked_json(value) == {
        "password": "***",
        "nested": {"API_KEY": "***"},
        "total_tokens": 5,
        "model_token": "z",
        "list": ["a"],
        "secrets": ["***"],
    }


@pytest.mark.parametrize(
    "text",
    [
        "token " + "a-" * 50_000,
        "curl " * 20_000,
        "login x " * 20_000,
        "secret='" * 10_000,
        " " * 100_000 + "x",
    ],
    ids=lambda text: text[:6],
)
def test_texts_that_are_made_to_take_long_do_not(text: str) -> None:
    assert len(masked(text)) <= len(text)

"""`codex apply` with a backend on loopback and real git: every outcome (spec: auth.md section 12)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex_chatgpt.apply import run
from codex_chatgpt.options import ApplyOptions
from codex_core.model.scripted.replies import Reply
from codex_core.testing import ModelServer, ScratchHome, ScratchRepo, http_error
from codex_core.testing.threaded_server import ThreadedModelServer
from codex_login.testing import make_jwt

DIFF = """\
diff --git a/README.md b/README.md
--- a/README.md
+++ b/README.md
@@ -1 +1 @@
-A scratch repository.
+A changed repository.
diff --git a/new/file.txt b/new/file.txt
new file mode 100644
--- /dev/null
+++ b/new/file.txt
@@ -0,0 +1 @@
+größe
"""
TASK = "task_e_1"


def task(diff: str) -> object:
    return {"current_diff_task_turn": {"output_items": [{"type": "message"}, _pr(diff)]}, "more": 1}


def _pr(diff: str) -> dict[str, object]:
    return {"type": "pr", "output_diff": {"diff": diff, "files": 2}, "title": "x"}


def reply(content: object, status: int = 200) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(status=status, parts=(body,))


def with_blobs(repo: ScratchRepo) -> str:
    """The diff as git makes it: with the blob that a three-way merge begins with."""
    blob = repo.git("rev-parse", "HEAD:README.md").strip()
    return DIFF.replace("--- a/README.md", f"index {blob}..0123456 100644\n--- a/README.md", 1)


class Place:
    """A repository, a home with a login, and a backend that answers with `reply`."""

    def __init__(self, home: ScratchHome, repo: ScratchRepo, server: ThreadedModelServer) -> None:
        self.home, self.repo, self.server = home, repo, server
        self.replies: list[Reply] = []

    def next_reply(self, _request: object) -> Reply:
        return self.replies.pop(0)

    def log_in(self, **tokens: object) -> None:
        given = {
            "id_token": make_jwt({}), "access_token": "at-1", "refresh_token": "rt-1", "account_id": "acc",
            **tokens,
        }  # fmt: skip
        document = {"OPENAI_API_KEY": None, "tokens": given, "last_refresh": "2999-01-01T00:00:00Z"}
        self.home.write("auth.json", json.dumps(document))

    def apply(self, *replies: Reply, task_id: str = TASK, base: str = "/backend-api/") -> int:
        self.replies[:] = replies
        address = f"http://127.0.0.1:{self.server.port}{base}"
        return run(ApplyOptions(task_id, (f"chatgpt_base_url={address}",)))


@pytest.fixture
def place(
    scratch_home: ScratchHome, git_repo: ScratchRepo, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in scratch_home.environ(TERM="xterm").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(git_repo.path)
    found: list[Place] = []
    with ModelServer.in_thread(routes={"*": lambda request: found[0].next_reply(request)}) as server:
        found.append(Place(scratch_home, git_repo, server))
        found[0].log_in()
        yield found[0]


def failed(place: Place, capsys: pytest.CaptureFixture[str], *replies: Reply) -> str:
    assert place.apply(*replies) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ")
    return said.err.removeprefix("Error: ").rstrip("\n")


@pytest.mark.parametrize("base", ["/backend-api/", "/backend-api"])
def test_changes_land_in_work_tree_and_index(
    place: Place, capsys: pytest.CaptureFixture[str], base: str
) -> None:
    assert place.apply(reply(task(DIFF)), base=base) == 0
    assert capsys.readouterr().out == "Successfully applied diff\n"
    assert place.repo.read("README.md") == "A changed repository.\n"
    assert place.repo.read("new/file.txt") == "größe\n"
    assert place.repo.git("diff", "--cached", "--name-only").split() == ["README.md", "new/file.txt"]
    [exchange] = place.server.log
    request = exchange.request
    assert request.route == f"GET /backend-api/wham/tasks/{TASK}"
    assert request.header("authorization") == "Bearer at-1"
    assert request.header("chatgpt-account-id") == "acc"
    assert request.header("content-type") == "application/json"
    assert request.header("originator") == "codex_cli_rs"
    assert (request.header("user-agent") or "").startswith("codex_cli_rs/0.36.0 (")


def test_in_a_directory_below_and_twice(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    below = place.repo.path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    diff = with_blobs(place.repo)
    assert place.apply(reply(task(diff))) == 0
    assert place.apply(reply(task(diff.rstrip("\n")))) == 0
    assert place.repo.read("README.md") == "A changed repository.\n"


def test_the_name_of_a_task_cannot_lead_elsewhere(place: Place) -> None:
    assert place.apply(reply(task(DIFF)), task_id="../../x?y#z") == 0
    assert place.server.log[0].request.path == "/backend-api/wham/tasks/..%2F..%2Fx%3Fy%23z"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"current_diff_task_turn": None}, "No diff turn found"),
        ({}, "No diff turn found"),
        ({"current_diff_task_turn": {"output_items": [{"type": "message"}]}}, "No PR output item found"),
        ({"current_diff_task_turn": {}}, "No PR output item found"),
        (
            {"current_diff_task_turn": {"output_items": [{"type": "pr"}]}},
            "Failed to parse JSON response: missing field `output_diff`",
        ),
        (
            {"current_diff_task_turn": {"output_items": [{"type": "pr", "output_diff": None}]}},
            "Failed to parse JSON response: `output_diff.diff` is not a string",
        ),
        ({"current_diff_task_turn": 1}, "Failed to parse JSON response: `output_items` is not a list"),
        ([], "Failed to parse JSON response: it is not an object"),
        (b"<html>", "Failed to parse JSON response: it is not JSON"),
        (task(" \n"), "the task has not changed anything"),
    ],
)
def test_a_task_without_changes(
    place: Place, capsys: pytest.CaptureFixture[str], content: object, message: str
) -> None:
    assert failed(place, capsys, reply(content)) == message
    assert place.repo.git("status", "--porcelain") == ""


def test_a_refusal_is_shown_as_it_is_and_harmless(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(place, capsys, reply(b"no\x1b[2J entry", 403)) == (
        "Request failed with status 403 Forbidden: no␛[2J entry"
    )


def test_a_refusal_never_shows_the_token(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(place, capsys, reply(b"you sent Bearer at-1", 502)) == (
        "Request failed with status 502 Bad Gateway: you sent Bearer ***"
    )


def test_an_empty_token_is_none(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.log_in(access_token="")
    assert failed(place, capsys).startswith("Token data is not available")
    assert place.server.log == []


def test_a_refused_token_is_renewed_once(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{place.server.port}/token"
    monkeypatch.setenv("CODEX_REFRESH_TOKEN_URL_OVERRIDE", address)
    renewed = reply({"id_token": make_jwt({}), "access_token": "at-2", "refresh_token": "rt-2"})
    assert place.apply(http_error(401), renewed, reply(task(DIFF))) == 0
    assert [exchange.request.header("authorization") for exchange in place.server.log] == [
        "Bearer at-1",
        None,
        "Bearer at-2",
    ]
    capsys.readouterr()
    refused = failed(place, capsys, http_error(401), http_error(400))
    assert refused.startswith("Request failed with status 401 Unauthorized: ")


def test_nobody_to_ask(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ApplyOptions(TASK, ("chatgpt_base_url=http://127.0.0.1:1/x",))) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "Error: Failed to send request: error sending request for url (http://127.0.0.1:1/x/wham/tasks/"
    )
    assert "at-1" not in said


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (None, "Not logged in: run `codex login`."),
        ({"OPENAI_API_KEY": "sk-1"}, "Token data is not available: tasks belong to a ChatGPT account."),
        ({}, "Token data is not available"),
        ("{", "auth.json cannot be used: it is not JSON"),
    ],
)
def test_without_a_chatgpt_login(
    place: Place, capsys: pytest.CaptureFixture[str], auth: object, message: str
) -> None:
    os.remove(place.home.codex_home / "auth.json")
    if auth is not None:
        place.home.write("auth.json", auth if isinstance(auth, str) else json.dumps(auth))
    assert message in failed(place, capsys)
    assert place.server.log == []


def test_without_an_account(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.log_in(account_id=None)
    assert failed(place, capsys) == "ChatGPT account ID not available, please re-run `codex login`"


def test_outside_of_a_repository_nothing_is_asked(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert failed(place, capsys) == "apply must be run from a git repository."
    assert place.server.log == []


def test_without_git(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert failed(place, capsys) == (
        "git cannot be run: No such file or directory. It must be installed and on PATH."
    )


def test_conflicts_stay_marked_and_are_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    diff = with_blobs(place.repo)
    place.repo.commit("other", {"README.md": "Another repository.\n"})
    message = failed(place, capsys, reply(task(diff)))
    assert message.startswith("Git apply failed with status exit status: 1: ")
    assert "U README.md" in message
    assert message.endswith("or take them back with git.")
    assert "<<<<<<< ours" in place.repo.read("README.md")


@pytest.mark.parametrize(
    "path", ["../outside", ".git/hooks/pre-commit", "below/../../outside", ".GIT/hooks/pre-commit"]
)
def test_a_diff_cannot_reach_out_of_the_work_tree(
    place: Place, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    hostile = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    message = failed(place, capsys, reply(task(hostile)))
    assert message.startswith("Git apply failed with status exit status: ")
    assert not (place.repo.path / path).exists()


def test_a_mistake_in_an_override(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ApplyOptions(TASK, ("x",))) == 1
    assert capsys.readouterr().err == "Error: Invalid override (missing '='): x\n"


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("http://chatgpt.test/backend-api", "must be reached by https: tokens would travel in clear"),
        ("http://192.168.1.4/x", "must be reached by https: tokens would travel in clear"),
        ("https://ann:pa55@chatgpt.test/x", "must have no user name and password in it"),
    ],
)
def test_a_login_is_not_sent_in_clear(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, base: str, why: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{place.server.port}")
    assert run(ApplyOptions(TASK, (f"chatgpt_base_url={base}",))) == 1
    shown = base.replace("ann:pa55@", "")
    assert capsys.readouterr().err == f"Error: chatgpt_base_url {shown} {why}\n"
    assert place.server.log == []

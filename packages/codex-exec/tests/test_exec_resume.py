"""`codex exec resume` and `fork`: as a program, against a model (spec: servers.md section 7.4)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    message,
    read_json_lines,
    run_script,
    script_path,
    shell_call,
    sse,
    start_script,
)
from codex_core.testing.pytest_plugin import RunCodex, StartModelServer
from codex_protocol.schema import all_schemas


def texts(request: Any) -> list[str]:
    return [part["text"] for item in request.json["input"] for part in item.get("content") or ()]


def identifier(home: ScratchHome) -> str:
    found: str = read_json_lines(home.rollouts()[0])[0]["payload"]["id"]
    return found


@pytest.mark.parametrize("way", ["id", "beginning", "last"])
def test_a_session_goes_on_in_its_file(
    way: str, run_codex: RunCodex, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    server = model_server([answer(message("one")), answer(message("two"))])
    run_codex("exec", "first").check()
    session = identifier(scratch_home)
    name = {"id": session, "beginning": session[:8], "last": "--last"}[way]
    done = run_codex("exec", "resume", name, "second").check()
    assert done.stdout == "two\n"
    assert f"session {session}" in done.stderr
    assert "first" not in done.stderr, "nothing of before is told again"
    assert texts(server.requests[1])[-3:] == ["first", "one", "second"]
    assert len(scratch_home.rollouts()) == 1


def test_the_prompt_may_come_from_stdin_and_options_stand_on_both_sides(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    server = model_server([answer(message("one")), answer(message("two"))])
    run_codex("exec", "first").check()
    done = run_codex(
        "exec", "-m", "a", "resume", "--last", "--json", "-m", "b", "-", stdin="second\n"
    ).check()
    assert done.json_lines()[1] == {"prompt": "second\n"}
    assert server.requests[1].json["model"] == "b"
    assert all("first" not in json.dumps(line) for line in done.json_lines())


def test_a_fork_leaves_the_session_as_it_is(
    run_codex: RunCodex, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    server = model_server([answer(message("one")), answer(message("two"))])
    run_codex("exec", "first").check()
    (path,) = scratch_home.rollouts()
    before = path.read_bytes()
    run_codex("exec", "fork", identifier(scratch_home), "second").check()
    assert texts(server.requests[1])[-3:] == ["first", "one", "second"]
    assert path.read_bytes() == before
    assert len(scratch_home.rollouts()) == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["0a000000-0000-4000-8000-000000000001", "go"], "Error: There is no session with the id 0a000000-"),
        (["nonsense", "go"], "Error: `nonsense` is not a session id"),
        (["--last", "go"], "Error: There is no session to resume in "),
    ],
)
def test_what_is_not_there_is_an_error_and_no_new_session(
    arguments: list[str],
    problem: str,
    run_codex: RunCodex,
    model_server: StartModelServer,
    scratch_home: ScratchHome,
) -> None:
    model_server([])
    done = run_codex("exec", "resume", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(problem)
    assert scratch_home.rollouts() == []


async def test_a_session_that_runs_is_not_shared(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    gate = Gate("answer")
    script: list[Any] = [
        sse(created(), gate, message("one"), completed()),
        answer(message("two")),
        answer(message("three")),
    ]
    async with ModelServer(script) as server:
        scratch_home.use_model_server(server.base_url)
        environ = scratch_home.environ()
        async with start_script("codex-exec", "first", env=environ, cwd=git_repo.path) as process:
            await gate.reached.wait()
            refused, forked = [
                await asyncio.to_thread(
                    run_script, "codex-exec", how, "--last", "second", env=environ, cwd=git_repo.path
                )
                for how in ("resume", "fork")
            ]
            assert refused.exit_code == 1
            assert "is in use by another running Codex" in refused.stderr
            assert forked.check().stdout == "two\n"
            gate.open()
            (await process.finish()).check()
        after = await asyncio.to_thread(
            run_script,
            "codex-exec",
            "resume",
            read_json_lines(scratch_home.rollouts()[0])[0]["payload"]["id"],
            "third",
            env=environ,
            cwd=git_repo.path,
        )
        after.check()
    for path in scratch_home.rollouts():
        assert read_json_lines(path)


# -- other flags --------------------------------------------------------------------------------


def test_both_schemas_of_lines_are_what_they_are_said_to_be(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    script = [
        answer(message("Looking.", deltas=True), shell_call(["sh", "-c", "echo x; exit 1"])),
        answer(message("done")),
    ]
    model_server([*script, *script])
    schemas = all_schemas()
    old = run_codex("exec", "--json", "go").check().json_lines()
    for line in old[2:]:
        jsonschema.Draft202012Validator(schemas["events/Event"]).validate(line)
    new = run_codex("exec", "--experimental-json", "go").check().json_lines()
    for line in new:
        jsonschema.Draft202012Validator(schemas["exec_events/ThreadEvent"]).validate(line)
    assert [line["type"] for line in new] == [
        "thread.started",
        "turn.started",
        "item.completed",
        "item.started",
        "item.completed",
        "item.completed",
        "turn.completed",
    ]
    assert new[4]["item"]["aggregated_output"] == "x\n"


def test_a_failed_turn_is_said_in_lines_and_by_the_exit_code(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    from codex_core.testing import http_error

    model_server([http_error(400, "no")])
    done = run_codex("exec", "--experimental-json", "go")
    assert done.exit_code == 1
    assert done.json_lines()[-1]["type"] == "turn.failed"


def test_an_ephemeral_run_leaves_nothing(
    run_codex: RunCodex, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    model_server([answer(message("one"))])
    assert run_codex("exec", "--ephemeral", "first").check().stdout == "one\n"
    assert scratch_home.rollouts() == []


def test_an_output_schema_is_sent(
    run_codex: RunCodex, model_server: StartModelServer, git_repo: ScratchRepo
) -> None:
    server = model_server([answer(message('{"a":1}'))])
    git_repo.write("schema.json", '{"type": "object"}')
    assert run_codex("exec", "--output-schema", "schema.json", "go").check().stdout == '{"a":1}\n'
    assert server.requests[0].json["text"]["format"]["schema"] == {"type": "object"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "Failed to read output schema file schema.json: No such file or directory\n"),
        ("{", "Output schema file schema.json is not valid JSON: "),
        ("[]", "Output schema file schema.json is not valid JSON: "),
    ],
)
def test_a_schema_that_cannot_be_used_is_told_before_anything_is_sent(
    content: str | None,
    problem: str,
    run_codex: RunCodex,
    model_server: StartModelServer,
    git_repo: ScratchRepo,
) -> None:
    model_server([])
    if content is not None:
        git_repo.write("schema.json", content)
    done = run_codex("exec", "--output-schema", "schema.json", "go")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(problem)


# -- review -------------------------------------------------------------------------------------

REVIEW = {
    "findings": [
        {
            "title": "[P1] Off by one",
            "body": "It is.\nReally.",
            "confidence_score": 0.5,
            "priority": 1,
            "code_location": {"absolute_file_path": "/w/a.py", "line_range": {"start": 1, "end": 2}},
        }
    ],
    "overall_correctness": "patch is incorrect",
    "overall_explanation": "One bug.",
    "overall_confidence_score": 0.5,
}


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["exec", "review", "--uncommitted"], "not committed"),
        (["review", "--base", "main"], "compared with `main`"),
        (["review", "--commit", "abc1234", "--title", "Fix"], 'commit abc1234 ("Fix")'),
        (["exec", "review", "the tests"], "the tests"),
    ],
)
def test_a_review_prints_its_verdict_and_findings(
    command: list[str], asked: str, run_codex: RunCodex, model_server: StartModelServer
) -> None:
    server = model_server([answer(message(json.dumps(REVIEW)))])
    done = run_codex(*command).check()
    assert done.stdout == (
        "patch is incorrect\n\nOne bug.\n\n- [P1] Off by one (/w/a.py:1-2)\n  It is.\n  Really.\n"
    )
    assert asked in texts(server.requests[0])[-1]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Specify --uncommitted, --base, --commit, or provide custom review instructions\n"),
        (["--base", "nowhere"], "git finds no common commit of HEAD and `nowhere` in "),
    ],
)
def test_a_review_of_nothing_is_refused(
    arguments: list[str], problem: str, run_codex: RunCodex, model_server: StartModelServer
) -> None:
    model_server([])
    done = run_codex("exec", "review", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(problem)


# -- stdin --------------------------------------------------------------------------------------


def test_a_prompt_of_a_mebibyte_arrives_whole(run_codex: RunCodex, model_server: StartModelServer) -> None:
    server = model_server([answer(message("ok"))])
    prompt = "0123456789abcde\n" * 65_536
    run_codex("exec", "-", stdin=prompt).check()
    assert texts(server.requests[0])[-1] == prompt


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no /dev/zero")
def test_a_stdin_that_never_ends_is_refused(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    with open("/dev/zero", "rb") as stdin:
        done = subprocess.run(
            [script_path("codex"), "exec"],
            stdin=stdin,
            capture_output=True,
            env=scratch_home.environ(),
            cwd=git_repo.path,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert b"The prompt on stdin is longer than 16 MiB." in done.stderr


def test_a_stdin_that_stays_open_is_not_read_when_the_prompt_is_there(
    scratch_home: ScratchHome, git_repo: ScratchRepo, model_server: StartModelServer
) -> None:
    model_server([answer(message("ok"))])
    with subprocess.Popen(
        [script_path("codex"), "exec", "hi"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=scratch_home.environ(),
        cwd=git_repo.path,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"ok\n"
        assert process.wait(timeout=60) == 0

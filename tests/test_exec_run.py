"""`codex exec` as a user runs it: real console script, real HTTP, real sandbox, real git."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from codex_core.testing import (
    Gate,
    ModelServer,
    ScratchHome,
    ScratchRepo,
    answer,
    completed,
    created,
    http_error,
    message,
    patch_call,
    plan_call,
    read_json_lines,
    reasoning,
    shell_call,
    sse,
    start_script,
    token_usage,
)
from codex_core.testing.pytest_plugin import RunCodex, StartModelServer
from codex_core.testing.scripts import script_path

linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")


def is_output(line: dict[str, Any]) -> bool:
    return bool(line.get("msg", {}).get("type") == "exec_command_output_delta")


def rollouts(home: ScratchHome) -> list[Path]:
    return sorted((home.codex_home / "sessions").rglob("rollout-*.jsonl"))


def test_answer_goes_to_stdout_and_the_story_to_stderr(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    model_server([answer(reasoning("Look first."), shell_call(["ls"])), answer(message("One file."))])
    done = run_codex("exec", "look").check()
    assert done.stdout == "One file.\n"
    for text in ("Look first.", "$ ls", "README.md", "succeeded in", "tokens used: 240", "workdir: "):
        assert text in done.stderr
    done.assert_no_processes_left()


def test_json_lines_follow_the_schema(
    run_codex: RunCodex, model_server: StartModelServer, git_repo: ScratchRepo
) -> None:
    model_server([answer(shell_call(["echo", "hi"])), answer(message("Done", deltas=True))])
    lines = run_codex("exec", "--json", "go").check().json_lines()
    assert lines[0] == {
        "workdir": str(git_repo.path),
        "model": "mock-model",
        "provider": "mock",
        "approval": "never",
        "sandbox": "read-only",
    }
    assert lines[1] == {"prompt": "go"}
    assert [line["msg"]["type"] for line in lines[2:]] == [
        "task_started",
        "exec_command_begin",
        "exec_command_output_delta",
        "exec_command_end",
        "token_count",
        "agent_message",
        "token_count",
    ]
    assert {line["id"] for line in lines[2:]} == {"0"}


def test_prompt_comes_from_stdin(run_codex: RunCodex, model_server: StartModelServer) -> None:
    server = model_server([answer(message("ok"))])
    done = run_codex("exec", stdin="from a pipe\n").check()
    assert "Reading prompt from stdin..." in done.stderr
    assert server.requests[0].json["input"][-1]["content"][0]["text"] == "from a pipe\n"


def test_plan_and_patch_are_shown_and_done(
    run_codex: RunCodex, model_server: StartModelServer, git_repo: ScratchRepo
) -> None:
    patch = "*** Begin Patch\n*** Add File: new.txt\n+one\n*** End Patch"
    model_server(
        [
            answer(plan_call(("write", "in_progress"))),
            answer(patch_call(patch)),
            answer(message("Written.")),
        ]
    )
    done = run_codex("exec", "--full-auto", "write").check()
    assert git_repo.read("new.txt") == "one\n"
    assert "→ write" in done.stderr
    assert "A new.txt" in done.stderr
    assert "+one" in done.stderr


def test_last_message_is_written(run_codex: RunCodex, model_server: StartModelServer, tmp_path: Path) -> None:
    model_server([answer(message("The answer."))])
    target = tmp_path / "last.txt"
    run_codex("exec", "--output-last-message", str(target), "go").check()
    assert target.read_text() == "The answer."


# -- the sandbox is the kernel's ----------------------------------------------------------------


@linux
@pytest.mark.parametrize("confined", [True, False], ids=["confined", "free"])
def test_the_kernel_refuses_a_write_outside_the_workspace(
    confined: bool, run_codex: RunCodex, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    target = scratch_home.path / "outside.txt"
    script = f"echo inside > inside.txt && echo out > {target}"
    # The scratch home lies in the temporary directory, which workspace-write would leave writable.
    closed = ["-c", "sandbox_workspace_write.exclude_slash_tmp=true"]
    closed += ["-c", "sandbox_workspace_write.exclude_tmpdir_env_var=true"]
    mode = "workspace-write" if confined else "danger-full-access"
    server = model_server([answer(shell_call(["bash", "-c", script])), answer(message("ok"))])
    done = run_codex("exec", *closed, "-s", mode, "go").check()
    output = server.requests[1].tool_outputs["call_1"]
    assert target.exists() is not confined
    assert ("denied" in output) is confined
    assert ("succeeded" in done.stderr) is not confined


@linux
@pytest.mark.parametrize("confined", [True, False], ids=["confined", "free"])
def test_the_kernel_refuses_the_network(
    confined: bool, run_codex: RunCodex, model_server: StartModelServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('thr' + 'ough')"
        command = [sys.executable, "-c", connect]
        server = model_server([answer(shell_call(command)), answer(message("ok"))])
        run_codex("exec", "-s", "workspace-write" if confined else "danger-full-access", "go").check()
    output = server.requests[1].tool_outputs["call_1"]
    assert ("through" in output) is not confined


# -- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
async def test_a_signal_in_the_middle_of_a_command_leaves_nothing_behind(
    number: signal.Signals, exit_code: int, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    command = ["bash", "-c", "sleep 600 & sleep 600 & echo ready; wait"]
    async with ModelServer([answer(shell_call(command, timeout_ms=600_000))]) as server:
        scratch_home.use_model_server(server.base_url)
        async with start_script(
            "codex", "exec", "--json", "go", env=scratch_home.environ(), cwd=git_repo.path
        ) as process:
            await process.wait_for_json(is_output)
            process.send_signal(number)
            done = await process.finish()
    done.check(exit_code)
    done.assert_no_processes_left()
    assert done.json_lines()[-1]["msg"] == {"type": "turn_aborted", "reason": "interrupted"}
    lines = read_json_lines(rollouts(scratch_home)[0])
    items = [line["payload"] for line in lines if line["type"] == "response_item"]
    assert [item["type"] for item in items[-3:]] == ["function_call", "function_call_output", "message"]


async def test_what_nohup_ignores_does_not_end_a_run(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    asked = Gate("the model is asked")
    async with ModelServer([sse(asked, created(), message("still here"), completed())]) as server:
        scratch_home.use_model_server(server.base_url)
        command = ["sh", "-c", 'trap "" HUP INT; exec "$0" "$@"', script_path("codex")]
        async with start_script(
            command, "exec", "go", env=scratch_home.environ(), cwd=git_repo.path
        ) as process:
            await asked.reached.wait()
            for number in (signal.SIGHUP, signal.SIGINT):
                process.send_signal(number)
            asked.open()
            done = await process.finish()
    assert done.check().stdout == "still here\n"


async def test_a_killed_agent_takes_its_command_along_and_its_rollout_can_be_read(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    command = ["bash", "-c", "sleep 600 & setsid sleep 600 & echo ready; exec sleep 600"]
    async with ModelServer([answer(shell_call(command, timeout_ms=600_000))]) as server:
        scratch_home.use_model_server(server.base_url)
        async with start_script(
            "codex", "exec", "--json", "go", env=scratch_home.environ(), cwd=git_repo.path
        ) as process:
            await process.wait_for_json(is_output)
            process.send_signal(signal.SIGKILL)
            done = await process.finish()
    if sys.platform == "linux":
        done.assert_no_processes_left()
    lines = read_json_lines(rollouts(scratch_home)[0])
    items = [line["payload"]["type"] for line in lines if line["type"] == "response_item"]
    assert items[-1] == "function_call"


async def test_a_reader_that_leaves_ends_the_run_quietly(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    import asyncio

    async with ModelServer([answer(shell_call(["seq", "20000"])), answer(message("ok"))]) as server:
        scratch_home.use_model_server(server.base_url)
        from codex_core.testing import script_path

        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            f"{script_path('codex')} exec --json go | head -1; echo ${{PIPESTATUS[0]}}",
            env=scratch_home.environ(),
            cwd=git_repo.path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await shell.communicate()
    first, code = stdout.decode().splitlines()
    assert json.loads(first)["provider"] == "mock"
    assert stderr.decode() == ""
    assert code in ("0", "141")


# -- what goes wrong is one sentence ------------------------------------------------------------


def test_without_credentials_it_says_how_to_get_going(run_codex: RunCodex) -> None:
    done = run_codex("exec", "hi").check(1)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "codex login" in done.stderr
    assert "--demo" in done.stderr


def test_outside_of_a_repository_it_says_which_flag_helps(run_codex: RunCodex, tmp_path: Path) -> None:
    done = run_codex("exec", "--demo", "hi", cwd=tmp_path).check(1)
    assert "is not inside a git repository" in done.stderr
    assert "--skip-git-repo-check" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--bogus"], "error: unexpected argument '--bogus' found"),
        (["-s", "bogus", "hi"], "[possible values: read-only, workspace-write, danger-full-access]"),
        (["--full-auto", "--yolo", "hi"], "cannot be used with"),
        (["-m"], "a value is required for"),
    ],
)
def test_wrong_usage_is_told_with_exit_code_2(arguments: list[str], text: str, run_codex: RunCodex) -> None:
    done = run_codex("exec", *arguments).check(2)
    assert text in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith("For more information, try '--help'.\n")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("model = \n", ["config.toml", "1"]),
        ("model = 1\n", ["model"]),
        ('sandbox_mode = "ro"\n', ["sandbox_mode", "read-only"]),
        ('model_provider = "nope"\n', ["nope"]),
        (b"\xff\xfe", ["UTF-8"]),
    ],
)
def test_an_unusable_configuration_is_explained(
    config: str | bytes, words: list[str], run_codex: RunCodex, scratch_home: ScratchHome
) -> None:
    scratch_home.write("config.toml", config)
    done = run_codex("exec", "hi").check(1)
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_an_unreadable_configuration_is_explained(run_codex: RunCodex, scratch_home: ScratchHome) -> None:
    (scratch_home.codex_home / "config.toml").mkdir()
    done = run_codex("exec", "hi").check(1)
    assert "Is a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_override_is_explained(run_codex: RunCodex) -> None:
    done = run_codex("exec", "-c", "foo", "hi").check(1)
    assert "Error parsing -c overrides: Invalid override (missing '='): foo" in done.stderr


def test_an_unreachable_server_is_named(run_codex: RunCodex, scratch_home: ScratchHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    scratch_home.use_model_server(
        f"http://127.0.0.1:{port}/v1", provider={"request_max_retries": 0, "stream_max_retries": 0}
    )
    done = run_codex("exec", "hi").check(1)
    assert f"ERROR: error sending request for url (http://127.0.0.1:{port}/v1/responses)" in done.stderr
    assert done.stdout == ""


def test_a_refused_key_is_told(run_codex: RunCodex, model_server: StartModelServer) -> None:
    model_server([http_error(401, {"error": {"message": "bad key"}})] * 2, check=False)
    done = run_codex("exec", "hi").check(1)
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr


def test_malformed_events_are_told(run_codex: RunCodex, model_server: StartModelServer) -> None:
    model_server([sse(b"data: {not json\n\n"), sse(b"data: {not json\n\n")])
    done = run_codex("exec", "hi").check(1)
    assert "stream disconnected before completion" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_directory_is_named(run_codex: RunCodex) -> None:
    done = run_codex("exec", "-C", "/nowhere/at/all", "--demo", "hi").check(1)
    assert "/nowhere/at/all" in done.stderr


def test_a_home_that_cannot_be_written_is_named(
    run_codex: RunCodex, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    model_server([answer(message("ok"))], check=False)
    scratch_home.write("sessions", "a file where a directory must be")
    done = run_codex("exec", "hi").check(1)
    assert str(scratch_home.codex_home / "sessions") in done.stderr
    assert "Traceback" not in done.stderr


def test_no_prompt_at_all_is_told(run_codex: RunCodex) -> None:
    assert "No prompt provided via stdin." in run_codex("exec", stdin="  \n").check(1).stderr
    assert "Failed to read prompt from stdin" in run_codex("exec", stdin=b"\xff\xfe\xfa").check(1).stderr


def test_codex_api_key_is_used_for_openai(
    run_codex: RunCodex, model_server: StartModelServer, scratch_home: ScratchHome
) -> None:
    server = model_server([answer(message("ok"))])
    scratch_home.write("config.toml", "")
    env = {"CODEX_API_KEY": "sk-from-environment", "OPENAI_BASE_URL": server.base_url}
    run_codex("exec", "hi", env=env).check()
    assert dict(server.requests[0].headers)["authorization"] == "Bearer sk-from-environment"


def test_login_status_and_logout(run_codex: RunCodex, scratch_home: ScratchHome) -> None:
    assert "Not logged in" in run_codex("login", "status").check(1).stderr
    run_codex("login", "--with-api-key", stdin="sk-abcdefgh-secret-12345\n").check()
    path = scratch_home.codex_home / "auth.json"
    assert os.stat(path).st_mode & 0o777 == 0o600
    status = run_codex("login", "status").check().stderr
    assert "Logged in using an API key - sk-abcde***12345" in status
    assert "secret" not in status
    assert "Successfully logged out" in run_codex("logout").check().stderr
    assert not path.exists()


def test_a_summary_on_the_way_does_not_end_the_run(
    run_codex: RunCodex, model_server: StartModelServer
) -> None:
    usage = token_usage(input_tokens=1_000)
    script = [
        answer(shell_call(["echo", "x"]), usage=usage),
        answer(message("SUMMARY")),
        answer(message("The end.")),
    ]
    model_server(script)
    done = run_codex("exec", "-c", "model_auto_compact_token_limit=500", "go").check()
    assert done.stdout == "The end.\n"

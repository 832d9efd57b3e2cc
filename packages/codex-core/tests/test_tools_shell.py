"""`shell`: what runs, what is asked, which events come, what the model reads (spec: agent.md sections 12-14)."""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from codex_core.model.families import family_for

confined = pytest.mark.skipif(sys.platform != "linux", reason="commands are confined on Linux here")

RETRY_REASON = "command failed; retry without sandbox?"


def payload(text: str) -> tuple[str, int]:
    """Output and exit code of a command that counts."""
    document = json.loads(text)
    assert list(document) == ["output", "metadata"]
    assert list(document["metadata"]) == ["exit_code", "duration_seconds"]
    return document["output"], document["metadata"]["exit_code"]


def assert_failed_end(bench: Any, text: str) -> None:
    """The end event of a run without an exit code of its own (spec: exec-sandbox.md A.3)."""
    end = bench.last("exec_command_end")
    assert (end["exit_code"], end["stdout"]) == (-1, "")
    assert end["stderr"] == end["aggregated_output"] == end["formatted_output"] == text
    assert end["duration"] == {"secs": 0, "nanos": 0}


# -- a command that runs ------------------------------------------------------------------------


async def test_a_command_is_told_by_events_and_to_the_model(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    script = "echo out; echo err >&2; exit 3"
    output = await bench.shell("bash", "-c", script)
    assert bench.kinds() == ["exec_command_begin", "exec_command_end"]
    begin = bench.events[0]
    assert begin == {
        "type": "exec_command_begin",
        "call_id": "c1",
        "command": ["bash", "-c", script],
        "cwd": str(bench.repo.path),
        "parsed_cmd": begin["parsed_cmd"],
    }
    assert begin["parsed_cmd"][0]["type"] == "unknown"
    chunks = {
        event["stream"]: base64.b64decode(event["chunk"])
        for event in bench.events
        if event["type"] == "exec_command_output_delta"
    }
    assert chunks == {"stdout": b"out\n", "stderr": b"err\n"}
    end = bench.events[-1]
    assert (end["stdout"], end["stderr"], end["exit_code"]) == ("out\n", "err\n", 3)
    text, code = payload(output)
    assert code == 3
    assert text == end["formatted_output"] == end["aggregated_output"]
    assert Counter(text.splitlines()) == {"out": 1, "err": 1}


async def test_the_directory_may_be_named(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    (bench.repo.path / "sub").mkdir()
    assert payload(await bench.shell("pwd", workdir="sub"))[0] == f"{bench.repo.path}/sub\n"
    assert bench.last("exec_command_begin")["cwd"] == f"{bench.repo.path}/sub"
    assert payload(await bench.shell("pwd", workdir=str(bench.home.path)))[0] == f"{bench.home.path}\n"
    assert payload(await bench.shell("pwd", workdir=""))[0] == f"{bench.repo.path}\n"


async def test_a_command_gets_the_environment_of_the_policy(bench: Any) -> None:
    environ = {**bench.services.environ, "MY_TOKEN": "secret", "PLAIN": "seen"}
    bench.services = replace(bench.services, environ=environ)
    script = 'echo "$PLAIN,$MY_TOKEN,$CODEX_SANDBOX_NETWORK_DISABLED"'
    assert payload(await bench.under("never", "read-only").shell("bash", "-c", script))[0] == "seen,,1\n"
    bench.under("never", "workspace-write", network_access=True)
    assert payload(await bench.shell("bash", "-c", script))[0] == "seen,,\n"


async def test_the_time_limit_of_the_call_counts(bench: Any) -> None:
    bench.under("on-failure", "read-only")
    output, code = payload(await bench.shell("sleep", "600", timeout_ms=50))
    assert code == 124
    assert output.startswith("command timed out after ")
    assert bench.last("exec_command_end")["exit_code"] == 124
    assert "exec_approval_request" not in bench.kinds()  # time that is up is no refusal of the sandbox


async def test_both_names_of_the_time_limit_are_read_and_unknown_keys_are_not(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    assert payload(await bench.shell("sleep", "600", timeout=50))[1] == 124
    assert payload(await bench.shell("true", reason="none", with_escalated_permissions=True))[1] == 0


@pytest.mark.parametrize(
    "arguments",
    ["", "{broken", "[]", "null", {}, {"command": "ls"}, {"command": [1]}, {"command": ["ls"], "timeout_ms": -1},
     {"command": ["ls"], "workdir": 1}, {"command": ["ls"], "timeout": 1, "timeout_ms": 1}],
)  # fmt: skip
async def test_unusable_arguments_are_told_to_the_model_only(arguments: object, bench: Any) -> None:
    output = await bench.under("never", "danger-full-access").call("shell", arguments)
    assert output.startswith("failed to parse function arguments: ")
    assert len(output) > len("failed to parse function arguments: ")
    assert bench.events == []


@pytest.mark.parametrize(
    ("argv", "workdir", "reason"),
    [
        (["no-such-program"], None, "No such file or directory (os error 2)"),
        (["true"], "no/such/directory", "No such file or directory (os error 2)"),
        (["./README.md"], None, "Permission denied (os error 13)"),
        ([], None, "command args are empty"),
    ],
)
async def test_what_cannot_be_started_says_why(
    argv: list[str], workdir: str | None, reason: str, bench: Any
) -> None:
    output = await bench.under("never", "danger-full-access").shell(*argv, workdir=workdir)
    assert output == f"execution error: {reason}"
    assert bench.kinds() == ["exec_command_begin", "exec_command_end"]
    assert_failed_end(bench, reason)


@pytest.mark.parametrize("word", ["a\0b", "\ud83d"])
async def test_words_no_command_can_have_are_an_ordinary_failure(word: str, bench: Any) -> None:
    bench.under("never", "danger-full-access")
    output = await bench.shell("echo", word)
    assert output.startswith(("execution error: ", "failed to parse function arguments: "))
    output = await bench.shell("true", workdir=word)
    assert output.startswith(("execution error: ", "failed to parse function arguments: "))


async def test_death_by_a_signal_is_told(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    output = await bench.shell("bash", "-c", "kill -9 $$")
    assert output == "failed in sandbox None with execution error: command was killed by a signal"
    assert_failed_end(bench, "sandbox error: command was killed by a signal")


@confined
async def test_a_missing_sandbox_helper_stops_the_command(bench: Any) -> None:
    bench.config = replace(bench.config, codex_linux_sandbox_exe=None)
    output = await bench.under("never", "read-only").shell("touch", "made")
    assert output == "execution error: codex-linux-sandbox was required but not provided"
    assert_failed_end(bench, "codex-linux-sandbox was required but not provided")
    assert not (bench.repo.path / "made").exists()


# -- asking first -------------------------------------------------------------------------------


@pytest.mark.parametrize("sandbox", ["read-only", "danger-full-access"])
async def test_untrusted_asks_for_all_but_harmless_commands(sandbox: str, bench: Any) -> None:
    bench.under("untrusted", sandbox)
    assert payload(await bench.shell("ls")) == ("README.md\n", 0)
    output = await bench.shell("touch", "made", answers=["approved"], justification="To mark it.")
    assert payload(output) == ("", 0)
    assert bench.kinds()[2:] == ["exec_approval_request", "exec_command_begin", "exec_command_end"]
    assert bench.last("exec_approval_request") == {
        "type": "exec_approval_request",
        "call_id": "c1",
        "command": ["touch", "made"],
        "cwd": str(bench.repo.path),
        "reason": "To mark it.",
    }
    assert (bench.repo.path / "made").exists()


@pytest.mark.parametrize("answer", ["denied", "abort"])
async def test_a_command_the_user_refuses_never_begins(answer: str, bench: Any) -> None:
    output = await bench.under("untrusted", "danger-full-access").shell("touch", "made", answers=[answer])
    assert output == "exec command rejected by user"
    assert bench.kinds() == ["exec_approval_request"]
    assert not (bench.repo.path / "made").exists()


async def test_an_answer_for_the_session_covers_these_words_in_this_directory(bench: Any) -> None:
    bench.under("untrusted", "danger-full-access")
    (bench.repo.path / "sub").mkdir()
    await bench.shell("touch", "a", answers=["approved_for_session"])
    await bench.shell("touch", "a")
    await bench.shell("touch", "b", answers=["denied"])
    await bench.shell("touch", "a", workdir="sub", answers=["denied"])
    await bench.shell("bash", "-lc", "touch a", answers=["denied"])
    assert bench.kinds().count("exec_approval_request") == 4


async def test_a_plain_yes_covers_one_run(bench: Any) -> None:
    bench.under("untrusted", "danger-full-access")
    await bench.shell("touch", "a", answers=["approved"])
    await bench.shell("touch", "a", answers=["approved"])
    assert bench.approved == set()


@confined
async def test_a_model_may_ask_to_leave_the_sandbox_where_one_can_ask(bench: Any) -> None:
    bench.under("on-request", "read-only")
    assert (await bench.shell("touch", "a")).startswith(
        "failed in sandbox LinuxSeccomp with execution error: "
    )
    output = await bench.shell(
        "touch", "a", with_escalated_permissions=True, justification="Needed.", answers=["approved"]
    )
    assert payload(output)[1] == 0
    assert bench.last("exec_approval_request")["reason"] == "Needed."
    assert bench.kinds()[-3:] == ["exec_approval_request", "exec_command_begin", "exec_command_end"]


@confined
@pytest.mark.parametrize("approval", ["never", "on-failure"])
async def test_where_nobody_asks_first_the_wish_to_leave_the_sandbox_is_ignored(
    approval: str, bench: Any
) -> None:
    bench.under(approval, "read-only")
    answers = ["denied"] if approval == "on-failure" else []
    await bench.shell("touch", "a", with_escalated_permissions=True, answers=answers)
    assert bench.kinds()[0] == "exec_command_begin"
    assert not (bench.repo.path / "a").exists()


@confined
async def test_the_models_own_shell_never_leaves_the_sandbox(bench: Any) -> None:
    arguments = {"command": ["touch", "a"], "with_escalated_permissions": True}
    output = await bench.under("on-request", "read-only").call(
        "local_shell", arguments, kind="local_shell_call"
    )
    assert output.startswith("failed in sandbox LinuxSeccomp")
    assert "exec_approval_request" not in bench.kinds()


# -- asking after the sandbox said no -----------------------------------------------------------


@confined
async def test_a_refusal_under_never_is_told_to_the_model(bench: Any) -> None:
    output = await bench.under("never", "read-only").shell("touch", "made")
    end = bench.last("exec_command_end")
    assert "made" in end["stderr"]
    assert_failed_end(bench, end["stderr"])
    assert output == (
        "failed in sandbox LinuxSeccomp with execution error: sandbox denied exec error, "
        f"exit code: 1, stdout: , stderr: {end['stderr']}"
    )
    assert bench.kinds() == ["exec_command_begin", "exec_command_end", "background_event"]
    assert bench.last("background_event")["message"] == "refused by the read-only sandbox, exit code 1"


@confined
@pytest.mark.parametrize("answer", ["approved", "approved_for_session"])
async def test_a_refusal_under_on_failure_is_asked_about_and_tried_again(answer: str, bench: Any) -> None:
    output = await bench.under("on-failure", "read-only").shell("touch", "made", answers=[answer])
    assert payload(output) == ("", 0)
    assert bench.kinds() == [
        "exec_command_begin",
        "exec_command_end",
        "background_event",
        "exec_approval_request",
        "background_event",
        "exec_command_begin",
        "exec_command_end",
    ]
    assert {event["call_id"] for event in bench.events if "call_id" in event} == {"c1"}
    ends = [event["exit_code"] for event in bench.events if event["type"] == "exec_command_end"]
    assert ends == [-1, 0]
    said = [event["message"] for event in bench.events if event["type"] == "background_event"]
    assert said[0].startswith("Execution failed: sandbox denied exec error, exit code: 1, stdout: , stderr: ")
    assert said[1] == "retrying command without sandbox"
    assert bench.last("exec_approval_request")["reason"] == RETRY_REASON
    assert (bench.repo.path / "made").exists()

    bench.events.clear()
    if answer == "approved":  # remembered only when the user said so
        await bench.shell("touch", "made", answers=["denied"])
    else:
        await bench.shell("touch", "made")
        assert bench.kinds() == ["exec_command_begin", "exec_command_end"]


@confined
async def test_a_refusal_the_user_leaves_at_that(bench: Any) -> None:
    output = await bench.under("on-failure", "read-only").shell("touch", "made", answers=["denied"])
    assert output == "exec command rejected by user"
    assert bench.kinds()[-1] == "exec_approval_request"
    assert not (bench.repo.path / "made").exists()


@confined
@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", 3), ("grep nothing README.md", 1), ("no-such-program-here", 127), ("ls /no/such/place", 2)],
)
async def test_a_command_that_fails_by_itself_is_not_asked_about(script: str, code: int, bench: Any) -> None:
    output = await bench.under("on-failure", "read-only").shell("bash", "-c", script + "; exit $?")
    assert payload(output)[1] == code
    assert bench.kinds() == ["exec_command_begin", "exec_command_end"]


async def test_a_retry_that_dies_too_is_told(bench: Any) -> None:
    bench.under("on-failure", "danger-full-access")
    output = await bench.shell("bash", "-c", "kill -9 $$", answers=["approved"])
    assert output == "retry failed: command was killed by a signal"


@confined
async def test_a_retry_that_cannot_be_started_is_told(bench: Any) -> None:
    script = bench.repo.write("vanish", "#!/bin/sh\necho permission denied >&2\nexit 1\n")
    script.chmod(0o755)

    class Removed(list[dict[str, Any]]):
        def append(self, event: dict[str, Any]) -> None:
            super().append(event)
            if event["type"] == "exec_approval_request":
                script.unlink()

    bench.events = Removed()
    output = await bench.under("on-failure", "read-only").shell("./vanish", answers=["approved"])
    assert output == "retry failed: No such file or directory (os error 2)"
    assert_failed_end(bench, "No such file or directory (os error 2)")


# -- how it is offered --------------------------------------------------------------------------


def offered(bench: Any, *, model: str = "gpt-5") -> dict[str, Any]:
    from codex_core.tools.shell import ShellTool

    context = replace(bench.context, model=model, family=family_for(model))
    spec = ShellTool().spec(context)
    assert spec is not None
    return dict(spec.to_responses())


@pytest.mark.parametrize(
    ("approval", "sandbox", "extra"),
    [
        ("on-request", "workspace-write", ["justification", "with_escalated_permissions"]),
        ("on-request", "read-only", []),
        ("never", "workspace-write", []),
        ("untrusted", "workspace-write", []),
    ],
)
def test_escalation_is_offered_only_where_it_means_something(
    approval: str, sandbox: str, extra: list[str], bench: Any
) -> None:
    spec = offered(bench.under(approval, sandbox))
    assert spec["name"] == "shell"
    parameters = spec["parameters"]
    assert list(parameters["properties"]) == sorted(["command", "timeout_ms", "workdir", *extra])
    assert parameters["required"] == ["command"]
    assert ("with_escalated_permissions" in spec["description"]) is bool(extra)


def test_a_model_with_a_shell_of_its_own_is_offered_that(bench: Any) -> None:
    assert offered(bench.under("never", "read-only"), model="codex-mini-latest") == {"type": "local_shell"}
    asking = offered(bench.under("on-request", "read-only"), model="codex-mini-latest")
    assert asking["name"] == "shell"


@pytest.mark.parametrize(
    ("sandbox", "policy", "words"),
    [
        ("danger-full-access", {}, "not confined"),
        ("read-only", {}, "write none"),
        ("workspace-write", {}, "no network"),
    ],
)
def test_the_model_is_told_what_it_may_do(
    sandbox: str, policy: dict[str, Any], words: str, bench: Any
) -> None:
    assert words in offered(bench.under("never", sandbox, **policy))["description"]


def test_the_model_is_not_told_of_a_missing_network_it_has(bench: Any) -> None:
    spec = offered(bench.under("never", "workspace-write", network_access=True))
    assert "no network" not in spec["description"]


# -- in a conversation --------------------------------------------------------------------------


async def test_the_models_own_shell_and_the_other_name_answer_in_a_conversation(talk: Any) -> None:
    from codex_core.testing import answer, function_call, local_shell_call, message

    calls = [
        local_shell_call(["echo", "local"], "l1"),
        function_call("container.exec", {"command": ["echo", "container"]}, "f1"),
    ]
    await talk.start([answer(*calls), answer(message("ok"))])
    await talk.ask("go")
    items = talk.input_of(1)[-4:]
    assert [item["type"] for item in items] == [
        "local_shell_call", "function_call_output", "function_call", "function_call_output",
    ]  # fmt: skip
    assert payload(items[1]["output"]) == ("local\n", 0)
    assert payload(items[3]["output"]) == ("container\n", 0)
    assert (items[1]["call_id"], items[3]["call_id"]) == ("l1", "f1")


@confined
async def test_a_question_after_a_refusal_is_answered_over_the_spine(talk: Any) -> None:
    from codex_core.testing import answer, message, shell_call
    from codex_protocol.ops import parse_op

    await talk.start(
        [answer(shell_call(["touch", "made"])), answer(message("ok"))],
        settings={"approval_policy": "on-failure", "sandbox_mode": "read-only"},
    )
    submission = await talk.say("go")
    question = await talk.until("exec_approval_request")
    assert question["reason"] == RETRY_REASON
    await talk.conversation.submit(
        parse_op({"type": "exec_approval", "id": submission, "decision": "approved"})
    )
    await talk.until("task_complete")
    assert (talk.repo.path / "made").exists()
    assert {event["id"] for event in talk.events[1:]} == {submission}


async def test_what_is_refused_without_a_question_is_told(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codex_core.execution.sandbox import SandboxType
    from codex_core.tools import clearance

    monkeypatch.setattr(clearance, "platform_sandbox", lambda: SandboxType.NONE)
    bench.under("never", "read-only")
    output = await bench.shell("touch", "x")
    assert output == "exec command rejected: auto-rejected because command is not on trusted list"
    assert bench.kinds() == ["background_event"]
    assert bench.last("background_event")["message"] == output
    assert not (bench.repo.path / "x").exists()

"""`apply_patch`: when it asks, how it is applied, which events come (spec: agent.md sections 15 and 16)."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

confined = pytest.mark.skipif(sys.platform != "linux", reason="patches are confined on Linux here")

ADD = "*** Begin Patch\n*** Add File: new.txt\n+one\n*** End Patch"


def add(path: str) -> str:
    return f"*** Begin Patch\n*** Add File: {path}\n+one\n*** End Patch"


def payload(text: str) -> tuple[str, int]:
    document = json.loads(text)
    return document["output"], document["metadata"]["exit_code"]


async def patch(bench: Any, text: str, **more: Any) -> str:
    """What the model reads of a patch given to the function tool."""
    return str(await bench.call("apply_patch", {"input": text}, **more))


def strict(bench: Any, approval: str) -> Any:
    """Only the workspace is writable: the scratch home lies in the directory for temporary files."""
    return bench.under(approval, "workspace-write", exclude_slash_tmp=True, exclude_tmpdir_env_var=True)


# -- a patch that may be applied ----------------------------------------------------------------


@pytest.mark.parametrize("approval", ["never", "on-request", "on-failure"])
async def test_inside_of_the_workspace_a_patch_is_applied_unasked(approval: str, bench: Any) -> None:
    output = await patch(strict(bench, approval), ADD)
    assert payload(output) == ("Success. Updated the following files:\nA new.txt\n", 0)
    assert bench.repo.read("new.txt") == "one\n"
    assert bench.kinds() == ["patch_apply_begin", "patch_apply_end", "turn_diff"]
    begin, end, diff = bench.events
    assert begin == {
        "type": "patch_apply_begin",
        "call_id": "c1",
        "auto_approved": True,
        "changes": {f"{bench.repo.path}/new.txt": {"add": {"content": "one\n"}}},
    }
    assert end == {
        "type": "patch_apply_end",
        "call_id": "c1",
        "stdout": "Success. Updated the following files:\nA new.txt\n",
        "stderr": "",
        "success": True,
    }
    assert diff["unified_diff"].startswith("diff --git a/new.txt b/new.txt\nnew file mode 100644\n")


async def test_the_free_form_tool_does_the_same(bench: Any) -> None:
    output = await strict(bench, "never").call("apply_patch", ADD, kind="custom_tool_call")
    assert payload(output)[1] == 0
    assert bench.repo.read("new.txt") == "one\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["apply_patch", ADD],
        ["applypatch", ADD],
        ["bash", "-lc", f"apply_patch <<'EOF'\n{ADD}\nEOF\n"],
    ],
)
async def test_a_patch_in_a_command_is_no_command(argv: list[str], bench: Any) -> None:
    assert payload(await strict(bench, "never").shell(*argv))[1] == 0
    assert bench.kinds() == ["patch_apply_begin", "patch_apply_end", "turn_diff"]


async def test_a_patch_in_a_command_works_in_the_commands_directory(bench: Any) -> None:
    (bench.repo.path / "sub" / "deep").mkdir(parents=True)
    script = f"cd deep && apply_patch <<'EOF'\n{ADD}\nEOF"
    assert payload(await strict(bench, "never").shell("bash", "-lc", script, workdir="sub"))[1] == 0
    assert bench.repo.read("sub/deep/new.txt") == "one\n"
    assert "b/sub/deep/new.txt" in bench.last("turn_diff")["unified_diff"]


async def test_with_full_access_nothing_is_outside(bench: Any, tmp_path: Path) -> None:
    target = tmp_path / "anywhere.txt"
    output = await patch(bench.under("never", "danger-full-access"), add(str(target)))
    assert payload(output)[1] == 0
    assert target.read_text() == "one\n"
    assert bench.events[0]["auto_approved"] is True


async def test_the_program_gets_nothing_of_the_users_environment(bench: Any, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\n/usr/bin/env > {seen}\ncat > {seen}.patch\n")
    spy.chmod(0o755)
    bench.config = replace(bench.config, apply_patch_exe=str(spy))
    bench.services = replace(bench.services, environ={**bench.services.environ, "API_KEY": "secret"})
    await patch(bench.under("never", "danger-full-access"), ADD)
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert names <= {"TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"}
    assert Path(f"{seen}.patch").read_text() == ADD


async def test_a_patch_larger_than_an_argument_may_be(bench: Any) -> None:
    body = "".join(f"+{number:>99}\n" for number in range(3_000))
    text = f"*** Begin Patch\n*** Add File: big.txt\n{body}*** End Patch"
    assert payload(await patch(strict(bench, "never"), text))[1] == 0
    assert len(bench.repo.read("big.txt")) == 300_000


# -- asking -------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["approved", "approved_for_session"])
async def test_untrusted_asks_for_every_patch(answer: str, bench: Any) -> None:
    for call_id in ("c1", "c2"):
        text = ADD.replace("new.txt", f"{call_id}.txt")
        assert (
            payload(await patch(strict(bench, "untrusted"), text, answers=[answer], call_id=call_id))[1] == 0
        )
    assert bench.kinds()[:3] == ["apply_patch_approval_request", "patch_apply_begin", "patch_apply_end"]
    question = bench.events[0]
    assert question == {
        "type": "apply_patch_approval_request",
        "call_id": "c1",
        "changes": {f"{bench.repo.path}/c1.txt": {"add": {"content": "one\n"}}},
    }
    assert bench.events[1]["auto_approved"] is False


@pytest.mark.parametrize("answer", ["denied", "abort"])
async def test_a_patch_the_user_refuses_changes_nothing(answer: str, bench: Any) -> None:
    output = await patch(strict(bench, "untrusted"), ADD, answers=[answer])
    assert output == "patch rejected by user"
    assert bench.kinds() == ["apply_patch_approval_request"]
    assert not (bench.repo.path / "new.txt").exists()


async def test_outside_of_the_workspace_it_asks_and_then_leaves_the_sandbox(bench: Any) -> None:
    target = bench.home.path / "outside.txt"
    output = await patch(strict(bench, "on-request"), add(str(target)), answers=["approved"])
    assert payload(output)[1] == 0
    assert target.read_text() == "one\n"
    assert bench.kinds()[:2] == ["apply_patch_approval_request", "patch_apply_begin"]
    assert bench.events[1]["auto_approved"] is False


@pytest.mark.parametrize("path", ["../outside.txt", ".git/hooks/pre-commit", "sub/../../outside.txt"])
async def test_nobody_to_ask_means_no(path: str, bench: Any) -> None:
    output = await patch(strict(bench, "never"), add(path))
    assert output == "patch rejected: writing outside of the project; rejected by user approval settings"
    # People see it as well as the model.
    assert bench.events == [{"type": "background_event", "message": output}]
    assert not (bench.repo.path / path).exists()


async def test_a_move_is_judged_by_both_its_ends(bench: Any) -> None:
    text = "*** Begin Patch\n*** Update File: README.md\n*** Move to: ../stolen.md\n*** End Patch"
    output = await patch(strict(bench, "never"), text)
    assert output.startswith(("patch rejected: writing outside of the project", "error: "))
    assert (bench.repo.path / "README.md").exists()


async def test_read_only_leaves_nothing_inside(bench: Any) -> None:
    output = await patch(bench.under("never", "read-only"), ADD)
    assert output.startswith("patch rejected: writing outside of the project")


# -- patches that do not fit --------------------------------------------------------------------


async def test_a_patch_that_does_not_fit_says_why_and_changes_nothing(bench: Any) -> None:
    text = "*** Begin Patch\n*** Update File: README.md\n@@\n-not there\n+x\n*** End Patch"
    output = await patch(strict(bench, "untrusted"), text)
    assert output == f"error: Failed to find expected lines in {bench.repo.path}/README.md:\nnot there"
    assert bench.events == []


async def test_a_file_that_is_missing_is_named(bench: Any) -> None:
    text = "*** Begin Patch\n*** Delete File: nothing.txt\n*** End Patch"
    output = await patch(strict(bench, "untrusted"), text)
    assert output.startswith("error: ")
    assert f"{bench.repo.path}/nothing.txt" in output
    assert bench.events == []


async def test_an_empty_patch_is_refused(bench: Any) -> None:
    output = await patch(strict(bench, "never"), "*** Begin Patch\n*** End Patch")
    assert output == "patch rejected: empty patch"
    assert bench.events == []


@pytest.mark.parametrize("text", ["", "hello", "*** Begin Patch\n*** Frobnicate\n*** End Patch"])
@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
async def test_what_is_no_patch_is_told(text: str, kind: str, bench: Any) -> None:
    arguments = text if kind == "custom_tool_call" else {"input": text}
    output = await strict(bench, "never").call("apply_patch", arguments, kind=kind)
    assert output.startswith("error: ")
    assert bench.events == []


@pytest.mark.parametrize("arguments", ["", "{", "[]", {}, {"input": 1}, {"patch": ADD}])
async def test_unusable_arguments_are_told(arguments: object, bench: Any) -> None:
    output = await strict(bench, "never").call("apply_patch", arguments)
    assert output.startswith("failed to parse function arguments: ")
    assert bench.events == []


@pytest.mark.parametrize("path", ["a\0b", "half\ud83d"])
async def test_names_no_file_can_have_are_an_ordinary_failure(path: str, bench: Any) -> None:
    output = await patch(bench.under("never", "danger-full-access"), add(path))
    assert isinstance(output, str)
    assert not (bench.repo.path / "a").exists()


# -- failure while it is applied ----------------------------------------------------------------


@pytest.fixture
def tight(bench: Any, tmp_path: Path) -> Any:
    """A workspace whose sandbox refuses every write, although the policy says that the patch is inside."""
    helper = tmp_path / "codex-linux-sandbox"
    helper.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != -- ]; do shift; done\n'
        "cat > /dev/null\n"
        'echo "Failed to write file $PWD/new.txt" >&2\n'
        "exit 1\n"
    )
    helper.chmod(0o755)
    bench.config = replace(bench.config, codex_linux_sandbox_exe=str(helper))
    return bench


DENIAL = "sandbox denied exec error, exit code: 1, stdout: , stderr: Failed to write file {}/new.txt\n"


@confined
@pytest.mark.parametrize("approval", ["never", "on-request"])
async def test_a_refusal_is_told_to_the_model(approval: str, tight: Any) -> None:
    output = await patch(strict(tight, approval), ADD)
    denial = DENIAL.format(tight.repo.path)
    assert output == f"failed in sandbox LinuxSeccomp with execution error: {denial}"
    assert tight.kinds() == ["patch_apply_begin", "patch_apply_end"]
    assert tight.events[1]["success"] is False
    assert tight.events[1]["stderr"].startswith("Failed to write file ")


@confined
async def test_a_refusal_under_on_failure_is_asked_about_and_applied_freely(tight: Any) -> None:
    output = await patch(strict(tight, "on-failure"), ADD, answers=["approved"])
    assert payload(output)[1] == 0
    assert tight.repo.read("new.txt") == "one\n"
    assert tight.kinds() == [
        "patch_apply_begin",
        "patch_apply_end",
        "background_event",
        "exec_approval_request",
        "background_event",
        "patch_apply_begin",
        "patch_apply_end",
        "turn_diff",
    ]
    assert tight.events[2]["message"] == f"Execution failed: {DENIAL.format(tight.repo.path)}"
    assert tight.events[3] == {
        "type": "exec_approval_request",
        "call_id": "c1",
        "command": [tight.config.apply_patch_exe, ADD],
        "cwd": str(tight.repo.path),
        "reason": "command failed; retry without sandbox?",
    }
    assert tight.events[4]["message"] == "retrying command without sandbox"
    assert [tight.events[at]["auto_approved"] for at in (0, 5)] == [True, False]


@confined
async def test_a_refusal_the_user_leaves_at_that(tight: Any) -> None:
    output = await patch(strict(tight, "on-failure"), ADD, answers=["denied"])
    assert output == "exec command rejected by user"
    assert not (tight.repo.path / "new.txt").exists()


@confined
async def test_outside_of_the_workspace_on_failure_asks_before(bench: Any) -> None:
    target = bench.home.path / "outside.txt"
    output = await patch(strict(bench, "on-failure"), add(str(target)), answers=["denied"])
    assert output == "patch rejected by user"
    assert not target.exists()


async def test_a_program_that_dies_is_told_once(bench: Any, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    bench.config = replace(bench.config, apply_patch_exe=str(killed))
    for approval in ("never", "on-failure"):
        output = await patch(bench.under(approval, "danger-full-access"), ADD)
        assert output == "failed in sandbox None with execution error: command was killed by a signal"


async def test_a_missing_program_is_told(bench: Any) -> None:
    bench.config = replace(bench.config, apply_patch_exe=None)
    output = await patch(bench.under("never", "danger-full-access"), ADD)
    assert output == "execution error: the apply_patch program was required but not provided"
    assert bench.kinds() == ["patch_apply_begin", "patch_apply_end"]
    assert bench.events[1]["success"] is False


async def test_a_failure_without_a_sandbox_is_the_programs_own(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    text = f"{ADD.removesuffix('*** End Patch')}*** Add File: later.txt\n+two\n*** End Patch"
    failing = bench.repo.path / "failing"
    failing.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    failing.chmod(0o755)
    bench.config = replace(bench.config, apply_patch_exe=str(failing))
    assert payload(await patch(bench, text)) == ("broken\n", 1)
    assert bench.last("patch_apply_end")["success"] is False


# -- the turn's diff ----------------------------------------------------------------------------


async def test_the_diff_grows_with_the_turn_and_follows_commands_too(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    await patch(bench, ADD)
    await patch(
        bench, "*** Begin Patch\n*** Update File: README.md\n@@\n-A scratch repository.\n+B\n*** End Patch"
    )
    diff = bench.last("turn_diff")["unified_diff"]
    assert [line for line in diff.splitlines() if line.startswith("diff ")] == [
        "diff --git a/README.md b/README.md",
        "diff --git a/new.txt b/new.txt",
    ]
    await bench.shell("sh", "-c", "echo two >> new.txt")
    await patch(bench, ADD.replace("new.txt", "other.txt"))
    assert "+one\n+two\n" in bench.last("turn_diff")["unified_diff"]


async def test_changes_that_were_taken_back_leave_no_diff(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    await patch(bench, ADD)
    bench.events.clear()
    await patch(bench, "*** Begin Patch\n*** Delete File: new.txt\n*** End Patch")
    assert bench.kinds() == ["patch_apply_begin", "patch_apply_end"]


async def test_a_patch_that_cannot_be_started_still_shows_what_changed_before(bench: Any) -> None:
    bench.under("never", "danger-full-access")
    await patch(bench, ADD)
    bench.config = replace(bench.config, apply_patch_exe=None)
    bench.events.clear()
    await patch(bench, ADD.replace("new.txt", "other.txt"))
    assert bench.kinds() == ["patch_apply_begin", "patch_apply_end", "turn_diff"]


async def test_in_a_conversation_the_diff_comes_behind_the_patch_and_behind_the_tokens(talk: Any) -> None:
    from codex_core.testing import answer, message, patch_call

    await talk.start([answer(patch_call(ADD)), answer(message("ok"))])
    kinds = await talk.ask("go")
    assert kinds[kinds.index("patch_apply_begin") :] == [
        "patch_apply_begin",
        "patch_apply_end",
        "turn_diff",
        "token_count",
        "turn_diff",
        "agent_message",
        "token_count",
        "turn_diff",
        "task_complete",
    ]
    assert payload(talk.input_of(1)[-1]["output"])[1] == 0


async def test_a_question_about_a_patch_is_answered_over_the_spine(talk: Any) -> None:
    from codex_core.testing import answer, custom_call, message
    from codex_protocol.ops import parse_op

    script = [answer(custom_call("apply_patch", ADD)), answer(message("ok"))]
    await talk.start(script, settings={"approval_policy": "untrusted"})
    submission = await talk.say("go")
    await talk.until("apply_patch_approval_request")
    await talk.conversation.submit(
        parse_op({"type": "patch_approval", "id": submission, "decision": "approved"})
    )
    await talk.until("task_complete")
    assert talk.repo.read("new.txt") == "one\n"
    assert talk.input_of(1)[-1]["type"] == "custom_tool_call_output"


# -- how it is offered --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "wanted", "kind"),
    [
        ("gpt-5", False, None),
        ("gpt-5", True, "custom"),
        ("gpt-4.1", False, None),
        ("gpt-oss:20b", False, "function"),
        ("gpt-oss:20b", True, "function"),
    ],
)
def test_it_is_offered_by_family_and_wish(model: str, wanted: bool, kind: str | None, bench: Any) -> None:
    from codex_core.model.families import family_for
    from codex_core.tools.apply_patch import ApplyPatchTool

    context = replace(bench.context, model=model, family=family_for(model), offers_apply_patch=wanted)
    spec = ApplyPatchTool().spec(context)
    assert (None if spec is None else spec.to_responses()["type"]) == kind

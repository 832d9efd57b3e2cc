"""Which sandbox there is, how commands are wrapped for it, and when it is to blame."""

from __future__ import annotations

import json
import sys

import pytest

from codex_core.errors import ExecutionError
from codex_core.execution.command import ExecOutcome, ExecRequest, SpawnFailed, run_command
from codex_core.execution.sandbox import (
    Isolation,
    SandboxType,
    looks_denied,
    platform_sandbox,
    sandbox_command,
    sandbox_environment,
)
from codex_protocol.sandbox_policy import ReadOnlyPolicy, WorkspaceWritePolicy


def outcome(
    exit_code: int | None, output: bytes = b"", *, signal: int | None = None, timed_out: bool = False
) -> ExecOutcome:
    return ExecOutcome(exit_code, signal, timed_out, b"", output, output, 0.1)


@pytest.mark.parametrize(
    ("platform", "sandbox", "label"),
    [
        ("linux", SandboxType.LINUX_SECCOMP, "LinuxSeccomp"),
        ("darwin", SandboxType.MACOS_SEATBELT, "MacosSeatbelt"),
        ("freebsd14", SandboxType.NONE, "None"),
    ],
)
def test_each_platform_has_its_sandbox(platform: str, sandbox: SandboxType, label: str) -> None:
    assert platform_sandbox(platform) is sandbox
    assert sandbox.label == label


def test_without_a_sandbox_the_command_stays_as_it_is() -> None:
    argv = sandbox_command(
        ["ls", "-l"], policy=ReadOnlyPolicy(), sandbox=SandboxType.NONE, policy_cwd="/w", helper_exe=None
    )
    assert argv == ("ls", "-l")


def test_linux_helper_is_told_of_isolation_and_parent_where_that_was_said() -> None:
    argv = sandbox_command(
        ["ls"],
        policy=ReadOnlyPolicy(),
        sandbox=SandboxType.LINUX_SECCOMP,
        policy_cwd="/w",
        helper_exe="/h",
        isolation=Isolation.AUTO,
        outlives_parent=True,
    )
    assert argv == ("/h", "--outlive-parent", "--isolation", "auto", "/w", '{"mode":"read-only"}', "--", "ls")


def test_settings_are_named_where_something_may_be_written() -> None:
    def command(policy: ReadOnlyPolicy | WorkspaceWritePolicy) -> tuple[str, ...]:
        return sandbox_command(
            ["ls"],
            policy=policy,
            sandbox=SandboxType.LINUX_SECCOMP,
            policy_cwd="/w",
            helper_exe="/h",
            settings=("/w/.codex",),
        )

    assert command(WorkspaceWritePolicy())[1:4] == ("--settings", "/w/.codex", "/w")
    assert command(ReadOnlyPolicy())[1] == "/w"


def test_linux_helper_gets_workspace_policy_and_command() -> None:
    helper, cwd, policy, *command = sandbox_command(
        ["ls", "--", "-l"],
        policy=WorkspaceWritePolicy(writable_roots=("/srv/ä",)),
        sandbox=SandboxType.LINUX_SECCOMP,
        policy_cwd="/w",
        helper_exe="/opt/codex-linux-sandbox",
    )
    assert (helper, cwd, command) == ("/opt/codex-linux-sandbox", "/w", ["--", "ls", "--", "-l"])
    assert json.loads(policy) == {
        "mode": "workspace-write",
        "writable_roots": ["/srv/ä"],
        "network_access": False,
        "exclude_tmpdir_env_var": False,
        "exclude_slash_tmp": False,
    }


def test_missing_helper_is_an_error_and_never_an_unconfined_run() -> None:
    with pytest.raises(ExecutionError, match=r"^codex-linux-sandbox was required but not provided$"):
        sandbox_command(
            ["ls"],
            policy=ReadOnlyPolicy(),
            sandbox=SandboxType.LINUX_SECCOMP,
            policy_cwd="/w",
            helper_exe=None,
        )


@pytest.mark.parametrize("sandbox", SandboxType)
def test_empty_command_is_an_error(sandbox: SandboxType) -> None:
    with pytest.raises(SpawnFailed, match=r"^command args are empty$"):
        sandbox_command([], policy=ReadOnlyPolicy(), sandbox=sandbox, policy_cwd="/w", helper_exe="/h")


def test_only_seatbelt_announces_itself() -> None:
    assert sandbox_environment({"A": "1"}, SandboxType.LINUX_SECCOMP) == {"A": "1"}
    assert sandbox_environment({"A": "1"}, SandboxType.MACOS_SEATBELT) == {
        "A": "1",
        "CODEX_SANDBOX": "seatbelt",
    }


@pytest.mark.parametrize(
    "words",
    [
        b"touch: cannot touch '/x': Permission denied",
        b"OPERATION NOT PERMITTED",
        b"Read-only file system",
        b"killed by seccomp",
        b"Landlock",
        b"sandbox: no",
        b"failed to write file /x",
    ],
)
@pytest.mark.parametrize("exit_code", [1, 2, 126, 127])
def test_words_of_refusal_mean_denied(words: bytes, exit_code: int) -> None:
    assert looks_denied(outcome(exit_code, words), SandboxType.LINUX_SECCOMP)
    assert looks_denied(outcome(exit_code, words), SandboxType.MACOS_SEATBELT)
    assert not looks_denied(outcome(exit_code, words), SandboxType.NONE)


def test_words_of_refusal_count_in_the_language_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"LANG": "xx_YY.UTF-8"}
    words = {"xx_YY.UTF-8": (b"verweigert",)}
    monkeypatch.setattr(
        "codex_core.execution.refusal_words.refusals_in_language_of",
        lambda environ: words.get(environ.get("LANG", ""), ()),
    )
    refused = outcome(1, "Öffnen: verweigert".encode())
    assert looks_denied(refused, SandboxType.LINUX_SECCOMP, told)
    assert not looks_denied(refused, SandboxType.LINUX_SECCOMP, {"LANG": "C"})
    assert not looks_denied(refused, SandboxType.LINUX_SECCOMP)
    assert not looks_denied(outcome(1, b"etwas anderes"), SandboxType.LINUX_SECCOMP, told)


@pytest.mark.parametrize("exit_code", [1, 2, 126, 127, 101])
def test_other_failures_are_the_commands_own(exit_code: int) -> None:
    assert not looks_denied(outcome(exit_code, b"no such file"), SandboxType.LINUX_SECCOMP)


def test_success_and_time_limit_are_never_a_denial() -> None:
    assert not looks_denied(outcome(0, b"permission denied"), SandboxType.LINUX_SECCOMP)
    assert not looks_denied(outcome(124, b"permission denied", timed_out=True), SandboxType.LINUX_SECCOMP)


def test_a_forbidden_system_call_is_a_denial_on_linux() -> None:
    assert looks_denied(outcome(159), SandboxType.LINUX_SECCOMP)
    assert looks_denied(outcome(None, signal=31), SandboxType.LINUX_SECCOMP)
    assert not looks_denied(outcome(159), SandboxType.MACOS_SEATBELT)
    assert not looks_denied(outcome(None, signal=9), SandboxType.LINUX_SECCOMP)


@pytest.mark.skipif(sys.platform != "linux", reason="the helper is for Linux")
async def test_program_that_is_not_there_is_no_denial() -> None:
    helper = (sys.executable, "-m", "codex_linux_sandbox", "/", '{"mode":"danger-full-access"}', "--")
    missing = await run_command(ExecRequest((*helper, "no-such-program"), "/", {"PATH": "/bin"}, 60_000))
    assert missing.exit_code == 127
    assert b"sandbox" in missing.stderr
    assert not looks_denied(missing, SandboxType.LINUX_SECCOMP)

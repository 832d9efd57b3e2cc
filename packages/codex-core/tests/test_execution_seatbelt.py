"""The policy and command line for sandbox-exec on macOS; what can be checked without a Mac."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from codex_core.execution.sandbox import SandboxType, sandbox_command
from codex_core.execution.seatbelt import policy_text, seatbelt_command
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
    WritableRoot,
)

if TYPE_CHECKING:
    from pathlib import Path

WORKSPACE = WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)


def parse(text: str) -> list[object]:
    """The policy as nested lists; fails where parentheses or quotes do not match."""
    stack: list[list[object]] = [[]]
    for token in re.findall(r'#?"[^"]*"|[()]|[^\s()"]+', text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    assert len(stack) == 1
    return stack[0]


def rules(policy: SandboxPolicy, roots: list[WritableRoot] | None = None) -> list[object]:
    return parse(policy_text(policy, roots or []))


@pytest.mark.parametrize("policy", [ReadOnlyPolicy(), WORKSPACE, DangerFullAccessPolicy()])
def test_everything_is_denied_but_reading_and_the_listed(policy: SandboxPolicy) -> None:
    found = rules(policy)
    assert found[:2] == [["version", "1"], ["deny", "default"]]
    for rule in (
        ["allow", "file-read*"],
        ["allow", "process-exec"],
        ["allow", "process-fork"],
        ["allow", "signal", ["target", "same-sandbox"]],
        ["allow", "process-info*", ["target", "same-sandbox"]],
        ["allow", "user-preference-read"],
        ["allow", "ipc-posix-sem"],
    ):
        assert rule in found
    device = ["require-all", ["path", '"/dev/null"'], ["vnode-type", "CHARACTER-DEVICE"]]
    assert ["allow", "file-write-data", device] in found
    assert not [
        rule for rule in found if isinstance(rule, list) and rule[0] not in ("version", "deny", "allow")
    ]


def test_system_facts_that_may_be_read() -> None:
    (rule,) = [
        rule for rule in rules(ReadOnlyPolicy()) if isinstance(rule, list) and rule[1:2] == ["sysctl-read"]
    ]
    assert len(rule) - 2 == 23 + 11 + 2 + 6
    for entry in (
        ["sysctl-name", '"hw.ncpu"'],
        ["sysctl-name", '"kern.osrelease"'],
        ["sysctl-name-prefix", '"hw.perflevel"'],
    ):
        assert entry in rule


def test_read_only_writes_nothing_and_has_no_network() -> None:
    text = policy_text(ReadOnlyPolicy(), [])
    assert "file-write*" not in text
    assert "network" not in text


def test_full_access_may_write_everywhere_and_use_the_network() -> None:
    found = rules(DangerFullAccessPolicy())
    assert ["allow", "file-write*", ["regex", '#"^/"']] in found
    assert found[-3:] == [
        ["allow", "network-outbound"],
        ["allow", "network-inbound"],
        ["allow", "system-socket"],
    ]


def test_network_only_where_the_policy_has_it() -> None:
    assert "network" not in policy_text(WORKSPACE, [])
    assert "(allow network-outbound)" in policy_text(WorkspaceWritePolicy(network_access=True), [])


def test_write_rule_names_roots_and_their_protected_places_by_parameter() -> None:
    roots = [WritableRoot('/w/a"(b'), WritableRoot("/w/c", ("/w/c/.git", "/w/c/x"))]
    text = policy_text(WORKSPACE, roots)
    assert (
        '(allow file-write* (subpath (param "WRITABLE_ROOT_0")) '
        '(require-all (subpath (param "WRITABLE_ROOT_1")) '
        '(require-not (subpath (param "WRITABLE_ROOT_1_RO_0"))) '
        '(require-not (subpath (param "WRITABLE_ROOT_1_RO_1"))) ))'
    ) in text
    assert "/w/" not in text


def test_command_line_carries_the_paths_resolved_in_order(tmp_path: Path) -> None:
    repository = tmp_path / "real"
    (repository / ".git").mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(repository)
    policy = WorkspaceWritePolicy(
        writable_roots=("/no/such/place",), exclude_slash_tmp=True, exclude_tmpdir_env_var=False
    )
    program, flag, text, *rest = seatbelt_command(
        ["ls", "-l"], policy, policy_cwd=str(link), tmpdir=str(tmp_path)
    )
    assert (program, flag) == ("/usr/bin/sandbox-exec", "-p")
    assert text.startswith("(version 1)")
    assert rest == [
        "-DWRITABLE_ROOT_0=/no/such/place",
        f"-DWRITABLE_ROOT_1={os.path.realpath(repository)}",
        f"-DWRITABLE_ROOT_1_RO_0={os.path.realpath(repository)}/.git",
        f"-DWRITABLE_ROOT_2={os.path.realpath(tmp_path)}",
        "--",
        "ls",
        "-l",
    ]


def test_sandbox_command_on_a_mac_needs_no_helper() -> None:
    argv = sandbox_command(
        ["ls"],
        policy=ReadOnlyPolicy(),
        sandbox=SandboxType.MACOS_SEATBELT,
        policy_cwd="/w",
        helper_exe=None,
    )
    assert argv[0] == "/usr/bin/sandbox-exec"
    assert argv[-2:] == ("--", "ls")


def test_settings_stay_read_only_below_a_root(tmp_path: Path) -> None:
    command = seatbelt_command(
        ["ls"], WORKSPACE, policy_cwd=str(tmp_path), tmpdir=None, settings=[str(tmp_path / "home"), "/srv/x"]
    )
    assert f"-DWRITABLE_ROOT_0_RO_0={tmp_path}/home" in command
    assert not [word for word in command if word.startswith("-D") and "/srv/x" in word]

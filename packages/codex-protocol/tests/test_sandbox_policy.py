"""Sandbox policies: their JSON, and what they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from codex_protocol import testing
from codex_protocol.config_types import SandboxMode
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import dumps
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    WorkspaceWritePolicy,
    WritableRoot,
    parse_sandbox_policy,
)

if TYPE_CHECKING:
    from pathlib import Path


@given(testing.sandbox_policies())
def test_a_policy_comes_back_from_its_json(policy):
    assert parse_sandbox_policy(policy.to_wire()) == policy
    assert parse_sandbox_policy(dumps(policy.to_wire())) == policy


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (DangerFullAccessPolicy(), '{"mode":"danger-full-access"}'),
        (ReadOnlyPolicy(), '{"mode":"read-only"}'),
        (
            WorkspaceWritePolicy(),
            '{"mode":"workspace-write","network_access":false,"exclude_tmpdir_env_var":false,"exclude_slash_tmp":false}',
        ),
        (
            WorkspaceWritePolicy(("/x",), network_access=True),
            '{"mode":"workspace-write","writable_roots":["/x"],"network_access":true,"exclude_tmpdir_env_var":false,"exclude_slash_tmp":false}',
        ),
    ],
)
def test_policies_are_written_in_wire_order(policy, text):
    assert dumps(policy.to_wire()) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "missing field `mode`"),
        ('{"mode":"none"}', "unknown variant `none`"),
        ('{"mode":1}', "expected a string in `mode`"),
        ("[]", "expected a sandbox policy"),
        ('{"mode":"workspace-write","network_access":1}', "expected a boolean in `network_access`"),
        ('{"mode":"workspace-write","network_access":null}', "expected a boolean in `network_access`"),
        ('{"mode":"workspace-write","writable_roots":"/x"}', "expected a sequence in `writable_roots`"),
        ('{"mode":"workspace-write","writable_roots":[1]}', "expected a string in `writable_roots`"),
        ("read-only", "Expecting value"),
    ],
)
def test_other_json_is_no_policy(text, reason):
    with pytest.raises(ProtocolError, match=reason):
        parse_sandbox_policy(text)


def test_what_each_policy_allows():
    full, read, write = DangerFullAccessPolicy(), ReadOnlyPolicy(), WorkspaceWritePolicy()
    assert [policy.mode for policy in (full, read, write)] == [
        SandboxMode.DANGER_FULL_ACCESS,
        SandboxMode.READ_ONLY,
        SandboxMode.WORKSPACE_WRITE,
    ]
    assert [policy.has_full_disk_write_access for policy in (full, read, write)] == [True, False, False]
    assert [policy.has_full_network_access for policy in (full, read, write)] == [True, False, False]
    assert WorkspaceWritePolicy(network_access=True).has_full_network_access
    assert all(policy.has_full_disk_read_access for policy in (full, read, write))


def test_only_the_workspace_policy_names_writable_roots():
    assert DangerFullAccessPolicy().writable_roots_for("/w", tmpdir="/t") == []
    assert ReadOnlyPolicy().writable_roots_for("/w", tmpdir="/t") == []


def test_roots_come_in_order_and_repeat(tmp_path: Path):
    cwd = str(tmp_path)
    policy = WorkspaceWritePolicy((cwd, "/x"))
    assert [root.root for root in policy.writable_roots_for(cwd, tmpdir="/t")] == [
        cwd,
        "/x",
        cwd,
        "/tmp",
        "/t",
    ]
    bare = WorkspaceWritePolicy(exclude_slash_tmp=True, exclude_tmpdir_env_var=True)
    assert [root.root for root in bare.writable_roots_for(cwd, tmpdir="/t")] == [cwd]
    assert [root.root for root in WorkspaceWritePolicy().writable_roots_for(cwd, tmpdir="")] == [cwd, "/tmp"]
    assert [root.root for root in WorkspaceWritePolicy().writable_roots_for(cwd, tmpdir=None)] == [
        cwd,
        "/tmp",
    ]


def test_a_git_directory_is_protected_and_a_git_file_is_not(tmp_path: Path):
    policy = WorkspaceWritePolicy(exclude_slash_tmp=True)
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    (root,) = policy.writable_roots_for(str(tmp_path), tmpdir=None)
    assert root.is_path_writable(str(tmp_path / ".git"))
    (tmp_path / ".git").unlink()
    (tmp_path / ".git").mkdir()
    (root,) = policy.writable_roots_for(str(tmp_path), tmpdir=None)
    assert root.read_only_subpaths == (str(tmp_path / ".git"),)
    assert not root.is_path_writable(str(tmp_path / ".git"))
    assert not root.is_path_writable(str(tmp_path / ".git" / "config"))
    assert root.is_path_writable(str(tmp_path / ".gitignore"))


@pytest.mark.parametrize(
    ("path", "is_writable"),
    [
        ("/w", True),
        ("/w/", True),
        ("/w/a/b", True),
        ("//w/a", True),
        ("/w/./a", True),
        ("/workspace", False),
        ("/", False),
        ("/w/../etc", False),
        ("/w/a/../../etc", False),
        ("/w/keep", False),
        ("/w/keep/x", False),
        ("/w/x/../keep/x", False),
        ("/w/keeper", True),
    ],
)
def test_a_path_is_writable_inside_the_root_by_whole_names(path, is_writable):
    assert WritableRoot("/w", ("/w/keep",)).is_path_writable(path) is is_writable


def test_everything_is_inside_the_file_systems_root():
    assert WritableRoot("/").is_path_writable("/etc/passwd")

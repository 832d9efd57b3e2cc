"""What the model is told about its surroundings, to the letter (spec: agent.md section 4)."""

from __future__ import annotations

import pwd
from types import SimpleNamespace
from typing import Any

import pytest

from codex_core.conversation.context import (
    environment_item,
    instructions_item,
    login_shell_name,
    turn_aborted_item,
)
from codex_protocol.config_types import AskForApproval
from codex_protocol.sandbox_policy import (
    DangerFullAccessPolicy,
    ReadOnlyPolicy,
    SandboxPolicy,
    WorkspaceWritePolicy,
)


def text_of(item: Any) -> str:
    """The one text of a message, sent as the user."""
    wire = item.to_wire()
    assert (wire["type"], wire["role"]) == ("message", "user")
    (part,) = wire["content"]
    assert part["type"] == "input_text"
    return str(part["text"])


def test_user_instructions_stand_between_their_marks() -> None:
    assert text_of(instructions_item("Be kind.\n")) == (
        "<user_instructions>\n\nBe kind.\n\n\n</user_instructions>"
    )


def test_a_whole_environment() -> None:
    item = environment_item(
        cwd="/w/repo",
        approval_policy=AskForApproval.ON_REQUEST,
        sandbox_policy=WorkspaceWritePolicy(writable_roots=("/extra", "/a b/<x>&")),
        shell="bash",
    )
    assert text_of(item) == (
        "<environment_context>\n"
        "  <cwd>/w/repo</cwd>\n"
        "  <approval_policy>on-request</approval_policy>\n"
        "  <sandbox_mode>workspace-write</sandbox_mode>\n"
        "  <network_access>restricted</network_access>\n"
        "  <writable_roots>\n"
        "    <root>/extra</root>\n"
        "    <root>/a b/<x>&</root>\n"
        "  </writable_roots>\n"
        "  <shell>bash</shell>\n"
        "</environment_context>"
    )


@pytest.mark.parametrize(
    ("policy", "mode", "network"),
    [
        (DangerFullAccessPolicy(), "danger-full-access", "enabled"),
        (ReadOnlyPolicy(), "read-only", "restricted"),
        (WorkspaceWritePolicy(), "workspace-write", "restricted"),
        (WorkspaceWritePolicy(network_access=True), "workspace-write", "enabled"),
    ],
)
def test_a_sandbox_policy_is_its_mode_and_its_network(policy: SandboxPolicy, mode: str, network: str) -> None:
    item = environment_item(cwd=None, approval_policy=None, sandbox_policy=policy, shell=None)
    assert text_of(item) == (
        "<environment_context>\n"
        f"  <sandbox_mode>{mode}</sandbox_mode>\n"
        f"  <network_access>{network}</network_access>\n"
        "</environment_context>"
    )


def test_what_did_not_change_is_not_mentioned() -> None:
    item = environment_item(cwd="/new", approval_policy=None, sandbox_policy=None, shell=None)
    assert text_of(item) == "<environment_context>\n  <cwd>/new</cwd>\n</environment_context>"


@pytest.mark.parametrize("policy", list(AskForApproval))
def test_approval_policies_go_out_by_their_wire_names(policy: AskForApproval) -> None:
    item = environment_item(cwd=None, approval_policy=policy, sandbox_policy=None, shell=None)
    assert f"\n  <approval_policy>{policy.value}</approval_policy>\n" in text_of(item)


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("/bin/bash", "bash"),
        ("/usr/local/bin/zsh", "zsh"),
        ("/usr/sbin/nologin", None),
        ("/usr/bin/fish", None),
        ("", None),
    ],
)
def test_only_shells_whose_scripts_are_understood_are_named(
    entry: str, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/zsh")  # not consulted
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_shell=entry))
    assert login_shell_name() == name


def test_a_user_without_a_password_entry_has_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", missing)
    assert login_shell_name() is None


def test_an_interrupt_is_told_between_marks() -> None:
    text = text_of(turn_aborted_item())
    assert text.startswith("<turn_aborted>\n")
    assert text.endswith("\n</turn_aborted>")


async def test_a_conversation_begins_with_instructions_and_environment(talk: Any) -> None:
    from codex_core.testing import answer, message

    talk.home.write("AGENTS.md", "  From home.\n\n")
    talk.repo.write("AGENTS.md", "From the project.\n")
    await talk.start([answer(message("ok"))], settings={"sandbox_mode": "read-only"})
    await talk.ask("hi")
    instructions, environment, prompt = (item["content"][0]["text"] for item in talk.input_of(0))
    assert instructions == (
        "<user_instructions>\n\nFrom home.\n\n--- project-doc ---\n\nFrom the project.\n\n\n</user_instructions>"
    )
    assert environment.startswith(f"<environment_context>\n  <cwd>{talk.repo.path}</cwd>\n")
    assert "<sandbox_mode>read-only</sandbox_mode>" in environment
    assert prompt == "hi"

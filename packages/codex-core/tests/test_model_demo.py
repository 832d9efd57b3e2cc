"""The tour of the offline model, played through the real client with tools that really act."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from codex_core.config.providers import built_in_providers
from codex_core.model import ModelClient, Prompt, family_for
from codex_core.model.demo import workspace
from codex_core.model.response_events import Completed, ItemDone, ReasoningDelta, TextDelta
from codex_core.model.tool_spec import CustomTool, FunctionTool, LocalShellTool, object_schema
from codex_core.patch.apply import apply_patch
from codex_core.patch.grammar import parse_patch
from codex_core.services import Services
from codex_protocol.items import (
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImageContent,
    InputTextContent,
    MessageItem,
    ResponseItem,
)
from codex_protocol.plan import UpdatePlanArgs

if TYPE_CHECKING:
    from pathlib import Path

    from codex_core.model.tool_spec import ToolSpec

SHELL = FunctionTool("shell", "Runs it.", object_schema({}, required=[]))
PATCH_FUNCTION = FunctionTool("apply_patch", "Edits.", object_schema({}, required=[]))
PATCH_CUSTOM = CustomTool("apply_patch", "Edits.", "start: x")

DENIED = (
    "failed in sandbox LinuxSeccomp with execution error: sandbox denied exec error, exit code: 1, stdout: , "
    "stderr: touch: cannot touch '{path}': Read-only file system\n"
)
PATCH_DENIED = "patch rejected: writing outside of the project; rejected by user approval settings"


def user(text: str, *, images: int = 0) -> MessageItem:
    pictures = tuple(InputImageContent(image_url="data:,") for _ in range(images))
    return MessageItem(role="user", content=(InputTextContent(text=text), *pictures))


def environment(cwd: Path | str, sandbox: str, approval: str, roots: tuple[str, ...] = ()) -> MessageItem:
    lines = [
        "<environment_context>",
        f"  <cwd>{cwd}</cwd>",
        f"  <approval_policy>{approval}</approval_policy>",
        f"  <sandbox_mode>{sandbox}</sandbox_mode>",
        "  <network_access>restricted</network_access>",
        *(f"    <root>{root}</root>" for root in roots),
        "</environment_context>",
    ]
    return user("\n".join(lines))


@dataclass
class Hands:
    """Does what the model calls, as the session's tools would, and keeps what was said."""

    cwd: Path
    sandbox: str = "workspace-write"
    approval: str = "never"
    tools: tuple[ToolSpec, ...] = (SHELL,)
    roots: tuple[str, ...] = ()
    overrides: dict[str, str] = field(default_factory=dict)
    """Outputs given instead of acting, by step."""
    items: list[ResponseItem] = field(default_factory=list)
    calls: list[tuple[str, list[str]]] = field(default_factory=list)
    """Step and argv (or the tool's name) of every call."""
    plans: list[UpdatePlanArgs] = field(default_factory=list)
    said: str = ""
    deltas: int = 0
    total_tokens: int = 0

    def __post_init__(self) -> None:
        self.items.append(environment(self.cwd, self.sandbox, self.approval, self.roots))

    async def hear(self, text: str, *, images: int = 0) -> str:
        """The last message of a whole turn."""
        self.items.append(user(text, images=images))
        client = ModelClient(
            provider=built_in_providers({})["demo"],
            model="gpt-5",
            family=family_for("gpt-5"),
            conversation_id="11111111-2222-4333-8444-5555abcdef00",
            auth=None,
            services=Services(environ={}),
            user_agent="u",
            originator="o",
        )
        try:
            for _ in range(20):
                if not await self._answer(client):
                    return self.said
        finally:
            await client.aclose()
        raise AssertionError("the tour does not end")

    async def _answer(self, client: ModelClient) -> bool:
        called = False
        async with aclosing(client.stream(Prompt("Be brief.", tuple(self.items), self.tools))) as stream:
            async for event in stream:
                match event:
                    case TextDelta() | ReasoningDelta():
                        self.deltas += 1
                    case ItemDone(item=MessageItem() as item):
                        self.items.append(item)
                        self.said = str(item.to_wire()["content"][0]["text"])  # type: ignore[index,call-overload]  # by shape
                    case ItemDone(item=FunctionCallItem() as item):
                        called = True
                        output = self._function(item)
                        self.items += [item, FunctionCallOutputItem(call_id=item.call_id, output=output)]
                    case ItemDone(item=CustomToolCallItem() as item):
                        called = True
                        output = self._patch(item.call_id, item.name, item.input)
                        self.items += [item, CustomToolCallOutputItem(call_id=item.call_id, output=output)]
                    case ItemDone(item=item):
                        self.items.append(item)
                    case Completed(usage=usage):
                        assert usage is not None
                        self.total_tokens += usage.total_tokens
                    case _:
                        pass
        return called

    def _function(self, item: FunctionCallItem) -> str:
        arguments: dict[str, Any] = json.loads(item.arguments)
        if item.name == "update_plan":
            self.calls.append((step_of(item.call_id), [item.name]))
            self.plans.append(UpdatePlanArgs.from_wire(arguments))
            return self.overrides.get(step_of(item.call_id), "Plan updated")
        if item.name == "apply_patch":
            return self._patch(item.call_id, item.name, arguments["input"])
        argv = arguments["command"]
        if argv[0] == "apply_patch":
            return self._patch(item.call_id, "shell", argv[1])
        step = step_of(item.call_id)
        self.calls.append((step, argv))
        if step in self.overrides:
            return self.overrides[step]
        if argv[0] == "touch" and workspace.OUTSIDE_DIRECTORY == "/var/tmp":
            return DENIED.format(path=argv[1])
        done = subprocess.run(argv, cwd=self.cwd, capture_output=True, text=True, check=False)
        return outcome(done.stdout + done.stderr, done.returncode)

    def _patch(self, call_id: str, tool: str, text: str) -> str:
        step = step_of(call_id)
        self.calls.append((step, [tool]))
        if step in self.overrides:
            return self.overrides[step]
        if self.sandbox == "read-only":
            return PATCH_DENIED
        return outcome(str(apply_patch(parse_patch(text), str(self.cwd))), 0)

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.calls]

    def argv(self, step: str) -> list[str]:
        return next(argv for name, argv in reversed(self.calls) if name == step)


def outcome(output: str, exit_code: int) -> str:
    return json.dumps({"output": output, "metadata": {"exit_code": exit_code, "duration_seconds": 0.0}})


def step_of(call_id: str) -> str:
    return call_id.rsplit("_", 1)[1]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "README.md").write_text("# My project\n\nWords.\n")
    (tmp_path / "main.py").write_text("print()\n")
    return tmp_path


async def test_the_whole_tour_in_a_writable_workspace(repo: Path) -> None:
    hands = Hands(repo)
    said = await hands.hear("fix the bug\nplease")
    assert hands.steps == ["plan", "list", "read", "create", "change", "run", "outside", "finish"]
    assert "- Listed the workspace: 4 entries, `README.md`, `main.py`, `src/`, `.git/`" in said
    assert "- Read the top of `README.md`; it begins “# My project”" in said
    assert "- Created `codex-demo.md` with apply_patch" in said
    assert "- Changed one line of `codex-demo.md` with apply_patch" in said
    assert "- Ran `wc -l codex-demo.md`: exit code 0, “4 codex-demo.md”" in said
    assert "outside the workspace: refused by the sandbox (exit code 1, “touch: cannot touch" in said
    assert "Read-only file system”)" in said
    assert "You asked: “fix the bug”." in said
    assert "To remove the file I made: `rm codex-demo.md`" in said
    assert "script" in said
    assert "estimates" in said


async def test_the_tour_leaves_one_file_and_touches_no_other(repo: Path) -> None:
    before = {path.name: path.read_bytes() for path in repo.iterdir() if path.is_file()}
    await Hands(repo).hear("x")
    made = (repo / "codex-demo.md").read_text()
    assert "then changed this line" in made
    after = {
        path.name: path.read_bytes()
        for path in repo.iterdir()
        if path.name != "codex-demo.md" and path.is_file()
    }
    assert after == before


async def test_it_is_streamed_like_a_model_with_estimated_tokens(repo: Path) -> None:
    hands = Hands(repo)
    await hands.hear("x")
    assert hands.deltas > 100
    assert hands.total_tokens > 500


async def test_it_says_at_once_that_it_is_a_script(repo: Path) -> None:
    hands = Hands(repo)
    await hands.hear("x")
    first = next(item for item in hands.items if isinstance(item, MessageItem) and item.role == "assistant")
    assert "I am a script, not a language model" in json.dumps(first.to_wire())


async def test_the_plan_is_valid_and_ends_as_things_went(repo: Path) -> None:
    hands = Hands(repo)
    await hands.hear("x")
    first, last = ([step.status for step in plan.plan] for plan in hands.plans)
    assert first == ["in_progress", "pending", "pending", "pending", "pending"]
    assert last == ["completed"] * 5


@pytest.mark.parametrize(
    ("tools", "tool"),
    [
        ((SHELL,), "shell"),
        ((SHELL, PATCH_FUNCTION), "apply_patch"),
        ((SHELL, PATCH_CUSTOM), "apply_patch"),
        ((LocalShellTool(),), "shell"),
    ],
)
async def test_it_patches_with_the_tool_it_is_offered(
    repo: Path, tools: tuple[ToolSpec, ...], tool: str
) -> None:
    hands = Hands(repo, tools=tools)
    await hands.hear("x")
    assert (hands.argv("create"), hands.argv("change")) == ([tool], [tool])
    kinds = {item.type for item in hands.items if item.type.endswith("_call")}
    assert ("custom_tool_call" in kinds) is (PATCH_CUSTOM in tools)
    assert (repo / "codex-demo.md").exists()


async def test_a_name_that_is_taken_is_left_alone(repo: Path) -> None:
    (repo / "Codex-Demo.md").write_text("mine")
    (repo / "codex-demo-2.md").mkdir()
    said = await Hands(repo).hear("x")
    assert "`rm codex-demo-3.md`" in said
    assert (repo / "Codex-Demo.md").read_text() == "mine"


async def test_without_a_whole_listing_the_name_is_one_that_nobody_has(repo: Path) -> None:
    for listing in (outcome("", 1), outcome("a\n[... omitted 300 of 600 lines ...]\n\nz\n", 0)):
        said = await Hands(repo, overrides={"list": listing}).hear("x")
        assert re.search(r"`rm codex-demo-cdef00-1\.md`", said)


async def test_read_only_is_respected_and_explained(repo: Path) -> None:
    hands = Hands(repo, sandbox="read-only")
    said = await hands.hear("x")
    assert hands.steps == ["plan", "list", "read", "create", "run", "outside", "finish"]
    assert hands.argv("run") == ["git", "status", "--short", "--branch"]
    assert "Creating `codex-demo.md` did not work: refused by the approval policy" in said
    assert "refused by the sandbox" in said
    assert "--full-auto" in said
    assert "To remove" not in said
    assert [step.status for step in hands.plans[-1].plan][1] == "pending"
    assert not (repo / "codex-demo.md").exists()


@pytest.mark.parametrize(
    ("sandbox", "approval", "reason"),
    [
        ("danger-full-access", "never", "no sandbox (danger-full-access)"),
        ("workspace-write", "untrusted", "approval policy `untrusted`"),
    ],
)
async def test_nothing_outside_is_tried_where_nothing_would_refuse_it(
    repo: Path, sandbox: str, approval: str, reason: str
) -> None:
    hands = Hands(repo, sandbox=sandbox, approval=approval)
    said = await hands.hear("x")
    assert "outside" not in hands.steps
    assert f"Did not try to write outside the workspace: {reason}" in said.replace(
        "this run has ", ""
    ).replace("under the ", "")


@pytest.mark.parametrize(
    ("cwd", "roots", "tried"),
    [
        ("/var/tmp/project", (), True),
        ("/w", ("/var/tmp/deeper",), True),
        ("/var/tmp", (), False),
        ("/", (), False),
        ("/w", ("/var/",), False),
    ],
)
def test_the_place_outside_is_outside_every_writable_root(
    cwd: str, roots: tuple[str, ...], tried: bool
) -> None:
    from codex_core.model.demo.visit import read_visit

    items = [environment(cwd, "workspace-write", "never", roots).to_wire(), user("x").to_wire()]
    path = workspace.outside_path(read_visit({"input": items, "prompt_cache_key": "abc"}))
    assert (path == "/var/tmp/codex-demo-outside-abc-1") is tried
    assert (path is None) is not tried


async def test_what_is_written_outside_after_all_is_removed_and_told(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(workspace, "OUTSIDE_DIRECTORY", str(elsewhere))
    hands = Hands(repo)
    said = await hands.hear("x")
    assert hands.argv("outside")[0] == "touch"
    assert hands.argv("tidy")[0] == "rm"
    assert "nothing stopped me. I removed it again" in said
    assert list(elsewhere.iterdir()) == []


async def test_every_failure_is_told_and_the_tour_goes_on(repo: Path) -> None:
    failures = {
        "plan": "unsupported call: update_plan",
        "list": "execution error: No such file or directory (os error 2)",
        "create": outcome("no space left on device\n", 1),
        "run": "execution error: command args are empty",
        "outside": outcome("touch: command not found", 127),
    }
    said = await Hands(repo, overrides=failures).hear("x")
    assert "Listing the workspace failed: “execution error: No such file or directory (os error 2)”" in said
    assert "did not work: exit code 1, “no space left on device”" in said
    assert "Running `pwd` failed: “execution error: command args are empty”" in said
    assert "which failed: exit code 127, “touch: command not found”" in said


async def test_a_failed_change_and_a_failed_read_are_told(repo: Path) -> None:
    failures = {"change": "error: Failed to find expected lines", "read": outcome("head: cannot open", 1)}
    said = await Hands(repo, overrides=failures).hear("x")
    assert "Changing `codex-demo.md` did not work: “error: Failed to find expected lines”" in said
    assert "Reading `README.md` failed: exit code 1, “head: cannot open”" in said
    assert "`rm codex-demo.md`" in said


async def test_a_user_who_says_no_is_quoted_as_such(repo: Path) -> None:
    answers = {"create": "patch rejected by user", "outside": "exec command rejected by user"}
    said = await Hands(repo, overrides=answers, approval="on-request").hear("x")
    assert "Creating `codex-demo.md` did not work: refused by you" in said
    assert "outside the workspace: refused by you" in said


async def test_an_empty_directory_is_no_problem(tmp_path: Path) -> None:
    hands = Hands(tmp_path)
    said = await hands.hear("")
    assert "read" not in hands.steps
    assert "Listed the workspace: 0 entries" in said
    assert "Read nothing" in said
    assert "You asked: nothing." in said


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["a.bin", "notes.txt", "ReadMe.rst"], "ReadMe.rst"),
        (["a.bin", "secrets.txt", ".env.txt", "z.py"], "z.py"),
        (["Makefile", "x.png"], "Makefile"),
        (["x.png", "-rf.md", "id_rsa", "auth.json"], None),
    ],
)
async def test_the_file_it_reads_is_text_and_no_secret(
    tmp_path: Path, names: list[str], chosen: str | None
) -> None:
    for name in names:
        (tmp_path / name).write_text("first line\n")
    hands = Hands(tmp_path)
    await hands.hear("x")
    assert ("read" in hands.steps) is (chosen is not None)
    if chosen is not None:
        assert hands.argv("read") == ["head", "-n", "12", chosen]


async def test_pictures_and_long_questions_are_quoted_shortly(repo: Path) -> None:
    said = await Hands(repo).hear("why " * 100 + "\x1b[31m", images=2)
    assert "… " not in said
    assert "…” (with 2 pictures)" in said
    assert "\x1b" not in said


async def test_after_the_tour_it_is_short_until_it_is_asked_again(repo: Path) -> None:
    hands = Hands(repo)
    await hands.hear("x")
    tour = len(hands.calls)
    assert "say `again`" in await hands.hear("and now?")
    assert len(hands.calls) == tour
    said = await hands.hear("Again")
    assert len(hands.calls) == 2 * tour
    assert "`rm codex-demo-2.md`" in said
    identifiers = [item.call_id for item in hands.items if isinstance(item, FunctionCallItem)]
    assert len(identifiers) == len(set(identifiers))


async def test_a_conversation_is_summed_up_when_no_tools_are_offered(repo: Path) -> None:
    hands = Hands(repo, tools=())
    assert "offline demo" in await hands.hear("Start Summarization")


async def test_a_review_is_declined(repo: Path) -> None:
    hands = Hands(repo)
    hands.items.clear()
    assert "did not read the change" in await hands.hear("Review the change.")

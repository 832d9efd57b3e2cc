"""What the scripted model can know: everything it learns, it reads from the request, like a real one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_core.model.event_data import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_INJECTED = ("<environment_context>", "<user_instructions>", "<turn_aborted>")
_CALL_ID = re.compile(r"demo_[0-9a-z]*_([0-9]+)_([a-z]+)")
_SANDBOX_DENIAL = re.compile(
    r"failed in sandbox .*?exit code: (?P<code>-?\d+), stdout: (?P<out>.*), stderr: (?P<err>.*)", re.DOTALL
)
_KERNEL_WORDS = re.compile(r"permission denied|read-only file system|operation not permitted", re.IGNORECASE)


class RefusedBy(StrEnum):
    """Who did not let a call happen."""

    SANDBOX = "the sandbox"
    POLICY = "the approval policy"
    USER = "the user"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended, as the tool reported it."""

    text: str
    """The command's output, or the tool's words."""
    exit_code: int | None = None
    """None when no command ran, or none reported."""
    refused_by: RefusedBy | None = None

    @property
    def is_success(self) -> bool:
        """Whether the call did what it was for."""
        return self.exit_code == 0

    @property
    def last_words(self) -> str:
        """The last line that says something, for a one-line report."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return lines[-1] if lines else "no output"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the model was told about where it works; None where it was told nothing."""

    cwd: str | None = None
    approval_policy: str | None = None
    sandbox_mode: str | None = None
    writable_roots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, read."""

    conversation: str
    environment: Environment | None
    turn: int
    """How many times the user has spoken."""
    asked: str
    """What the user said last."""
    images: int
    """How many pictures came with it."""
    outcomes: Mapping[str, Outcome | None] = field(default_factory=dict)
    """The steps called in this turn, by name; None while a call has no output."""
    earlier_steps: int = 0
    """How many steps were called in earlier turns."""
    tools: frozenset[tuple[str, str]] = frozenset()
    """Type and name of every tool offered."""

    def call_id(self, step: str) -> str:
        """The id that a call of `step` has in this turn."""
        tag = re.sub(r"[^0-9a-z]", "", self.conversation.lower())[-6:]
        return f"demo_{tag}_{self.turn}_{step}"

    def offers(self, tool: str, *, kind: str | None = None) -> bool:
        """Whether a tool of that name, and of that kind if given, may be called."""
        return any(name == tool and kind in {None, type_} for type_, name in self.tools)

    def succeeded(self, step: str) -> bool:
        """Whether `step` was called and did its work."""
        outcome = self.outcomes.get(step)
        return outcome is not None and outcome.is_success


def read_visit(body: Mapping[str, object]) -> Visit:
    """What the body of a Responses request tells."""
    items = [item for item in _list(body.get("input")) if isinstance(item, dict)]
    environment: Environment | None = None
    turn = images = earlier = 0
    asked = ""
    calls: dict[str, str] = {}  # call id -> step, of this turn
    outputs: dict[str, str] = {}
    for item in items:
        match item:
            case {"type": "message", "role": "user", "content": list(content)}:
                text = _joined_texts(content)
                if text.lstrip().startswith("<environment_context>"):
                    environment = _environment(text, environment)
                if text.lstrip().startswith(_INJECTED):
                    continue
                turn, asked = turn + 1, text.strip()
                images = sum(mapping(part).get("type") == "input_image" for part in content)
                earlier, calls = earlier + len(calls), {}
            case {"type": "function_call" | "custom_tool_call", "call_id": str(call_id)}:
                if found := _CALL_ID.fullmatch(call_id):
                    calls[call_id] = found[2]
            case {"type": "function_call_output" | "custom_tool_call_output", "call_id": str(call_id)}:
                outputs[call_id] = _output_text(item.get("output"))
    return Visit(
        conversation=str(body.get("prompt_cache_key") or ""),
        environment=environment,
        turn=turn,
        asked=asked,
        images=images,
        outcomes={
            step: read_outcome(outputs[call_id]) if call_id in outputs else None
            for call_id, step in calls.items()
        },
        earlier_steps=earlier,
        tools=frozenset(_tools(_list(body.get("tools")))),
    )


def read_outcome(text: str) -> Outcome:
    """What a tool's output string says (spec: agent.md section 12)."""
    if denied := _SANDBOX_DENIAL.match(text):
        words = denied["err"].strip() or denied["out"].strip()
        return Outcome(words, int(denied["code"]), RefusedBy.SANDBOX)
    if text.startswith(("exec command rejected by user", "patch rejected by user")):
        return Outcome(text, refused_by=RefusedBy.USER)
    if text.startswith(("exec command rejected", "patch rejected")):
        return Outcome(text, refused_by=RefusedBy.POLICY)
    try:
        match json.loads(text):
            case {"output": str(output), "metadata": {"exit_code": int(code)}}:
                blocked = code != 0 and _KERNEL_WORDS.search(output)
                return Outcome(output, code, RefusedBy.SANDBOX if blocked else None)
    except ValueError:
        pass
    if text == "Plan updated":
        return Outcome(text, 0)
    return Outcome(text)


def _environment(text: str, before: Environment | None) -> Environment:
    """The environment after an item about it; an item may tell a part only."""
    before = before or Environment()
    sandbox = _tag(text, "sandbox_mode")
    return Environment(
        cwd=_tag(text, "cwd") or before.cwd,
        approval_policy=_tag(text, "approval_policy") or before.approval_policy,
        sandbox_mode=sandbox or before.sandbox_mode,
        writable_roots=tuple(re.findall(r"<root>(.*)</root>", text)) if sandbox else before.writable_roots,
    )


def _tag(text: str, name: str) -> str | None:
    found = re.search(rf"<{name}>(.*)</{name}>", text)
    return found[1] if found else None


def _tools(tools: Iterable[object]) -> Iterable[tuple[str, str]]:
    for tool in tools:
        if isinstance(tool, dict):
            kind = str(tool.get("type", ""))
            yield kind, str(tool.get("name", kind))


def _output_text(output: object) -> str:
    return output if isinstance(output, str) else _joined_texts(_list(output))


def _joined_texts(parts: list[object]) -> str:
    texts = (mapping(part).get("text") for part in parts)
    return "\n".join(text for text in texts if isinstance(text, str))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []

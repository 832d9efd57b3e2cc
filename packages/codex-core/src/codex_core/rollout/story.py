"""A recorded session told as events, in the order they happened: for those who show or export it.

A rollout keeps what was said as events but what was done only as calls and outputs; here these become the
events they had been, as far as the record says (spec: protocol.md sections 4 and 9.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.rollout.replay import event_messages, response_item
from codex_protocol import events, items
from codex_protocol.config_types import InputMessageKind
from codex_protocol.errors import ProtocolError
from codex_protocol.events import Duration
from codex_protocol.jsonio import loads_object
from codex_protocol.message_kind import kind_of_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from codex_core.patch.grammar import Patch
    from codex_core.rollout.replay import RecordedLine
    from codex_protocol.events import EventMsg
    from codex_protocol.file_change import FileChange
    from codex_protocol.items import ResponseItem

_SHELLS = frozenset({"shell", "container.exec", "local_shell", "shell_command"})
_SAID = frozenset({"user_message", "agent_message"})
_YEAR_S = 31_536_000
NEVER_RAN = -1
"""The exit code of what was refused or aborted."""


def recorded_story(lines: Sequence[RecordedLine]) -> Iterator[EventMsg]:
    """The events of a session; calls whose outputs were not recorded end as aborted."""
    has_events = any(line.kind == "event_msg" and line.payload.get("type") in _SAID for line in lines)
    teller = _Teller(_cwd(lines), tells_messages=not has_events)
    for line in lines:
        if line.kind == "event_msg":
            for msg in event_messages([line]):
                if not isinstance(msg, events.UserMessageEvent) or _is_said(msg.message):
                    yield msg
        elif line.kind == "response_item":
            item = response_item(line.payload)
            if item is not None:
                yield from teller.tell(item)
        elif line.kind == "compacted":
            yield events.BackgroundEventEvent(message="what came before was summed up for the model")
    yield from teller.rest()


def _cwd(lines: Sequence[RecordedLine]) -> str:
    """Where the session began."""
    for line in lines:
        cwd = line.payload.get("cwd")
        if line.kind in ("session_meta", "turn_context") and isinstance(cwd, str):
            return cwd
    return "/"


def _is_said(text: str) -> bool:
    return kind_of_message(text) is InputMessageKind.PLAIN


class _Teller:
    """Items to events; remembers the calls whose outputs are still to come."""

    def __init__(self, cwd: str, *, tells_messages: bool) -> None:
        self._cwd = cwd
        self._tells_messages = tells_messages
        self._open: dict[str, str] = {}
        """How a call is told to have ended, by its id."""

    def tell(self, item: ResponseItem) -> Iterator[EventMsg]:
        match item:
            case items.MessageItem() if self._tells_messages:
                yield from _message(item)
            case items.FunctionCallItem(name=name, arguments=arguments, call_id=call_id):
                yield from self._call(call_id, name, _object(arguments), arguments)
            case items.CustomToolCallItem(name="apply_patch", input=text, call_id=call_id):
                yield from self._patch(call_id, text, self._cwd)
            case items.CustomToolCallItem(name=name, input=text, call_id=call_id):
                yield from self._other(call_id, name, text)
            case items.LocalShellCallItem(action=action, call_id=call_id):
                workdir = action.working_directory
                yield from self._command(call_id or "", tuple(action.command), workdir or self._cwd)
            case items.FunctionCallOutputItem(call_id=call_id, output=output):
                yield from self._end(call_id, output)
            case items.CustomToolCallOutputItem(call_id=call_id, output=output):
                yield from self._end(call_id, output)

    def rest(self) -> Iterator[EventMsg]:
        for call_id in [*self._open]:
            yield from self._end(call_id, "aborted")

    # -- calls ----------------------------------------------------------------------------------

    def _call(
        self, call_id: str, name: str, arguments: Mapping[str, object] | None, text: str
    ) -> Iterator[EventMsg]:
        from codex_protocol.plan import UpdatePlanArgs

        if arguments is not None and name in _SHELLS:
            command = arguments.get("command")
            words = (command,) if isinstance(command, str) else tuple(map(str, _list(command)))
            workdir = arguments.get("workdir")
            yield from self._command(call_id, words, workdir if isinstance(workdir, str) else self._cwd)
            return
        if arguments is not None and name == "apply_patch" and isinstance(arguments.get("input"), str):
            yield from self._patch(call_id, str(arguments["input"]), self._cwd)
            return
        if arguments is not None and name == "update_plan":
            try:
                plan = UpdatePlanArgs.from_wire(arguments)
            except ProtocolError:
                pass
            else:
                self._open[call_id] = ""
                yield events.PlanUpdateEvent(explanation=plan.explanation, plan=plan.plan)
                return
        yield from self._other(call_id, name, text)

    def _command(self, call_id: str, words: tuple[str, ...], cwd: str) -> Iterator[EventMsg]:
        from codex_core.patch.invocation import PatchCall, detect_patch

        patch = detect_patch(words, cwd)
        if isinstance(patch, PatchCall):
            yield self._patch_begins(call_id, patch.patch)
            return
        self._open[call_id] = "command"
        yield events.ExecCommandBeginEvent(call_id=call_id, command=words, cwd=cwd, parsed_cmd=())

    def _patch(self, call_id: str, text: str, cwd: str) -> Iterator[EventMsg]:
        from codex_core.patch.invocation import PatchCall, detect_patch

        patch = detect_patch(("apply_patch", text), cwd)
        if isinstance(patch, PatchCall):
            yield self._patch_begins(call_id, patch.patch)
        else:
            yield from self._other(call_id, "apply_patch", text)

    def _patch_begins(self, call_id: str, patch: Patch) -> EventMsg:
        self._open[call_id] = "patch"
        return events.PatchApplyBeginEvent(call_id=call_id, auto_approved=True, changes=_changes(patch))

    def _other(self, call_id: str, name: str, text: str) -> Iterator[EventMsg]:
        server, separator, tool = name.partition("__")
        if separator:
            self._open[call_id] = name
            invocation = events.McpInvocation(server=server, tool=tool, arguments=_object(text))
            yield events.McpToolCallBeginEvent(call_id=call_id, invocation=invocation)
            return
        self._open[call_id] = "other"
        yield events.BackgroundEventEvent(message=f"{name} {text}")

    # -- outputs --------------------------------------------------------------------------------

    def _end(self, call_id: str, output: str) -> Iterator[EventMsg]:
        kind = self._open.pop(call_id, "")
        text, exit_code, seconds = _read_output(output)
        if kind == "command":
            yield events.ExecCommandEndEvent(
                call_id=call_id,
                stdout="",
                stderr="",
                aggregated_output=text,
                exit_code=exit_code,
                duration=Duration.from_seconds(seconds),
                formatted_output=text,
            )
        elif kind == "patch":
            is_done = exit_code == 0
            yield events.PatchApplyEndEvent(
                call_id=call_id,
                stdout=text if is_done else "",
                stderr="" if is_done else text,
                success=is_done,
            )
        elif kind == "other":
            yield events.BackgroundEventEvent(message=text)
        elif kind:
            server, _, tool = kind.partition("__")
            yield events.McpToolCallEndEvent(
                call_id=call_id,
                invocation=events.McpInvocation(server=server, tool=tool),
                duration=Duration.from_seconds(0),
                result=_mcp_result(output),
            )


def _message(item: items.MessageItem) -> Iterator[EventMsg]:
    """What very old releases recorded of what was said."""
    text = "\n".join(part.text for part in item.content if hasattr(part, "text"))
    if item.role == "assistant":
        yield events.AgentMessageEvent(message=text)
    elif item.role == "user" and _is_said(text):
        yield events.UserMessageEvent(message=text, kind=InputMessageKind.PLAIN)


def _object(text: str) -> Mapping[str, object] | None:
    try:
        return loads_object(text)
    except ProtocolError:
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _read_output(output: str) -> tuple[str, int, float]:
    """What a call printed, how it ended and how many seconds it took; a plain text is a refusal."""
    answer = _object(output)
    facts = answer.get("metadata") if answer is not None else None
    if answer is None or not isinstance(facts, dict) or not isinstance(answer.get("output"), str):
        return output, NEVER_RAN, 0.0
    code, seconds = facts.get("exit_code"), facts.get("duration_seconds")
    return (
        str(answer["output"]),
        code if isinstance(code, int) and abs(code) < 2**31 else NEVER_RAN,
        float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < _YEAR_S else 0.0,
    )


def _mcp_result(output: str) -> events.McpResult:
    from codex_protocol.mcp_types import CallToolResult

    answer = _object(output)
    try:
        return CallToolResult.from_wire(answer) if answer is not None else output
    except ProtocolError:
        return output


def _changes(patch: Patch) -> dict[str, FileChange]:
    from codex_core.patch.grammar import AddFile, UpdateFile
    from codex_protocol.file_change import AddChange, DeleteChange, UpdateChange

    changes: dict[str, FileChange] = {}
    for hunk in patch.hunks:
        if isinstance(hunk, AddFile):
            changes[hunk.path] = AddChange(content=hunk.content)
        elif isinstance(hunk, UpdateFile):
            rows: list[str] = []
            for chunk in hunk.chunks:
                rows.append(f"@@ {chunk.context}" if chunk.context else "@@")
                rows += _diff_rows(chunk.old_lines, chunk.new_lines)
            diff = "".join(f"{row}\n" for row in rows)
            changes[hunk.path] = UpdateChange(unified_diff=diff, move_path=hunk.move_to)
        else:
            changes[hunk.path] = DeleteChange(content="")
    return changes


def _diff_rows(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    from difflib import SequenceMatcher

    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (f" {row}" for row in old[a:b])
        else:
            yield from (f"-{row}" for row in old[a:b])
            yield from (f"+{row}" for row in new[c:d])

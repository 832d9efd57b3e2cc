"""Events as JSON lines in the schema of newer releases: a thread, its turns and their items.

Spec: servers.md section 8.1. Lines are built as plain objects: their models cost a third of a start-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.approval.words import shlex_join
from codex_protocol.jsonio import dumps

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_exec.output import Sink
    from codex_protocol import events
    from codex_protocol.events import Event

    Fields = dict[str, object]

_PLAN = "plan"
"""The key of the plan among the items that have begun; calls have their ids."""
_UNFINISHED = "failed"


class ThreadPrinter:
    """Prints one line per event of the thread; what began is always completed before the turn ends."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self._items = 0
        self._open: dict[str, Fields] = {}
        """Items that have begun, in order, by call id."""
        self._notices: tuple[str, ...] = ()
        self._usage: Fields = _usage_fields(0, 0, 0, 0)
        self._error: str | None = None
        self._has_answer = False

    def begin(self, config: Config, prompt: str) -> None:  # noqa: ARG002 - this schema does not repeat it
        """Nothing yet: the first line names the thread, which is not there yet."""
        self._notices = tuple(config.notices)

    def event(self, event: Event) -> None:
        """The event's lines, if it has any in this schema: `_on_<type>` writes them."""
        show = getattr(self, f"_on_{event.msg.type}", None)
        if show is not None:
            show(event.msg)

    def end(self, last_message: str | None) -> None:
        """Nothing: the last event has said it."""

    # -- the thread and its turns ---------------------------------------------------------------

    def _on_session_configured(self, msg: events.SessionConfiguredEvent) -> None:
        self._print("thread.started", thread_id=msg.session_id)
        for notice in self._notices:
            self._whole_item({"type": "error", "message": notice})

    def _on_task_started(self, _: events.TaskStartedEvent) -> None:
        self._error, self._has_answer = None, False
        self._print("turn.started")

    def _on_task_complete(self, msg: events.TaskCompleteEvent) -> None:
        if msg.last_agent_message is not None and not self._has_answer:  # a review's answer is no message
            self._whole_item({"type": "agent_message", "text": msg.last_agent_message})
        self._complete_all()
        if self._error is not None and msg.last_agent_message is None:
            self._print("turn.failed", error={"message": self._error})
        else:
            self._print("turn.completed", usage=self._usage)

    def _on_turn_aborted(self, _: events.TurnAbortedEvent) -> None:
        self._complete_all()

    def _on_token_count(self, msg: events.TokenCountEvent) -> None:
        if msg.info is not None:
            total = msg.info.total_token_usage
            self._usage = _usage_fields(
                total.input_tokens,
                total.cached_input_tokens,
                total.output_tokens,
                total.reasoning_output_tokens,
            )

    def _on_error(self, msg: events.ErrorEvent) -> None:
        self._error = msg.message
        self._print("error", message=msg.message)

    def _on_stream_error(self, msg: events.StreamErrorEvent) -> None:
        self._print("error", message=msg.message)

    # -- what is said ---------------------------------------------------------------------------

    def _on_agent_message(self, msg: events.AgentMessageEvent) -> None:
        self._has_answer = True
        self._whole_item({"type": "agent_message", "text": msg.message})

    def _on_exited_review_mode(self, msg: events.ExitedReviewModeEvent) -> None:
        if msg.review_output is not None:
            from codex_exec.review import review_text

            self._has_answer = True
            self._whole_item({"type": "agent_message", "text": review_text(msg.review_output)})

    def _on_agent_reasoning(self, msg: events.AgentReasoningEvent) -> None:
        if msg.text.strip():
            self._whole_item({"type": "reasoning", "text": msg.text})

    def _on_background_event(self, msg: events.BackgroundEventEvent) -> None:
        self._whole_item({"type": "error", "message": msg.message})

    # -- what is done ---------------------------------------------------------------------------

    def _on_exec_command_begin(self, msg: events.ExecCommandBeginEvent) -> None:
        self._begin(
            msg.call_id,
            type="command_execution",
            command=shlex_join(list(msg.command)),
            aggregated_output="",
            exit_code=None,
            status="in_progress",
        )

    def _on_exec_command_end(self, msg: events.ExecCommandEndEvent) -> None:
        self._complete(
            msg.call_id,
            aggregated_output=msg.aggregated_output or msg.stdout + msg.stderr,
            exit_code=msg.exit_code,
            status="completed" if msg.exit_code == 0 else "failed",
        )

    def _on_patch_apply_begin(self, msg: events.PatchApplyBeginEvent) -> None:
        changes = [{"path": path, "kind": change.kind} for path, change in msg.changes.items()]
        self._begin(msg.call_id, type="file_change", changes=changes, status="in_progress")

    def _on_patch_apply_end(self, msg: events.PatchApplyEndEvent) -> None:
        self._complete(msg.call_id, status="completed" if msg.success else "failed")

    def _on_mcp_tool_call_begin(self, msg: events.McpToolCallBeginEvent) -> None:
        self._begin(
            msg.call_id,
            type="mcp_tool_call",
            server=msg.invocation.server,
            tool=msg.invocation.tool,
            arguments=msg.invocation.arguments,
            result=None,
            error=None,
            status="in_progress",
        )

    def _on_mcp_tool_call_end(self, msg: events.McpToolCallEndEvent) -> None:
        status = "completed" if msg.is_success else "failed"
        if isinstance(msg.result, str):
            self._complete(msg.call_id, error={"message": msg.result}, status=status)
            return
        answer = msg.result.to_wire()
        result = {
            "content": answer.get("content", []),
            "structured_content": answer.get("structuredContent"),
        }
        self._complete(msg.call_id, result=result, status=status)

    def _on_web_search_begin(self, msg: events.WebSearchBeginEvent) -> None:
        self._begin(msg.call_id, type="web_search", query="")

    def _on_web_search_end(self, msg: events.WebSearchEndEvent) -> None:
        if msg.call_id in self._open:
            self._complete(msg.call_id, query=msg.query)
        else:
            self._whole_item({"type": "web_search", "query": msg.query})

    def _on_plan_update(self, msg: events.PlanUpdateEvent) -> None:
        items = [{"text": step.step, "completed": step.status == "completed"} for step in msg.plan]
        if _PLAN in self._open:
            self._open[_PLAN]["items"] = items
            self._print("item.updated", item=self._open[_PLAN])
        else:
            self._begin(_PLAN, type="todo_list", items=items)

    # -- items ----------------------------------------------------------------------------------

    def _begin(self, key: str, **fields: object) -> None:
        self._open[key] = self._numbered(fields)
        self._print("item.started", item=self._open[key])

    def _complete(self, key: str, **fields: object) -> None:
        item = self._open.pop(key, None)
        if item is not None:
            self._print("item.completed", item={**item, **fields})

    def _complete_all(self) -> None:
        """Completes what has not ended by itself; the plan is the last to go."""
        for key in [key for key in self._open if key != _PLAN]:
            self._complete(key, **({"status": _UNFINISHED} if "status" in self._open[key] else {}))
        self._complete(_PLAN)

    def _whole_item(self, fields: Fields) -> None:
        self._print("item.completed", item=self._numbered(fields))

    def _numbered(self, fields: Fields) -> Fields:
        number, self._items = self._items, self._items + 1
        return {"id": f"item_{number}", **fields}

    def _print(self, kind: str, **fields: object) -> None:
        self._stream.write(f"{dumps({'type': kind, **fields})}\n")
        self._stream.flush()


def _usage_fields(fresh: int, cached: int, output: int, reasoning: int) -> Fields:
    return {
        "input_tokens": fresh,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
    }

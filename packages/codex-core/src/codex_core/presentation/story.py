"""A conversation told as it happens, on a page that only grows: what `codex exec` and a log print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from codex_core.presentation import blocks, reports
from codex_core.presentation.live_output import LiveOutput
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Line, Paragraph, Style, unwrapped
from codex_core.presentation.speech import Speech

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_protocol import events
    from codex_protocol.events import EventMsg


class Page(Protocol):
    """Where a story is written."""

    def rows(self, rows: Iterable[Line]) -> None:
        """Writes whole rows."""

    def text(self, text: str, style: Style = Style.PLAIN) -> None:
        """Writes text as it is, without a line end of its own."""


class Story:
    """Tells events in full, the model's words as they stream in.

    `max_output_rows` is how much of a command's output is told, None for all of it.
    """

    def __init__(
        self,
        page: Page,
        *,
        cwd: str,
        home: str = "",
        show_reasoning: bool = True,
        max_output_rows: int | None = blocks.OUTPUT_ROWS,
    ) -> None:
        self._page = page
        self._cwd = cwd
        self._home = home
        self._show_reasoning = show_reasoning
        self._max_output_rows = max_output_rows
        self._speech = Speech()
        self._speaker: str | None = None  # whose streamed line is open
        self._commands: dict[str, list[Paragraph]] = {}
        self._outputs: dict[str, LiveOutput] = {}  # of the same
        self._last_begun = ""  # the command whose headline is the last thing on the page
        self.tokens_used = 0
        """As last reported, over the whole session."""

    def tell(self, msg: EventMsg) -> None:
        """Writes what people want to know of an event: `_on_<type>` says how, other types say nothing.

        Told apart by name and not by class: naming a class loads it, and a short run needs few of them.
        """
        show = getattr(self, f"_on_{msg.type}", None)
        if show is not None:
            show(msg)

    def block(self, paragraphs: Iterable[Paragraph]) -> None:
        """Writes something that stands for itself, set off from what is above."""
        self.note([Paragraph(()), *paragraphs])

    def note(self, paragraphs: Iterable[Paragraph]) -> None:
        """Writes something that belongs to what is above."""
        self.finish_line()
        self._last_begun = ""
        self._page.rows(unwrapped(paragraphs))

    def finish_line(self) -> None:
        """Ends a line that is still streaming."""
        if self._speaker is not None:
            self._page.text("\n")
            self._speaker = None

    # -- what the model says --------------------------------------------------------------------

    def _on_agent_message_delta(self, msg: events.AgentMessageDeltaEvent) -> None:
        self._hear("codex", msg.delta, Style.PLAIN)

    def _on_agent_message(self, msg: events.AgentMessageEvent) -> None:
        self._read("codex", msg.message, Style.PLAIN)

    def _on_agent_reasoning_delta(self, msg: events.AgentReasoningDeltaEvent) -> None:
        if self._show_reasoning:
            self._hear("thinking", msg.delta, Style.THOUGHT)

    def _on_agent_reasoning(self, msg: events.AgentReasoningEvent) -> None:
        if self._show_reasoning:
            self._read("thinking", msg.text, Style.THOUGHT)

    def _on_agent_reasoning_section_break(self, _: events.AgentReasoningSectionBreakEvent) -> None:
        if self._speaker == "thinking":
            self._page.text("\n\n")

    def _on_agent_reasoning_raw_content_delta(self, msg: events.AgentReasoningRawContentDeltaEvent) -> None:
        self._hear("raw thinking", msg.delta, Style.THOUGHT)

    def _on_agent_reasoning_raw_content(self, msg: events.AgentReasoningRawContentEvent) -> None:
        self._read("raw thinking", msg.text, Style.THOUGHT)

    def _on_user_message(self, msg: events.UserMessageEvent) -> None:
        from codex_core.presentation.prompts import shown_prompt

        if prompt := shown_prompt(msg):
            self.block(reports.speech("user", prompt))

    def _hear(self, speaker: str, delta: str, style: Style) -> None:
        if self._speaker != speaker:
            self.block(reports.heading(speaker))
            self._speaker = speaker
        self._speech.hear(speaker, delta)
        self._page.text(exact_text(delta), style)

    def _read(self, speaker: str, text: str, style: Style) -> None:
        """A finished text: written whole unless it has been streamed in this answer of the model."""
        if self._speech.is_news(speaker, text):
            self.block(reports.speech(speaker, text, style))
        elif not self._speech.has_more(speaker):
            self.finish_line()

    # -- what it does ---------------------------------------------------------------------------

    def _on_exec_command_begin(self, msg: events.ExecCommandBeginEvent) -> None:
        headline = reports.command_started(msg.command, msg.cwd, self._cwd)
        self._commands[msg.call_id] = headline
        self._outputs[msg.call_id] = LiveOutput()
        self.block(headline)
        self._last_begun = msg.call_id

    def _on_exec_command_output_delta(self, msg: events.ExecCommandOutputDeltaEvent) -> None:
        if output := self._outputs.get(msg.call_id):
            output.hear(str(msg.stream), bytes(msg.chunk))

    def _on_exec_command_end(self, msg: events.ExecCommandEndEvent) -> None:
        self._end_command(msg.call_id, reports.command_ended(msg, self._max_output_rows))

    def _end_command(self, call_id: str, ended: list[Paragraph]) -> None:
        headline = self._commands.pop(call_id, None)
        self._outputs.pop(call_id, None)
        if headline is None:  # nobody told how it began: its id is all that is known
            self.block(reports.command_started((call_id,), self._cwd, self._cwd))
        elif self._last_begun != call_id:
            self.block(headline)  # something came between the command and its end: say it again
        self.note(ended)

    def _end_commands(self) -> None:
        """Nothing runs any more: what has not ended by itself was interrupted."""
        for call_id in [*self._commands]:
            output = self._outputs[call_id].text
            self._end_command(call_id, reports.command_interrupted(output, self._max_output_rows))

    def _on_exec_approval_request(self, msg: events.ExecApprovalRequestEvent) -> None:
        self.block(reports.command_proposed(msg, self._cwd))

    def _on_apply_patch_approval_request(self, msg: events.ApplyPatchApprovalRequestEvent) -> None:
        self.block(reports.heading("may this patch be applied?"))
        self.note(reports.patch(msg.changes, self._cwd, self._home))
        self.note(reports.note(msg.reason or ""))

    def _on_patch_apply_begin(self, msg: events.PatchApplyBeginEvent) -> None:
        self.block(reports.heading("patch"))
        self.note(reports.patch(msg.changes, self._cwd, self._home))

    def _on_patch_apply_end(self, msg: events.PatchApplyEndEvent) -> None:
        self.note(reports.patch_ended(msg))

    def _on_plan_update(self, msg: events.PlanUpdateEvent) -> None:
        self.block(reports.plan(msg.explanation, msg.plan))

    def _on_mcp_tool_call_begin(self, msg: events.McpToolCallBeginEvent) -> None:
        self.block(reports.call_started(msg.invocation))

    def _on_mcp_tool_call_end(self, msg: events.McpToolCallEndEvent) -> None:
        self.note(reports.call_ended(msg))

    def _on_web_search_end(self, msg: events.WebSearchEndEvent) -> None:
        self.note(reports.search(msg.query))

    def _on_entered_review_mode(self, msg: events.EnteredReviewModeEvent) -> None:
        self.block(reports.review_started(msg.user_facing_hint))

    def _on_exited_review_mode(self, msg: events.ExitedReviewModeEvent) -> None:
        self.block(reports.review_ended(msg.review_output, self._cwd))

    # -- how it goes ----------------------------------------------------------------------------

    def _on_session_configured(self, msg: events.SessionConfiguredEvent) -> None:
        self.note(reports.note(f"session {msg.session_id}"))
        for earlier in msg.initial_messages or ():
            self.tell(earlier)

    def _on_background_event(self, msg: events.BackgroundEventEvent) -> None:
        self.note(reports.note(msg.message))

    def _on_stream_error(self, msg: events.StreamErrorEvent) -> None:
        self._speech.forget()  # what was streamed of the answer is lost
        if self._speaker == "codex":  # it is on the page, and stays there
            self.note(reports.note(reports.CUT_OFF))
        self.note(reports.note(msg.message, Style.WARNING))

    def _on_task_complete(self, _: events.TaskCompleteEvent) -> None:
        self._end_commands()

    def _on_error(self, msg: events.ErrorEvent) -> None:
        self._end_commands()
        self.note(reports.note(f"ERROR: {msg.message}", Style.FAILURE))

    def _on_turn_aborted(self, msg: events.TurnAbortedEvent) -> None:
        is_said = bool(self._commands) and msg.reason == "interrupted"  # of what was running
        self._end_commands()
        if not is_said:
            self.note(reports.note(str(msg.reason), Style.WARNING))

    def _on_token_count(self, msg: events.TokenCountEvent) -> None:
        self._speech.forget()  # the answer is complete
        if msg.info is not None:
            self.tokens_used = msg.info.total_token_usage.blended_total

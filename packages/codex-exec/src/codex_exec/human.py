"""Events for people: what the agent thinks, runs, changes and says, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation import blocks
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Span, Style, line

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_exec.painter import Painter
    from codex_protocol import events
    from codex_protocol.events import Event


class HumanPrinter:
    """Prints progress on one stream and, where that is another one, the final answer alone on `answers`.

    With one stream for both, the answer appears in its place in the story, as it streams in.
    """

    def __init__(self, progress: Painter, answers: Painter | None, *, show_reasoning: bool, cwd: str) -> None:
        self._out = progress
        self._answers = answers
        self._show_reasoning = show_reasoning
        self._cwd = cwd
        self._streaming: str | None = None
        self._heard: dict[str, list[str]] = {}
        self._tokens_used = 0

    def begin(self, config: Config, prompt: str) -> None:
        """The settings of the run and what was asked."""
        from codex_exec import __version__

        rule = line(Span("-" * 8, Style.DIM))
        self._out.row(line(Span(f"Codex {__version__}", Style.HEADING)))
        self._out.row(rule)
        for name, value in blocks.config_rows(config):
            self._out.row(line(Span(f"{name}: ", Style.STRONG), exact_text(value)))
        for notice in config.notices:
            self._note(f"note: {notice}", Style.WARNING)
        self._out.row(rule)
        self._out.row(line(Span("user", Style.HEADING)))
        self._out.rows(blocks.text_rows(prompt.rstrip("\n")))

    def end(self, last_message: str | None) -> None:
        """The answer for whoever reads the pipe."""
        self._finish_stream()
        if self._tokens_used:
            self._note(f"tokens used: {blocks.format_count(self._tokens_used)}", Style.DIM)
        if self._answers is not None and last_message:
            self._answers.text(last_message if last_message.endswith("\n") else last_message + "\n")

    def event(self, event: Event) -> None:
        """Prints what people want to know of an event: `_on_<type>` says how, other types say nothing.

        Told apart by name and not by class: naming a class loads it, and a short run needs few of them.
        """
        show = getattr(self, f"_on_{event.msg.type}", None)
        if show is not None:
            show(event.msg)

    # -- what the model says --------------------------------------------------------------------

    def _on_agent_message_delta(self, msg: events.AgentMessageDeltaEvent) -> None:
        self._stream("codex", msg.delta, Style.PLAIN)

    def _on_agent_message(self, msg: events.AgentMessageEvent) -> None:
        self._whole("codex", msg.message, Style.PLAIN)

    def _on_agent_reasoning_delta(self, msg: events.AgentReasoningDeltaEvent) -> None:
        if self._show_reasoning:
            self._stream("thinking", msg.delta, Style.THOUGHT)

    def _on_agent_reasoning(self, msg: events.AgentReasoningEvent) -> None:
        if self._show_reasoning:
            self._whole("thinking", msg.text, Style.THOUGHT)

    def _on_agent_reasoning_section_break(self, _: events.AgentReasoningSectionBreakEvent) -> None:
        if self._streaming == "thinking":
            self._out.text("\n\n")

    def _on_agent_reasoning_raw_content_delta(self, msg: events.AgentReasoningRawContentDeltaEvent) -> None:
        self._stream("raw thinking", msg.delta, Style.THOUGHT)

    def _on_agent_reasoning_raw_content(self, msg: events.AgentReasoningRawContentEvent) -> None:
        self._whole("raw thinking", msg.text, Style.THOUGHT)

    # -- streamed text --------------------------------------------------------------------------

    def _stream(self, speaker: str, delta: str, style: Style) -> None:
        if self._streaming != speaker:
            self._heading(speaker)
            self._streaming = speaker
        self._heard.setdefault(speaker, []).append(delta)
        self._out.text(exact_text(delta), style)

    def _whole(self, speaker: str, text: str, style: Style) -> None:
        """A finished text: printed whole unless it has been streamed in this answer of the model."""
        _, is_streamed, rest = "".join(self._heard.get(speaker, ())).partition(text or "\0")
        if is_streamed:
            self._heard[speaker] = [rest]
            if not rest:
                self._finish_stream()
            return
        self._heading(speaker)
        self._out.rows(blocks.text_rows(text, style))

    def _finish_stream(self) -> None:
        if self._streaming is not None:
            self._out.text("\n")
            self._streaming = None

    def _heading(self, text: str) -> None:
        self._finish_stream()
        self._out.row(())
        self._out.row(line(Span(text, Style.HEADING)))

    def _note(self, text: str, style: Style) -> None:
        self._finish_stream()
        self._out.rows(blocks.text_rows(text, style))

    # -- what it does ---------------------------------------------------------------------------

    def _on_exec_command_begin(self, msg: events.ExecCommandBeginEvent) -> None:
        from codex_core.approval.words import shlex_join

        command = shlex_join(list(msg.command))
        self._finish_stream()
        self._out.row(())
        place = "" if msg.cwd == self._cwd else f" in {blocks.shorten_path(msg.cwd, self._cwd)}"
        self._out.rows(blocks.text_rows(f"$ {command}{place}", Style.STRONG))

    def _on_exec_command_end(self, msg: events.ExecCommandEndEvent) -> None:
        self._finish_stream()
        self._out.rows(blocks.output_rows(msg.aggregated_output, Style.DIM))
        took = blocks.format_duration(msg.duration.secs + msg.duration.nanos / 1e9)
        if msg.exit_code == 0:
            self._out.row(line(Span(f"succeeded in {took}", Style.SUCCESS)))
        elif msg.exit_code == -1:
            self._out.row(line(Span("failed", Style.FAILURE)))
        else:
            self._out.row(line(Span(f"exited {msg.exit_code} in {took}", Style.FAILURE)))

    def _on_patch_apply_begin(self, msg: events.PatchApplyBeginEvent) -> None:
        self._heading("patch")
        self._out.rows(blocks.change_rows(msg.changes, self._cwd))

    def _on_patch_apply_end(self, msg: events.PatchApplyEndEvent) -> None:
        word, style = ("applied", Style.SUCCESS) if msg.success else ("failed", Style.FAILURE)
        self._note(f"patch {word}", style)
        output = msg.stdout if msg.success else msg.stderr or msg.stdout
        self._out.rows(blocks.output_rows(output, Style.DIM))

    def _on_plan_update(self, msg: events.PlanUpdateEvent) -> None:
        self._heading("plan")
        self._out.rows(blocks.plan_rows(msg.explanation, msg.plan))

    def _on_mcp_tool_call_begin(self, msg: events.McpToolCallBeginEvent) -> None:
        self._note(f"tool {msg.invocation.server}.{msg.invocation.tool}", Style.STRONG)

    def _on_web_search_end(self, msg: events.WebSearchEndEvent) -> None:
        self._note(f"searched the web: {msg.query}", Style.DIM)

    # -- how it goes ----------------------------------------------------------------------------

    def _on_session_configured(self, msg: events.SessionConfiguredEvent) -> None:
        self._note(f"session {msg.session_id}", Style.DIM)

    def _on_background_event(self, msg: events.BackgroundEventEvent) -> None:
        self._note(msg.message, Style.DIM)

    def _on_stream_error(self, msg: events.StreamErrorEvent) -> None:
        self._heard.clear()  # what was streamed of the answer is lost
        self._note(msg.message, Style.WARNING)

    def _on_error(self, msg: events.ErrorEvent) -> None:
        self._note(f"ERROR: {msg.message}", Style.FAILURE)

    def _on_turn_aborted(self, _: events.TurnAbortedEvent) -> None:
        self._note("interrupted", Style.WARNING)

    def _on_token_count(self, msg: events.TokenCountEvent) -> None:
        self._heard.clear()  # the answer is complete
        if msg.info is not None:
            self._tokens_used = msg.info.total_token_usage.blended_total

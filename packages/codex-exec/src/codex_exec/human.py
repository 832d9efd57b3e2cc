"""Events for people: what the agent thinks, runs, changes and says, as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.presentation import blocks
from codex_core.presentation.safe_text import exact_text
from codex_core.presentation.spans import Span, Style, line
from codex_protocol import events

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_exec.painter import Painter
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
        """Prints what people want to know of an event."""
        msg = event.msg
        match msg:
            case events.AgentMessageDeltaEvent(delta=delta):
                self._stream("codex", delta, Style.PLAIN)
            case events.AgentMessageEvent(message=message):
                self._whole("codex", message, Style.PLAIN)
            case events.AgentReasoningDeltaEvent(delta=delta):
                if self._show_reasoning:
                    self._stream("thinking", delta, Style.THOUGHT)
            case events.AgentReasoningEvent(text=text):
                if self._show_reasoning:
                    self._whole("thinking", text, Style.THOUGHT)
            case events.AgentReasoningSectionBreakEvent():
                if self._streaming == "thinking":
                    self._out.text("\n\n")
            case events.AgentReasoningRawContentDeltaEvent(delta=delta):
                self._stream("raw thinking", delta, Style.THOUGHT)
            case events.AgentReasoningRawContentEvent(text=text):
                self._whole("raw thinking", text, Style.THOUGHT)
            case _:
                self._block(msg)

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

    # -- everything else ------------------------------------------------------------------------

    def _block(self, msg: events.EventMsg) -> None:
        if isinstance(msg, events.TokenCountEvent | events.StreamErrorEvent):
            self._heard.clear()  # the answer is complete, or lost
        match msg:
            case events.SessionConfiguredEvent(session_id=session_id):
                self._note(f"session {session_id}", Style.DIM)
            case events.ExecCommandBeginEvent():
                self._command_begins(msg)
            case events.ExecCommandEndEvent():
                self._command_ends(msg)
            case events.PatchApplyBeginEvent(changes=changes):
                self._heading("patch")
                self._out.rows(blocks.change_rows(changes, self._cwd))
            case events.PatchApplyEndEvent(success=success, stdout=stdout, stderr=stderr):
                word, style = ("applied", Style.SUCCESS) if success else ("failed", Style.FAILURE)
                self._note(f"patch {word}", style)
                self._out.rows(blocks.output_rows(stdout if success else stderr or stdout, Style.DIM))
            case events.PlanUpdateEvent(explanation=explanation, plan=plan):
                self._heading("plan")
                self._out.rows(blocks.plan_rows(explanation, plan))
            case events.McpToolCallBeginEvent(invocation=call):
                self._note(f"tool {call.server}.{call.tool}", Style.STRONG)
            case events.WebSearchEndEvent(query=query):
                self._note(f"searched the web: {query}", Style.DIM)
            case events.BackgroundEventEvent(message=message):
                self._note(message, Style.DIM)
            case events.StreamErrorEvent(message=message):
                self._note(message, Style.WARNING)
            case events.ErrorEvent(message=message):
                self._note(f"ERROR: {message}", Style.FAILURE)
            case events.TurnAbortedEvent():
                self._note("interrupted", Style.WARNING)
            case events.TokenCountEvent(info=info) if info is not None:
                self._tokens_used = info.total_token_usage.blended_total
            case _:
                pass

    def _note(self, text: str, style: Style) -> None:
        self._finish_stream()
        self._out.rows(blocks.text_rows(text, style))

    def _command_begins(self, msg: events.ExecCommandBeginEvent) -> None:
        from codex_core.approval.words import shlex_join

        command = shlex_join(list(msg.command))
        self._finish_stream()
        self._out.row(())
        place = "" if msg.cwd == self._cwd else f" in {blocks.shorten_path(msg.cwd, self._cwd)}"
        self._out.rows(blocks.text_rows(f"$ {command}{place}", Style.STRONG))

    def _command_ends(self, msg: events.ExecCommandEndEvent) -> None:
        self._finish_stream()
        self._out.rows(blocks.output_rows(msg.aggregated_output, Style.DIM))
        took = blocks.format_duration(msg.duration.secs + msg.duration.nanos / 1e9)
        if msg.exit_code == 0:
            self._out.row(line(Span(f"succeeded in {took}", Style.SUCCESS)))
        elif msg.exit_code == -1:
            self._out.row(line(Span("failed", Style.FAILURE)))
        else:
            self._out.row(line(Span(f"exited {msg.exit_code} in {took}", Style.FAILURE)))

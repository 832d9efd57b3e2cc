"""The conversation as state: events go in, cells come out.

    history = History(settings)
    history.feed(msg, now)             # each event, with the seconds of a monotonic clock
    history.add(PromptCell(text))      # what the app has to say itself
    rows = history.rows(width, start)  # rows of finished cells from number `start` on, to be written once
    rows = history.live_rows(width, now)

Finished cells are only ever appended; they are the truth from which everything can be laid out again. Live
cells change until they are finished; they stand below all finished ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codex_core.presentation.speech import Speech
from codex_tui.history.call_cells import PlanCell, SearchCell, ToolCell
from codex_tui.history.cells import BLANK, cell_rows, rows_of
from codex_tui.history.command_cells import ProposedCommandCell
from codex_tui.history.markdown_stream import MarkdownStream
from codex_tui.history.notice_cells import (
    INTERRUPTED,
    REPLACED,
    Decision,
    DecisionCell,
    NoticeCell,
    NoticeKind,
    ReviewEndedCell,
    ReviewStartedCell,
)
from codex_tui.history.patch_cells import PatchCell, PatchState
from codex_tui.history.running_commands import RunningCommands
from codex_tui.history.session_cells import HeaderCell, ModelChangedCell
from codex_tui.history.speech_cells import (
    RAW_THINKING,
    THINKING,
    AnswerCell,
    LostAnswerCell,
    PromptCell,
    ThoughtCell,
    split_thought,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from codex_core.presentation.spans import Line
    from codex_protocol import events
    from codex_protocol.events import EventMsg
    from codex_protocol.tokens import TokenUsageInfo
    from codex_tui.history.cells import Cell
    from codex_tui.history.settings import HistorySettings

_MAX_THOUGHT = 8_000
WORKING = "Working"
"""What the status line says while the model has given no better word."""


class _Answer:
    """An answer that is coming in."""

    def __init__(self) -> None:
        self.stream = MarkdownStream()
        self.is_first = True
        self.is_dirty = False  # something was said since the chunks were last taken


class History:
    """The cells of one conversation, and what the status line says. One per session; not shared."""

    def __init__(self, settings: HistorySettings) -> None:
        self.settings = settings
        self.is_running = False
        """Whether a turn runs."""
        self.status = WORKING
        """What it does, in the model's own words where it has said so."""
        self.tokens: TokenUsageInfo | None = None
        self.session_id = ""
        self._finished: list[Cell] = []
        self._answer: _Answer | None = None
        self._commands = RunningCommands(settings.cwd)
        self._patches: dict[str, PatchCell] = {}
        self._approved_patches: set[str] = set()
        self._tools: dict[str, ToolCell] = {}
        self._searches: dict[str, SearchCell] = {}
        self._speech = Speech()
        self._thought = ""  # the reasoning that streams in, for its header
        self._thinker = ""  # whose reasoning that is
        self._is_thought_new = False
        self._now = 0.0

    # -- what an app asks -----------------------------------------------------------------------

    @property
    def cells(self) -> Sequence[Cell]:
        """All finished cells, oldest first. Never shorter than it was, never different."""
        self._take_chunks()
        return self._finished

    @property
    def live_cells(self) -> list[Cell]:
        """What is not finished, top to bottom."""
        self._take_chunks()
        found = [*self._commands.live_cells, *self._patches.values()]
        found += self._tools.values()
        found += self._searches.values()
        if self._answer is not None and (chunks := self._answer.stream.open_chunks()):
            found.insert(0, AnswerCell(tuple(chunks), self._answer.is_first, self.settings.links))
        return found

    def rows(self, width: int, start: int = 0, stop: int | None = None) -> list[Line]:
        """The rows of the finished cells from number `start` on, with the blank rows between them."""
        cells = self.cells
        return rows_of(cells[start:stop], width, is_first=not _is_any_shown(cells[:start], width))

    def rows_backwards(self, width: int, stop: int, start: int = 0) -> Iterator[list[Line]]:
        """What `rows` has of the cells from `start` to `stop`, cell by cell, the newest first."""
        cells = self.cells
        first = next((at for at in range(stop) if cells[at].paragraphs(width)), stop)
        for at in range(stop - 1, max(first, start) - 1, -1):
            rows = cell_rows(cells[at], width)
            if rows:
                yield rows if at == first or cells[at].continues else [BLANK, *rows]

    def live_rows(self, width: int, now: float) -> list[Line]:
        """The rows of what is not finished, with a blank row above if it does not go on where that ends."""
        cells = self.live_cells
        return rows_of(cells, width, is_first=not _is_any_shown(self._finished, width), now=now)

    # -- what an app says -----------------------------------------------------------------------

    def add(self, cell: Cell) -> None:
        """Appends something the app says itself: a prompt, a remark, an answer to a slash command."""
        self._show(cell)

    def decide(self, request: events.ExecApprovalRequestEvent, decision: Decision) -> None:
        """The user has answered a question about a command."""
        self._show(DecisionCell(decision, tuple(request.command)))

    def approve_patch(self, call_id: str) -> None:
        """The user has agreed to a patch: its diff has been seen and is not shown again."""
        self._approved_patches.add(call_id)

    def feed(self, msg: EventMsg, now: float) -> None:
        """Takes an event; `now` are seconds of a clock that never goes back."""
        self._now = now
        take = getattr(self, f"_on_{msg.type}", None)
        if take is not None:
            take(msg)

    # -- the session and its turns --------------------------------------------------------------

    def _on_session_configured(self, msg: events.SessionConfiguredEvent) -> None:
        for _ in self.configure(msg, self._now):
            pass

    def configure(self, msg: events.SessionConfiguredEvent, now: float) -> Iterator[None]:
        """Takes the first event of a conversation; of a recorded one there may be so much that others must
        get their turn meanwhile, which they can between any two steps.
        """
        self._now = now
        self._end_turn()
        settings = self.settings
        self.session_id = str(msg.session_id)
        self.tokens = None
        effort = "" if msg.reasoning_effort is None else str(msg.reasoning_effort)
        self._show(
            HeaderCell(settings.version, msg.model, effort, settings.cwd, settings.home, self.session_id)
        )
        if settings.requested_model and settings.requested_model != msg.model:
            self._show(ModelChangedCell(settings.requested_model, msg.model))
        for earlier in msg.initial_messages or ():
            self.feed(earlier, now)
            yield
        self._end_turn()

    def _on_task_started(self, _: events.TaskStartedEvent) -> None:
        self._end_turn()
        self.is_running = True

    def _on_task_complete(self, _: events.TaskCompleteEvent) -> None:
        self._end_turn()

    def _on_turn_aborted(self, msg: events.TurnAbortedEvent) -> None:
        is_told = self._commands.is_any_running and msg.reason == "interrupted"  # of what was running
        self._end_turn()
        text = REPLACED if msg.reason == "replaced" else INTERRUPTED
        self._show(NoticeCell(NoticeKind.ERROR, text, told="" if is_told else str(msg.reason)))

    def _on_error(self, msg: events.ErrorEvent) -> None:
        # Not the turn's end, which is told by itself: what runs beside it goes on.
        self._show(NoticeCell(NoticeKind.ERROR, msg.message, told=f"ERROR: {msg.message}"))

    def _on_shutdown_complete(self, _: events.ShutdownCompleteEvent) -> None:
        self._end_turn()

    def _on_stream_error(self, msg: events.StreamErrorEvent) -> None:
        self._speech.forget()  # what was streamed of the answer is lost
        self._take_chunks()
        answer, self._answer = self._answer, None
        if answer is not None:
            self._finished.append(LostAnswerCell(tuple(answer.stream.close()), answer.is_first))
        self._show(NoticeCell(NoticeKind.WARNING, msg.message))

    def _on_background_event(self, msg: events.BackgroundEventEvent) -> None:
        self._show(NoticeCell(NoticeKind.BACKGROUND, msg.message))

    def _on_token_count(self, msg: events.TokenCountEvent) -> None:
        self._speech.forget()  # the answer is complete
        if msg.info is not None:
            self.tokens = msg.info

    def _end_turn(self) -> None:
        """Nothing runs any more: what has not ended by itself was interrupted."""
        self._finish_answer()
        self._finished += self._commands.interrupt()
        self._finished += [replace(cell, state=PatchState.INTERRUPTED) for cell in self._patches.values()]
        self._finished += [replace(cell, is_interrupted=True) for cell in self._tools.values()]
        self._patches.clear()
        self._tools.clear()
        self._searches.clear()
        self._approved_patches.clear()
        self._speech.forget()
        self._thought = ""
        self.is_running = False
        self.status = WORKING

    # -- what is said ---------------------------------------------------------------------------

    def _on_user_message(self, msg: events.UserMessageEvent) -> None:
        from codex_core.presentation.prompts import shown_prompt

        if prompt := shown_prompt(msg):
            self._show(PromptCell(prompt))

    def _on_agent_message_delta(self, msg: events.AgentMessageDeltaEvent) -> None:
        self._speech.hear("codex", msg.delta)
        if self._answer is None:
            self._thinker = ""
            self._finished += self._commands.leave_exploring()
            self._answer = _Answer()
        self._answer.stream.push(msg.delta)
        self._answer.is_dirty = True

    def _on_agent_message(self, msg: events.AgentMessageEvent) -> None:
        if not self._speech.is_news("codex", msg.message):
            if not self._speech.has_more("codex"):
                self._finish_answer()
            return
        self._finish_answer()
        self._finished += self._commands.leave_exploring()
        self._answer = _Answer()
        self._answer.stream.push(msg.message)
        self._finish_answer()

    def _take_chunks(self) -> None:
        answer = self._answer
        if answer is None or not answer.is_dirty:
            return
        answer.is_dirty = False
        for chunk in answer.stream.take():
            self._finished.append(AnswerCell((chunk,), answer.is_first, self.settings.links))
            answer.is_first = False

    def _finish_answer(self) -> None:
        """Something else follows: whoever speaks is done."""
        self._thinker = ""
        answer, self._answer = self._answer, None
        if answer is not None:
            for chunk in answer.stream.close():
                self._finished.append(AnswerCell((chunk,), answer.is_first, self.settings.links))
                answer.is_first = False

    def _on_agent_reasoning_delta(self, msg: events.AgentReasoningDeltaEvent) -> None:
        self._think(THINKING, msg.delta)

    def _on_agent_reasoning(self, msg: events.AgentReasoningEvent) -> None:
        if not self.settings.hides_thoughts:
            self._read_thought(THINKING, msg.text)

    def _on_agent_reasoning_section_break(self, _: events.AgentReasoningSectionBreakEvent) -> None:
        self._thought = ""

    def _on_agent_reasoning_raw_content_delta(self, msg: events.AgentReasoningRawContentDeltaEvent) -> None:
        self._think(RAW_THINKING, msg.delta)

    def _on_agent_reasoning_raw_content(self, msg: events.AgentReasoningRawContentEvent) -> None:
        self._read_thought(RAW_THINKING, msg.text)

    def _think(self, speaker: str, delta: str) -> None:
        """The first bold words of a thought say what is going on (spec: tui.md section 4)."""
        if self._thinker != speaker:
            self._finish_answer()
            self._thinker, self._is_thought_new = speaker, True
        self._speech.hear(speaker, delta)
        if len(self._thought) < _MAX_THOUGHT:
            self._thought += delta
            header, _ = split_thought(self._thought)
            if header:
                self.status = header

    def _read_thought(self, speaker: str, text: str) -> None:
        self._thought = ""
        is_news = self._speech.is_news(speaker, text)
        is_first, self._is_thought_new = is_news or self._is_thought_new, False
        thinker = "" if is_news or not self._speech.has_more(speaker) else speaker
        cell = ThoughtCell(text, self.settings.shows_thoughts, speaker, is_first)
        if cell.paragraphs(80) or not self._commands.add_thought(cell):
            self._show(cell)
        self._thinker = thinker

    # -- commands -------------------------------------------------------------------------------

    def _on_exec_approval_request(self, msg: events.ExecApprovalRequestEvent) -> None:
        self._show(ProposedCommandCell(msg, self.settings.cwd))

    def _on_exec_command_begin(self, msg: events.ExecCommandBeginEvent) -> None:
        self._finish_answer()
        self._finished += self._commands.begin(msg, self._now)

    def _on_exec_command_output_delta(self, msg: events.ExecCommandOutputDeltaEvent) -> None:
        self._commands.hear(msg)

    def _on_exec_command_end(self, msg: events.ExecCommandEndEvent) -> None:
        if not self._commands.is_exploring(msg.call_id):
            self._finish_answer()
        self._finished += self._commands.end(msg, self._now)

    # -- patches, plan, tools -------------------------------------------------------------------

    def _on_apply_patch_approval_request(self, msg: events.ApplyPatchApprovalRequestEvent) -> None:
        settings = self.settings
        self._show(
            PatchCell(msg.changes, PatchState.PROPOSED, settings.cwd, settings.home, reason=msg.reason or "")
        )

    def _on_patch_apply_begin(self, msg: events.PatchApplyBeginEvent) -> None:
        self._finish_answer()
        self._finished += self._commands.leave_exploring()
        settings = self.settings
        if not msg.auto_approved:
            self._approved_patches.add(msg.call_id)
        self._patches[msg.call_id] = PatchCell(
            msg.changes, PatchState.RUNNING, settings.cwd, settings.home, started_at=self._now
        )

    def _on_patch_apply_end(self, msg: events.PatchApplyEndEvent) -> None:
        cell = self._patches.pop(msg.call_id, None)
        if cell is None:
            if not msg.success:
                self._show(NoticeCell(NoticeKind.ERROR, f"patch failed\n{msg.stderr or msg.stdout}".rstrip()))
            return
        state = PatchState.FAILED
        if msg.success:
            is_approved = msg.call_id in self._approved_patches
            state = PatchState.APPROVED if is_approved else PatchState.APPLIED
        self._show(replace(cell, state=state, end=msg))

    def _on_plan_update(self, msg: events.PlanUpdateEvent) -> None:
        self._show(PlanCell(msg))

    def _on_mcp_tool_call_begin(self, msg: events.McpToolCallBeginEvent) -> None:
        self._finish_answer()
        self._finished += self._commands.leave_exploring()
        self._tools[msg.call_id] = ToolCell(msg.invocation, self._now)

    def _on_mcp_tool_call_end(self, msg: events.McpToolCallEndEvent) -> None:
        started = self._tools.pop(msg.call_id, None) or ToolCell(msg.invocation, self._now)
        self._show(replace(started, end=msg))

    def _on_web_search_begin(self, msg: events.WebSearchBeginEvent) -> None:
        self._finish_answer()
        self._finished += self._commands.leave_exploring()
        self._searches[msg.call_id] = SearchCell(None, self._now)

    def _on_web_search_end(self, msg: events.WebSearchEndEvent) -> None:
        self._searches.pop(msg.call_id, None)
        self._show(SearchCell(msg.query))

    def _on_entered_review_mode(self, msg: events.EnteredReviewModeEvent) -> None:
        self._show(ReviewStartedCell(msg.user_facing_hint))

    def _on_exited_review_mode(self, msg: events.ExitedReviewModeEvent) -> None:
        self._show(ReviewEndedCell(msg.review_output, self.settings.cwd, self.settings.links))

    def _show(self, cell: Cell) -> None:
        """Appends a finished cell: what streamed before it ends here."""
        self._finish_answer()
        self._finished += self._commands.leave_exploring()
        self._finished.append(cell)


def _is_any_shown(cells: Sequence[Cell], width: int) -> bool:
    return any(cell.paragraphs(width) for cell in cells)

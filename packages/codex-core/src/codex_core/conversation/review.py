"""Reviews: what is asked for, the task that carries it out, and what its answer says.

A review talks in a thread of its own and leaves nothing of it in the conversation (spec: agent.md section
19, Review).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from codex_core.errors import ModelError

if TYPE_CHECKING:
    from codex_core.conversation.session import Session
    from codex_core.conversation.turn_context import TurnContext
    from codex_protocol.ops import InputItem
    from codex_protocol.review import ReviewOutputEvent, ReviewRequest


# -- what to review ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UncommittedChanges:
    """Everything that is not committed: staged, unstaged and untracked."""


@dataclass(frozen=True, slots=True)
class BaseBranch:
    """What this branch changes compared with another."""

    branch: str
    merge_base: str | None = None
    """The commit where they parted (`workspace.git.merge_base`); None when it is not known."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What one commit changes."""

    sha: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class CustomReview:
    """What the user says in their own words."""

    instructions: str


ReviewTarget: TypeAlias = UncommittedChanges | BaseBranch | Commit | CustomReview

_CLOSING = " Report every finding that the rules of a review call for, in the form they ask for."


def review_request(target: ReviewTarget) -> ReviewRequest:
    """The request that asks for a review of `target`, in full for the model and in brief for the user."""
    from codex_protocol.review import ReviewRequest

    match target:
        case UncommittedChanges():
            prompt = (
                "Review the changes in this repository that are not committed: what is staged, what is not, "
                "and files that git does not track yet (`git status --porcelain`, `git diff HEAD`)."
                + _CLOSING
            )
            hint = "current changes"
        case BaseBranch(branch=branch, merge_base=None):
            prompt = (
                f"Review what the current branch changes compared with `{branch}`. Find out where the two "
                f"parted (`git merge-base HEAD {branch}`, or the upstream of that branch if it is ahead) and "
                "look at the difference from there to the working tree." + _CLOSING
            )
            hint = f"changes against '{branch}'"
        case BaseBranch(branch=branch, merge_base=commit):
            prompt = (
                f"Review what the current branch changes compared with `{branch}`. They parted at commit "
                f"{commit}: `git diff {commit}` shows what would be merged." + _CLOSING
            )
            hint = f"changes against '{branch}'"
        case Commit(sha=sha, title=title):
            named = f'{sha} ("{title}")' if title else sha
            prompt = f"Review what commit {named} changes (`git show {sha}`)." + _CLOSING
            hint = f"commit {sha[:7]}" + (f": {title}" if title else "")
        case CustomReview(instructions=instructions):
            prompt = instructions.strip()
            hint = prompt.partition("\n")[0]
    return ReviewRequest(prompt=prompt, user_facing_hint=hint)


# -- carrying it out --------------------------------------------------------------------------------


def review_context(session: Session) -> TurnContext:
    """The settings of a review: the review model, our review text, and only tools that look and run."""
    from codex_core.conversation.prompts import prompt_text

    return replace(
        session.context.with_model(session.config.review_model),
        base_instructions=prompt_text("review"),
        offers_plan=False,
        offers_web_search=False,
        offers_view_image=False,
        offers_exec_command=False,
        output_schema=None,
    )


async def run_review(session: Session, submission_id: str, request: ReviewRequest) -> None:
    """The task of a `review` operation; always leaves review mode, also when it is stopped."""
    from codex_core.conversation.history import History
    from codex_core.conversation.thread import Thread
    from codex_core.conversation.turn import StillTooLongError, Turn
    from codex_protocol import events
    from codex_protocol.ops import TextInput

    context = review_context(session)
    turn = Turn(session, submission_id, context, Thread(History()), is_review=True)
    await turn.emit(events.TaskStartedEvent(model_context_window=context.context_window))
    await turn.emit(
        events.EnteredReviewModeEvent(prompt=request.prompt, user_facing_hint=request.user_facing_hint)
    )
    items: list[InputItem] = [TextInput(text=request.prompt)]
    text: str | None = None
    try:
        text = await turn.converse(items)
    except (ModelError, StillTooLongError) as error:
        await turn.tell_failure(error)
    except BaseException:
        await turn.emit(events.ExitedReviewModeEvent(review_output=None))
        raise
    output = None if text is None else review_output(text)
    await turn.emit(events.ExitedReviewModeEvent(review_output=output))
    await turn.emit(events.TaskCompleteEvent(last_agent_message=text))


# -- what came of it --------------------------------------------------------------------------------


def review_output(text: str) -> ReviewOutputEvent:
    """What a reviewer's last message says: JSON, JSON inside prose or a code fence, or prose.

    A finding without a priority has priority 0 (D21).
    """
    from codex_protocol.errors import ProtocolError
    from codex_protocol.jsonio import loads_object
    from codex_protocol.review import ReviewOutputEvent

    start, end = text.find("{"), text.rfind("}")
    for candidate in (text, text[start : end + 1] if 0 <= start < end else ""):
        try:
            answer: dict[str, object] = dict(loads_object(candidate))
            findings = answer.get("findings")
            if isinstance(findings, list):
                answer["findings"] = [_with_priority(finding) for finding in findings]
            return ReviewOutputEvent.from_wire(answer)
        except ProtocolError:
            continue
    return ReviewOutputEvent.plain(text)


def _with_priority(finding: object) -> object:
    if isinstance(finding, dict) and finding.get("priority") is None:
        return {**finding, "priority": 0}
    return finding

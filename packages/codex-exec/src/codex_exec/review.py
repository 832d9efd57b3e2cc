"""`codex exec review`: what is to be reviewed, and its outcome as text (spec: config-cli.md section 17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_exec.prompt import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_protocol.events import EventMsg
    from codex_protocol.ops import ReviewOp
    from codex_protocol.review import ReviewFinding, ReviewOutputEvent


@dataclass(frozen=True, slots=True)
class ReviewScope:
    """What `exec review` looks at; the prompt says it where nothing is set."""

    uncommitted: bool = False
    base: str | None = None
    """A branch."""
    commit: str | None = None
    title: str | None = None
    """What the commit is called."""

    @property
    def is_named(self) -> bool:
        """Whether no prompt is needed."""
        return self.uncommitted or self.base is not None or self.commit is not None


async def review_op(scope: ReviewScope, prompt: str, cwd: str, environ: Mapping[str, str]) -> ReviewOp:
    """The operation that starts the review; without a scope, the prompt says what to look at.

    Raises:
        RunError: the branch is not there.
    """
    from codex_core.conversation import review
    from codex_core.workspace.git import merge_base
    from codex_protocol.ops import ReviewOp

    target: review.ReviewTarget
    if scope.uncommitted:
        target = review.UncommittedChanges()
    elif scope.base is not None:
        commit = await merge_base(cwd, scope.base, environ)
        if commit is None:
            raise RunError(
                f"git finds no common commit of HEAD and `{scope.base}` in {cwd}. "
                "Check the name given with --base."
            )
        target = review.BaseBranch(scope.base, commit)
    elif scope.commit is not None:
        target = review.Commit(scope.commit, scope.title)
    else:
        target = review.CustomReview(prompt)
    return ReviewOp(review_request=review.review_request(target))


def verdict(msg: EventMsg) -> str | None:
    """What a review came to, if the event tells it."""
    from codex_protocol.events import ExitedReviewModeEvent

    if not isinstance(msg, ExitedReviewModeEvent) or msg.review_output is None:
        return None
    return review_text(msg.review_output)


def review_text(output: ReviewOutputEvent) -> str:
    """The verdict and every finding, for whoever reads the answer."""
    head = [part for part in (output.overall_correctness, output.overall_explanation) if part.strip()]
    found = [_finding(finding) for finding in output.findings]
    return "\n\n".join([*head, *found]) or "The reviewer found nothing to say."


def _finding(finding: ReviewFinding) -> str:
    where = finding.code_location
    lines = f"{where.line_range.start}-{where.line_range.end}"
    body = "\n".join(f"  {row}" for row in finding.body.splitlines())
    return f"- {finding.title} ({where.absolute_file_path}:{lines})\n{body}".rstrip()

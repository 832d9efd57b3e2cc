"""Which recorded session `resume` and `exec resume` mean (spec: config-cli.md sections 3, 6, 7)."""

from __future__ import annotations

from codex_core.command_line.parser import Invocation, usage_line
from codex_core.command_line.usage import UsageError


class ResumeRequest:
    """The session to go on with: by its id, the newest one, or none named.

    No dataclass: importing those would come before the first frame of the terminal app.
    """

    __slots__ = ("last", "session_id")

    def __init__(self, session_id: str | None = None, *, last: bool = False) -> None:
        self.session_id = session_id
        self.last = last

    def __repr__(self) -> str:
        return f"ResumeRequest({self.session_id!r}, last={self.last})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResumeRequest) and (other.session_id, other.last) == (
            self.session_id,
            self.last,
        )

    def __hash__(self) -> int:
        return hash((self.session_id, self.last))


def read_resume(invocation: Invocation) -> tuple[ResumeRequest, str | None]:
    """The session that is meant and the prompt for it.

    With `--last` there is no id, so a single argument is the prompt.

    Raises:
        UsageError: both an id and `--last` were given.
    """
    given = invocation.inner
    session_id, prompt = given.text("session_id"), given.text("prompt")
    if not given.is_on("last"):
        return ResumeRequest(session_id=session_id), prompt
    if prompt is not None:
        raise UsageError(
            "the argument '[SESSION_ID]' cannot be used with '--last'", usage=usage_line(invocation.path)
        )
    return ResumeRequest(last=True), session_id

"""What the tour says at its end: what was asked, what each step really brought, how to undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.model.demo.visit import RefusedBy
from codex_core.model.demo.workspace import (
    first_line,
    harmless_command,
    listed_names,
    outside_path,
    own_file,
    readable_file,
    shown_names,
)

if TYPE_CHECKING:
    from codex_core.model.demo.visit import Outcome, Visit

READ_ONLY_NOTE = (
    "This run was read-only, which is the default of `codex exec`. With `--full-auto` the demo may write "
    "inside the workspace, and nowhere else."
)
HONEST_NOTE = "Nothing left this machine. The token counts are estimates: characters divided by four."


def closing_words(visit: Visit) -> str:
    """The report of a whole tour, as Markdown."""
    facts = (
        _listing(visit),
        _reading(visit),
        _creation(visit),
        _change(visit),
        _command(visit),
        _outside(visit),
    )
    lines = ["That was the offline demo, played by a script. What really happened:", ""]
    lines += [f"- {fact}" for fact in facts if fact]
    lines += ["", _asked(visit)]
    if visit.succeeded("create"):
        lines += ["", f"To remove the file I made: `rm {own_file(visit)}`"]
    elif visit.environment is not None and visit.environment.sandbox_mode == "read-only":
        lines += ["", READ_ONLY_NOTE]
    return "\n".join([*lines, "", HONEST_NOTE])


def short_answer(visit: Visit) -> str:
    """What is said to a user who goes on talking after the tour."""
    return (
        f"You said: “{first_line(visit.asked)}”. I am only a script, and my tour is all I have; say `again` "
        "to see it once more. For a real model, store a key with `codex login --with-api-key`, or "
        "configure a model provider."
    )


def summary_for_compaction(visit: Visit) -> str:
    """The hand-over note of a conversation that is being shortened."""
    return (
        "This conversation is with the offline demo, a script. It tours the workspace and makes one file of "
        f"its own; nothing is open. The user's last words: {first_line(visit.asked) or 'none'}"
    )


def _asked(visit: Visit) -> str:
    words = f"“{first_line(visit.asked)}”" if visit.asked else "nothing"
    if visit.images:
        words += f" (with {visit.images} picture{'' if visit.images == 1 else 's'})"
    return (
        f"You asked: {words}. A script cannot do that; a model can: store an API key with "
        "`codex login --with-api-key`, or configure a model provider."
    )


def _listing(visit: Visit) -> str:
    if not visit.succeeded("list"):
        return f"Listing the workspace failed: {_why(visit.outcomes.get('list'))}"
    names = listed_names(visit)
    count = f"{len(names)} entr{'y' if len(names) == 1 else 'ies'}"
    outcome = visit.outcomes["list"]
    if outcome is not None and "[... omitted " in outcome.text:
        count = f"many entries, {len(names)} of them in sight"
    return f"Listed the workspace: {count}" + (f", {shown_names(visit)}" if names else "")


def _reading(visit: Visit) -> str:
    if "read" not in visit.outcomes:
        return "Read nothing: there was no text file to be seen" if visit.succeeded("list") else ""
    name, outcome = readable_file(visit), visit.outcomes["read"]
    if outcome is None or not outcome.is_success:
        return f"Reading `{name}` failed: {_why(outcome)}"
    if begin := first_line(outcome.text, limit=70):
        return f"Read the top of `{name}`; it begins “{begin}”"
    return f"Read the top of `{name}`; nothing is written there"


def _creation(visit: Visit) -> str:
    if visit.succeeded("create"):
        return f"Created `{own_file(visit)}` with apply_patch"
    return f"Creating `{own_file(visit)}` did not work: {_why(visit.outcomes.get('create'))}"


def _change(visit: Visit) -> str:
    if "change" not in visit.outcomes:
        return ""
    if visit.succeeded("change"):
        return f"Changed one line of `{own_file(visit)}` with apply_patch"
    return f"Changing `{own_file(visit)}` did not work: {_why(visit.outcomes['change'])}"


def _command(visit: Visit) -> str:
    command, outcome = " ".join(harmless_command(visit)), visit.outcomes.get("run")
    if outcome is None or outcome.exit_code is None:
        return f"Running `{command}` failed: {_why(outcome)}"
    return f"Ran `{command}`: exit code {outcome.exit_code}, “{first_line(outcome.last_words, limit=70)}”"


def _outside(visit: Visit) -> str:
    if "outside" not in visit.outcomes:
        return f"Did not try to write outside the workspace: {_why_not_outside(visit)}"
    path, outcome = outside_path(visit), visit.outcomes["outside"]
    if outcome is not None and outcome.is_success:
        is_gone = visit.succeeded("tidy")
        end = "I removed it again" if is_gone else f"I could not remove it; please run `rm {path}`"
        return f"Wrote `{path}`, outside the workspace: nothing stopped me. {end}"
    if outcome is not None and outcome.refused_by is not None:
        return f"Tried to write `{path}`, outside the workspace: {_refused(outcome)}"
    return f"Tried to write `{path}`, outside the workspace, which failed: {_why(outcome)}"


def _why_not_outside(visit: Visit) -> str:
    environment = visit.environment
    if environment is not None and environment.sandbox_mode == "danger-full-access":
        return "this run has no sandbox (danger-full-access), so nothing would have stopped me"
    if environment is not None and environment.approval_policy == "untrusted":
        return "under the approval policy `untrusted` a yes of yours would run it without a sandbox"
    return "I know no harmless place that the sandbox must protect here"


def _why(outcome: Outcome | None) -> str:
    if outcome is None:
        return "the call brought no result"
    return _refused(outcome) if outcome.refused_by is not None else _quoted(outcome)


def _refused(outcome: Outcome) -> str:
    if outcome.refused_by is RefusedBy.USER:
        return "refused by you"
    return f"refused by {outcome.refused_by} ({_quoted(outcome)})"


def _quoted(outcome: Outcome) -> str:
    code = "" if outcome.exit_code is None else f"exit code {outcome.exit_code}, "
    return f"{code}“{first_line(outcome.last_words)}”"

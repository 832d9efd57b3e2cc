"""The tour: what the scripted model does in a workspace, step by step.

It keeps no state. The next step is the first one that has not been called in this turn and has something
to do, given what the earlier ones brought; when none is left, the report closes the turn. It changes no
file but the one it makes, and that one has a name that was free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from codex_core.model.demo.report import closing_words, short_answer, summary_for_compaction
from codex_core.model.demo.visit import Visit, read_visit
from codex_core.model.demo.workspace import (
    first_line,
    harmless_command,
    outside_path,
    own_file,
    readable_file,
    shown_names,
)
from codex_core.model.scripted.replies import (
    answer,
    http_error,
    message,
    patch_call,
    plan_call,
    reasoning,
    shell_call,
    token_usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_core.model.scripted.replies import Event, Reply
    from codex_core.model.scripted.request import RecordedRequest

REVIEW_ANSWER = "The offline demo is a script and did not read the change; a real model would review it."

AGAIN = frozenset({"again", "again!", "again.", "tour"})
"""What a user says to see the tour once more."""

PLAN_STEPS = (
    "Look around in the workspace",
    "Create a file and change it with apply_patch",
    "Run a command",
    "Try to write outside the workspace",
    "Report what really happened",
)

_TITLE = "# Codex demo"
_LINE = "This file was made by the offline demo of Codex."
_CHANGED_LINE = "This file was made by the offline demo of Codex, which then changed this line."


@dataclass(frozen=True, slots=True)
class Shell:
    """A command to run."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch to apply; the text between the begin and end lines."""

    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan to show, with what is done and what is being done, by position."""

    done: frozenset[int] = frozenset()
    current: int | None = None


Call: TypeAlias = Shell | Patch | Plan


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the tour does: why, what it says before, what it calls (None: nothing to do, go on)."""

    name: str
    thought: str
    say: Callable[[Visit], str]
    act: Callable[[Visit], Call | None]


def _read(visit: Visit) -> Call | None:
    name = readable_file(visit)
    return None if name is None else Shell(("head", "-n", "12", name))


def _create(visit: Visit) -> Call:
    lines = (_TITLE, "", _LINE, "Delete it whenever you like.")
    return Patch("\n".join([f"*** Add File: {own_file(visit)}", *(f"+{line}" for line in lines)]))


def _change(visit: Visit) -> Call | None:
    if not visit.succeeded("create"):
        return None
    head = f"*** Update File: {own_file(visit)}"
    return Patch("\n".join([head, "@@", f" {_TITLE}", " ", f"-{_LINE}", f"+{_CHANGED_LINE}"]))


def _reach_out(visit: Visit) -> Call | None:
    path = outside_path(visit)
    return None if path is None else Shell(("touch", path))


def _tidy(visit: Visit) -> Call | None:
    path = outside_path(visit)
    return Shell(("rm", "-f", path)) if path is not None and visit.succeeded("outside") else None


def _finished_plan(visit: Visit) -> Call:
    """The plan as it really went: what was refused or left out stays pending."""
    done = (
        visit.succeeded("list"),
        visit.succeeded("create") and visit.succeeded("change"),
        visit.succeeded("run"),
        "outside" in visit.outcomes,
        True,
    )
    return Plan(frozenset(index for index, is_done in enumerate(done) if is_done))


def _say(words: str) -> Callable[[Visit], str]:
    return lambda _visit: words


def _always(call: Call) -> Callable[[Visit], Call]:
    return lambda _visit: call


STEPS = (
    Step(
        "plan",
        "A script needs no thought, but a plan is good manners.",
        _say(
            "This is the offline demo: I am a script, not a language model, and cannot do what you ask. "
            "What I call is real, though: the tools, the sandbox, the files in your workspace."
        ),
        _always(Plan(current=0)),
    ),
    Step("list", "First see what is here.", _say("Looking around."), _always(Shell(("ls", "-Ap")))),
    Step(
        "read",
        "Then read something.",
        lambda visit: f"There is {shown_names(visit)}. I read one of them.",
        _read,
    ),
    Step(
        "create",
        "Make a file of my own and touch no other.",
        lambda visit: f"Creating `{own_file(visit)}`, a name that is free here.",
        _create,
    ),
    Step("change", "Now edit it.", _say("Changing one line of it."), _change),
    Step(
        "run",
        "Run something harmless.",
        _say("Running a command."),
        lambda visit: Shell(harmless_command(visit)),
    ),
    Step(
        "outside",
        "This ought to be refused.",
        _say("Now something that must not work: writing a file outside the workspace."),
        _reach_out,
    ),
    Step("tidy", "It was written after all.", _say("It was written, so I remove it again."), _tidy),
    Step("finish", "All steps are done.", _say(""), _finished_plan),
)


def respond(request: RecordedRequest) -> Reply:
    """The answer of the scripted model to one Responses request."""
    try:
        body = request.json
    except ValueError:
        body = None
    if not request.route.endswith("/responses") or not isinstance(body, dict):
        return http_error(404, {"error": {"message": "the offline demo only answers POST …/responses"}})
    visit = read_visit(body)
    events = next_events(visit)
    return answer(
        *events,
        usage=token_usage(
            _characters(body.get("instructions")) // 4 + _characters(body.get("input")) // 4,
            output_tokens=_characters(events) // 4,
            reasoning=0,
        ),
    )


def next_events(visit: Visit) -> list[list[Event]]:
    """What the scripted model says and calls next."""
    if not visit.tools:
        # Only the request that shortens a conversation offers none.
        return [message(summary_for_compaction(visit))]
    if visit.environment is None:
        # Only a review is asked without a word about the surroundings.
        return [message(REVIEW_ANSWER)]
    knows_tour = visit.earlier_steps > 0 and not visit.outcomes
    if knows_tour and first_line(visit.asked).lower() not in AGAIN:
        return [message(short_answer(visit), deltas=True)]
    for step in STEPS:
        if step.name not in visit.outcomes and (call := step.act(visit)) is not None:
            said = step.say(visit)
            return [
                reasoning(step.thought, encrypted=None, deltas=True),
                message(said, deltas=True) if said else [],
                [_call(call, visit, visit.call_id(step.name))],
            ]
    return [message(closing_words(visit), deltas=True)]


def _call(call: Call, visit: Visit, call_id: str) -> Event:
    match call:
        case Plan():
            return plan_call(*_plan_steps(call), call_id=call_id)
        case Shell(argv=argv):
            return shell_call(argv, call_id)
        case Patch(text=text):
            patch = f"*** Begin Patch\n{text}\n*** End Patch\n"
            if not visit.offers("apply_patch"):
                return shell_call(["apply_patch", patch], call_id)
            return patch_call(patch, call_id, freeform=visit.offers("apply_patch", kind="custom"))


def _plan_steps(plan: Plan) -> list[tuple[str, str]]:
    def status(index: int) -> str:
        return "completed" if index in plan.done else "in_progress" if index == plan.current else "pending"

    return [(text, status(index)) for index, text in enumerate(PLAN_STEPS)]


def _characters(value: object) -> int:
    match value:
        case str():
            return len(value)
        case list():
            return sum(map(_characters, value))
        case dict():
            return sum(map(_characters, value.values()))
        case _:
            return 0

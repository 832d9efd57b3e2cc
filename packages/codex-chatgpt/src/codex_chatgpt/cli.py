"""The command line of `codex apply` (spec: auth.md section 12)."""

from __future__ import annotations

from codex_core.command_line import options as shared
from codex_core.command_line.grammar import Argument, Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_core.command_line.parser import Invocation

APPLY = Command(
    "apply",
    "a",
    summary="Apply the changes of a cloud task to this repository",
    about="Fetch the changes of a cloud task and apply them to the repository around this directory, with "
    "`git apply --3way`.",
    options=(shared.CONFIG,),
    arguments=(Argument("TASK_ID", key="task_id", is_required=True, help="The task, as its page names it"),),
    run="codex_chatgpt.cli:run",
)


def run(invocation: Invocation) -> int:
    """Applies the changes, as the command line says."""
    from codex_chatgpt.apply import run as apply
    from codex_chatgpt.options import ApplyOptions

    options = ApplyOptions(task_id=invocation.inner.text("task_id") or "", overrides=invocation.overrides)
    return apply(options)

"""The command lines of the terminal app and of `resume` and `fork` (spec: config-cli.md section 3)."""

from __future__ import annotations

from codex_core.command_line import options as shared
from codex_core.command_line.grammar import Argument, Command, Option
from codex_core.command_line.program import run_command
from codex_core.command_line.rooms import run_room
from codex_tui import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.command_line.parser import Invocation
    from codex_tui.options import TuiOptions

OPTIONS = (
    shared.IMAGE,
    shared.MODEL,
    shared.PROFILE,
    shared.OSS,
    shared.LOCAL_PROVIDER,
    shared.DEMO,
    shared.SEARCH,
    shared.SANDBOX,
    shared.APPROVAL,
    Option(
        "--full-auto",
        key="full_auto",
        conflicts=("bypass",),
        group=shared.SAFETY_GROUP,
        help="Fewer questions: -s workspace-write -a on-request",
        details="It wins over --sandbox and --ask-for-approval.",
    ),
    Option(
        *shared.BYPASS.names,
        hidden_names=shared.BYPASS.hidden_names,
        key="bypass",
        conflicts=("approval",),
        group=shared.SAFETY_GROUP,
        help=shared.BYPASS.help,
    ),
    shared.CD,
    shared.CONFIG,
)
PROMPT = Argument("PROMPT", key="prompt", help="The first message; left out, the composer is empty")
RESUME = Command(
    "resume",
    summary="Go on with a recorded session in the terminal app",
    about="Go on with a recorded session in the terminal app: the one with this id, with --last the newest "
    "one, else the one you pick.\n\nOptions in front of `resume` count too; those behind it go before them.",
    options=(shared.LAST, *OPTIONS),
    arguments=(
        Argument("SESSION_ID", key="session_id", help="The session to go on with; with --last, the prompt"),
        Argument("PROMPT", key="prompt", help="The next message"),
    ),
    run="codex_tui.cli:run",
    version=f"codex-cli-resume {__version__}",
    examples=(
        ("codex resume", "pick a session"),
        ('codex resume --last "go on"', "the newest one, and what to say"),
    ),
)
FORK = Command(
    "fork",
    summary="Go on in a copy of a recorded session, in the terminal app",
    about="Go on in a copy of a recorded session, which itself stays as it is: the one with this id, with "
    "--last the newest one, else the one you pick.\n\nOptions in front of `fork` count too; those behind it "
    "go before them.",
    options=(shared.LAST, *OPTIONS),
    arguments=(
        Argument("SESSION_ID", key="session_id", help="The session to copy; with --last, the prompt"),
        RESUME.arguments[1],
    ),
    run="codex_tui.cli:run",
    version=f"codex-cli-fork {__version__}",
    examples=(("codex fork --last", "try something else from where you are"),),
)
TUI = Command(
    "codex-tui",
    summary="The Codex agent in the terminal",
    about="The Codex agent in the terminal.",
    options=OPTIONS,
    arguments=(PROMPT,),
    run="codex_tui.cli:run",
    version=f"codex-tui {__version__}",
)


def run_command_line(arguments: Sequence[str]) -> int:
    """Runs `codex-tui` with these arguments and returns the exit code."""
    return run_command(TUI, arguments)


def run(invocation: Invocation) -> int:
    """Runs the app, as the command line says.

    Raises:
        UsageError: an id and `--last` exclude each other.
    """
    if invocation.inner.command in (RESUME, FORK):
        from codex_core.command_line.resume import read_resume

        read_resume(invocation)  # may raise: nobody shall see a frame before that
    return run_room(
        "codex_tui.run:run",
        lambda: read_options(invocation),
        # The download of a local model is shown as it goes, before there is an app.
        is_first_frame_late=invocation.is_on("oss"),
        what="The interactive app",
    )


def read_options(invocation: Invocation) -> TuiOptions:
    """What the command line asks for: the inner level's values, else the outer one's; switches of both.

    Raises:
        UsageError: an id and `--last` exclude each other.
    """
    from codex_protocol.config_types import AskForApproval, SandboxMode
    from codex_tui.options import TuiOptions

    prompt, resume = invocation.last_text("prompt"), None
    if invocation.inner.command in (RESUME, FORK):
        from codex_core.command_line.resume import read_resume

        resume, own_prompt = read_resume(invocation)
        prompt = own_prompt if own_prompt is not None else invocation.levels[0].text("prompt")
    sandbox, approval = invocation.last_text("sandbox"), invocation.last_text("approval")
    full_auto = invocation.is_on("full_auto")
    return TuiOptions(
        prompt=prompt,
        images=invocation.last_texts("image"),
        overrides=invocation.overrides,
        model=invocation.last_text("model"),
        profile=invocation.last_text("profile"),
        sandbox=None if sandbox is None else SandboxMode(sandbox),
        approval=None if approval is None else AskForApproval(approval),
        cwd=invocation.last_text("cd"),
        oss=invocation.is_on("oss"),
        local_provider=invocation.last_text("local_provider"),
        demo=invocation.is_on("demo"),
        full_auto=full_auto,
        bypass=invocation.is_on("bypass") and not full_auto,
        web_search=invocation.is_on("search"),
        resume=resume,
        is_fork=invocation.inner.command is FORK,
    )

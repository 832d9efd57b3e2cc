"""The command lines of `codex exec`, `codex-exec` and `codex proto` (spec: config-cli.md sections 2, 3)."""

from __future__ import annotations

from codex_core.command_line import options as shared
from codex_core.command_line.grammar import FILE, Argument, Command, Option
from codex_core.command_line.parser import Invocation, Level, usage_line
from codex_core.command_line.program import run_command
from codex_core.command_line.usage import UsageError
from codex_exec import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_exec.options import ExecOptions
    from codex_exec.review import ReviewScope

SCOPE_GROUP = "What to review"
FULL_AUTO = Option(
    "--full-auto",
    key="full_auto",
    conflicts=("bypass",),
    group=shared.SAFETY_GROUP,
    help="Let commands write in the workspace: -s workspace-write",
    details="And in directories for temporary files. It wins over --sandbox.",
)
OPTIONS = (
    shared.IMAGE,
    shared.MODEL,
    shared.PROFILE,
    shared.OSS,
    shared.LOCAL_PROVIDER,
    shared.DEMO,
    shared.SANDBOX,
    FULL_AUTO,
    shared.BYPASS,
    shared.CD,
    Option(
        "--skip-git-repo-check",
        key="skip_git_repo_check",
        group=shared.WORKSPACE_GROUP,
        help="Also run outside a git repository",
    ),
    Option(
        "--json",
        key="json",
        group=shared.OUTPUT_GROUP,
        help="Print events as JSON lines",
        details="In the schema of 0.36: the settings, the prompt, then one event per line.",
    ),
    Option(
        "--experimental-json",
        key="thread_json",
        conflicts=("json",),
        group=shared.OUTPUT_GROUP,
        help="Print JSON lines in the schema of newer releases",
        details="thread.started, turn.started, item.completed, turn.completed and so on.",
    ),
    Option(
        "-o",
        "--output-last-message",
        key="last_message_file",
        value="LAST_MESSAGE_FILE",
        completes=FILE,
        group=shared.OUTPUT_GROUP,
        help="Also write the final answer to this file",
    ),
    Option(
        "--output-schema",
        key="output_schema_file",
        value="FILE",
        completes=FILE,
        group=shared.OUTPUT_GROUP,
        help="JSON Schema that the final answer has to fit",
    ),
    Option(
        "--ephemeral",
        key="ephemeral",
        group=shared.OUTPUT_GROUP,
        help="Leave no session file",
    ),
    Option(
        "--color",
        key="color",
        value="COLOR",
        choices=("always", "never", "auto"),
        group=shared.OUTPUT_GROUP,
        help="When output is coloured",
    ),
    shared.CONFIG,
)
PROMPT = Argument("PROMPT", key="prompt", help="What to do; left out or `-`: read it from stdin")
RESUME = Command(
    "resume",
    summary="Go on with a recorded session",
    about="Go on with a recorded session: the one with this id, or with --last the newest one.",
    options=(shared.LAST, *OPTIONS),
    arguments=(
        Argument("SESSION_ID", key="session_id", help="The session to go on with; with --last, the prompt"),
        PROMPT,
    ),
    run="codex_exec.cli:run",
    examples=(('codex exec resume --last "now write the tests"', "one more turn in the newest session"),),
)
FORK = Command(
    "fork",
    summary="Go on in a copy of a recorded session",
    about="Go on in a copy of a recorded session, which stays as it is: the one with this id, or with --last "
    "the newest one.",
    options=(shared.LAST, *OPTIONS),
    arguments=(
        Argument("SESSION_ID", key="session_id", help="The session to copy; with --last, the prompt"),
        PROMPT,
    ),
    run="codex_exec.cli:run",
)
REVIEW = Command(
    "review",
    summary="Review changes and print what is found",
    about="Review changes and print what is found: those that are not committed, those of a branch or of a "
    "commit, or what you say.",
    options=(
        Option(
            "--uncommitted",
            key="uncommitted",
            conflicts=("base", "commit"),
            group=SCOPE_GROUP,
            help="What is not committed: staged, unstaged and new files",
        ),
        Option(
            "--base",
            key="base",
            value="BRANCH",
            conflicts=("uncommitted", "commit"),
            group=SCOPE_GROUP,
            help="What this branch changes compared with BRANCH",
        ),
        Option(
            "--commit",
            key="commit",
            value="SHA",
            conflicts=("uncommitted", "base"),
            group=SCOPE_GROUP,
            help="What one commit changes",
        ),
        Option("--title", key="title", value="TITLE", group=SCOPE_GROUP, help="What that commit is called"),
        *(option for option in OPTIONS if option.key not in ("image", "output_schema_file")),
    ),
    arguments=(
        Argument("PROMPT", key="prompt", help="What to review, in your words; `-`: read it from stdin"),
    ),
    run="codex_exec.cli:run",
    examples=(("codex exec review --base main", "before a pull request"),),
)
EXEC = Command(
    "exec",
    "e",
    summary="Run the agent once, without asking anything: for scripts and CI",
    about="Run the agent once, without asking anything, and print what it does.\n\n"
    "Commands run in a sandbox; what it refuses fails, and nothing is ever approved on your behalf. On a "
    "terminal the whole story goes to stdout; into a pipe goes the final answer alone, and the story to "
    "stderr.",
    options=OPTIONS,
    arguments=(PROMPT,),
    commands=(
        RESUME,
        FORK,
        REVIEW,
    ),
    run="codex_exec.cli:run",
    version=f"codex-cli-exec {__version__}",
    examples=(
        ('codex exec "explain this repository"', "read-only, the answer on stdout"),
        ('codex exec --full-auto "make the tests pass"', "may write in the workspace"),
        ("codex exec --json - < request.md", "the prompt from stdin, events as JSON lines"),
        ('codex exec resume --last "now the tests"', "one more turn in the newest session"),
        ('codex exec --demo "show me around"', "without key and network"),
    ),
)
PROTO = Command(
    "proto",
    "p",
    summary="Speak the agent's own protocol on stdin and stdout",
    about="Speak the agent's own protocol: one submission per line on stdin, one event per line on stdout. "
    "The log goes to stderr.",
    options=(shared.DEMO, shared.CONFIG),
    run="codex_exec.cli:run_proto",
)
STAND_ALONE = Command(
    "codex-exec",
    summary=EXEC.summary,
    about=EXEC.about,
    options=EXEC.options,
    arguments=EXEC.arguments,
    commands=EXEC.commands,
    run=EXEC.run,
    version=EXEC.version,
    examples=[(line.replace("codex exec", "codex-exec"), meaning) for line, meaning in EXEC.examples],
)


def run_command_line(arguments: Sequence[str]) -> int:
    """Runs `codex-exec` with these arguments: 0 done, 1 failed, 2 wrong usage."""
    return run_command(STAND_ALONE, arguments)


def run(invocation: Invocation) -> int:
    """Runs the agent once, as the command line says.

    Raises:
        UsageError: what it says makes no sense together.
    """
    from codex_exec.run import run as run_once

    return run_once(read_options(invocation))


def run_proto(invocation: Invocation) -> int:
    """Speaks the protocol, as the command line says."""
    from codex_exec.options import ProtoOptions
    from codex_exec.proto import run as speak

    return speak(ProtoOptions(overrides=invocation.overrides, demo=invocation.is_on("demo")))


def read_options(invocation: Invocation) -> ExecOptions:
    """What the command line asks for; what stands behind `exec` goes before what stands in front of it.

    Raises:
        UsageError: what it says makes no sense together.
    """
    from codex_exec.options import Color, ExecOptions
    from codex_protocol.config_types import SandboxMode

    prompt, resume, review = invocation.last_text("prompt"), None, None
    command = invocation.inner.command
    if command is RESUME or command is FORK:
        from codex_core.command_line.resume import read_resume

        resume, own_prompt = read_resume(invocation)
        if resume.session_id is None and not resume.last:
            raise UsageError(
                "no session is named: give its id, or --last for the newest one "
                "(`codex sessions list` shows them)",
                usage=usage_line(invocation.path),
            )
        outer = Invocation(invocation.levels[:-1])
        prompt = own_prompt if own_prompt is not None else outer.last_text("prompt")
    elif command is REVIEW:
        prompt, review = invocation.inner.text("prompt"), _read_review(invocation)
    levels = invocation.levels
    # What commands may do is what the innermost level says that says anything of it.
    safety = next((each for each in reversed(levels) if _speaks_of_safety(each)), levels[-1])
    sandbox, color = safety.text("sandbox"), invocation.last_text("color")
    full_auto = safety.is_on("full_auto")
    overrides = invocation.overrides
    if invocation.is_on("search"):  # before `exec` only
        overrides = (*overrides, "tools.web_search=true")
    return ExecOptions(
        prompt=prompt,
        images=invocation.last_texts("image"),
        overrides=overrides,
        model=invocation.last_text("model"),
        profile=invocation.last_text("profile"),
        sandbox=None if sandbox is None else SandboxMode(sandbox),
        cwd=invocation.last_text("cd"),
        oss=invocation.is_on("oss"),
        local_provider=invocation.last_text("local_provider"),
        demo=invocation.is_on("demo"),
        full_auto=full_auto,
        bypass=safety.is_on("bypass") and not full_auto,
        skip_git_repo_check=invocation.is_on("skip_git_repo_check"),
        color=Color.AUTO if color is None else Color(color),
        json=invocation.is_on("json"),
        thread_json=invocation.is_on("thread_json"),
        last_message_file=invocation.last_text("last_message_file"),
        output_schema_file=invocation.last_text("output_schema_file"),
        ephemeral=invocation.is_on("ephemeral"),
        resume=resume,
        is_fork=command is FORK,
        review=review,
    )


def _read_review(invocation: Invocation) -> ReviewScope:
    from codex_exec.review import ReviewScope

    given = invocation.inner
    scope = ReviewScope(
        uncommitted=given.is_on("uncommitted"),
        base=given.text("base"),
        commit=given.text("commit"),
        title=given.text("title"),
    )
    usage = usage_line(invocation.path)
    if scope.title is not None and scope.commit is None:
        raise UsageError("'--title <TITLE>' needs '--commit <SHA>'", usage=usage)
    prompt = given.text("prompt")
    if scope.is_named and prompt is not None:
        raise UsageError(
            "the argument '[PROMPT]' cannot be used with what else says what to review", usage=usage
        )
    return scope


def _speaks_of_safety(level: Level) -> bool:
    return any(key in level.values for key in ("sandbox", "full_auto", "bypass"))

"""What `codex sessions` and its commands take; `archive`, `unarchive` and `delete` also stand alone."""

from __future__ import annotations

from codex_core.command_line.grammar import FILE, Argument, Command, Option
from codex_core.command_line.options import CONFIG, LAST

DEFAULT_LIMIT = 25


def problem_with_count(text: str) -> str | None:
    """What is wrong with a number of sessions or days."""
    return None if text.isascii() and text.isdigit() and len(text) < 7 else "a whole number is needed"


JSON = Option("--json", key="json", help="Print JSON, for scripts")
ARCHIVED = Option("--archived", key="archived", help="Those that are archived instead of those in use")
LIMIT = Option(
    "-n",
    "--limit",
    key="limit",
    value="NUMBER",
    problem_with=problem_with_count,
    help=f"How many at most; 0: all of them (default: {DEFAULT_LIMIT})",
)
FORCE = Option("--force", key="force", help="Do not ask")
DRY_RUN = Option("--dry-run", key="dry_run", help="Only say what would be done")
SESSION = Argument("SESSION_ID", key="session_id", help="Id of the session, or a beginning no other has")
SESSIONS = Argument(
    "SESSION_ID",
    key="session_ids",
    is_required=True,
    is_repeatable=True,
    help="Ids of the sessions, or beginnings no other has",
)

LIST = Command(
    "list",
    "ls",
    summary="List recorded sessions, the newest first",
    options=(
        LIMIT,
        Option(
            "--cursor",
            key="cursor",
            value="CURSOR",
            help="Begin behind this place, which the page before has named",
        ),
        Option(
            "--in",
            key="directory",
            value="DIR",
            completes="directory",
            help="Only sessions that began in this directory or below it",
        ),
        ARCHIVED,
        JSON,
        CONFIG,
    ),
    run="codex_cli.sessions.reading:list_sessions",
)
SHOW = Command(
    "show",
    summary="Show a session: what was said and done",
    options=(
        LAST,
        ARCHIVED,
        Option(
            "--color",
            key="color",
            value="COLOR",
            choices=("always", "never", "auto"),
            help="When it is coloured",
        ),
        JSON,
        CONFIG,
    ),
    arguments=(SESSION,),
    run="codex_cli.sessions.reading:show_session",
)
SEARCH = Command(
    "search",
    summary="Find sessions by what was said in them",
    about="Find sessions in which each of the words was said, by you or by the agent. Case does not count.",
    options=(LIMIT, ARCHIVED, JSON, CONFIG),
    arguments=(Argument("WORD", key="words", is_required=True, is_repeatable=True, help="What was said"),),
    run="codex_cli.sessions.reading:search_sessions",
    examples=(('codex sessions search "flaky test" retry', "both have to occur"),),
)
EXPORT = Command(
    "export",
    summary="Write a session as Markdown, as a web page or as JSON lines",
    about="Write a session as Markdown, as a web page or as JSON lines. What looks like a credential is "
    "masked; read it before you give it away all the same.",
    options=(
        LAST,
        Option(
            "-f",
            "--format",
            key="format",
            value="FORMAT",
            choices=("markdown", "html", "jsonl"),
            help="As what (default: by the name of the file, else markdown)",
        ),
        Option(
            "-o", "--output", key="output", value="FILE", completes=FILE, help="Where to (default: stdout)"
        ),
        ARCHIVED,
        Option("--json", key="json", help="The same as --format jsonl", conflicts=("format",)),
        CONFIG,
    ),
    arguments=(SESSION,),
    run="codex_cli.sessions.exporting:export_session",
    examples=(("codex sessions export --last -o session.html", ""),),
)
ARCHIVE = Command(
    "archive",
    summary="Put sessions away; resume and list leave them out",
    options=(DRY_RUN, JSON, CONFIG),
    arguments=(SESSIONS,),
    run="codex_cli.sessions.keeping:archive",
)
UNARCHIVE = Command(
    "unarchive",
    summary="Take archived sessions back",
    options=(DRY_RUN, JSON, CONFIG),
    arguments=(SESSIONS,),
    run="codex_cli.sessions.keeping:unarchive",
)
DELETE = Command(
    "delete",
    summary="Delete sessions for good",
    about="Delete sessions for good, in use or archived. On a terminal you are asked; elsewhere --force and "
    "whole ids are needed.",
    options=(FORCE, DRY_RUN, JSON, CONFIG),
    arguments=(SESSIONS,),
    run="codex_cli.sessions.keeping:delete",
)
PRUNE = Command(
    "prune",
    summary="Delete or archive old and empty sessions",
    about="Delete, or with --archive put away, sessions nobody has gone on with for some days, or in which "
    "nobody has said anything. At least one of the two has to be asked for.",
    options=(
        Option(
            "--older-than",
            key="older_than",
            value="DAYS",
            problem_with=problem_with_count,
            help="Sessions not written for this many days",
        ),
        Option("--empty", key="empty", help="Sessions in which nobody has said anything"),
        Option(
            "--keep",
            key="keep",
            value="NUMBER",
            problem_with=problem_with_count,
            help="Spare the newest ones",
        ),
        Option("--archive", key="archive", help="Put them away instead of deleting them"),
        ARCHIVED,
        FORCE,
        DRY_RUN,
        JSON,
        CONFIG,
    ),
    run="codex_cli.sessions.keeping:prune",
    examples=(("codex sessions prune --older-than 90 --dry-run", "what would go"),),
)
GROUP = Command(
    "sessions",
    summary="List, show, search, export, archive and delete recorded sessions",
    options=(CONFIG,),
    commands=(LIST, SHOW, SEARCH, EXPORT, ARCHIVE, UNARCHIVE, DELETE, PRUNE),
    is_command_required=True,
    examples=(
        ("codex sessions list", "what there is; the index of it may be deleted at any time"),
        ("codex sessions show --last", "the newest, from the beginning"),
        ("codex resume ID", "go on with one"),
    ),
)


def alone(command: Command) -> Command:
    """The same command as it stands directly below `codex`, where help does not name it."""
    return Command(
        command.name,
        summary=command.summary,
        about=command.about,
        options=command.options,
        arguments=command.arguments,
        run=command.run,
        is_hidden=True,
    )

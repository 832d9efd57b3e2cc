"""The interactive app from its options to its exit code: first a frame, then everything else.

Before the first frame only what draws it is imported (spec: tui-textual.md section 9).
"""

from __future__ import annotations

import sys

from codex_tui.term.boot import Boot
from codex_tui.term.rows import Piece, make_row
from codex_tui.term.surface import View
from codex_tui.term.tty import Terminal, is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import ExitStack

    from codex_tui.app import CodexApp
    from codex_tui.options import TuiOptions
    from codex_tui.session_start import Launch

FAILED = 1
_PROMPT_CELLS = 2
_DIM, _ACCENT = "2", "36"


def run(options: TuiOptions) -> int:
    """Runs the app and returns the exit code; a known problem is one sentence on stderr."""
    if not is_terminal(0, 1):
        sys.stderr.write(
            "Error: the interactive app needs a terminal for its input and output. "
            'For one request without it: codex exec "…".\n'
        )
        return FAILED
    from codex_core.errors import CodexError

    try:
        return _run(options)
    except CodexError as error:
        sentence = str(error)
        sys.stderr.write(sentence + "\n" if sentence.startswith("Error") else f"Error: {sentence}\n")
        return FAILED


def draw(typed: str, cols: int, rows: int) -> View:
    """The first frame: the composer with what was typed so far."""
    from codex_tui.term.rows import cell_width

    shown = typed
    while cell_width(shown) > max(cols - _PROMPT_CELLS - 1, 1):
        shown = shown[1:]
    composer = make_row((Piece("▌", _ACCENT), Piece(" "), Piece(shown)), cols)
    # Only what is surely one cell wide: measuring anything else would load a library.
    hint = make_row((Piece("starting …", _DIM),), cols)
    blank = make_row((), cols)
    return View([blank, composer, blank, hint], (_PROMPT_CELLS + cell_width(shown), 1), size=(cols, rows))


def _run(options: TuiOptions) -> int:
    import io
    from contextlib import ExitStack, redirect_stderr

    notices = io.StringIO()
    with ExitStack() as process:
        boot = Boot(Terminal(), draw)
        if options.oss:  # a download is shown as it goes, before there is an app
            launch = _prepare(options, process)
            _get_local_model(launch)
            process.enter_context(boot)
        else:
            process.enter_context(boot)
            with redirect_stderr(notices):  # which would be written across the first frame
                launch = _prepare(options, process)
        app = _run_app(boot, launch, notices.getvalue())
    if app.problem is not None:
        sys.stderr.write(app.problem + "\n")
    if lines := farewell(app):
        sys.stdout.write("\n".join(("", *lines, "")))
    return app.return_code or 0


def _prepare(options: TuiOptions, process: ExitStack) -> Launch:
    """Everything a session is made of; `process` undoes it."""
    from codex_core.conversation.manager import ConversationManager
    from codex_core.logs import TUI_DEFAULT, configure_logging, log_file
    from codex_core.startup import prepared_process
    from codex_tui.session_start import Launch, auth_for, load

    services, helpers = process.enter_context(prepared_process())
    config = load(options, services, helpers)
    process.enter_context(
        configure_logging(services.environ, default=TUI_DEFAULT, file=log_file(config.codex_home))
    )
    auth = auth_for(config)
    return Launch(options, config, auth, services, ConversationManager(auth, services))


def _get_local_model(launch: Launch) -> None:
    import asyncio

    from codex_core.oss.setup import prepare_local_model

    asyncio.run(prepare_local_model(launch.config, launch.services))


def _run_app(boot: Boot, launch: Launch, notices: str) -> CodexApp:
    """The app, once it has ended."""
    import random

    from codex_tui.app import CodexApp
    from codex_tui.composer.view import PLACEHOLDERS
    from codex_tui.history.notice_cells import NoticeKind
    from codex_tui.term.textual_bridge import run_inline

    app = CodexApp(boot, launch, placeholder=random.choice(PLACEHOLDERS))
    for notice in filter(None, notices.split("\n")):
        app.controller.notice(NoticeKind.WARNING, notice)
    try:
        run_inline(app)
    except Exception:
        import logging

        logging.getLogger(__name__).exception("the app ended in an error")
        raise
    return app


def farewell(app: CodexApp) -> list[str]:
    """What is said when the app has gone: the tokens used, and how to go on with the session."""
    history = app.controller.history
    environ = app.controller.launch.services.environ
    found: list[str] = []
    tokens = history.tokens
    if tokens is not None and not tokens.total_token_usage.is_zero:
        locale = environ.get("LC_ALL") or environ.get("LC_NUMERIC") or environ.get("LANG") or "en_US"
        found.append(tokens.total_token_usage.summary(locale.partition(".")[0]))
    if app.controller.state.was_used and history.session_id:
        found += ["To continue this session, run:", f"codex resume {history.session_id}"]
    return found

"""The interactive app from its options to its exit code: first a frame, then everything else.

Before the first frame only what draws it is imported (spec: tui-textual.md section 9).
"""

from __future__ import annotations

import os
import sys

from codex_tui.term.boot import Boot
from codex_tui.term.rows import Piece, make_row
from codex_tui.term.surface import View
from codex_tui.term.tty import Terminal, is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from codex_tui.app import CodexApp
    from codex_tui.options import TuiOptions
    from codex_tui.session_start import Launch

FAILED = 1
_PROMPT_CELLS = 2
_DIM, _ACCENT = "2", "36"


def run(read_options: Callable[[], TuiOptions], *, is_first_frame_late: bool = False) -> int:
    """Runs the app and returns the exit code; a known problem is one sentence on stderr.

    The options are read behind the first frame, or before it if something else is shown in between: the
    download of a local model.
    """
    if not is_terminal(0, 1):
        return _refused(
            "the interactive app needs a terminal for its input and output. "
            'For one request without it: codex exec "…".'
        )
    if os.environ.get("TERM") == "dumb":
        return _refused(
            "the interactive app needs a terminal that can place the cursor, and TERM=dumb says that this "
            'cannot. If it can: TERM=xterm-256color codex. For one request: codex exec "…".'
        )
    from codex_core.errors import CodexError

    try:
        return _run(read_options, is_first_frame_late=is_first_frame_late)
    except CodexError as error:
        sentence = str(error)
        sys.stderr.write(sentence + "\n" if sentence.startswith("Error") else f"Error: {sentence}\n")
        return FAILED


def _refused(why: str) -> int:
    sys.stderr.write(f"Error: {why}\n")
    return FAILED


def draw(typed: str, cols: int, rows: int) -> View:
    """The first frame: the composer with what was typed so far."""
    from codex_tui.term.rows import cell_width

    shown = typed
    while cell_width(shown) > max(cols - _PROMPT_CELLS - 1, 1):
        shown = shown[1:]
    accent = "" if os.environ.get("NO_COLOR") else _ACCENT
    composer = make_row((Piece("▌", accent), Piece(" "), Piece(shown)), cols)
    # Only what is surely one cell wide: measuring anything else would load a library.
    hint = make_row((Piece("starting …", _DIM),), cols)
    blank = make_row((), cols)
    return View([blank, composer, blank, hint], (_PROMPT_CELLS + cell_width(shown), 1), size=(cols, rows))


def _run(read_options: Callable[[], TuiOptions], *, is_first_frame_late: bool) -> int:
    boot = Boot(Terminal(), draw)
    try:
        if not is_first_frame_late:
            boot.start()
        app = _launch(boot, read_options, is_first_frame_late=is_first_frame_late)
    finally:
        boot.close()
    if app.problem is not None:
        sys.stderr.write(app.problem + "\n")
    if lines := farewell(app):
        sys.stdout.write("\n".join(("", *lines, "")))
    return app.return_code or 0


def _launch(boot: Boot, read_options: Callable[[], TuiOptions], *, is_first_frame_late: bool) -> CodexApp:
    """The app, once it has ended."""
    import io
    from contextlib import ExitStack, redirect_stderr

    notices = io.StringIO()
    with ExitStack() as process:
        if is_first_frame_late:
            launch = _prepare(read_options(), process)
            _get_local_model(launch)
            boot.start()
        else:
            with redirect_stderr(notices):  # which would be written across the first frame
                launch = _prepare(read_options(), process)
        return _run_app(boot, launch, notices.getvalue())


def _prepare(options: TuiOptions, process: ExitStack) -> Launch:
    """Everything a session is made of; `process` undoes it."""
    from codex_core.conversation.manager import ConversationManager
    from codex_core.logs import TUI_DEFAULT, configure_logging, log_file
    from codex_core.startup import prepared_process
    from codex_tui.session_start import Launch, auth_for, load, store_for

    services, helpers = process.enter_context(prepared_process())
    config = load(options, services, helpers)
    process.enter_context(
        configure_logging(services.environ, default=TUI_DEFAULT, file=log_file(config.codex_home))
    )
    store = store_for(config)
    auth = auth_for(config, store)
    return Launch(options, config, auth, services, ConversationManager(auth, services), store)


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
    except Exception as error:
        from codex_core.errors import CodexError

        if isinstance(error, CodexError):
            raise
        from codex_core.logs import log_file
        from codex_tui.crash import report

        raise report(error, app, log_file(launch.config.codex_home)) from error
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
    if not (app.controller.state.was_used and history.session_id):
        return found
    if not app.controller.is_recorded:
        found.append(
            f"The end of this session is not recorded; what there is: codex resume {history.session_id}"
        )
    else:
        found += ["To continue this session, run:", f"codex resume {history.session_id}"]
    return found

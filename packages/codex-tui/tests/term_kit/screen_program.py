"""The app on the terminal it is started on, with its edges held still, for screens that can be compared.

    python screen_program.py DIRECTORY

Version, ids, durations, elapsed time and the composer's hint are always the same; everything else is real.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from codex_core.arg0 import dispatch

VERSION = "1.2.3"
HINT = "Describe a change to make"
WORKED_S = 2.0
TOOK = "47ms"


def main() -> int:
    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    import codex_tui

    codex_tui.__version__ = VERSION
    from codex_core.conversation.manager import ConversationManager
    from codex_core.presentation import blocks
    from codex_core.startup import prepared_process
    from codex_tui.app import CodexApp
    from codex_tui.options import TuiOptions
    from codex_tui.run import draw
    from codex_tui.session_start import Launch, auth_for, load
    from codex_tui.state import TurnClock
    from codex_tui.term.boot import Boot
    from codex_tui.term.textual_bridge import run_inline
    from codex_tui.term.tty import Terminal

    class StoppedClock(TurnClock):
        def seconds(self, now: float) -> float:
            return WORKED_S

    blocks.format_duration = lambda _: TOOK
    numbers = count(1)
    with ExitStack() as process:
        boot = process.enter_context(Boot(Terminal(), draw))
        found, helpers = process.enter_context(prepared_process())
        services = replace(
            found,
            now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            monotonic=lambda: 0.0,
            new_id=lambda: f"11111111-2222-4333-8444-{next(numbers):012}",
        )
        options = TuiOptions(cwd=sys.argv[1])
        config = load(options, services, helpers)
        auth = auth_for(config)
        launch = Launch(options, config, auth, services, ConversationManager(auth, services))
        app = CodexApp(boot, launch, placeholder=HINT)
        app.controller.state.clock = StoppedClock()
        run_inline(app)
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())

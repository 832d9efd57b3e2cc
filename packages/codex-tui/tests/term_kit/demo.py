"""A program on the inline engine, for tests to drive: a composer, a history of numbered lines, an overlay.

    python demo.py [--policy smart|rebuild|anchor] [--report FILE] [--no-boot-app]

Commands, each ended by Enter: `rows N [WIDTH]`, `stream N RATE`, `popup N`, `overlay`, `redraw`, `crash`,
`exit`, `shell` (gives the terminal away for a moment), `hang SECONDS`; everything else is echoed as history.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codex_tui.term.surface import View

PROMPT = "> "


def draw(typed: str, cols: int, rows: int) -> View:
    """The composer and a hint, as the app draws them, too."""
    from codex_tui.term.rows import cell_width, plain_row
    from codex_tui.term.surface import View

    shown = typed
    while cell_width(shown) > cols - 4:
        shown = shown[1:]
    text = plain_row(PROMPT + shown, cols)
    return View(
        [plain_row("", cols), text, plain_row("  ready when you are", cols)],
        (cell_width(PROMPT + shown), 1),
        size=(cols, rows),
    )


def main(argv: list[str]) -> int:
    from codex_tui.term.boot import Boot
    from codex_tui.term.tty import Terminal, is_terminal

    if not is_terminal(0, 1):
        sys.stderr.write("not a terminal\n")
        return 1
    boot = Boot(Terminal(), draw)
    with boot:
        if "--crash-in-boot" in argv:
            raise RuntimeError("the boot crashed")
        if "--slow-import" in argv:
            import time

            time.sleep(float(argv[argv.index("--slow-import") + 1]))
        if "--report" in argv:
            with open(argv[argv.index("--report") + 1], "w", encoding="utf-8") as file:
                file.write("\n".join(sorted(sys.modules)))
        from demo_app import DemoApp

        from codex_tui.term.textual_bridge import run_inline
        from codex_tui.term.viewport import ResizePolicy

        policy = ResizePolicy(argv[argv.index("--policy") + 1]) if "--policy" in argv else ResizePolicy.SMART
        app = DemoApp(boot, policy=policy)
        run_inline(app)
    sys.stdout.write("goodbye\n")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

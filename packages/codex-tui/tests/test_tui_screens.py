"""Whole screens of the app on a pseudo terminal, compared with `screens/`: text, and the looks of it.

They show what the reference's screens 05 to 11 and 16 show (spec: tui.md), at two sizes, on dark and on light
terminals. A file holds what has scrolled off since the prompt, the screen, and the looks of its rows on a dark
terminal; of those on a light one only the rows that look otherwise.

    CODEX_WRITE_SCREENS=1 pytest packages/codex-tui/tests/test_tui_screens.py    # writes them anew
    CODEX_SCREEN_PAGES=DIR pytest …                                              # pages to look at, as well
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from all_events import MARKDOWN
from painted_screen import PaintedScreen, picture, row_looks, row_text, texts
from pty_session import PtySession

from codex_core.testing import (
    Gate,
    ModelServer,
    answer,
    completed,
    created,
    make_home,
    message,
    patch_call,
    plan_call,
    reasoning,
    shell_call,
    sse,
    token_usage,
    web_search,
)

if TYPE_CHECKING:
    from painted_screen import PaintedRow

    from codex_core.testing.model_server import ScriptEntry

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs pseudo terminals and confined commands"
)

HERE = Path(__file__).parent
GOLDENS = HERE / "screens"
PROGRAM = [sys.executable, str(HERE / "term_kit" / "screen_program.py")]
SIZES = ((100, 30), (60, 20))
SCHEMES = {"dark": "15;0", "light": "0;15"}
SYNCHRONIZED = 2026  # the mode in which a terminal holds the screen still
LAST_ROWS = ("⏎ send", "⏎ confirm", "Ctrl+C again")
NAMES = (
    "05-markdown-answer",
    "06-exec-cells",
    "07-patch-applied",
    "08-plan-and-web-search",
    "09-approval-exec",
    "10-working-with-queue",
    "11-interrupted-queue-restored",
    "16-status",
)

APP = """import sys


def main():
    print("hello")


if __name__ == "__main__":
    main()
"""
PATCH = """*** Begin Patch
*** Add File: notes.txt
+alpha
+beta
*** Delete File: old.txt
*** Update File: src/app.py
@@
\x20
-def main():
-    print("hello")
+def main(name="world"):
+    # greet
+    print(f"hello {name}")
\x20
*** End Patch
"""
LONG = (
    "printf '%s\\n' --oneline --graph --decorate --all --max-count=20 --date=short --pretty=format:'%h %ad %s' "
    "| head -n 40 | grep -v something"
)
COMMANDS = (
    "echo hello && printf 'a\\nb\\n'",
    "for i in $(seq 1 25); do echo line $i 1>&2; done; exit 3",
    'set -e\ncd src\nsed -n "1p" app.py | cat > /dev/null',
    LONG,
)
STEPS = (
    ("Read the current parser", "completed"),
    (
        "Rewrite the tokenizer so that it handles nested quotes and escapes properly in all supported modes",
        "in_progress",
    ),
    ("Add tests", "pending"),
)
LONGER = (
    "and then run the whole test suite again, this time with coverage turned on, please, and tell me which "
    "files are below eighty percent"
)
QUEUED = (
    "also update the changelog",
    LONGER,
)
SLOW = [f"line {number} of a slow answer\n" for number in range(5)]
USAGE = token_usage(12_345, cached=2_000, output_tokens=345, reasoning=45)


def said(text: str) -> ScriptEntry:
    return answer(*message(text), usage=USAGE)


def script(gate: Gate) -> list[ScriptEntry]:
    pieces = [MARKDOWN[at : at + 7] for at in range(0, len(MARKDOWN), 7)]
    commands = [shell_call(["bash", "-lc", command], call_id=f"c{at}") for at, command in enumerate(COMMANDS)]
    return [
        answer(*message(MARKDOWN, deltas=pieces), usage=USAGE),
        answer(*commands, usage=USAGE),
        said("Ran them."),
        answer(patch_call(PATCH), usage=USAGE),
        said("Patched."),
        answer(plan_call(*STEPS, explanation="Starting with the parser, then tests."), usage=USAGE),
        said("Plan set."),
        answer(*web_search("textual inline mode"), *message("Found it."), usage=USAGE),
        answer(
            shell_call(
                ["bash", "-lc", "touch ../record.txt && echo recorded"],
                escalate=True,
                justification="Need to write outside the workspace to record the result",
            ),
            usage=USAGE,
        ),
        sse(
            created(),
            *reasoning("**Inspecting the request**\n\nIt is slow.", deltas=True),
            *({"type": "response.output_text.delta", "delta": line} for line in SLOW),
            gate,
            completed(USAGE),
        ),
    ]


class Visit:
    """One run of the app, and what was seen in it."""

    def __init__(self, session: PtySession, screen: PaintedScreen) -> None:
        self._session = session
        self._screen = screen
        self.cols, self.lines = screen.columns, screen.lines
        self.seen: dict[str, tuple[list[PaintedRow], list[PaintedRow]]] = {}

    def ask(self, prompt: str, *awaited: str, is_running: bool = False) -> None:
        self.send(f"{prompt}\r", *awaited, is_running=is_running)

    def send(self, keys: str, *awaited: str, is_running: bool = False) -> None:
        self._session.send(keys)
        self.wait_for(*awaited, is_running=is_running)

    def wait_for(self, *awaited: str, is_running: bool = False) -> None:
        """Until the texts are on the screen and a turn runs or does not, and the frame is complete."""

        def is_there() -> bool:
            if SYNCHRONIZED in self._screen.private_modes:
                return False
            screen = "\n".join(self._screen.screen())
            is_whole = any(text in screen for text in LAST_ROWS)
            return is_whole and all(text in screen for text in awaited) and ("Esc to" in screen) is is_running

        self._session.wait_for(is_there)
        self._session.quiet(0.03)

    def look(self, name: str, since: str) -> None:
        """Keeps the screen, and what has scrolled off from the last row with the prompt on.

        How many empty rows a view that got smaller leaves below it is a matter of time, so they are left out.
        """
        rows = [*self._screen.painted_scrollback, *self._screen.painted_rows()]
        while not rows[-1]:
            rows.pop()
        start = max(at for at, row in enumerate(rows) if row_text(row).startswith(since))
        top = len(rows) - self.lines
        self.seen[name] = (rows[start:top], rows[top:])


def visited(place: Path, size: tuple[int, int], scheme: str) -> Visit:
    home, work, gate = make_home(place / "home"), place / "home" / "demo", Gate()
    (work / "src").mkdir(parents=True)
    (work / "src" / "app.py").write_text(APP)
    (work / "old.txt").write_text("old\n")
    with ModelServer.in_thread(script(gate)) as server:
        home.use_model_server(
            server.base_url,
            model="gpt-5",
            settings={
                "approval_policy": "on-request", "sandbox_mode": "workspace-write", "disable_paste_burst": True,
            },
        )  # fmt: skip
        environ = home.environ(TERM="xterm-256color", COLORFGBG=SCHEMES[scheme])
        settings = [f"{name}={value}" for name, value in environ.items()]
        with PtySession(
            ["/usr/bin/env", "-i", *settings, *PROGRAM, str(work)], cols=size[0], rows=size[1]
        ) as session:
            session.emulator = screen = PaintedScreen(*size)
            visit = Visit(session, screen)
            visit.wait_for("Describe a change to make")
            tour(visit)
            assert not server.problems
    return visit


def tour(visit: Visit) -> None:
    visit.ask("show me the markdown", "Last line.")
    visit.look("05-markdown-answer", "▌ show me")
    visit.ask("run some commands", "Ran them.")
    visit.look("06-exec-cells", "▌ run some")
    visit.ask("patch the greeting", "Patched.")
    visit.look("07-patch-applied", "▌ patch")
    visit.ask("plan the parser rewrite", "Plan set.")
    visit.ask("web search please", "Found it.")
    visit.look("08-plan-and-web-search", "▌ plan")
    visit.ask("record the result", "Allow this command?")
    visit.look("09-approval-exec", "▌ record")
    visit.send("\x1b", "interrupted", "▌ Describe")
    visit.ask("slow 14", "line 4", "Inspecting", is_running=True)
    visit.send(f"{QUEUED[0]}\t", "edit", is_running=True)
    visit.send(f"{QUEUED[1]}\t", "eighty percent", "▌ Describe", is_running=True)
    visit.look("10-working-with-queue", "▌ slow")
    visit.send("\x1b", "interrupted", "▌ also update")
    visit.look("11-interrupted-queue-restored", "▌ slow")
    visit.send("\x03", "again")
    visit.ask("/status", "Session ID")
    visit.look("16-status", "/status")


def shown(
    dark: tuple[list[PaintedRow], list[PaintedRow]], light: tuple[list[PaintedRow], list[PaintedRow]]
) -> str:
    """The contents of a file."""
    blocks = [("scrolled off", texts(dark[0])), ("screen", texts(dark[1]))]
    rows = [[*dark[0], *dark[1]], [*light[0], *light[1]]]
    looks = [[(at, row_looks(row)) for at, row in enumerate(each, 1) if row_looks(row)] for each in rows]
    blocks.append(("dark", [f"{at:3} {look}" for at, look in looks[0]]))
    blocks.append(
        ("light, where it differs", [f"{at:3} {look}" for at, look in looks[1] if (at, look) not in looks[0]])
    )
    return "".join(f"=== {title}\n" + "".join(f"{line}\n" for line in lines) for title, lines in blocks)


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def visits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Visit]:
    """The same visit on a dark and on a light terminal."""
    places = {scheme: tmp_path_factory.mktemp(scheme) for scheme in SCHEMES}
    with ThreadPoolExecutor() as pool:  # they wait for their programs most of the time
        begun = {
            scheme: pool.submit(visited, place, request.param, scheme) for scheme, place in places.items()
        }
    return {scheme: visit.result() for scheme, visit in begun.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_looks_as_it_should(name: str, visits: dict[str, Visit]) -> None:
    dark, light = (visits[scheme].seen[name] for scheme in SCHEMES)
    cols = visits["dark"].cols
    golden = GOLDENS / f"{name}-{cols}x{visits['dark'].lines}.txt"
    if pages := os.environ.get("CODEX_SCREEN_PAGES"):
        for scheme, (off, screen) in (("dark", dark), ("light", light)):
            page = Path(pages) / f"{name}-{cols}-{scheme}.html"
            page.write_text(picture([*off, *screen], cols, scheme), encoding="utf-8")
    if os.environ.get("CODEX_WRITE_SCREENS"):
        golden.write_text(shown(dark, light), encoding="utf-8")
    assert shown(dark, light) == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_light_terminal_gets_the_same_words(name: str, visits: dict[str, Visit]) -> None:
    dark, light = (visits[scheme].seen[name] for scheme in SCHEMES)
    assert [texts(rows) for rows in dark] == [texts(rows) for rows in light]


@pytest.mark.parametrize("name", NAMES)
def test_no_colour_is_hard_to_read_on_its_background(name: str, visits: dict[str, Visit]) -> None:
    unreadable = {"dark": {"black", "blue"}, "light": {"white", "brown"}}
    for scheme, names in unreadable.items():
        runs = [run for rows in visits[scheme].seen[name] for row in rows for run in row]
        assert {run.colour for run in runs} & names == set()
        assert {run.background for run in runs} == {""}
        if scheme == "light":
            assert not any(run.colour.startswith("bright") for run in runs)

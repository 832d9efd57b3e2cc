"""The bridge to Textual: the private names it needs are there, and frames leave as they should."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import os
import signal
from pathlib import Path

import pytest
from demo_app import Below, Composer, DemoApp
from memory_app import MemoryBoot, running, shown, until
from textual.app import App
from textual.geometry import Size
from textual.message import Message

import codex_tui
from codex_tui.term.textual_bridge import PRIVATE_NAMES, InlineApp, InlineDriver, textual_key

SOURCES = Path(codex_tui.__file__).parent
BRIDGE = SOURCES / "term" / "textual_bridge.py"


async def test_the_private_names_are_there() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        owners = {
            "textual.app:App": app,
            "textual.driver:Driver": app._driver,
            "textual.screen:Screen": app.screen,
            "textual.widget:Widget": app.query_one(Composer),
        }
        for place, names in PRIVATE_NAMES.items():
            module, _, name = place.partition(":")
            owner = owners[place] if name else importlib.import_module(module)
            if name:
                assert isinstance(owner, getattr(importlib.import_module(module), name))
            assert [name for name in names if not hasattr(owner, name)] == []


def test_the_private_methods_take_what_they_are_given() -> None:
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]
    assert list(inspect.signature(App._handle_exception).parameters) == ["self", "error"]
    assert list(inspect.signature(App._close_messages_no_wait).parameters) == ["self"]


def test_the_list_of_private_names_is_complete() -> None:
    tree = ast.parse(BRIDGE.read_text(encoding="utf-8"))
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)} | {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
    }
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual")
        for alias in node.names
    }
    private = {name for name in used if name.startswith("_") and not name.startswith("__")}
    listed = {name for names in PRIVATE_NAMES.values() for name in names}
    assert private - own - listed == set()


def test_nobody_else_touches_textuals_private_names() -> None:
    found = []
    for path in SOURCES.rglob("*.py"):
        if path == BRIDGE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("textual"):
                continue
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if any(name.startswith("_") for name in names):
                found.append(f"{path.name}: {ast.unparse(node)}")
    assert found == []


async def test_what_is_typed_is_on_screen_without_waiting_for_a_timer() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        composer = app.query_one(Composer)
        composer.insert("hello")
        app.paint_now(composer)
        assert "> hello" in shown(boot)
        assert (boot.emulator.cursor.x, boot.emulator.cursor.y) == (7, 1)


async def test_paint_now_lays_out_a_widget_that_grew() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        composer = app.query_one(Composer)
        composer.insert("x" * 100)
        app.paint_now(composer)
        assert boot.emulator.screen()[1:5] == ["> " + "x" * 38, "x" * 40, "x" * 22, "  ready when you are"]


async def test_keys_from_the_terminal_reach_the_focused_widget() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot):
        boot.terminal.keyboard.send("héllo?".encode() + b"\x1b[1;5D\r")
        await until(lambda: "• héllo?" in shown(boot) and "<ctrl+left>" in shown(boot))


async def test_a_paste_arrives_as_one() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        boot.terminal.keyboard.send(b"\x1b[200~one\rtwo\x1b[201~")
        await until(lambda: app.query_one(Composer).text == "one\ntwo")


async def test_a_lone_escape_comes_after_its_delay() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot):
        boot.terminal.keyboard.send(b"\x1b")
        await until(lambda: "<escape>" in shown(boot))


async def test_what_was_typed_before_the_app_was_there_is_kept_in_order() -> None:
    boot = MemoryBoot(typed="before ", rest=b"after\rnext")
    async with running(DemoApp(boot), boot) as app:
        await until(lambda: "• before after" in shown(boot) and app.query_one(Composer).text == "next")


async def test_commits_and_the_view_leave_in_one_frame() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        written = len(boot.terminal.written)
        app.say("one")
        app.say("two")
        app.query_one(Composer).insert("x")
        await until(lambda: "> x" in shown(boot))
        assert boot.emulator.everything()[:2] == ["• one", "• two"]
        assert len(boot.terminal.written) == written + 1


def frames(boot: MemoryBoot) -> int:
    return sum("\x1b[?2026h" in text for text in boot.terminal.written)


async def test_a_view_that_grows_and_shrinks_is_laid_out_once_and_painted_in_one_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        layouts: list[int] = []
        original = type(app.screen)._refresh_layout
        monkeypatch.setattr(
            type(app.screen),
            "_refresh_layout",
            lambda screen, *args, **kwargs: (layouts.append(1), original(screen, *args, **kwargs))[1],
        )
        below = app.query_one(Below)
        for lines in (["a", "b", "c"], ["a"]):
            layouts.clear()
            before = frames(boot)
            below.lines = lines
            below.refresh(layout=True)
            app.paint_now(below)
            assert boot.emulator.screen()[2 : 3 + len(lines)] == [*lines, ""]
            app.query_one(Composer).insert("x")
            await until(lambda before=before: frames(boot) > before + 1)
            assert frames(boot) == before + 2
            assert len(layouts) == 1


async def test_what_is_below_an_overlay_is_not_painted_into_it() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        below = app.query_one(Composer)
        boot.terminal.keyboard.send(b"overlay\r")  # by the app itself, in its context
        await until(lambda: "press q" in shown(boot))
        before = boot.emulator.screen()
        below.insert("hidden")
        app.paint_now(below)
        assert boot.emulator.screen() == before
        boot.terminal.keyboard.send(b"q")
        await until(lambda: "> hidden" in "\n".join(boot.emulator.screen()))


async def test_a_key_knows_when_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        driver = app._driver
        assert isinstance(driver, InlineDriver)
        found: list[Message] = []
        monkeypatch.setattr(driver, "process_message", found.append)
        before = asyncio.get_running_loop().time()
        driver.reader.feed(b"x")
        assert before <= found[0].time <= asyncio.get_running_loop().time()


async def test_the_app_goes_on_while_another_program_has_the_terminal() -> None:
    boot = MemoryBoot()
    keyboard_signals = (signal.SIGINT, signal.SIGQUIT)
    async with running(DemoApp(boot), boot) as app:
        before = [signal.getsignal(number) for number in keyboard_signals]
        with app.terminal_given_away():
            written = len(boot.terminal.written)
            for number in (*keyboard_signals, signal.SIGWINCH):
                os.kill(os.getpid(), number)
            assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL
            app.say("meanwhile")
            is_laid_out = asyncio.Event()
            app.call_after_refresh(is_laid_out.set)
            await is_laid_out.wait()
            assert not boot.terminal.is_raw
            assert len(boot.terminal.written) == written
        assert boot.terminal.is_raw
        await until(lambda: "• meanwhile" in shown(boot))
        assert [signal.getsignal(number) for number in keyboard_signals] == before
        assert app.return_code is None


async def test_the_app_may_end_while_another_program_has_the_terminal() -> None:
    boot = MemoryBoot()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)]
    app = DemoApp(boot)
    async with running(app, boot):
        given_away = app.terminal_given_away()
        given_away.__enter__()
        app.exit()
        await until(lambda: not app.is_running)
        given_away.__exit__(None, None, None)
        assert not boot.terminal.is_raw
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)] == before


async def test_a_signal_that_was_ignored_stays_so() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        boot = MemoryBoot()
        async with running(DemoApp(boot), boot):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


async def test_an_overlay_screen_is_on_the_alternate_screen() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        app.say("below")
        await until(lambda: "• below" in shown(boot))
        before = boot.emulator.screen()
        boot.terminal.keyboard.send(b"overlay\r")  # by the app itself, in its context
        await until(lambda: boot.emulator.is_alternate and "press q" in shown(boot))
        boot.terminal.keyboard.send(b"q")
        await until(lambda: not boot.emulator.is_alternate)
        assert boot.emulator.screen() == before


async def test_a_resize_lays_out_and_writes_the_history_anew() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        app.command("rows 3 60")
        await until(lambda: "[00002]" in shown(boot))
        boot.emulator.resize(16, 30)
        os.kill(os.getpid(), signal.SIGWINCH)
        await until(lambda: app.viewport.is_steady and app.size == Size(30, 16))
        expected = [row.ansi.replace("\x1b[32m", "").replace("\x1b[0m", "") for row in app.history_rows(30)][
            ::-1
        ]
        assert boot.emulator.everything()[: len(expected)] == expected


async def test_textual_itself_writes_nothing_but_what_does_not_draw() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        written = len(boot.terminal.written)
        driver = app._driver
        assert isinstance(driver, InlineDriver)
        driver.write("\x1b[2J\x1b[5;5Htext\x1b]22;pointer\x07")
        assert len(boot.terminal.written) == written
        app.bell()
        app.copy_to_clipboard("copied")
        driver.write("\x1b]9;done\x07")
        assert boot.emulator.bells == 1
        assert [text[:6] for text in boot.emulator.strings[-2:]] == ["\x1b]52;c", "\x1b]9;do"]


async def test_the_terminals_end_is_the_apps_end() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        boot.terminal.keyboard.close()
        await until(lambda: app.return_code is not None)
        assert app.return_code == 128 + signal.SIGHUP


async def test_signal_handlers_are_given_back() -> None:
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)
    before = [signal.getsignal(number) for number in numbers]
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot):
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before
    assert not boot.terminal.is_raw


async def test_an_error_in_the_app_is_kept_for_who_ran_it() -> None:
    boot = MemoryBoot()
    async with running(DemoApp(boot), boot) as app:
        boot.terminal.keyboard.send(b"crash\r")
        await until(lambda: app.failure is not None)
    assert isinstance(app.failure, RuntimeError)
    assert boot.emulator.private_modes == {7, 25}


async def test_an_error_in_what_the_loop_calls_ends_the_app_too(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = MemoryBoot()

    def broken(cols: int) -> list[object]:
        raise LookupError("no history")

    async with running(DemoApp(boot), boot) as app:
        monkeypatch.setattr(app.viewport, "_history", broken)
        boot.emulator.resize(16, 30)
        os.kill(os.getpid(), signal.SIGWINCH)
        await until(lambda: app.failure is not None)
    assert isinstance(app.failure, LookupError)


async def test_textual_can_run_it_headless_for_tests_of_widgets() -> None:
    boot = MemoryBoot()
    app: InlineApp[int] = DemoApp(boot)
    async with app.run_test() as pilot:
        await pilot.press("a", "b")
        assert app.query_one(Composer).text == "ab"
    boot.terminal.close()


@pytest.mark.parametrize(
    ("name", "textual"),
    [
        ("a", "a"),
        ("?", "question_mark"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("alt+/", "alt+slash"),
        ("ctrl+@", "ctrl+at"),
        ("ctrl+shift+left", "ctrl+shift+left"),
        ("é", "é"),
        ("alt+[", "alt+left_square_bracket"),
        ("space", "space"),
    ],
)
def test_keys_have_textuals_names(name: str, textual: str) -> None:
    assert textual_key(name) == textual

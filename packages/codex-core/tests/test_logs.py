"""Log filters, log lines and log files: what passes, what it looks like, and that no credential goes along."""

from __future__ import annotations

import io
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.log_handler import LogHandler
from codex_core.logs import (
    EXEC_DEFAULT,
    FILTER_VARIABLE,
    OFF,
    OUR_PACKAGES,
    TRACE,
    TUI_DEFAULT,
    configure_logging,
    log_file,
    log_line,
    parse_filter,
    passes,
    redacted,
)

KEY = "sk-proj-abcdefgh123456789"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def levels_are_put_back() -> Iterator[None]:
    """Logging belongs to the whole process: a test that leaves something behind fails."""
    before = (
        [(name, logging.getLogger(name).level) for name in OUR_PACKAGES],
        list(logging.getLogger().handlers),
    )
    yield
    after = (
        [(name, logging.getLogger(name).level) for name in OUR_PACKAGES],
        list(logging.getLogger().handlers),
    )
    assert before == after


@pytest.mark.parametrize(
    ("text", "name", "level"),
    [
        ("error", "codex_core.mcp", logging.ERROR),
        ("WARN", "codex_core", logging.WARNING),
        ("warning", "codex_core", logging.WARNING),
        ("off", "codex_core", OFF),
        ("codex_core=debug", "codex_core.model.client", logging.DEBUG),
        ("codex_core=debug", "codex_exec.run", OFF),
        ("codex_core=debug,codex_exec=info", "codex_exec.run", logging.INFO),
        ("error,codex_core=debug", "codex_tui.app", logging.ERROR),
        ("codex_core=debug,error", "codex_core.notify", logging.DEBUG),
        ("codex_core::model=trace,codex_core=warn", "codex_core.model.sse", TRACE),
        ("codex_core::model=trace,codex_core=warn", "codex_core.notify", logging.WARNING),
        ("codex_core.model=trace", "codex_core.model.sse", TRACE),
        ("codex=info", "codex_tui.app", logging.INFO),
        ("codex_core", "codex_core.notify", TRACE),
        (" codex_core = info , error ", "codex_core", logging.INFO),
        ("info,error", "codex_core", logging.ERROR),
        ("", "codex_core", OFF),
    ],
)
def test_the_longest_target_decides(text: str, name: str, level: int) -> None:
    chosen, invalid = parse_filter(text)
    assert invalid == ()
    assert chosen.level(name) == level


@pytest.mark.parametrize(
    "word",
    [
        "codex_core=loud",
        "=debug",
        "codex_core=",
        "[span]=debug",
        "codex core=info",
        "a=b=c",
        "::=info",
        "ä=info",
    ],
)
def test_what_is_no_directive_is_named_and_the_others_count(word: str) -> None:
    chosen, invalid = parse_filter(f"{word},codex_exec=info")
    assert invalid == (word,)
    assert chosen.level("codex_exec") == logging.INFO


@given(st.text())
def test_any_text_is_a_filter(text: str) -> None:
    chosen, invalid = parse_filter(text)
    assert len(chosen.directives) + len(invalid) == sum(bool(part.strip()) for part in text.split(","))


@given(
    st.lists(
        st.sampled_from(["codex_core=info", "codex_core::model=trace", "error", "codex=off", "codex_c=warn"])
    )
)
def test_a_package_lets_through_whatever_passes_inside_it(parts: list[str]) -> None:
    chosen, _ = parse_filter(",".join(parts))
    least = chosen.least_level("codex_core")
    for name in ("codex_core", "codex_core.model", "codex_core.model.sse", "codex_core.mcp"):
        assert least <= chosen.level(name)


def test_the_defaults_are_filters() -> None:
    for default in (EXEC_DEFAULT, TUI_DEFAULT):
        assert parse_filter(default)[1] == ()


def test_libraries_are_heard_only_when_something_is_wrong() -> None:
    chosen, _ = parse_filter("trace")
    assert not passes("httpcore.http11", logging.DEBUG, chosen)
    assert passes("httpcore.http11", logging.WARNING, chosen)
    assert not passes("httpx", logging.WARNING, parse_filter("codex_core=trace")[0])


def test_a_line_has_time_level_and_target() -> None:
    line = log_line(1_763_800_914.33264, logging.INFO, "codex_core.mcp", "ready")
    assert line == "2025-11-22T08:41:54.332640Z  INFO codex_core::mcp: ready\n"
    assert log_line(0, TRACE, "a", "x").startswith("1970-01-01T00:00:00.000000Z TRACE a: x")
    assert "\x1b[31mERROR\x1b[0m" in log_line(0, logging.ERROR, "a", "x", colored=True)


@given(st.text())
def test_no_message_can_pass_for_another_line_or_steer_a_terminal(message: str) -> None:
    first, *others = log_line(0, logging.ERROR, "codex_core", message).removesuffix("\n").split("\n")
    assert first.startswith("1970-01-01T00:00:00.000000Z ERROR codex_core: ")
    assert all(other.startswith("    ") for other in others)
    assert not {"\x1b", "\r", "\x07", "\x9b"} & set("".join([first, *others]))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key {KEY} refused", KEY),
        (f"Authorization: Bearer {KEY}", KEY),
        ("{'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("[(b'Authorization', b'Token abc def')]", "abc def"),
        ("got bearer abc.def-123~", "abc.def-123~"),
        (f'{{"id_token": "{TOKEN}"}}', TOKEN),
        ('{"refresh_token":"rt-very-secret"}', "rt-very-secret"),
        ("refresh_token=rt-very-secret&x=1", "rt-very-secret"),
        ("OPENAI_API_KEY='hunter2hunter2'", "hunter2hunter2"),
        ("x-api-key: hunter2", "hunter2"),
        (f"the token is {TOKEN}.", TOKEN),
        ("via http://user:pa55@proxy:3128/", "pa55"),
    ],
)
def test_credentials_are_taken_out(text: str, secret: str) -> None:
    shown = redacted(text)
    assert "***" in shown
    for part in secret.replace(".", " ").split():
        assert part not in shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text", ["task-based disk-usage", "a bearish market", "http://host:80/a@b", "skip eyJ"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert redacted(text) == text


def test_only_what_passes_is_written() -> None:
    stream = io.StringIO()
    with configure_logging({FILTER_VARIABLE: "codex_core=info"}, default="error", stream=stream):
        logging.getLogger("codex_core.notify").info("%s and %s", "this", KEY)
        logging.getLogger("codex_core.notify").debug("not this")
        logging.getLogger("codex_exec").error("nor this")
    logging.getLogger("codex_core.notify").error("closed by now")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(" INFO codex_core::notify: this and sk-***")


def test_nothing_set_and_nothing_usable_mean_the_default() -> None:
    for environ in ({}, {FILTER_VARIABLE: ""}, {FILTER_VARIABLE: " , "}):
        stream = io.StringIO()
        with configure_logging(environ, default="error", stream=stream):
            logging.getLogger("codex_core").error("heard")
            logging.getLogger("codex_core").warning("not heard")
        assert [line.rpartition(" ")[2] for line in stream.getvalue().splitlines()] == ["heard"]


def test_a_bad_directive_is_told_once_whatever_the_filter() -> None:
    stream = io.StringIO()
    with configure_logging({FILTER_VARIABLE: "codex_core=loud,off"}, default="error", stream=stream):
        logging.getLogger("codex_core").error("not heard")
    (line,) = stream.getvalue().splitlines()
    assert "RUST_LOG: ignored `codex_core=loud`" in line


def test_a_traceback_is_written_without_secrets() -> None:
    stream = io.StringIO()
    with configure_logging({}, default="error", stream=stream):
        try:
            raise ValueError(f"bad key {KEY}")
        except ValueError:
            logging.getLogger("codex_core").exception("it failed")
    text = stream.getvalue()
    assert "ValueError: bad key sk-***" in text
    assert KEY not in text


def test_arguments_that_do_not_fit_are_shown_as_they_are() -> None:
    stream = io.StringIO()
    record = logging.LogRecord("codex_core", logging.ERROR, "x.py", 1, "%d files", ("many",), None)
    LogHandler(stream, parse_filter("error")[0], colored=False).handle(record)
    assert "%d files ('many',)" in stream.getvalue()


@pytest.mark.parametrize(
    "broken", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed")]
)
def test_a_stream_that_fails_stops_nothing(broken: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def write(self, text: str, /) -> None:
            raise broken

        def flush(self) -> None:
            raise AssertionError("nothing was written")

    with configure_logging({}, default="error", stream=Broken()):
        logging.getLogger("codex_core").error("lost")
    assert capsys.readouterr().err == ""


def test_the_file_is_private_made_with_the_first_record_and_appended_to(tmp_path: Path) -> None:
    path = log_file(str(tmp_path / "home"))
    assert path == str(tmp_path / "home" / "log" / "codex-tui.log")
    for text in ("one", "two"):
        with configure_logging({}, default="error", file=path):
            assert os.path.exists(path) is (text == "two")
            logging.getLogger("codex_core").error(text)
    assert [line.split()[-1] for line in Path(path).read_text().splitlines()] == ["one", "two"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_a_file_others_can_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "codex-tui.log"
    path.write_text("old\n")
    path.chmod(0o644)
    with configure_logging({}, default="error", file=str(path)):
        logging.getLogger("codex_core").error("new")
    assert path.read_text().startswith("old\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["directory", "pipe", "file in the way"])
def test_a_file_that_cannot_be_written_stops_nothing(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log" / "codex-tui.log"
    if kind == "directory":
        path.mkdir(parents=True)
    elif kind == "pipe":
        path.parent.mkdir()
        os.mkfifo(path)
    else:
        path.parent.write_text("")
    with configure_logging({}, default="error", file=str(path)):
        logging.getLogger("codex_core").error("lost")
        logging.getLogger("codex_core").error("lost, too")
    assert capsys.readouterr().err == ""


def test_a_stream_or_a_file_not_both_and_not_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a stream or a file"):
        configure_logging({}, default="error")
    with pytest.raises(ValueError, match="a stream or a file"):
        configure_logging({}, default="error", stream=io.StringIO(), file=str(tmp_path / "x"))


def test_the_module_alone_does_not_load_logging() -> None:
    source = "import sys, codex_core.logs; print({'logging', 'datetime', 'traceback'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-Sc", f"import sys; sys.path = {sys.path!r}; {source}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"

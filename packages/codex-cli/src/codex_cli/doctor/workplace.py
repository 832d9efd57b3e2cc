"""Where the agent works: git and the terminal."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.doctor.programs import ProgramError, run
from codex_cli.doctor.result import Check, Result, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_cli.doctor.result import Patient, Value

GROUP = "Workplace"
PROGRAM_TIMEOUT_S = 5.0
LEAST_COLUMNS = 40
LEAST_ROWS = 10


@dataclass(frozen=True, slots=True)
class Git:
    """What is known of git here."""

    version: str | None
    """None where git cannot be run."""
    problem: str | None = None
    """Why git cannot be run, or what it complains of in this repository."""
    root: str | None = None
    """Of the repository around the working directory."""


def judge_git(found: Git) -> Result:
    """Whether git is there, and what it thinks of this place."""
    data: dict[str, Value] = {"version": found.version, "repository": found.root}
    if found.version is None:
        return Result(
            Status.WARN,
            f"git cannot be used: {found.problem}",
            ("sessions then record no commit or branch",),
            advice="install git",
            data=data,
        )
    if found.root is None:
        detail = "`codex exec` wants --skip-git-repo-check here"
        return Result(Status.OK, f"{found.version}; not inside a repository", (detail,), data=data)
    if found.problem is not None:
        return Result(
            Status.WARN,
            f"{found.version}; it cannot use the repository {found.root}",
            (found.problem,),
            data=data,
        )
    return Result(Status.OK, f"{found.version}, repository {found.root}", data=data)


@dataclass(frozen=True, slots=True)
class Screen:
    """What is known of the terminal."""

    is_input: bool
    is_output: bool
    columns: int | None = None
    rows: int | None = None
    encoding: str = "utf-8"
    multiplexer: str | None = None


def judge_terminal(found: Screen, environ: Mapping[str, str]) -> Result:
    """Whether the interactive app would look right here."""
    term = environ.get("TERM", "")
    colors = color_depth(environ)
    data: dict[str, Value] = {
        "stdin": found.is_input,
        "stdout": found.is_output,
        "term": term or None,
        "program": environ.get("TERM_PROGRAM") or None,
        "colors": colors,
        "columns": found.columns,
        "rows": found.rows,
        "multiplexer": found.multiplexer,
    }
    if not (found.is_input and found.is_output):
        which = "output" if found.is_input else "input" if found.is_output else "input and output"
        return Result(Status.OK, f"{which}: not a terminal (the interactive app needs one)", data=data)
    parts = [f"TERM={term}" if term else "TERM is not set", colors]
    if found.columns is not None:
        parts.append(f"{found.columns}x{found.rows}")
    if found.multiplexer is not None:
        parts.append(found.multiplexer)
    program = environ.get("TERM_PROGRAM", "")
    if program and not (found.multiplexer or "").startswith(program):
        parts.append(program)
    summary = ", ".join(parts)
    if not term or term == "dumb":
        return Result(
            Status.WARN, summary, advice="set TERM to what your terminal is, e.g. xterm-256color", data=data
        )
    if found.columns is not None and (found.columns < LEAST_COLUMNS or (found.rows or 0) < LEAST_ROWS):
        advice = f"make the window at least {LEAST_COLUMNS}x{LEAST_ROWS}"
        return Result(Status.WARN, summary, advice=advice, data=data)
    return Result(Status.OK, summary, data=data)


def judge_locale(environ: Mapping[str, str], encoding: str) -> Result:
    """Whether text can be shown as it is written."""
    name = next((v for k in ("LC_ALL", "LC_CTYPE", "LANG") if (v := environ.get(k, ""))), "")
    data: dict[str, Value] = {"locale": name or None, "encoding": encoding}
    summary = f"locale {name or 'not set'}, text is {encoding}"
    if encoding.lower().replace("-", "").replace("_", "") == "utf8":
        return Result(Status.OK, summary, data=data)
    return Result(Status.WARN, summary, advice="use a UTF-8 locale, e.g. export LANG=C.UTF-8", data=data)


def color_depth(environ: Mapping[str, str]) -> str:
    """How many colours the environment promises, in words."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if term in ("", "dumb"):
        return "no colours"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "16 million colours"
    return "256 colours" if "256color" in term else "16 colours"


def _check_git(patient: Patient) -> Result:
    from codex_core.workspace.git import repository_root

    try:
        done = run(["git", "--version"], environ=patient.environ, timeout_s=PROGRAM_TIMEOUT_S)
    except ProgramError as error:
        return judge_git(Git(None, str(error)))
    if done.exit_code != 0:
        return judge_git(Git(None, _first_line(done.complaint) or f"it ends with {done.exit_code}"))
    version = _first_line(done.output)
    root = repository_root(patient.cwd)
    problem = None
    if root is not None:
        try:
            done = run(
                ["git", "rev-parse", "--git-dir"],
                environ=patient.environ,
                timeout_s=PROGRAM_TIMEOUT_S,
                cwd=patient.cwd,
            )
            if done.exit_code != 0:
                problem = _first_line(done.complaint)
        except ProgramError as error:
            problem = str(error)
    return judge_git(Git(version, problem, root))


def _check_terminal(patient: Patient) -> Result:
    is_input, is_output = _is_terminal(sys.stdin), _is_terminal(sys.stdout)
    columns = rows = None
    if is_output:
        try:
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
        except (OSError, ValueError):
            pass
    screen = Screen(is_input, is_output, columns, rows, multiplexer=_multiplexer(patient.environ))
    return judge_terminal(screen, patient.environ)


def _check_locale(patient: Patient) -> Result:
    import locale

    return judge_locale(patient.environ, locale.getencoding())


def _multiplexer(environ: Mapping[str, str]) -> str | None:
    if environ.get("TMUX"):
        try:
            done = run(["tmux", "-V"], environ=environ, timeout_s=PROGRAM_TIMEOUT_S)
        except ProgramError:
            return "tmux"
        return _first_line(done.output) or "tmux"
    if environ.get("STY"):
        return "screen"
    return "zellij" if environ.get("ZELLIJ") else None


def _is_terminal(stream: object) -> bool:
    try:
        return stream is not None and bool(stream.isatty())  # type: ignore[attr-defined]  # a text stream
    except ValueError:  # closed
        return False


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


CHECKS: tuple[Check, ...] = (
    Check("git", GROUP, _check_git, 15.0),
    Check("terminal", GROUP, _check_terminal),
    Check("locale", GROUP, _check_locale),
)

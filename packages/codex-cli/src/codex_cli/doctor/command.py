"""`codex doctor`: what is installed, configured and possible here, and what to do about the rest."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Check, Patient, Status, worst
from codex_cli.doctor.runner import Attempt, crashed, run_checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_core.command_line.parser import Invocation
    from codex_core.config.config import Config

FAILED = 1
LOAD_TIMEOUT_S = 10.0
_ROOMS = ("installation", "home", "configuration", "credentials", "workplace", "network", "confinement")


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What was asked for."""

    json: bool = False
    network: bool = False
    cwd: str | None = None
    profile: str | None = None
    overrides: tuple[str, ...] = ()


def run_doctor(invocation: Invocation) -> int:
    """Examines and reports; returns the exit code: 0 nothing failed, 1 something did."""
    given = invocation.inner
    return examine(
        DoctorOptions(
            json=given.is_on("json"),
            network=given.is_on("network"),
            cwd=given.text("cd"),
            profile=given.text("profile"),
            overrides=invocation.overrides,
        )
    )


def examine(options: DoctorOptions) -> int:
    """Runs every check and reports; the exit code says whether anything failed."""
    from codex_cli import __version__

    findings = run_checks(all_checks(), admit(options))
    if options.json:
        from codex_cli.doctor.report import as_json

        found = list(findings)
        sys.stdout.write(as_json(found, version=__version__))
    else:
        found = []
        print(f"codex doctor {__version__}\n", flush=True)
        from codex_cli.doctor.report import finding_rows, group_rows, verdict_rows
        from codex_exec.options import Color
        from codex_exec.painter import Painter, is_colored

        painter = Painter(_Tolerant(), colored=is_colored(Color.AUTO, sys.stdout))
        width = _width()
        for finding in findings:
            if not found or found[-1].check.group != finding.check.group:
                painter.rows(group_rows(finding.check.group, is_first=not found))
            painter.rows(finding_rows(finding.result, width))
            found.append(finding)
        painter.rows(verdict_rows(found))
    return FAILED if worst(found) is Status.FAIL else 0


def all_checks() -> list[Check]:
    """Every check in the order of the report; of a room that cannot be imported there is one that says so."""
    from importlib import import_module

    checks: list[Check] = []
    for room in _ROOMS:
        try:
            found: tuple[Check, ...] = import_module(f"codex_cli.doctor.{room}").CHECKS
        except ImportError as error:
            result = crashed(f"the checks of `{room}` cannot be run", error)
            found = (Check(room, room.capitalize(), lambda _, result=result: result),)  # type: ignore[misc]  # mypy cannot infer a default's type
        checks += found
    return checks


def admit(options: DoctorOptions, *, timeout_s: float = LOAD_TIMEOUT_S) -> Patient:
    """What the checks look at. Nothing that is wrong with it is an error here."""
    home: str | None = None
    home_problem: str | None = None
    try:
        environ, home = Attempt(_environ_and_home).value(timeout_s)
    except Exception as error:  # noqa: BLE001 - outermost: what is wrong is a finding
        environ, home_problem = dict(os.environ), _reason("CODEX_HOME cannot be looked at", error)
    config: Config | None = None
    problems: tuple[str, ...] = ()
    if home is not None:
        try:
            config = Attempt(lambda: _load(options, environ)).value(timeout_s)
        except Exception as error:  # noqa: BLE001 - as above
            problems = tuple(_reason("the configuration cannot be loaded", error).splitlines())
    cwd = config.cwd if config is not None else _directory(options.cwd)
    return Patient(environ, cwd, home, config, home_problem, problems, options.network)


def _environ_and_home() -> tuple[dict[str, str], str]:
    from codex_core.config.home import find_codex_home
    from codex_core.startup import user_environ

    environ = user_environ()
    return environ, find_codex_home(environ)


def _reason(what: str, error: Exception) -> str:
    """A condition we know says it all itself."""
    from codex_core.errors import CodexError

    if isinstance(error, CodexError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"{what}: {error}; is a file of it a pipe, or on a file system that does not answer?"
    return crashed(what, error).summary


def _load(options: DoctorOptions, environ: Mapping[str, str]) -> Config:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.services import Services
    from codex_protocol.quick_start import skip_pydantic_plugins

    skip_pydantic_plugins()
    flags = ConfigFlags(profile=options.profile, cwd=options.cwd)
    return load_config(overrides=options.overrides, flags=flags, services=Services(environ=environ))


def _directory(given: str | None) -> str:
    try:
        return os.path.join(os.getcwd(), given or "")
    except OSError:
        return given or os.curdir


def _width() -> int | None:
    """Columns of the terminal; None for a pipe, where lines are cut by whoever reads them."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


class _Tolerant:
    """Standard output that can take any text: what its encoding lacks is escaped."""

    def write(self, text: str, /) -> None:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def flush(self) -> None:
        sys.stdout.flush()

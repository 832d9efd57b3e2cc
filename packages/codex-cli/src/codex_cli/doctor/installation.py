"""Python, our distributions, the libraries they need, and which program answers to `codex`."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_cli.doctor.result import Check, Result, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from codex_cli.doctor.result import Patient, Value

GROUP = "Installation"
OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)
"""The versions we are tested with."""

DISTRIBUTIONS = (
    "codex-chatgpt",
    "codex-cli",
    "codex-core",
    "codex-exec",
    "codex-linux-sandbox",
    "codex-login",
    "codex-mcp-server",
    "codex-protocol",
    "codex-tui",
)
LINUX_ONLY = "codex-linux-sandbox"
SCRIPTS = (
    "codex",
    "codex-exec",
    "codex-tui",
    "codex-mcp-server",
    "codex-linux-sandbox",
    "apply_patch",
    "applypatch",
)
REINSTALL = "install codex-cli again, for instance: uv tool install --reinstall codex-cli"

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;()]*)\)?\s*(?:;\s*(.*))?$")
_HEAD_BYTES = 4096
_HELPER_PLACES = ("arg0", "codex-arg0-")
"""Names of the directories in which a running agent makes one with its tools, for its commands."""


def judge_python(version: tuple[int, int, int], implementation: str, executable: str) -> Result:
    """Whether this Python will do."""
    shown = ".".join(map(str, version))
    summary = f"Python {shown} ({implementation}) at {executable}"
    data = {"version": shown, "implementation": implementation, "executable": executable}
    if version < OLDEST_PYTHON:
        need = ".".join(map(str, OLDEST_PYTHON))
        return Result(Status.FAIL, f"{summary} is too old", advice=f"use Python {need} or later", data=data)
    if version[:2] > NEWEST_PYTHON:
        newest = ".".join(map(str, NEWEST_PYTHON))
        return Result(
            Status.WARN, f"{summary} is later than what this version is tested with ({newest})", data=data
        )
    return Result(Status.OK, summary, data=data)


def judge_distributions(installed: Mapping[str, str | None], imported: Mapping[str, str | None]) -> Result:
    """Whether our distributions are all there, belong together, and are the ones that are imported.

    Maps from distribution to version; None where it is not there.
    """
    known = {version for version in installed.values() if version is not None}
    data = {"installed": dict(installed), "imported": dict(imported)}
    missing = [name for name, version in installed.items() if version is None]
    if missing:
        names = ", ".join(missing)
        return Result(Status.FAIL, f"not installed: {names}", advice=REINSTALL, data=data)
    if len(known) > 1:
        details = tuple(f"{name} {version}" for name, version in installed.items())
        return Result(
            Status.FAIL,
            "the installed distributions are of different versions",
            details,
            advice=REINSTALL,
            data=data,
        )
    for name, version in imported.items():
        if version is None:
            return Result(Status.FAIL, f"{name} cannot be imported", advice=REINSTALL, data=data)
        if version != installed[name]:
            summary = f"{name} {installed[name]} is installed, yet version {version} is what gets imported"
            advice = "look for another copy on PYTHONPATH, or install codex-cli again"
            return Result(Status.FAIL, summary, advice=advice, data=data)
    return Result(Status.OK, f"{len(installed)} distributions, all of version {known.pop()}", data=data)


def requirements(lines: Iterable[str], *, platform: str) -> dict[str, str]:
    """Library -> version specifiers, from the requirement lines of our distributions' metadata.

    Extras, our own distributions and what is for other systems are left out.
    """
    found: dict[str, str] = {}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None or match[1] in DISTRIBUTIONS:
            continue
        marker = match[3] or ""
        wanted = re.search(r"sys_platform\s*==\s*['\"](\w+)['\"]", marker)
        if "extra" in marker or (wanted is not None and wanted[1] != platform):
            continue
        name = match[1].lower()
        found[name] = ",".join(filter(None, (found.get(name, ""), match[2].replace(" ", ""))))
    return found


def judge_libraries(required: Mapping[str, str], installed: Mapping[str, str | None]) -> Result:
    """Whether every library is there and not too old."""
    problems = []
    for name, specifiers in required.items():
        version = installed.get(name)
        if version is None:
            problems.append(f"{name} is not installed")
            continue
        too_old = [v for v in re.findall(r">=([0-9.]+)", specifiers) if _numbers(version) < _numbers(v)]
        problems += [f"{name} {version} is older than {least}" for least in too_old]
    shown = ", ".join(f"{name} {version}" for name, version in installed.items() if version is not None)
    data = {"versions": dict(installed)}
    if problems:
        return Result(Status.FAIL, "; ".join(problems), advice=REINSTALL, data=data)
    return Result(Status.OK, f"{len(installed)} libraries", (shown,), data=data)


@dataclass(frozen=True, slots=True)
class Script:
    """A program on PATH under one of our names."""

    name: str
    path: str
    target: str
    """The path with links resolved."""
    kind: str
    """What it looks like, in words."""
    is_this: bool
    """Whether it belongs to the installation that is running."""


def find_scripts(search_path: str, *, own_directories: Sequence[str]) -> list[Script]:
    """The programs under our names on PATH, first match first."""
    found = []
    seen = set()
    for directory in search_path.split(os.pathsep):
        if os.path.basename(os.path.dirname(directory)).startswith(_HELPER_PLACES):
            continue
        for name in SCRIPTS:
            path = os.path.join(directory or os.curdir, name)
            if path in seen or not _is_program(path):
                continue
            seen.add(path)
            target = os.path.realpath(path)
            is_this = os.path.dirname(target) in own_directories
            kind = "this installation" if is_this else _kind(target)
            found.append(Script(name, path, target, kind, is_this))
    return found


def judge_scripts(scripts: Sequence[Script]) -> Result:
    """Whether the names on PATH lead to this installation."""
    places = [script for script in scripts if script.name == "codex"]
    shown = tuple(
        f"{script.path}{'' if script.target == script.path else f' -> {script.target}'}: {script.kind}"
        for script in places
    )
    found: list[Value] = [
        {"name": s.name, "path": s.path, "target": s.target, "kind": s.kind, "this": s.is_this}
        for s in scripts
    ]
    data: dict[str, Value] = {"found": found}
    if not places:
        return Result(
            Status.WARN,
            "`codex` is not on PATH",
            advice="put the directory of this installation's scripts on PATH (`uv tool update-shell`)",
            data=data,
        )
    first: dict[str, Script] = {}
    for script in scripts:
        first.setdefault(script.name, script)
    if not places[0].is_this:
        return Result(
            Status.WARN,
            f"`codex` on PATH is {places[0].path} ({places[0].kind}), not this installation",
            shown,
            advice="put this installation first on PATH, or remove the other one",
            data=data,
        )
    shadowed = [script for script in first.values() if not script.is_this]
    if shadowed:
        return Result(
            Status.WARN,
            "other programs go before ours on PATH: " + ", ".join(f"{s.path} ({s.kind})" for s in shadowed),
            advice="put this installation first on PATH, or remove the others",
            data=data,
        )
    if len({script.target for script in places}) > 1:
        return Result(Status.WARN, f"{len(places)} programs named `codex` are on PATH", shown, data=data)
    return Result(Status.OK, f"`codex` is {places[0].path}", data=data)


def own_directories() -> list[str]:
    """Where the scripts of the running installation are."""
    import sysconfig

    directories = [os.path.dirname(sys.executable), sysconfig.get_path("scripts")]
    if sys.argv and os.path.basename(sys.argv[0]) in SCRIPTS:
        directories.append(os.path.dirname(os.path.realpath(sys.argv[0])))
    return [*directories, *map(os.path.realpath, directories)]


def _check_python(_: Patient) -> Result:
    version = (sys.version_info.major, sys.version_info.minor, sys.version_info.micro)
    return judge_python(version, sys.implementation.name, sys.executable)


def _check_distributions(_: Patient) -> Result:
    names = [name for name in DISTRIBUTIONS if sys.platform == "linux" or name != LINUX_ONLY]
    installed = {name: _installed_version(name) for name in names}
    return judge_distributions(installed, {name: _imported_version(name) for name in names})


def _check_libraries(_: Patient) -> Result:
    from importlib.metadata import PackageNotFoundError, requires

    lines: list[str] = []
    for name in DISTRIBUTIONS:
        try:
            lines += requires(name) or ()
        except PackageNotFoundError:
            continue
    required = requirements(lines, platform=sys.platform)
    return judge_libraries(required, {name: _installed_version(name) for name in sorted(required)})


def _check_scripts(patient: Patient) -> Result:
    return judge_scripts(find_scripts(patient.environ.get("PATH", ""), own_directories=own_directories()))


def _installed_version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _imported_version(name: str) -> str | None:
    from importlib import import_module

    try:
        module = import_module(name.replace("-", "_"))
    except ImportError:
        return None
    version: object = getattr(module, "__version__", None)
    return version if isinstance(version, str) else None


def _is_program(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False


def _kind(path: str) -> str:
    """What kind of program this is, by its first bytes."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return "a program that cannot be read"
    first, _, rest = head.partition(b"\n")
    if re.search(rb"\bcodex_(?:cli|exec|tui|core|mcp_server|linux_sandbox)\b", rest):
        return "another installation of Codex in Python"
    if first.startswith(b"#!") and b"node" in first:
        return "the npm launcher of the reference"
    if head.startswith((b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")):
        return "a native program, as the reference is"
    return "another program"


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparing."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, match[0].rstrip(".").split("."))) if match else ()


CHECKS: tuple[Check, ...] = (
    Check("python", GROUP, _check_python),
    Check("distributions", GROUP, _check_distributions),
    Check("libraries", GROUP, _check_libraries),
    Check("scripts", GROUP, _check_scripts),
)

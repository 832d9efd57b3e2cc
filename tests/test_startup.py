"""Pay for what you use: what a command must not have imported when it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_core.testing import ScratchHome, answer, isolated_environ, message, script_path
from codex_core.testing.pytest_plugin import StartModelServer

REPORT = """
import sys
sys.argv = {argv!r}
code = 0
try:
    from {module} import main
    code = main()
except SystemExit as exit:
    code = exit.code
modules = sorted(sys.modules)
import json
with open({report!r}, "w") as file:
    json.dump({{"code": code, "modules": modules}}, file)
"""

DISTRIBUTIONS = [
    "codex_chatgpt",
    "codex_cli",
    "codex_core",
    "codex_exec",
    "codex_linux_sandbox",
    "codex_login",
    "codex_mcp_server",
    "codex_protocol",
    "codex_tui",
]


def modules_after(
    module: str, argv: list[str], tmp_path: Path, environ: dict[str, str], cwd: Path
) -> set[str]:
    """Top-level modules loaded when a program has run to its end in an interpreter of its own."""
    report = tmp_path / "modules.json"
    source = REPORT.format(argv=argv, module=module, report=str(report))
    done = subprocess.run(
        [sys.executable, "-c", source], env=environ, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert report.exists(), done.stderr
    found = json.loads(report.read_text())
    assert found["code"] in (0, None), done.stderr
    return {name.partition(".")[0] for name in found["modules"]}


def third_party(modules: set[str]) -> set[str]:
    own = {name for name in modules if name.startswith(("codex_", "_codex", "__editable__"))}
    return {
        name
        for name in modules - own - {"__main__", "_virtualenv", "sitecustomize", "usercustomize"}
        if name not in sys.stdlib_module_names
    }


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version_imports_no_third_party_module(flag: str, tmp_path: Path) -> None:
    environ = isolated_environ(tmp_path)
    modules = modules_after("codex_cli.__main__", ["codex", flag], tmp_path, environ, tmp_path)
    assert third_party(modules) == set()
    assert not modules & {"asyncio", "argparse", "json", "re", "typing", "dataclasses"}


def test_exec_turn_loads_neither_textual_nor_mcp_nor_rich(
    tmp_path: Path, scratch_home: ScratchHome, model_server: StartModelServer
) -> None:
    model_server([answer(message("done"))])
    argv = ["codex", "exec", "--skip-git-repo-check", "hi"]
    modules = modules_after("codex_cli.__main__", argv, tmp_path, scratch_home.environ(), tmp_path)
    assert {"httpx", "pydantic"} <= modules
    assert not modules & {
        "textual", "mcp", "typer", "rich", "pygments", "click", "tomlkit", "tree_sitter", "pathspec", "pyseccomp",
        "uvicorn", "starlette", "markdown_it", "urllib3", "requests",
    }  # fmt: skip


FIRST_FRAME = """
import sys
sys.argv = {argv!r}
from codex_tui.term.boot import Boot
def painted(boot):
    with open({report!r}, "w") as file:
        print(*sys.modules, file=file)
    boot.close()
    sys.exit()
Boot._start_echo = painted
from codex_cli.__main__ import main
main()
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo terminals")
@pytest.mark.parametrize("arguments", [[], ["--demo"], ["-m", "x", "a prompt"], ["resume", "--last"]])
def test_the_terminal_app_paints_before_it_imports_anything_heavy(
    arguments: list[str], tmp_path: Path
) -> None:
    report = tmp_path / "modules"
    source = FIRST_FRAME.format(argv=["codex", *arguments], report=str(report))
    environ = {**isolated_environ(tmp_path), "TERM": "xterm-256color"}
    master, terminal = os.openpty()
    try:
        os.write(master, b"\x1b[1;1R")  # where the cursor is
        done = subprocess.run(
            [sys.executable, "-c", source],
            env=environ,
            cwd=tmp_path,
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert b"starting" in os.read(master, 65536)
    finally:
        os.close(master)
        os.close(terminal)
    modules = {module.partition(".")[0] for module in report.read_text().split()}
    assert third_party(modules) == set()
    assert not modules & {
        "asyncio", "argparse", "dataclasses", "enum", "inspect", "json", "logging", "re", "signal", "subprocess",
        "threading", "tomllib", "typing", "codex_login", "codex_protocol",
    }  # fmt: skip


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_importing_a_distribution_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    source = f"import sys; before = set(sys.modules); import {name}; print(*(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
        env=isolated_environ(tmp_path),
    )
    light = {name, "__future__", "typing", "collections", "functools", "operator", "keyword", "reprlib"}
    light |= {"contextlib", "copyreg", "re", "types", "enum", "warnings", "importlib", "itertools"}
    loaded = {module.partition(".")[0] for module in done.stdout.split()}
    assert {module for module in loaded - light if not module.startswith("_")} == set()


@pytest.mark.skipif(sys.platform != "linux", reason="the helper confines on Linux only")
def test_sandbox_helper_needs_the_standard_library_and_pyseccomp_only(tmp_path: Path) -> None:
    source = (
        "import sys; before = set(sys.modules)\n"
        "import codex_linux_sandbox.__main__ as helper\n"
        "from codex_linux_sandbox import *\n"
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
        env=isolated_environ(tmp_path),
    )
    loaded = {module.partition(".")[0] for module in done.stdout.split()}
    assert third_party(loaded) <= {"pyseccomp"}
    assert not {name for name in loaded if name.startswith("codex_")} - {"codex_linux_sandbox"}


def test_console_scripts_are_installed() -> None:
    for name in (
        "codex",
        "codex-exec",
        "codex-tui",
        "codex-mcp-server",
        "codex-linux-sandbox",
        "apply_patch",
    ):
        assert script_path(name)

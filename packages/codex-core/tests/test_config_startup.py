"""Loading a configuration must not cost what it does not need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = {
    "pydantic",
    "tomlkit",
    "httpx",
    "codex_core.config.edit",
    "codex_core.config.explain",
    "codex_core.config.layout",
    "codex_core.config.positions",
    "codex_core.config.rewriting",
    "difflib",
    "importlib.metadata",
}

LOAD = """
import sys
from codex_core.config import ConfigFlags, load_config
from codex_core.services import Services
load_config(overrides=sys.argv[2:], flags=ConfigFlags(), services=Services(environ={"CODEX_HOME": sys.argv[1]}))
print(*sys.modules)
"""


def modules_after(code: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("text", [None, "", "\n \n"])
def test_empty_configuration_needs_no_toml_parser(tmp_path, text):
    if text is not None:
        (tmp_path / "config.toml").write_text(text)
    assert modules_after(LOAD, str(tmp_path), "model=o3").isdisjoint({"tomllib", *HEAVY})


def test_ordinary_configuration_loads_nothing_heavy(tmp_path):
    (tmp_path / "config.toml").write_text('model = "o3"\n[tools]\nweb_search = true\n')
    modules = modules_after(LOAD, str(tmp_path), "x=1")
    assert "tomllib" in modules
    assert "pydantic" not in modules
    assert "tomlkit" not in modules


def test_package_is_lazy():
    modules = modules_after("import sys, codex_core.config; print(*sys.modules)")
    assert not [name for name in modules if name.startswith("codex_core.config.")]


def test_every_exported_name_is_there():
    code = "import codex_core.config as c\nfor name in c.__all__: getattr(c, name)\nimport sys; print(*sys.modules)"
    assert "codex_core.config.resolve" in modules_after(code)

"""The names the package gives to its users."""

from __future__ import annotations

import subprocess
import sys

import codex_login


def test_every_exported_name_is_there():
    for name in codex_login.__all__:
        assert getattr(codex_login, name).__name__ == name


def test_other_names_are_not():
    assert not hasattr(codex_login, "nonsense")


def test_importing_the_package_imports_nothing_else_of_it():
    code = "import sys, codex_login; print(*(name for name in sys.modules if name.startswith('codex_')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["codex_login"]

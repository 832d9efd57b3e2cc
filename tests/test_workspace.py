"""The workspace itself: one version, pins that agree, nothing imported that is not declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = sorted(path for path in (ROOT / "packages").iterdir() if (path / "pyproject.toml").exists())
IMPORT_NAMES = {
    "tree-sitter": "tree_sitter",
    "tree-sitter-bash": "tree_sitter_bash",
    "markdown-it-py": "markdown_it",
}
BOUNDED = {"textual"}
"""The terminal app uses private names of it, which tests pin for one major version."""
COMES_WITH = {"pydantic": {"pydantic_core", "annotated_types"}, "mcp": {"mcp_types", "httpx2"}}
"""Modules that are part of a declared library, though they lie in a distribution of their own."""


def project(package: Path) -> dict[str, object]:
    with (package / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]


def version_of(package: Path) -> str:
    module = package.name.replace("-", "_")
    text = (package / "src" / module / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    assert found, f"{package.name} has no __version__"
    return found[1]


def imported_modules(package: Path) -> dict[str, Path]:
    """Top-level names of everything a distribution's sources import, with a file that does."""
    found: dict[str, Path] = {}
    for path in (package / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], path)
    return found


def test_there_are_nine_distributions() -> None:
    assert len(PACKAGES) == 9


def test_all_distributions_share_one_version() -> None:
    assert len({version_of(package) for package in PACKAGES}) == 1


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_members_pin_each_other_exactly(package: Path) -> None:
    dependencies = project(package)["dependencies"]
    assert isinstance(dependencies, list)
    for requirement in dependencies:
        if requirement.startswith("codex-"):
            assert f"=={version_of(package)}" in requirement
        else:
            assert ">=" in requirement
            is_bounded = re.split(r"[><=]", requirement)[0] in BOUNDED
            assert ("<" in requirement.partition(";")[0]) is is_bounded


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_distribution_is_complete(package: Path) -> None:
    module = package.name.replace("-", "_")
    for name in ("README.md", "LICENSE", f"src/{module}/py.typed"):
        assert (package / name).is_file(), name
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_import_is_declared(package: Path) -> None:
    dependencies = project(package)["dependencies"]
    assert isinstance(dependencies, list)
    declared = {re.split(r"[=<>;\[ ]", requirement)[0] for requirement in dependencies}
    allowed = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in declared}
    allowed |= {package.name.replace("-", "_"), *sys.stdlib_module_names}
    for name in declared:
        allowed |= COMES_WITH.get(name, set())
    extras = project(package).get("optional-dependencies", {})
    assert isinstance(extras, dict)
    for requirements in extras.values():
        allowed |= {re.split(r"[=<>;\[ ]", requirement)[0].replace("-", "_") for requirement in requirements}
    undeclared = {
        name: str(path.relative_to(ROOT))
        for name, path in imported_modules(package).items()
        if name not in allowed
    }
    assert not undeclared


def test_the_version_names_the_reference_whose_contract_is_kept() -> None:
    assert version_of(PACKAGES[0]).startswith("0.36.")


def test_no_lock_file_is_tracked() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "/uv.lock" in ignored

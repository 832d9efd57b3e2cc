"""docs/configuration.md lists every key that is read, and no other, with its default."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from codex_core.config.config import Config
from codex_core.config.explain import effective_values
from codex_core.config.resolve import load_config
from codex_core.config.schema import FeatureSettings, ProfileSettings, read_settings
from codex_core.config.tables import Findings, TableReader
from codex_core.services import Services

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
NOBODY = "a key that nobody knows"
TABLES = {"history", "tools", "sandbox_workspace_write", "shell_environment_policy"}
NAMED = {"projects", "mcp_servers", "model_providers", "profiles"}

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the page is in the repository only")


def rows() -> list[tuple[str, str, str, bool]]:
    """Heading, key, default, and whether profiles may set it."""
    found, heading = [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        heading = line.removeprefix("## ").partition(":")[0] if line.startswith("## ") else heading
        if match := re.match(r"\| `([^`]+)`( P)? \| [^|]+ \| `?([^|`]+)`? \| ", line):
            found.append((heading, match[1], match[3].strip(), match[2] is not None))
    return found


def keys_that_are_read() -> dict[str, set[str]]:
    """The keys by table; the top level has an empty name."""
    document: dict[str, object] = {table: {NOBODY: 1} for table in TABLES}
    document |= {table: {"x": {NOBODY: 1}} for table in NAMED}
    findings = Findings()
    read_settings(TableReader({**document, NOBODY: 1}, (), findings))
    return {".".join(map(str, path[:-1])): set(known) for path, known in findings.unknown}


def listed(heading: str) -> set[str]:
    return {key for under, key, _, _ in rows() if under == heading}


def test_every_key_is_listed_and_no_other() -> None:
    read = keys_that_are_read()
    assert listed("Top level") == read[""] - TABLES - NAMED - {"features", "tui"}
    in_tables = {f"{table}.{key}" for table in TABLES for key in read[table]}
    in_tables |= {f"features.{field.name}" for field in fields(FeatureSettings)}
    in_tables |= {f'projects."PATH".{key}' for key in read["projects.x"]} | {"tui"}
    assert listed("Tables") == in_tables
    assert listed("Model providers") == read["model_providers.x"]
    assert listed("MCP servers") == read["mcp_servers.x"]
    assert {key for _, key, _, in_profile in rows() if in_profile} == read["profiles.x"]
    assert read["profiles.x"] == {field.name for field in fields(ProfileSettings)}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration of an empty home."""
    return load_config(services=Services(environ={"CODEX_HOME": str(tmp_path)}))


def test_the_defaults_are_those_in_force(config: Config) -> None:
    in_force = {
        key: "none" if value is None else str(json.dumps(value)).strip('"')
        for key, value in effective_values(config).items()
    }
    told = {key: default for _, key, default, _ in rows()}
    assert {key: told[key] for key in in_force} == in_force

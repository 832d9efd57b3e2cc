"""The benchmark of the MCP server: it times a server that answers and refuses one that does not."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from codex_core.testing import script_path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def benchmark_script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("mcp_benchmark", BENCHMARKS / "mcp.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WARM_UPS", 0)
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    return module


def test_ours_is_timed(benchmark_script: ModuleType, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    arguments = ["--runs", "1", "--only-ours", "--ours", script_path("codex"), "--json", str(figures)]
    assert benchmark_script.main(arguments) == 0
    document = json.loads(figures.read_text())
    assert [row["question"] for row in document["rows"]] == ["list", "at once", "first", "next"]
    assert all(row["runs"] == 1 and row["median_ms"] > 0 for row in document["rows"])


def test_a_server_without_the_tools_does_not_count(
    benchmark_script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program"
    program.write_text(
        '#!/bin/sh\nwhile read -r line; do echo \'{"id":1,"result":{"tools":[]}}\'; echo \'{"id":2,"result":{"tools":[]}}\'; done\n'
    )
    program.chmod(0o755)
    assert benchmark_script.main(["--runs", "1", "--only-ours", "--ours", str(program)]) == 1
    assert "INVALID: ours: lists the tools []" in capsys.readouterr().err

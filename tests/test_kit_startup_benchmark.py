"""The benchmark of start-up: it times programs that answer and refuses those that do not."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"

PROGRAM = """#!/bin/sh
case "$*" in
--version) echo codex-cli 9.9.9 ;;
--help) echo Usage: codex ;;
--bogus) echo "error: unexpected argument '--bogus' found" >&2; exit {code} ;;
esac
"""


@pytest.fixture
def benchmark_script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("startup_benchmark", BENCHMARKS / "startup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WARM_UPS", 0)
    return module


def program(path: Path, code: int = 2) -> str:
    path.write_text(PROGRAM.format(code=code))
    path.chmod(0o755)
    return str(path)


def test_figures_of_programs_that_answer(
    benchmark_script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, result = program(tmp_path / "good"), tmp_path / "result.json"
    asked = ["--version", "--help", "--bogus"]
    options = ["--runs", "2", "--ours", good, "--reference", good, "--json", str(result), "--"]
    assert benchmark_script.main([*options, *asked]) == 0
    rows = {(row["question"], row["program"]): row for row in json.loads(result.read_text())["rows"]}
    assert set(rows) == {(each, name) for each in asked for name in ("ours", "reference")} | {
        ("pass", "python")
    }
    ours, reference = rows["--version", "ours"], rows["--version", "reference"]
    assert ours["runs"] == 2
    assert ours["ratio"] == pytest.approx(ours["median_ms"] / reference["median_ms"])
    assert (ours["goal"], reference["goal"], reference["ratio"]) == (0.5, None, None)
    assert capsys.readouterr().out.splitlines()[0].startswith("question")


def test_a_program_that_answers_something_else_is_invalid(
    benchmark_script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = program(tmp_path / "bad", code=1)
    assert (
        benchmark_script.main(["--runs", "1", "--ours", bad, "--only-ours", "--", "--bogus", "exec --help"])
        == 1
    )
    told = capsys.readouterr().err
    assert "INVALID: ours (--bogus): ended with exit code 1, not 2" in told
    assert "INVALID: ours (exec --help): did not print 'Usage: codex exec'" in told


def test_only_what_is_known_can_be_asked(benchmark_script: ModuleType) -> None:
    with pytest.raises(SystemExit):
        benchmark_script.main(["--", "--unknown"])

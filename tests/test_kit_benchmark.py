"""The benchmark of a turn: it times programs that do the turn and refuses those that do not."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "exec_turn.py"

PROGRAM = """#!{python}
import json, os, re, sys, urllib.request
if "--version" in sys.argv:
    print("codex-cli 9.9.9")
    sys.exit()
url = re.search('base_url = "(.*)"', open(os.environ["CODEX_HOME"] + "/config.toml").read())[1]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
items = [{{"type": "message", "content": [{{"text": sys.argv[-1]}}]}}]
while True:
    body = json.dumps({{"input": items}}).encode()
    request = urllib.request.Request(url + "/responses", body, method="POST")
    text = opener.open(request).read().decode()
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    item = next(event["item"] for event in events if "item" in event)
    if item["type"] == "message":
        break
    items.append({{"type": "function_call_output", "call_id": "c", "output": json.loads(item["arguments"])["command"][-1]}})
{ending}
"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("exec_turn_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def benchmark_script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    module = load()
    monkeypatch.setattr(module, "WARM_UPS", 0)
    return module


def write_program(path: Path, ending: str) -> str:
    path.write_text(PROGRAM.format(python=sys.executable, ending=ending))
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def good_program(tmp_path: Path) -> str:
    return write_program(tmp_path / "good", 'print(item["content"][0]["text"])')


def test_figures_of_a_program_that_does_the_turn(
    benchmark_script: ModuleType, good_program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    result = tmp_path / "out" / "result.json"
    arguments = ["--runs", "1", "--fresh-homes", "--ours", good_program, "--reference", good_program]
    exit_code = benchmark_script.main(
        [*arguments, "--no-install", "--newest", good_program, "--json", str(result)]
    )
    printed = capsys.readouterr()
    # The stand-in reads `command`, so as the newest, which is asked for `exec_command`, it fails at `shell`.
    assert exit_code == 1
    assert "INVALID: newest (shell)" in printed.err
    document = json.loads(result.read_text())
    rows = {(row["variant"], row["program"]): row for row in document["rows"]}
    assert set(rows) == {
        ("message", "ours"),
        ("message", "reference"),
        ("message", "newest"),
        ("shell", "ours"),
        ("shell", "reference"),
    }
    row = rows["message", "ours"]
    assert row["version"] == "9.9.9"
    assert row["runs"] == 1
    assert row["median_ms"] > 0
    assert row["median_peak_mib"] > 1
    assert row["ratio_to_reference"] == pytest.approx(
        row["median_ms"] / rows["message", "reference"]["median_ms"]
    )
    assert rows["shell", "ours"]["ratio_to_newest"] is None
    assert printed.out.splitlines()[0].split()[:4] == ["variant", "program", "version", "runs"]


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("print('something else')", "did not print the answer"),
        ("opener.open(request); print(item['content'][0]['text'])", "asked the model 2 times, not 1"),
    ],
)
def test_a_program_that_does_not_do_the_turn_is_invalid(
    benchmark_script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str, told: str
):
    program = write_program(tmp_path / "bad", ending)
    arguments = ["--runs", "1", "--only-ours", "--ours", program, "--variant", "message"]
    assert benchmark_script.main(arguments) == 1
    assert told in capsys.readouterr().err


def test_the_reference_is_skipped_with_a_reason_when_npm_is_missing(
    benchmark_script: ModuleType,
    good_program: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(benchmark_script.harness.shutil, "which", lambda name: None)
    assert benchmark_script.main(["--runs", "1", "--variant", "message", "--ours", good_program]) == 0
    printed = capsys.readouterr()
    assert "skipped: reference: npm is not installed" in printed.err
    assert "skipped: newest: npm is not installed" in printed.err


def test_npm_installs_into_the_cache_once(
    benchmark_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good_program: str
):
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    npm = tmp_path / "npm"
    npm.write_text(
        f'#!/bin/sh\nset -e\necho "$@" >> {tmp_path}/calls\n'
        f'mkdir -p "$3/node_modules/.bin"\ncp {good_program} "$3/node_modules/.bin/codex"\n'
    )
    npm.chmod(0o755)
    monkeypatch.setattr(benchmark_script.harness.shutil, "which", lambda name: str(npm))
    for _ in range(2):
        launcher = benchmark_script.harness.installed("0.36.0", may_install=True)
    directory = cache / "codex-python-benchmarks" / "npm-0.36.0"
    assert launcher == str(directory / "node_modules" / ".bin" / "codex")
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert call == f"install --prefix {directory} --no-audit --no-fund --ignore-scripts @openai/codex@0.36.0"


def test_nothing_to_measure_is_an_error(benchmark_script: ModuleType, tmp_path: Path):
    assert benchmark_script.main(["--only-ours", "--ours", str(tmp_path / "missing")]) == 2

"""`codex doctor` as a program: options, report, exit codes, and that nothing a check does gets through."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from codex_cli.commands import run_command_line
from codex_cli.doctor import command
from codex_cli.doctor.report import as_json, finding_rows, verdict
from codex_cli.doctor.result import Check, Finding, Patient, Result, Status, ok, skipped, worst
from codex_cli.doctor.runner import run_checks
from codex_core.presentation.spans import plain_text
from codex_core.testing import ScratchHome, script_path

KEY = "sk-abcdefgh-secret-12345"
PATIENT = Patient({}, "/")


@pytest.fixture
def home(scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> ScratchHome:
    """A scratch home that this process lives in, and an examination without the long self-test."""
    for name, value in scratch_home.environ().items():
        monkeypatch.setenv(name, value)
    quick = [check for check in command.all_checks() if check.id != "sandbox"]
    monkeypatch.setattr(command, "all_checks", lambda: quick)
    return scratch_home


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that happens when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def examined(
    arguments: list[str], capsys: pytest.CaptureFixture[str], overrides: tuple[str, ...] = ()
) -> Any:
    """Exit code, and the JSON report with its checks by id."""
    before = [word for override in overrides for word in ("-c", override)]
    code = run_command_line([*before, "doctor", "--json", *arguments])
    report = json.loads(capsys.readouterr().out)
    report["checks"] = {check["id"]: check for check in report["checks"]}
    assert code == (0 if report["ok"] else 1)
    return report


def finding(status: Status, summary: str = "so it is", **more: Any) -> Finding:
    return Finding(Check("it", "Group", lambda _: ok("")), Result(status, summary, **more), 0.25)


def test_results_come_in_order_and_crashes_are_results(never: threading.Event) -> None:
    def crash(_: Patient) -> Result:
        raise KeyError("oh\nno")

    def leave(_: Patient) -> Result:
        raise SystemExit(3)

    def lack(_: Patient) -> Result:
        raise ModuleNotFoundError("No module named 'pydantic'")

    def time_out(_: Patient) -> Result:
        raise TimeoutError

    def hang(_: Patient) -> Result:
        never.wait()
        return ok("late")

    checks = [
        Check("hang", "G", hang, 0.05),
        Check("crash", "G", crash),
        Check("leave", "G", leave),
        Check("lack", "G", lack),
        Check("time_out", "G", time_out),
        Check("fine", "G", lambda patient: ok(patient.cwd)),
    ]
    found = {finding.check.id: finding.result for finding in run_checks(checks, PATIENT)}
    assert list(found) == [check.id for check in checks]
    assert [result.status for result in found.values()] == [Status.FAIL] * 5 + [Status.OK]
    assert found["hang"].summary == "the check `hang` did not end within 0.05 seconds"
    assert found["crash"].summary == "the check `crash` could not be run: KeyError: 'oh\\nno'"
    assert "SystemExit: 3" in found["leave"].summary
    assert "a part of the installation is missing: No module named 'pydantic'" in found["lack"].summary
    assert found["lack"].advice == "install codex-cli again"
    assert "something timed out" in found["time_out"].summary


def test_a_finding_is_safe_to_show_and_wrapped() -> None:
    result = Result(
        Status.WARN,
        f"a key {KEY} and \x1b[31mred\x07 text",
        ("a detail that is rather long for so narrow a terminal as this one",),
        advice="do something",
    )
    rows = [plain_text(row) for row in finding_rows(result, 40)]
    assert rows[0].startswith("  warn  a key sk-*** and ")
    assert not any(KEY in row or "\x1b" in row or "\x07" in row for row in rows)
    assert all(len(row) <= 40 for row in rows)
    assert rows[-1] == "        to do: do something"
    unwrapped = [plain_text(row) for row in finding_rows(result, None)]
    assert len(unwrapped) == 3


@pytest.mark.parametrize(
    ("statuses", "text", "end"),
    [
        ([Status.OK, Status.SKIPPED], "Everything is as it should be.", Status.OK),
        ([Status.WARN], "Everything works; 1 warning.", Status.WARN),
        ([Status.WARN, Status.WARN], "Everything works; 2 warnings.", Status.WARN),
        ([Status.OK, Status.FAIL], "1 problem; begin with `it`.", Status.FAIL),
        ([Status.FAIL, Status.WARN, Status.FAIL], "2 problems, 1 warning; begin with `it`.", Status.FAIL),
    ],
)
def test_the_verdict(statuses: list[Status], text: str, end: Status) -> None:
    findings = [finding(status) for status in statuses]
    assert verdict(findings) == text
    assert worst(findings) is end


def test_the_json_report_is_stable_and_redacted() -> None:
    findings = [
        finding(Status.FAIL, f"with {KEY}", details=(KEY,), advice="act", data={"a": {"b": [KEY, 1, None]}}),
        Finding(Check("other", "Group", lambda _: ok("")), skipped("not asked"), 0),
    ]
    assert json.loads(as_json(findings, version="1.2.3")) == {
        "schema": 1,
        "version": "1.2.3",
        "ok": False,
        "verdict": "1 problem; begin with `it`.",
        "counts": {"ok": 0, "warn": 0, "fail": 1, "skipped": 1},
        "checks": [
            {
                "id": "it",
                "group": "Group",
                "status": "fail",
                "summary": "with sk-***",
                "details": ["sk-***"],
                "advice": "act",
                "data": {"a": {"b": ["sk-***", 1, None]}},
                "seconds": 0.25,
            },
            {
                "id": "other",
                "group": "Group",
                "status": "skipped",
                "summary": "not asked",
                "details": [],
                "advice": None,
                "data": {},
                "seconds": 0,
            },
        ],
    }


def test_the_ids_are_those_that_are_documented() -> None:
    assert [check.id for check in command.all_checks()] == [
        "python", "distributions", "libraries", "scripts",
        "codex_home", "disk_space", "stored", "private_files", "leftovers",
        "config", "dotenv", "mcp_servers",
        "login", "provider_key",
        "git", "terminal", "locale",
        "proxies", "certificates", "providers",
        "system", "sandbox",
    ]  # fmt: skip


def test_a_healthy_home_passes(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.write("auth.json", json.dumps({"OPENAI_API_KEY": KEY})).chmod(0o600)
    home.codex_home.chmod(0o700)
    report = examined([], capsys)
    failed = {name: check["summary"] for name, check in report["checks"].items() if check["status"] == "fail"}
    assert failed == {}
    assert report["checks"]["login"]["data"]["mode"] == "apikey"
    assert report["checks"]["providers"]["status"] == "skipped"
    assert KEY not in json.dumps(report)


def test_a_login_in_the_keyring_is_found_there(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = json.dumps({"OPENAI_API_KEY": KEY})
    ring = SimpleNamespace(get_password=lambda service, account: stored)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    home.write("config.toml", 'cli_auth_credentials_store = "keyring"\n')
    login = examined([], capsys)["checks"]["login"]
    assert (login["status"], login["summary"]) == ("ok", "logged in with an API key, stored in the keyring")
    assert login["data"]["storage"] == "the keyring"


def test_a_report_for_people_ends_with_a_verdict(
    home: ScratchHome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["doctor"]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "\x1b" not in captured.out
    assert "  FAIL  not logged in\n        to do: run `codex login" in captured.out
    assert captured.out.rstrip().splitlines()[-1].endswith("; begin with `login`.")


def test_everything_that_is_broken_is_told_at_once(
    home: ScratchHome, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write("config.toml", 'model = 3\nsandbox_mode = "bogus"\n')
    home.write("auth.json", "{")
    report = examined([], capsys)
    config = report["checks"]["config"]
    assert config["status"] == "fail"
    assert [detail.rpartition("config.toml")[2][:4] for detail in config["details"]] == [":1:9", ":2:1"]
    assert "auth.json cannot be used" in report["checks"]["login"]["summary"]


def test_a_home_that_is_not_there(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(home.path / "nowhere"))
    report = examined([], capsys)
    assert report["checks"]["codex_home"]["status"] == "fail"
    assert "nowhere" in report["checks"]["codex_home"]["summary"]
    assert report["checks"]["config"]["status"] == "skipped"
    assert not (home.path / "nowhere").exists()


def test_a_default_home_that_is_not_there_yet_is_no_problem(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CODEX_HOME")
    monkeypatch.setenv("HOME", str(home.path / "fresh"))
    report = examined([], capsys)
    assert report["checks"]["codex_home"]["status"] == "ok"
    assert not (home.path / "fresh").exists()


def test_a_configuration_that_hangs_is_told(home: ScratchHome) -> None:
    os.mkfifo(home.codex_home / "config.toml")
    patient = command.admit(command.DoctorOptions(), timeout_s=0.1)
    assert patient.config is None
    assert patient.home == str(home.codex_home)
    assert patient.problems[0].startswith("the configuration cannot be loaded: no result within 0.1 seconds")
    (home.codex_home / "config.toml").open("w").close()  # lets the reader go


def test_overrides_profile_and_directory_count(home: ScratchHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.write("config.toml", '[profiles.p]\napproval_policy = "never"\n')
    work = home.path / "work"
    work.mkdir()
    arguments = ["-C", str(work), "-p", "p", "-c", "model=inner", "-c", "model_provider=demo"]
    report = examined(arguments, capsys, overrides=("model=outer",))
    data = report["checks"]["config"]["data"]
    assert (data["model"], data["profile"], data["approval_policy"]) == ("inner", "p", "never")
    assert data["cwd"] == str(work)
    assert report["checks"]["login"]["status"] == "ok"  # the offline model needs none


@pytest.mark.parametrize("arguments", [["-c", "nonsense"], ["-p", "nobody"], ["-C", "/no/such/directory"]])
def test_options_that_cannot_be_used_are_findings(
    arguments: list[str], home: ScratchHome, capsys: pytest.CaptureFixture[str]
) -> None:
    report = examined(arguments, capsys)
    assert report["checks"]["config"]["status"] == "fail"
    assert arguments[1] in " ".join(report["checks"]["config"]["details"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--bogus"], "unexpected argument '--bogus' found"), (["extra"], "unexpected argument 'extra' found")],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["doctor", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {message}\n")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["doctor", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: codex doctor" in shown
    assert "--network" in shown
    assert all(len(row) <= 80 for row in shown.splitlines())


def test_an_installation_without_its_parser_is_examined_all_the_same(
    home: ScratchHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "codex_cli.doctor.options", None)
    assert examined([], capsys)["schema"] == 1


def test_a_room_that_cannot_be_imported_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codex_cli.doctor.network", None)
    broken = next(check for check in command.all_checks() if check.id == "network")
    result = broken.run(PATIENT)
    assert result.status is Status.FAIL
    assert "the checks of `network` cannot be run" in result.summary


def test_any_locale_can_show_it(home: ScratchHome, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    monkeypatch.setattr(command, "all_checks", lambda: [Check("it", "Größe", lambda _: ok("naïve ✓"))])
    assert run_command_line(["doctor"]) == 0
    assert b"na\\xefve \\u2713" in raw.getvalue()


def test_the_program_from_end_to_end(scratch_home: ScratchHome) -> None:
    scratch_home.write(".env", f"MY_KEY={KEY}\n")
    scratch_home.write(
        "config.toml",
        'model_provider = "mine"\n[model_providers.mine]\nname = "Mine"\nbase_url = "http://127.0.0.1:9"\nenv_key = "MY_KEY"\n',
    )
    done = subprocess.run(
        [script_path("codex"), "doctor", "--json"],
        env=scratch_home.environ(),
        cwd=scratch_home.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    checks = {check["id"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["dotenv"]["data"] == {"names": ["MY_KEY"]}
    assert checks["provider_key"]["status"] == "ok"
    assert KEY not in done.stdout
    if sys.platform == "linux":
        assert checks["sandbox"]["summary"]
        assert "could not be run" not in checks["sandbox"]["summary"]
    assert done.returncode == any(check["status"] == "fail" for check in checks.values())


def test_the_package_imports_nothing() -> None:
    source = (
        "import sys; before = set(sys.modules); import codex_cli.doctor; print(set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    loaded = eval(done.stdout)
    assert loaded <= {"__future__", "codex_cli", "codex_cli.doctor"}

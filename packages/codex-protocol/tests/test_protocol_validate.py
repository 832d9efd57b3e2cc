"""The check of recorded files."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from codex_protocol.__main__ import main
from codex_protocol.validation import Kind, check_lines, first_difference, kind_of

DATA = Path(__file__).parent / "data"
GOOD = b'{"timestamp":"t","type":"compacted","payload":{"message":"m"}}\n'
RICHER = b'{"timestamp":"t","type":"event_msg","payload":{"type":"agent_message","message":"m","new":1}}\n'
BROKEN = b'{"timestamp":"t","type":"event_msg","payload":{"type":"agent_message"}}\n'


RECORDED = sorted(
    path for name in ("rollout_*", "events_*", "history") for path in DATA.glob(f"reference_{name}.jsonl")
)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_files_of_the_reference_are_sound(path, capsys):
    assert main(["validate", str(path)]) == 0
    assert capsys.readouterr().out.endswith("0 invalid, 0 different\n")


def test_problems_are_counted_and_named(tmp_path, capsys):
    file = tmp_path / "rollout.jsonl"
    file.write_bytes(GOOD + b"\n" + RICHER + BROKEN + b"{\n")
    assert main(["validate", str(file)]) == 1
    assert capsys.readouterr().out == (
        f"{file}: 4 lines, 2 valid, 2 invalid, 1 different\n"
        "  line 3: differs: `payload.new` is dropped\n"
        "  line 4: invalid: missing field `message` in `payload`\n"
        "  line 5: invalid: Expecting property name enclosed in double quotes at line 1 column 2\n"
    )


def test_one_bad_file_among_good_ones_is_enough(tmp_path, capsys):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(GOOD)
    bad.write_bytes(BROKEN)
    assert main(["validate", str(bad), str(good)]) == 1
    assert main(["validate", str(good)]) == 0
    assert f"{good}: 1 lines, 1 valid" in capsys.readouterr().out


def test_lines_come_from_standard_input_too(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    assert main(["validate", "-"]) == 0
    assert capsys.readouterr().out == "-: 1 lines, 1 valid, 0 invalid, 0 different\n"


def test_a_file_that_cannot_be_read_is_said(tmp_path, capsys):
    assert main(["validate", str(tmp_path / "missing")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'missing'}: No such file or directory\n"


def test_a_kind_that_is_named_is_insisted_on():
    assert check_lines([GOOD], Kind.ROLLOUT).valid == 1
    assert check_lines([GOOD], Kind.EVENT).invalid == 1


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"timestamp": "t", "type": "x", "payload": {}}, Kind.ROLLOUT),
        ({"session_id": "s", "ts": 1, "text": "t"}, Kind.HISTORY),
        ({"id": "1", "op": {}}, Kind.OP),
        ({"id": "1", "msg": {}}, Kind.EVENT),
        ({"id": 1, "method": "m"}, Kind.IDE),
        ({"id": 1, "result": {}}, Kind.IDE),
    ],
)
def test_a_line_tells_its_kind(data, kind):
    assert kind_of(data) is kind


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"id":1,"jsonrpc":"2.0","method":"userInfo"}', None),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":[1]}}', None),
        (
            b'{"id":1,"jsonrpc":"2.0","method":"loginApiKey","params":{"apiKey":"k","more":1}}',
            "`params.more` is dropped",
        ),
        (b'{"id":1,"jsonrpc":"2.0","method":"loginApiKey","params":{}}', "missing field `apiKey`"),
        (b'{"id":1,"method":"userInfo"}', "`jsonrpc` is added"),
        (
            b'{"jsonrpc":"2.0","method":"codex/event","params":{"id":"1","msg":{"type":"task_started"}}}',
            "`params.msg.model_context_window` is added",
        ),
    ],
)
def test_frames_are_looked_into_where_the_method_is_known(line, problem):
    report = check_lines([line], Kind.IDE)
    assert [found.text for found in report.problems] == ([] if problem is None else [problem])


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, None),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, None),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "`a[1].b` changes"),
        ({"a": 1}, {"a": True}, "`a` changes"),
        ({"a": 1}, {"a": 1.0}, None),
        ({"a": [1]}, {"a": [1, 2]}, "`a` changes"),
        ({"a": None}, {}, "`a` is dropped"),
        ({}, {"a": None}, "`a` is added"),
    ],
)
def test_the_first_difference_is_named(before, after, difference):
    assert first_difference(before, after) == difference


def test_a_command_is_required(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "schema" in capsys.readouterr().err

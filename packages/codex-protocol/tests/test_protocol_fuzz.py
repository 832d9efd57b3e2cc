"""Ten thousand damaged lines: each is read, or refused with our own error, and what is read is stable."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

from codex_protocol.errors import ProtocolError
from codex_protocol.events import Event
from codex_protocol.exec_events import parse_thread_event
from codex_protocol.history_entry import HistoryLine
from codex_protocol.ide_methods import parse_client_request, parse_notification, parse_server_request
from codex_protocol.items import parse_response_item
from codex_protocol.json_rpc import JsonRpcNotification, JsonRpcRequest, parse_frame
from codex_protocol.jsonio import loads_object
from codex_protocol.ops import Submission
from codex_protocol.rollout import RolloutLine

DATA = Path(__file__).parent / "data"
MUTANTS = 10_000
ODD_VALUES = (
    None, True, 0, -1, 1.5, 2**70, "", "x", "\x00", "é", [], [None], {}, {"type": "x"}, [[["x"]]], "NaN", 1e308, "{", {"Ok": 1}
)  # fmt: skip
ODD_BYTES = (
    b"\x00",
    b"\xff",
    b'"',
    b"\\",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"1e999",
    b"NaN",
    b"-",
    b"\n",
)


def read_frame(data):
    frame = parse_frame(data)
    if isinstance(frame, JsonRpcNotification):
        return parse_notification(frame)
    if isinstance(frame, JsonRpcRequest):
        reader = parse_server_request if "Approval" in frame.method else parse_client_request
        return reader(frame).to_frame()
    return frame


READERS = {
    "event": Event.from_wire,
    "submission": Submission.from_wire,
    "rollout": RolloutLine.from_wire,
    "thread": parse_thread_event,
    "item": parse_response_item,
    "frame": read_frame,
    "history": HistoryLine.from_wire,
}


def seeds() -> list[tuple[str, str]]:
    found = []
    for line in (DATA / "spec_examples.jsonl").read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        if example["kind"] in READERS:
            found.append((example["kind"], example["line"]))
    for path in DATA.glob("reference_rollout_*.jsonl"):
        found += [("rollout", line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    found += [
        ("history", line)
        for line in (DATA / "reference_history.jsonl").read_text("utf-8").split("\n")
        if line
    ]
    return found


def damaged_text(text: str, chance: random.Random) -> bytes:
    raw = bytearray(text.encode())
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[at] = chance.randrange(256)
            case 1:
                del raw[at : at + chance.randint(1, 8)]
            case 2:
                raw[at:at] = chance.choice(ODD_BYTES)
            case _:
                raw[at:at] = raw[at : at + chance.randint(1, 40)]
        if not raw:
            break
    return bytes(raw)


def damaged_value(value: object, chance: random.Random) -> object:
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        match chance.randrange(6):
            case 0:
                return {name: child for name, child in value.items() if name != key}
            case 1:
                return {**value, key + "x": value[key]}
            case 2:
                return {name + "_" if name == key else name: child for name, child in value.items()}
            case _:
                return {**value, key: damaged_value(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [*value[:at], damaged_value(value[at], chance), *value[at + 1 :]]
    return chance.choice(ODD_VALUES)


def test_damaged_lines_raise_nothing_but_our_error():
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)
    originals = seeds()
    accepted = refused = 0
    for _ in range(MUTANTS):
        kind, text = chance.choice(originals)
        if chance.random() < 0.3:
            line = damaged_text(text, chance)
        else:
            line = json.dumps(
                damaged_value(json.loads(text), chance), ensure_ascii=chance.random() < 0.5
            ).encode()
        try:
            value = READERS[kind](loads_object(line))
        except ProtocolError:
            refused += 1
            continue
        except Exception as error:
            error.add_note(f"seed {seed}, {kind} line {line!r}")
            raise
        accepted += 1
        assert type(value).from_json(value.to_json()).to_json() == value.to_json(), (seed, kind, line)
    assert accepted > MUTANTS / 20, seed
    assert refused > MUTANTS / 4, seed

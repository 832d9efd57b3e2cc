"""The shared apply_patch vectors: what the program does, and how a tool call is recognised and shown."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex_core.errors import PatchError
from codex_core.patch.__main__ import run, run_flag
from codex_core.patch.invocation import NotAPatch, PatchProblem, detect_patch
from codex_core.patch.verify import verify_patch

VECTORS = json.loads((Path(__file__).parent / "data" / "apply_patch.json").read_text("utf-8"))

BETTER: dict[str, dict[str, Any]] = {
    # Both: a file keeps its blank lines at the end.
    "update-trailing-blank-line-file-loses-one": {"tree": {"a.txt": "b\n\n"}},
    "update-only-blank-line-file": {"tree": {"a.txt": "x\n\n"}},
    # The destination shown is the one that is written.
    "move-under-cd-reports-wrong-destination": {
        "changes": {
            "$CWD/sub/a.txt": {
                "update": {"unified_diff": "@@ -1 +1 @@\n-b\n+B\n", "move_path": "$CWD/sub/b.txt"}
            }
        }
    },
}
"""What we do instead where a vector marks a defect of the reference."""


def expected(vector: dict[str, Any]) -> dict[str, Any]:
    return {**vector["expect"], **BETTER.get(vector["name"], {})}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory we are in, with the umask the vectors were made under."""
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    yield tmp_path
    os.umask(before)


def build(root: Path, tree: dict[str, Any]) -> None:
    for name, entry in tree.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        match entry:
            case str():
                path.write_bytes(entry.encode())
            case {"symlink": target}:
                path.symlink_to(target)
            case {"base64": data}:
                path.write_bytes(base64.b64decode(data))
            case {"text": text, "mode": mode}:
                path.write_bytes(text.encode())
                path.chmod(int(mode, 8))


def entry(path: Path) -> object:
    if path.is_symlink():
        return {"symlink": os.readlink(path)}
    content, mode = path.read_bytes(), path.stat().st_mode & 0o777
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
    return text if mode == 0o644 else {"text": text, "mode": f"{mode:o}"}


def tree_of(root: Path) -> dict[str, object]:
    tree: dict[str, object] = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink() or not path.is_dir():
            tree[name] = entry(path)
        elif not any(path.iterdir()):
            tree[name + "/"] = None
    return tree


@pytest.mark.parametrize("vector", VECTORS["cases"], ids=lambda vector: vector["name"])
def test_the_program_does_what_the_vector_says(vector: dict[str, Any], root: Path) -> None:
    build(root, vector["tree"])
    name = vector.get("program", "apply_patch")
    by_stdin = vector.get("via") == "stdin"
    arguments = vector.get("argv", [] if by_stdin else [vector.get("patch")])
    stdout, stderr = io.StringIO(), io.StringIO()

    program = run_flag if name == "codex" else run
    exit_code = program(
        [name, *arguments], io.BytesIO(vector["patch"].encode() if by_stdin else b""), stdout, stderr
    )

    found = {
        "exit": exit_code,
        "stdout": stdout.getvalue(),
        "stderr": stderr.getvalue(),
        "tree": tree_of(root),
    }
    assert found == expected(vector)


def outcome(argv: list[str], cwd: str) -> dict[str, object]:
    detected = detect_patch(argv, cwd)
    if isinstance(detected, NotAPatch):
        return {"kind": "command"}
    if isinstance(detected, PatchProblem):
        return {"kind": "error", "output": detected.message}
    try:
        verified = verify_patch(detected.patch, detected.directory)
    except PatchError as error:
        return {"kind": "error", "output": f"error: {error}"}
    if not verified.changes:
        return {"kind": "error", "output": "patch rejected: empty patch"}
    return {"kind": "patch", "changes": {path: change.to_wire() for path, change in verified.changes.items()}}


@pytest.mark.parametrize("vector", VECTORS["invocations"], ids=lambda vector: vector["name"])
def test_a_call_is_taken_for_what_the_vector_says(vector: dict[str, Any], root: Path) -> None:
    build(root, vector["tree"])

    found = json.dumps(outcome(vector["argv"], str(root))).replace(json.dumps(str(root))[1:-1], "$CWD")

    assert json.loads(found) == expected(vector)


def test_every_choice_of_ours_is_about_a_marked_defect() -> None:
    marked = {
        vector["name"] for kind in ("cases", "invocations") for vector in VECTORS[kind] if "bug" in vector
    }
    assert set(BETTER) <= marked

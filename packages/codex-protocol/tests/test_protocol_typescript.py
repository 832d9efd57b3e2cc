"""TypeScript declarations: complete in themselves, and the same as the reference's, type by type."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from codex_protocol.typescript import declarations, write

BUILT_IN = {
    "Array",
    "Record",
    "string",
    "number",
    "boolean",
    "bigint",
    "null",
    "never",
    "key",
    "in",
    "export",
    "type",
    "Ok",
    "Err",
}


def normalised(text: str) -> tuple[str, str]:
    """The name and body of a declaration, without comments, imports, blanks and order of alternatives."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*(//|import).*$", "", text, flags=re.MULTILINE)
    match = re.search(r"export type (\w+) =(.*);", text, re.DOTALL)
    assert match is not None, text
    body = re.sub(r"\s+", "", match[2]).replace(";", ",").replace(",}", "}")
    body = re.sub(r'"(\w+)":', r"\1:", body).lstrip("|")
    return match[1], "|".join(sorted(body.split("|")))


def read_declarations(directory: Path) -> dict[str, str]:
    return dict(
        normalised(path.read_text("utf-8")) for path in directory.rglob("*.ts") if path.name != "index.ts"
    )


def test_there_are_134_types():
    assert len(declarations()) == 134


def test_every_file_imports_what_it_mentions_and_nothing_else():
    known = set(declarations()) | {"JsonValue"}
    for name, text in declarations().items():
        imported = set(re.findall(r"^import type \{ (\w+) \}", text, re.MULTILINE))
        code = re.sub(r"/\*(?s:.*?)\*/|^(?://|import)[^\n]*$|\"[^\"]*\"", "", text, flags=re.MULTILINE)
        types = set(re.findall(r"\b[A-Z]\w+", code)) - BUILT_IN - {name}
        assert types == imported, name
        assert imported <= known


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ReviewDecision", '"approved" | "approved_for_session" | "denied" | "abort"'),
        ("ConversationId", "string"),
        ("ArchiveConversationResponse", "Record<string, never>"),
        ("McpInvocation", "{\n  server: string;\n  tool: string;\n  arguments: JsonValue | null;\n}"),
        ("ServerCapabilitiesTools", "{\n  listChanged?: boolean | null;\n}"),
        (
            "PatchApplyBeginEvent",
            "{\n  call_id: string;\n  auto_approved: boolean;\n  changes: { [key in string]?: FileChange };\n}",
        ),
    ],
)
def test_a_declaration_reads_well(name, text):
    assert declarations()[name].endswith(f"export type {name} = {text};\n")


def test_the_command_writes_the_types_and_their_index(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "codex_protocol", "typescript", "--out", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"136 files in {tmp_path}\n"
    index = (tmp_path / "index.ts").read_text("utf-8")
    names = re.findall(r'^export type \{ (\w+) \} from "\./\1";$', index, re.MULTILINE)
    assert names == sorted(declarations())
    assert {path.stem for path in tmp_path.glob("*.ts")} == {*names, "index"}
    assert (tmp_path / "serde_json" / "JsonValue.ts").is_file()


def test_writing_again_changes_nothing(tmp_path):
    paths = write(str(tmp_path))
    before = [Path(path).read_bytes() for path in paths]
    assert write(str(tmp_path)) == paths
    assert [Path(path).read_bytes() for path in paths] == before


@pytest.mark.reference
def test_names_fields_and_optionality_are_the_references(reference, tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    subprocess.run([reference, "generate-ts", "--out", theirs], check=True, capture_output=True)
    write(str(ours))
    expected, found = read_declarations(theirs), read_declarations(ours)
    assert set(found) == set(expected)
    differing = {name: body for name, body in found.items() if body != expected[name]}
    assert list(differing) == ["TokenCountEvent"]  # with `rate_limits`, as newer releases have it
    assert "rate_limits" in differing["TokenCountEvent"]

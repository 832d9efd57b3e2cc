"""`python -m codex_protocol`: schemas and declarations of the wire types, and a check of recorded files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("rollout", "history", "event", "op", "ide")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 1 when a file has problems and 2 when it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m codex_protocol", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    schema = commands.add_parser("schema", help="write a JSON Schema file for every type")
    schema.add_argument("--out", metavar="DIR", required=True, help="directory to write to; made if need be")
    typescript = commands.add_parser("typescript", help="write TypeScript declarations of the editor's types")
    typescript.add_argument(
        "--out", metavar="DIR", required=True, help="directory to write to; made if need be"
    )
    validate = commands.add_parser("validate", help="check files of recorded lines")
    validate.add_argument("--kind", choices=KINDS, help="what the lines are; by default each line tells")
    validate.add_argument(
        "files", metavar="FILE", nargs="+", help="file of JSON lines, or - for standard input"
    )
    options = parser.parse_args(argv)
    try:
        if options.command == "schema":
            return write_schemas(options.out)
        if options.command == "typescript":
            return write_declarations(options.out)
        return max([check_file(path, options.kind) for path in options.files])
    except OSError as error:
        print(f"{error.filename or error}: {error.strerror}", file=sys.stderr)
        return 2


def write_schemas(out_dir: str) -> int:
    """Writes `<area>/<Type>.json` for every public type."""
    from codex_protocol.schema import all_schemas

    schemas = all_schemas()
    for name, schema in schemas.items():
        path = os.path.join(out_dir, f"{name}.json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            json.dump(schema, file, ensure_ascii=False, indent=2)
            file.write("\n")
    print(f"{len(schemas)} schemas in {out_dir}")
    return 0


def write_declarations(out_dir: str) -> int:
    """Writes one `.ts` file per type, and `index.ts`."""
    from codex_protocol.typescript import write

    print(f"{len(write(out_dir))} files in {out_dir}")
    return 0


def check_file(path: str, kind: str | None) -> int:
    """Checks one file and prints what is wrong with it; 1 if anything is."""
    from codex_protocol.validation import Kind, check_lines

    chosen = None if kind is None else Kind(kind)
    if path == "-":
        report = check_lines(sys.stdin.buffer, chosen)
    else:
        with open(path, "rb") as file:
            report = check_lines(file, chosen)
    print(
        f"{path}: {report.lines} lines, {report.valid} valid, "
        f"{report.invalid} invalid, {report.different} different"
    )
    for problem in report.problems:
        word = "differs" if problem.is_loss else "invalid"
        print(f"  line {problem.line}: {word}: {problem.text}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())

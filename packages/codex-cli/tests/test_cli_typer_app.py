"""`codex` mounted in a typer application: every command, its own grammar, its exit codes."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from codex_cli.commands import ROOT
from codex_cli.typer_app import new_typer_app


@pytest.fixture
def mounted() -> typer.Typer:
    """An application of somebody else with `codex` in it."""
    app = typer.Typer()
    app.command("other")(lambda: None)
    app.add_typer(new_typer_app(), name="codex")
    return app


def test_every_command_is_there_with_its_summary(mounted: typer.Typer) -> None:
    page = CliRunner().invoke(mounted, ["codex", "--help"], env={"COLUMNS": "200"})
    assert page.exit_code == 0
    for command in ROOT.commands:
        assert (command.summary in page.output) is not command.is_hidden


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["exec", "--help"], 0, "Usage: codex exec [OPTIONS]", ""),
        (["p", "-h"], 0, "Usage: codex proto [OPTIONS]", ""),
        (["completion", "bash"], 0, "complete -F _codex", ""),
        (["exec", "--bogus"], 2, "", "error: unexpected argument '--bogus' found"),
        (["mcp", "ad"], 2, "", "tip: a similar subcommand exists: 'add'"),
        (["sandbox", "--self-test", "--explain"], 2, "", "'--self-test' cannot be used with '--explain'"),
    ],
)
def test_words_are_read_by_our_grammar(
    mounted: typer.Typer, words: list[str], code: int, out: str, err: str
) -> None:
    done = CliRunner().invoke(mounted, ["codex", *words])
    assert done.exit_code == code
    assert out in done.stdout
    assert err in done.stderr

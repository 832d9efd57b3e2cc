"""Finding the patch in a command, beyond the shared vectors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_core.approval import shell_syntax
from codex_core.patch.invocation import NotAPatch, PatchCall, PatchProblem, detect_patch

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # shared, busy machines

PATCH = "*** Begin Patch\n*** Add File: f\n+1\n*** End Patch"


def detect(script: str) -> NotAPatch | PatchCall | PatchProblem:
    return detect_patch(["bash", "-lc", script], "/w")


def directory_of(script: str) -> str | None:
    """Where the script's patch goes; None if it is an ordinary command."""
    detected = detect(script)
    if isinstance(detected, NotAPatch):
        return None
    assert isinstance(detected, PatchCall)
    assert detected.text == PATCH
    return detected.directory


@pytest.mark.parametrize(
    "script",
    [
        f"apply_patch <<EOF\n{PATCH}\nEOF",
        f"applypatch<<'E-1'\n\n\n{PATCH}\n\nE-1\n\n",
        f"apply_patch <<-EOF\n{PATCH}\n\tEOF",
        f"apply_patch <<\\EOF\n{PATCH}\nEOF",
        f"X=1 Y=$(ls) apply_patch <<EOF\n{PATCH}\nEOF",
        f"apply_patch <<EOF\n{PATCH}\n",  # bash warns about the missing tag, and runs it
    ],
)
def test_a_here_document_is_a_patch(script: str) -> None:
    detected = detect(script)
    assert isinstance(detected, PatchCall)
    assert detected.text.strip() == PATCH
    assert detected.directory == "/w"


@pytest.mark.parametrize(
    ("words", "directory"),
    [
        ("cd sub", "/w/sub"),
        ("cd ./a/../b/", "/w/./a/../b/"),
        ("cd ..", "/w/.."),
        ("cd /srv", "/srv"),
        ("cd 'a \\b'", "/w/a \\b"),
        ('cd "a b"', "/w/a b"),
        ("cd ''", "/w"),
        ("cd é", "/w/é"),
        ("cd a*b", "/w/a*b"),
        ("cd ~", "/w/~"),
        ("cd a=b", "/w/a=b"),
        ("X=1 cd sub", "/w/sub"),
    ],
)
def test_the_directory_is_the_one_word_after_cd(words: str, directory: str) -> None:
    assert directory_of(f"{words} && apply_patch <<EOF\n{PATCH}\nEOF") == directory


@pytest.mark.parametrize(
    "words",
    [
        "cd",
        "cd a b",
        "cd -- a",
        "cd 5",
        "cd $X",
        'cd ""',
        'cd "$X"',
        'cd "a$X"',
        'cd "a`x`"',
        "cd a'b'",
        "cd $'a'",
        "cd {a,b}",
        "cd [a]",
        "cd `x`",
        "pushd a",
        "command cd a",
        "'cd' a",
        "cd a >x",
        "cd a && cd b",
        "! cd a",
        "(cd a)",
        "cd a && ls",
    ],
)
def test_other_first_commands_make_it_an_ordinary_command(words: str) -> None:
    assert directory_of(f"{words} && apply_patch <<EOF\n{PATCH}\nEOF") is None


@pytest.mark.parametrize("connector", [";", "||", "|", "&", "\n", "&& # why\n", "&& !"])
def test_only_and_connects(connector: str) -> None:
    assert directory_of(f"cd a {connector} apply_patch <<EOF\n{PATCH}\nEOF") is None


@pytest.mark.parametrize(
    "words", ["apply_patch x 'y' $(z)", "X=1 apply_patch", "apply_patch <<<x", "applypatch -"]
)
def test_behind_cd_arguments_do_not_matter(words: str) -> None:
    assert directory_of(f"cd a && {words} <<EOF\n{PATCH}\nEOF") == "/w/a"


@pytest.mark.parametrize(
    "script",
    [
        f"apply_patch x <<EOF\n{PATCH}\nEOF",
        f"'apply_patch' <<EOF\n{PATCH}\nEOF",
        f"apply_patc\\h <<EOF\n{PATCH}\nEOF # apply_patch",
        f"# why\napply_patch <<EOF\n{PATCH}\nEOF",
        f"apply_patch <<EOF\n{PATCH}\nEOF\n# why",
        f"apply_patch <<EOF\n{PATCH}\nEOF\nls",
        f"ls; apply_patch <<EOF\n{PATCH}\nEOF",
        f"apply_patch <<EOF x\n{PATCH}\nEOF",
        f"apply_patch <<EOF 2>&1\n{PATCH}\nEOF",
        f"apply_patch <<EOF && ls\n{PATCH}\nEOF",
        f"apply_patch <<EOF | cat\n{PATCH}\nEOF",
        f"apply_patch <<EOF &\n{PATCH}\nEOF",
        f"cd a && apply_patch <<EOF && ls\n{PATCH}\nEOF",
        f"apply_patch <<EOF <<EOG\n{PATCH}\nEOF\nEOG",
        f"{{ apply_patch <<EOF\n{PATCH}\nEOF\n}}",
        f"! apply_patch <<EOF\n{PATCH}\nEOF",
        f"time apply_patch <<EOF\n{PATCH}\nEOF",
        f"if apply_patch <<EOF\n{PATCH}\nEOF\nthen ls; fi",
        "apply_patch <<<x",
        "apply_patch",
        "echo 'apply_patch <<EOF'",
    ],
)
def test_anything_more_makes_it_an_ordinary_command(script: str) -> None:
    assert detect(script) == NotAPatch()


def test_a_body_is_taken_as_it_stands() -> None:
    body = PATCH.replace("+1", "+$X `y` $(z) \\n é😀")
    for tag, words in (("EOF", "apply_patch"), ("'EOF'", "cd é && apply_patch")):
        detected = detect(f"{words} <<{tag}\n{body}\nEOF")
        assert isinstance(detected, PatchCall)
        assert detected.text == body


def test_tabs_of_an_indented_here_document_stay_so_it_does_not_parse() -> None:
    indented = PATCH.replace("\n", "\n\t")
    assert detect(f"apply_patch <<-EOF\n\t{indented}\n\tEOF") == PatchProblem(
        "error: invalid patch: The last line of the patch must be '*** End Patch'"
    )


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["apply_patch"],
        ["apply_patch", PATCH, "x"],
        ["bash", PATCH],
        ["bash", "-c", PATCH],
        ["bash", "-lc"],
        ["bash", "-lc", PATCH, "x"],
        ["sh", "-lc", PATCH],
        ["bash", "-cl", PATCH],
        ["/bin/apply_patch", PATCH],
    ],
)
def test_other_argument_lists_are_ordinary_commands(argv: list[str]) -> None:
    assert detect_patch(argv, "/w") == NotAPatch()


@pytest.mark.parametrize("text", [PATCH, f"<<EOF\n{PATCH}\nEOF", "*** Begin Patch\n*** End Patch"])
def test_a_bare_patch_is_answered_with_how_to_call_the_program(text: str) -> None:
    problem = PatchProblem(
        'error: patch detected without explicit call to apply_patch. Rerun as ["apply_patch", "<patch>"]'
    )
    assert detect_patch([text], "/w") == problem
    assert detect_patch(["bash", "-lc", text], "/w") == problem


def test_lone_surrogates_of_a_json_text_are_replaced_and_pairs_joined() -> None:
    text = json.loads('"*** Begin Patch\\n*** Add File: f\\n+\\ud83d\\ude00 \\ud800\\n*** End Patch"')
    detected = detect_patch(["apply_patch", text], "/w")
    assert isinstance(detected, PatchCall)
    assert "+😀 \ufffd\n" in detected.text
    detected.text.encode()


def test_without_the_parser_a_script_is_an_ordinary_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_syntax, "parse_script", lambda _: None)
    assert directory_of(f"apply_patch <<EOF\n{PATCH}\nEOF") is None


def test_scripts_that_do_not_name_the_program_do_not_load_the_parser() -> None:
    code = (
        "import sys\n"
        "from codex_core.patch.invocation import detect_patch\n"
        "detect_patch(['bash', '-lc', 'cat <<EOF\\nx\\nEOF'], '/w')\n"
        "detect_patch(['apply_patch', 'x'], '/w')\n"
        "detect_patch(['bash', '-lc', 'apply_patch x'], '/w')\n"
        "print('tree_sitter' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


PIECES = st.sampled_from(
    [
        "cd a",
        "&&",
        "apply_patch",
        "<<EOF",
        "<<'X'",
        "\n",
        "\nEOF",
        "\nX",
        PATCH,
        ";",
        "#",
        "'",
        '"',
        "$(",
        ")",
        "|",
        "\0",
        "é",
    ]
)


@calm
@given(st.lists(PIECES | st.text(max_size=3), max_size=12).map(" ".join))
def test_any_script_gets_an_answer(script: str) -> None:
    assert isinstance(detect(script), (NotAPatch, PatchCall, PatchProblem))

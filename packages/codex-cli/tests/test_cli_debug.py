"""`codex debug` and `codex sandbox` as a user runs them: real console script, real kernel."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_core.testing import ScratchHome, ScratchRepo, run_script, script_path
from codex_core.testing.home import to_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_core.testing.pytest_plugin import RunCodex

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement is proved on Linux")

SHELL_ENV = Path(__file__).parents[2] / "codex-core" / "tests" / "data" / "shell_env.json"
VECTORS = json.loads(SHELL_ENV.read_text(encoding="utf-8"))["vectors"]
ENV_PROGRAM = shutil.which("env") or "/usr/bin/env"
LANDLOCK = ("debug", "landlock")
NO_VALUE = "a value is required for '--config <key=value>' but none was supplied"


@pytest.fixture(params=[LANDLOCK, ("sandbox",)], ids=" ".join)
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Both names of running a command in the sandbox."""
    return tuple(request.param)


def possible(values: str) -> str:
    return f"\n  [possible values: {values}]"


def variables(output: str) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in output.split("\0") if entry)


def without_helper_directory(env: Mapping[str, str], codex_home: Path) -> dict[str, str]:
    """`env` without what is put in front of PATH: by us below CODEX_HOME, by the reference below /tmp."""
    if "PATH" not in env:
        return dict(env)
    ours = f"{re.escape(os.fspath(codex_home))}/tmp/arg0/[0-9a-f]+"
    # The launcher of the reference adds its own ripgrep.
    path = re.sub(r"(^|:)[^:]*/@vscode/ripgrep[^:]*(?::|$)", r"\1", env["PATH"])
    match = re.fullmatch(rf"(?:{ours}|[^:]*/\.tmp[A-Za-z0-9]{{6}})(?::(.*))?", path)
    if match is None:
        return {**env, "PATH": path}
    return {**env, "PATH": "<helper-dir>" if match[1] is None else match[1]}


# Refusals and what may be done


def test_nothing_is_writable_and_everything_readable(
    run_codex: RunCodex, git_repo: ScratchRepo, command: tuple[str, ...]
) -> None:
    done = run_codex(*command, "--", "sh", "-c", "cat README.md; touch new").check(1)
    assert done.stdout == "A scratch repository.\n"
    assert "cannot touch 'new'" in done.stderr
    assert not (git_repo.path / "new").exists()


def test_full_auto_lets_it_write_in_the_workspace_and_for_temporary_files_only(
    run_codex: RunCodex,
    git_repo: ScratchRepo,
    scratch_home: ScratchHome,
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    script = f'touch inside "$TMPDIR/scratch" && ! touch {tmp_path}/outside'
    scratch_home.write("config.toml", "[sandbox_workspace_write]\nexclude_slash_tmp = true\n")
    run_codex(*command, "--full-auto", "sh", "-c", script).check()
    assert (git_repo.path / "inside").exists()
    assert (scratch_home.path / "tmp" / "scratch").exists()
    assert not (tmp_path / "outside").exists()


def test_a_configured_mode_does_not_count_and_its_details_do(
    run_codex: RunCodex, scratch_home: ScratchHome, tmp_path: Path, command: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    table = {"writable_roots": [str(data)], "exclude_slash_tmp": True, "exclude_tmpdir_env_var": True}
    settings = {"sandbox_mode": "danger-full-access", "sandbox_workspace_write": table}
    scratch_home.write("config.toml", to_toml(settings))
    run_codex(*command, "touch", str(data / "a")).check(1)
    run_codex(*command, "--full-auto", "touch", str(data / "a")).check()
    run_codex(*command, "--full-auto", "sh", "-c", 'touch "$TMPDIR/a"').check(1)


def test_network_is_refused_and_said_to_be(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    program = "import os, socket; print(os.environ['CODEX_SANDBOX_NETWORK_DISABLED']); socket.socket()"
    done = run_codex(*command, "--full-auto", sys.executable, "-c", program).check(1)
    assert done.stdout == "1\n"
    assert "PermissionError" in done.stderr


def test_network_that_is_configured_can_be_used(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    program = "import os, socket; print('CODEX_SANDBOX_NETWORK_DISABLED' in os.environ); socket.socket()"
    override = ("-c", "sandbox_workspace_write.network_access=true")
    done = run_codex(*command, *override, "--full-auto", sys.executable, "-c", program).check()
    assert done.stdout == "False\n"
    read_only = run_codex(*command, *override, sys.executable, "-c", program).check(1)
    assert read_only.stdout == "True\n"


def test_input_and_outputs_are_the_commands_own(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    done = run_codex(*command, "sh", "-c", "cat; echo err >&2", stdin=b"\xffin\n").check()
    assert (done.stdout, done.stderr) == ("\ufffdin\n", "err\n")


# The command line


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["echo", "-c", "x", "--full-auto", "-h"], "-c x --full-auto -h\n"),
        (["--", "echo", "-c=x", "--", "-C=y"], "-c=x -- -C=y\n"),
        (["echo", "--", "a", ""], "-- a \n"),
        (["-cmodel=x", "--config=model=y", "-c=model=z", "--", "echo", "--color"], "--color\n"),
        (["-c", "shell_environment_policy.set.A=x", "printenv", "A"], "x\n"),
        (["--", "--", "x"], None),
        (["-", "x"], None),
    ],
)
def test_words_behind_the_first_are_taken_as_they_are(
    run_codex: RunCodex, command: tuple[str, ...], words: list[str], shown: str | None
) -> None:
    done = run_codex(*command, *words)
    if shown is None:  # `--` and `-` are no programs, but they are taken for one
        done.check(127)
    else:
        assert done.check().stdout == shown


def test_overrides_of_every_level_count_and_the_last_wins(run_codex: RunCodex) -> None:
    sets = [("-c", f"shell_environment_policy.set={{V={value!r}}}") for value in ("a", "b", "c")]
    script = ("sh", "-c", "echo $V")
    assert run_codex(*sets[0], "debug", *sets[1], "landlock", *sets[2], *script).check().stdout == "c\n"
    assert run_codex(*sets[0], "debug", *sets[1], "landlock", *script).check().stdout == "b\n"
    assert run_codex(*sets[0], "sandbox", *script).check().stdout == "a\n"


def test_the_platform_may_be_named(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    assert run_codex("sandbox", "linux", "echo", "linux").check().stdout == "linux\n"
    run_codex("sandbox", "--full-auto", "linux", "-c", "model=x", "--", "touch", "new").check()
    assert (git_repo.path / "new").exists()
    # Behind `--` it is a program.
    done = run_codex("sandbox", "--", "linux").check(127)
    assert "cannot run 'linux'" in done.stderr


@pytest.mark.parametrize("words", [("debug", "seatbelt", "ls"), ("sandbox", "macos", "--", "ls")])
def test_the_sandbox_of_macos_is_not_here(run_codex: RunCodex, words: tuple[str, ...]) -> None:
    done = run_codex(*words).check(1)
    assert done.stderr == "Error: Seatbelt confines commands on macOS only; this is Linux\n"
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["debug", "landlock"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["debug", "landlock", "--"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["sandbox"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["sandbox", "linux"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["debug", "approval"], "the following required arguments were not provided:\n  <COMMAND>..."),
        (["debug", "landlock", "--cd", "/", "ls"], "unexpected argument '--cd' found"),
        (["debug", "--full-auto", "landlock", "ls"], "unexpected argument '--full-auto' found"),
        (["debug", "bogus"], "unrecognized subcommand 'bogus'"),
        (
            ["debug", "landlok", "ls"],
            "unrecognized subcommand 'landlok'\n\n  tip: a similar subcommand exists: 'landlock'",
        ),
        (
            ["help", "sandbx"],
            "unrecognized subcommand 'sandbx'\n\n  tip: a similar subcommand exists: 'sandbox'",
        ),
        (["debug", "landlock", "-c"], NO_VALUE),
        (["sandbox", "-c", "--", "ls"], NO_VALUE),
        (["debug", "-c"], NO_VALUE),
        (["sandbox", "-C", "/", "-C", "/", "ls"], "the argument '--cd <DIR>' cannot be used multiple times"),
        (
            ["sandbox", "-s", "all", "ls"],
            "invalid value 'all' for '--sandbox <SANDBOX_MODE>'"
            + possible("read-only, workspace-write, danger-full-access"),
        ),
        (
            ["debug", "approval", "-a", "maybe", "ls"],
            "invalid value 'maybe' for '--ask-for-approval <APPROVAL_POLICY>'"
            + possible("untrusted, on-failure, on-request, never"),
        ),
        (
            ["sandbox", "--isolation=none", "ls"],
            "invalid value 'none' for '--isolation <KIND>'" + possible("auto, namespaces, landlock"),
        ),
        (["sandbox", "--network", "ls"], "the argument '--network' needs '--sandbox workspace-write'"),
        (
            ["sandbox", "-s", "danger-full-access", "--add-dir", ".", "ls"],
            "the argument '--add-dir <DIR>' needs '--sandbox workspace-write'",
        ),
        (
            ["sandbox", "--full-auto", "-s", "read-only", "ls"],
            "the argument '--full-auto' cannot be used with '--sandbox <SANDBOX_MODE>'",
        ),
        (
            ["sandbox", "--full-auto", "--add-dir", "nowhere", "ls"],
            "invalid value 'nowhere' for '--add-dir <DIR>': it is not a directory",
        ),
        (["sandbox", "--json", "ls"], "the argument '--json' needs '--self-test'"),
        (["sandbox", "--self-test", "ls"], "unexpected argument 'ls' found"),
        (["sandbox", "--explain", "ls"], "unexpected argument 'ls' found"),
        (
            ["sandbox", "--self-test", "-s", "read-only"],
            "the argument '--self-test' cannot be used with '--sandbox <SANDBOX_MODE>'",
        ),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_sentence_and_exit_code_2(run_codex: RunCodex, words: list[str], error: str) -> None:
    done = run_codex(*words).check(2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {error}\n\n")
    assert done.stderr.endswith("\n\nFor more information, try '--help'.\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["-c", "a", "--", "ls"], "Error: Invalid override (missing '='): a\n"),
        (["-c", "sandbox_isolation=none", "ls"], "unknown variant `none`"),
        (["-c", "model=1", "ls"], "invalid type: integer `1`, expected a string"),
    ],
)
def test_a_bad_configuration_ends_with_1_before_anything_runs(
    run_codex: RunCodex, command: tuple[str, ...], words: list[str], error: str
) -> None:
    done = run_codex(*command, *words).check(1)
    assert done.stderr.startswith("Error: ")
    assert error in done.stderr
    assert done.stdout == ""


def test_debug_alone_prints_its_help_on_stderr(run_codex: RunCodex) -> None:
    page = run_codex("debug", "-h").check().stdout
    for name in ("landlock", "seatbelt", "approval"):
        assert f"\n  {name} " in page
    alone = run_codex("debug").check(2)
    assert (alone.stdout, alone.stderr) == ("", page)
    long = run_codex("debug", "--help").check().stdout
    for words in (["help", "debug"], ["debug", "help"]):
        assert run_codex(*words).check().stdout == long


@pytest.mark.parametrize(
    "name", [["debug", "landlock"], ["debug", "seatbelt"], ["debug", "approval"], ["sandbox"]], ids=" ".join
)
def test_each_command_has_a_help_page(run_codex: RunCodex, name: list[str]) -> None:
    page = run_codex(*name, "--help").check().stdout
    assert page.startswith(f"Usage: codex {' '.join(name)}")
    assert run_codex("help", *name).check().stdout == page
    assert run_codex(*name[:1], "help", *name[1:]).stdout == page or name == ["sandbox"]


# How it ends


@pytest.mark.parametrize("code", [0, 1, 7, 126, 255])
def test_the_exit_code_is_the_commands(run_codex: RunCodex, command: tuple[str, ...], code: int) -> None:
    run_codex(*command, "sh", "-c", f"exit {code}").check(code)


def test_a_shell_sees_128_and_the_signal(run_codex: RunCodex, command: tuple[str, ...]) -> None:
    line = f"{script_path('codex')} {' '.join(command)} sh -c 'kill -s TERM $$'; echo $?"
    assert run_codex("-c", line, command="/bin/sh").check().lines[-1] == str(128 + signal.SIGTERM)


def test_a_missing_program_is_127_and_one_that_is_none_126(
    run_codex: RunCodex, git_repo: ScratchRepo, command: tuple[str, ...]
) -> None:
    done = run_codex(*command, "no-such-program", "x").check(127)
    assert done.stderr == (
        "codex-linux-sandbox: cannot run 'no-such-program': No such file or directory (os error 2)\n"
    )
    run_codex(*command, "./README.md").check(126)


@pytest.mark.parametrize("isolation", ["landlock", "auto"])
def test_the_command_can_be_stopped_and_continued(
    scratch_home: ScratchHome, git_repo: ScratchRepo, isolation: str
) -> None:
    argv = [
        script_path("codex"),
        "sandbox",
        "--isolation",
        isolation,
        "sh",
        "-c",
        "echo ready; read x; exit 5",
    ]
    # A group of its own in our session, as a shell makes one for a job.
    with subprocess.Popen(
        argv,
        cwd=git_repo.path,
        env=scratch_home.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as job:
        assert job.stdin is not None
        assert job.stdout is not None
        assert job.stdout.readline() == b"ready\n"
        os.killpg(job.pid, signal.SIGTSTP)
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.killpg(job.pid, signal.SIGCONT)
        job.stdin.write(b"\n")
        job.stdin.close()
        assert job.wait() == 5


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
@pytest.mark.parametrize("isolation", ["landlock", "auto"])
def test_a_shell_on_a_terminal_has_job_control(
    scratch_home: ScratchHome, git_repo: ScratchRepo, isolation: str
) -> None:
    main_end, other_end = os.openpty()
    seen = b""

    def wait_for(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            ready, _, _ = select.select([main_end], [], [], 30)
            assert ready, seen
            seen += os.read(main_end, 4096)
        seen = seen.partition(text)[2]

    # The terminal becomes that of a new session, as a terminal program does it.
    session = ["setsid", "--ctty", "--wait"]
    codex = [script_path("codex"), "sandbox", "--isolation", isolation]
    with subprocess.Popen(
        [*session, *codex, "--", "bash", "--norc", "--noprofile", "-i"],
        cwd=git_repo.path,
        env={**scratch_home.environ(), "PS1": "ask> "},
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
    ) as shell:
        os.close(other_end)
        try:
            wait_for(b"ask> ")
            os.write(main_end, b"sh -c 'echo u''p; read x; echo got $x; exec sleep 600'\n")
            wait_for(b"up\r\n")
            os.write(main_end, b"\x1a")
            wait_for(b"Stopped")
            wait_for(b"ask> ")
            os.write(main_end, b"fg\n")
            wait_for(b"exec sleep 600'\r\n")
            os.write(main_end, b"a line\n")
            wait_for(b"got a line\r\n")
            os.write(main_end, b"\x03")
            wait_for(b"ask> ")
            os.write(main_end, b"echo $?\n")
            wait_for(b"130\r\n")
            os.write(main_end, b"exit 9\n")
            assert shell.wait(timeout=30) == 9
        finally:
            os.close(main_end)
            if shell.poll() is None:
                shell.kill()


def test_the_command_takes_the_place_of_the_process_that_was_started(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    argv = [script_path("codex"), "sandbox", "--isolation", "landlock", "sh", "-c", "echo $$; exec cat"]
    with subprocess.Popen(
        argv, cwd=git_repo.path, env=scratch_home.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.terminate()
        assert process.wait() == -signal.SIGTERM


def test_ctrl_c_reaches_the_command(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    script = "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.01; done"
    with subprocess.Popen(
        [script_path("codex"), "sandbox", "sh", "-c", script],
        cwd=git_repo.path,
        env=scratch_home.environ(),
        stdout=subprocess.PIPE,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == b"caught\n"
        assert process.wait() == 3


def test_a_command_in_the_background_goes_on_without_the_shell_that_started_it(
    scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    read_end, write_end = os.pipe()
    codex = script_path("codex")
    line = f"exec 3<&0; {codex} sandbox sh -c 'echo ready; read x; echo went on' <&3 & wait"
    try:
        with subprocess.Popen(
            ["/bin/sh", "-c", line],
            cwd=git_repo.path,
            env=scratch_home.environ(),
            stdin=read_end,
            stdout=subprocess.PIPE,
        ) as shell:
            assert shell.stdout is not None
            assert shell.stdout.readline() == b"ready\n"
            shell.kill()
            shell.wait()
            os.write(write_end, b"\n")
            assert shell.stdout.read() == b"went on\n"
    finally:
        os.close(read_end)
        os.close(write_end)


def test_it_leaves_no_process_and_its_tools_directory_goes_with_the_next_start(
    run_codex: RunCodex, scratch_home: ScratchHome
) -> None:
    tools = scratch_home.codex_home / "tmp" / "arg0"
    run_codex(*LANDLOCK, "true").check().assert_no_processes_left()
    (left,) = tools.iterdir()
    run_codex(*LANDLOCK, "true").check()
    assert left not in list(tools.iterdir())


def test_the_tools_directory_stays_while_the_command_runs(
    scratch_home: ScratchHome, git_repo: ScratchRepo, run_codex: RunCodex
) -> None:
    with subprocess.Popen(
        [script_path("codex"), "sandbox", "sh", "-c", "echo; read x; command -v apply_patch"],
        cwd=git_repo.path,
        env=scratch_home.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        run_codex(*LANDLOCK, "true").check()  # clears away what is left over
        output, _ = process.communicate(b"\n")
    assert output.startswith(os.fsencode(scratch_home.codex_home / "tmp" / "arg0"))


# The environment


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_environment_is_exactly_what_the_policy_lets_through(
    vector: dict[str, Any], scratch_home: ScratchHome
) -> None:
    got = environment_of([script_path("codex")], vector, scratch_home)
    assert got == vector["env"]


@pytest.mark.reference
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_environment_is_that_of_the_reference(
    vector: dict[str, Any], scratch_home: ScratchHome, reference: str
) -> None:
    ours = environment_of([script_path("codex")], vector, scratch_home)
    assert ours == environment_of([reference], vector, scratch_home)


def environment_of(program: Sequence[str], vector: dict[str, Any], home: ScratchHome) -> dict[str, str]:
    """What `codex debug landlock -- env -0` prints under the vector's policy and parent environment."""
    document: dict[str, object] = {}
    if vector["policy"] is not None:
        document["shell_environment_policy"] = vector["policy"]
    sandbox = vector.get("sandbox")
    if sandbox is not None:
        document["sandbox_workspace_write"] = sandbox
    home.write("config.toml", to_toml(document))
    home.write(".env", vector.get("dotenv", ""))
    done = subprocess.run(
        [*program, *LANDLOCK, *(["--full-auto"] if sandbox is not None else []), "--", ENV_PROGRAM, "-0"],
        env={**vector["parent"], "CODEX_HOME": str(home.codex_home)},
        cwd=home.path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    env = variables(done.stdout.decode())
    for name in ("CODEX_HOME", "CODEX_MANAGED_BY_NPM"):  # the launcher of the reference sets the second
        env.pop(name, None)
    return without_helper_directory(env, home.codex_home)


def test_bytes_that_are_no_text_are_passed_on(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    env: dict[bytes, bytes] = {os.fsencode(k): os.fsencode(v) for k, v in scratch_home.environ().items()}
    done = subprocess.run(
        [script_path("codex"), "sandbox", "sh", "-c", 'printf %s "$RAW$1"', "sh", b"\xfe"],
        env={**env, b"RAW": b"\xff"},
        cwd=git_repo.path,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"\xff\xfe"


# `codex sandbox` alone


def test_further_roots_and_the_directory_to_work_in(run_codex: RunCodex, tmp_path: Path) -> None:
    for name in ("work", "more", "other"):
        (tmp_path / name).mkdir()
    script = f"pwd; touch here ../more/there && ! touch {tmp_path}/other/no"
    policy = ("-c", "sandbox_workspace_write={exclude_slash_tmp=true, exclude_tmpdir_env_var=true}")
    mode = ("-s", "workspace-write", "--add-dir", "../more", "-C", str(tmp_path / "work"))
    done = run_codex("sandbox", *mode, *policy, "--", "sh", "-c", script).check()
    assert done.stdout == f"{tmp_path / 'work'}\n"
    assert (tmp_path / "work" / "here").exists()
    assert (tmp_path / "more" / "there").exists()
    assert not (tmp_path / "other" / "no").exists()


def test_network_by_flag(run_codex: RunCodex) -> None:
    program = ("--", sys.executable, "-c", "import socket; socket.socket(); print('had one')")
    run_codex("sandbox", "--full-auto", *program).check(1)
    assert run_codex("sandbox", "--full-auto", "--network", *program).check().stdout == "had one\n"


def test_full_access_is_no_confinement(run_codex: RunCodex, tmp_path: Path) -> None:
    script = f"touch {tmp_path}/anywhere; echo ${{CODEX_SANDBOX_NETWORK_DISABLED-unset}}"
    assert run_codex("sandbox", "-s", "danger-full-access", "sh", "-c", script).check().stdout == "unset\n"
    assert (tmp_path / "anywhere").exists()


@pytest.fixture
def namespaces(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    """Skips where the kernel, or a container around us, does not allow them."""
    arguments = ("sandbox", "--isolation", "namespaces", "true")
    done = run_script("codex", *arguments, env=scratch_home.environ(), cwd=git_repo.path)
    if done.exit_code != 0:
        pytest.skip(done.stderr)


@pytest.mark.usefixtures("namespaces")
def test_isolation_by_flag_and_by_configuration(
    run_codex: RunCodex, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    attempt = ("sh", "-c", "readlink /proc/self/ns/mnt")
    outside = os.readlink("/proc/self/ns/mnt")
    assert run_codex("sandbox", *attempt).check().stdout.strip() != outside
    assert run_codex("sandbox", "--isolation", "auto", *attempt).check().stdout.strip() != outside
    scratch_home.write("config.toml", 'sandbox_isolation = "namespaces"\n')
    assert run_codex(*LANDLOCK, *attempt).check().stdout.strip() != outside
    assert run_codex("sandbox", "--isolation", "landlock", *attempt).check().stdout.strip() == outside
    run_codex("sandbox", "--full-auto", "sh", "-c", "touch .git/x").check(1)
    assert not (git_repo.path / ".git" / "x").exists()


def test_environment_of_the_command_does_not_reach_what_confines_it(
    run_codex: RunCodex, scratch_home: ScratchHome, tmp_path: Path
) -> None:
    """A library that a command left in the workspace would else be loaded before the sandbox is there."""
    library = tmp_path / "missing.so"
    scratch_home.write("config.toml", f'[shell_environment_policy.set]\nLD_PRELOAD = "{library}"\n')
    for isolation in ("landlock", "auto"):
        done = run_codex("sandbox", "--isolation", isolation, "printenv", "LD_PRELOAD").check()
        assert done.stdout == f"{library}\n"
        # The loader complains in every program that starts with it: once for the command, no more.
        assert done.stderr.count("cannot be preloaded") <= 1


def test_explain_names_the_roots_and_runs_nothing(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    done = run_codex("sandbox", "--explain", "--full-auto", "--network", "--isolation", "auto").check()
    assert done.lines[0].startswith("workspace-write, isolation auto, Landlock ABI ")
    assert f"  {git_repo.path}" in done.lines
    assert "Network: allowed" in done.lines
    assert "nothing but devices" in run_codex("sandbox", "--explain").check().stdout


def test_self_test_reports_as_json(run_codex: RunCodex) -> None:
    done = run_codex("sandbox", "--self-test", "--json", "--isolation", "landlock", timeout_s=110)
    report = json.loads(done.stdout)
    assert list(report["results"]) == ["landlock"]
    assert report["probes"] > 100
    assert done.exit_code == (0 if report["ok"] else 1)


# `codex debug approval`


@pytest.mark.parametrize(
    ("words", "decision", "sandboxed", "reason"),
    [
        (["ls"], "run", True, "known-safe"),
        (["-s", "danger-full-access", "ls"], "run", False, "known-safe"),
        (["-a", "untrusted", "rm", "x"], "ask", None, "not-trusted"),
        (["-a", "never", "-s", "workspace-write", "--", "bash", "-lc", "rm x"], "run", True, "confined"),
        (["-c", "approval_policy=untrusted", "bash", "-lc", "ls > f"], "ask", None, "not-trusted"),
        (
            ["-a", "on-request", "-s", "read-only", "--escalated", "rm", "x"],
            "ask",
            None,
            "escalation-requested",
        ),
        (["-a", "never", "-s", "read-only", "--escalated", "rm", "x"], "run", True, "confined"),
        (["-a", "untrusted", "--approved", "rm", "x"], "run", False, "approved-for-session"),
    ],
)
def test_approval_tells_the_decision(
    run_codex: RunCodex, words: list[str], decision: str, sandboxed: bool | None, reason: str
) -> None:
    shown = json.loads(run_codex("debug", "approval", "--json", *words).check().stdout)
    assert (shown["decision"], shown["sandboxed"], shown["reason"]) == (decision, sandboxed, reason)


def test_approval_runs_nothing_and_reads_for_people(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    done = run_codex("debug", "approval", "-a", "untrusted", "--", "bash", "-lc", "ls && touch made").check()
    assert not (git_repo.path / "made").exists()
    assert done.lines[0] == "policies: approval untrusted, sandbox read-only"
    assert [line.partition(":")[0] for line in done.lines[1:]] == [
        "command",
        "reads as",
        "reads as",
        "rule",
        "decision",
        "shown as",
        "shown as",
    ]
    assert "decision: ask the user" in done.stdout


def test_approval_shows_the_policies_it_went_by(run_codex: RunCodex, git_repo: ScratchRepo) -> None:
    sub = git_repo.path / "sub"
    sub.mkdir()
    done = run_codex("debug", "approval", "--json", "-C", "sub", "-a", "never", "-s", "workspace-write", "ls")
    shown = json.loads(done.check().stdout)
    assert (shown["cwd"], shown["approval_policy"]) == (str(sub), "never")
    assert shown["sandbox_policy"]["mode"] == "workspace-write"


def test_approval_judges_a_patch_as_a_patch(
    run_codex: RunCodex, git_repo: ScratchRepo, tmp_path: Path
) -> None:
    def judge(path: str) -> dict[str, Any]:
        patch = f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch"
        options = ("--json", "-s", "workspace-write", "-c", "sandbox_workspace_write.exclude_slash_tmp=true")
        words = ("debug", "approval", *options, "apply_patch", patch)
        shown: dict[str, Any] = json.loads(run_codex(*words).check().stdout)
        return shown

    inside = judge("new.txt")
    assert (inside["decision"], inside["paths"]) == ("run", [str(git_repo.path / "new.txt")])
    assert judge(str(tmp_path / "outside.txt"))["decision"] == "ask"
    assert judge(".git/config2")["reason"] == "patch-outside"
    assert not (git_repo.path / "new.txt").exists()


def test_approval_does_not_let_a_command_steer_the_terminal(run_codex: RunCodex) -> None:
    done = run_codex("debug", "approval", "echo", "\x1b[31m", "\u202e").check()
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


# Beside the reference


def both(
    reference: str, home: ScratchHome, cwd: Path, *arguments: str, config: str = ""
) -> tuple[subprocess.CompletedProcess[bytes], subprocess.CompletedProcess[bytes]]:
    """What ours and the reference did with the same arguments."""
    home.write("config.toml", config)

    def run(program: str) -> subprocess.CompletedProcess[bytes]:
        argv = [program, *LANDLOCK, *arguments]
        stdin = subprocess.DEVNULL
        return subprocess.run(
            argv, env=home.environ(), cwd=cwd, stdin=stdin, capture_output=True, check=False
        )

    return run(script_path("codex")), run(reference)


@pytest.mark.reference
@pytest.mark.parametrize(
    "words",
    [
        ("true",),
        ("sh", "-c", "exit 77"),
        ("--", "echo", "--", "-c", "x"),
        ("echo", "--", "x"),
        ("echo", "--full-auto"),
        ("sh", "-c", "echo out; echo err >&2"),
        ("sh", "-c", "touch README.md new; cat README.md"),
        ("--full-auto", "sh", "-c", "echo x > made; cat made; rm made; mkdir -p d/e; rmdir d/e d"),
        ("--full-auto", "sh", "-c", 'echo x > "$TMPDIR/t" && cat "$TMPDIR/t"'),
        ("--full-auto", "touch", "/usr/local/outside"),
        ("sh", "-c", "echo > /dev/null && cat /etc/hostname"),
        ("-c", "sandbox_mode=danger-full-access", "touch", "new"),
        ("--cd", "/", "ls"),
    ],
    ids=" ".join,
)
def test_exit_code_and_stdout_are_those_of_the_reference(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, words: tuple[str, ...]
) -> None:
    ours, theirs = both(reference, scratch_home, git_repo.path, *words)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)


@pytest.mark.reference
def test_a_signal_is_told_to_the_shell_as_the_reference_does(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo
) -> None:
    ours, theirs = both(reference, scratch_home, git_repo.path, "sh", "-c", "kill -s USR1 $$")
    assert (128 - ours.returncode, theirs.returncode) == (128 + signal.SIGUSR1, 128 + signal.SIGUSR1)


@pytest.mark.reference
@pytest.mark.parametrize("excluded", [True, False])
def test_full_auto_takes_the_details_the_reference_takes(
    reference: str, scratch_home: ScratchHome, git_repo: ScratchRepo, tmp_path: Path, excluded: bool
) -> None:
    (tmp_path / "root").mkdir()
    table = {
        "writable_roots": [str(tmp_path / "root")],
        "exclude_slash_tmp": True,
        "exclude_tmpdir_env_var": excluded,
        "network_access": not excluded,
    }
    config = to_toml({"sandbox_workspace_write": table})
    script = f"""
        for path in inside {tmp_path}/root/a {tmp_path}/a "$TMPDIR/a"; do
            if touch "$path" 2> /dev/null; then echo yes; rm -f "$path"; else echo no; fi
        done
        echo ${{CODEX_SANDBOX_NETWORK_DISABLED-network}}
    """
    ours, theirs = both(
        reference, scratch_home, git_repo.path, "--full-auto", "sh", "-c", script, config=config
    )
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    assert ours.stdout.splitlines()[:3] == [b"yes", b"yes", b"no"]

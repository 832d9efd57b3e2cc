"""The protocol of the command server, and what the server is made of."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_linux_sandbox import request as protocol
from codex_linux_sandbox.launcher import helper_command

NO_NULL = st.binary(max_size=20)
NAMES = NO_NULL.filter(lambda name: b"=" not in name)


@given(
    kind=st.sampled_from([protocol.HELPER, protocol.PROGRAM]),
    words=st.lists(NO_NULL, min_size=1, max_size=5),
    cwd=NO_NULL,
    environment=st.dictionaries(NAMES, NO_NULL, max_size=5),
)
def test_request_survives_the_way(
    kind: bytes, words: list[bytes], cwd: bytes, environment: dict[bytes, bytes]
) -> None:
    sent = protocol.Request(kind, words, cwd=cwd, environment=environment)
    message = protocol.encode(sent)
    assert message.startswith(protocol.REQUEST)
    (length,) = protocol.LENGTH.unpack(message[1 : 1 + protocol.LENGTH.size])
    body = message[1 + protocol.LENGTH.size :]
    assert length == len(body)
    got = protocol.decode(body)
    assert (got.kind, got.words, got.cwd, got.environment) == (kind, words, cwd, environment)


@given(st.binary(max_size=60))
def test_anything_else_is_refused(body: bytes) -> None:
    try:
        protocol.decode(body)
    except ValueError:
        pass


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_request_that_is_cut_off_is_refused(cut: int) -> None:
    sent = protocol.Request(protocol.PROGRAM, [b"true"], cwd=b"/", environment={b"A": b"1"})
    with pytest.raises(ValueError, match=r"cut off|missing|not a request"):
        protocol.decode(protocol.encode(sent)[1 + protocol.LENGTH.size : -cut])


class Server:
    """The real server and our end of its socket."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(60)
        with theirs:
            self.process = subprocess.Popen(
                [*helper_command(), "--serve", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={},
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def send(self, message: bytes, stdout: int) -> None:
        with open(os.devnull, "rb") as null:
            socket.send_fds(self.socket, [message], [null.fileno(), stdout, stdout])

    def answers(self) -> bytes:
        """What it says up to the last answer to a request, or to its end."""
        said = b""
        while data := self.socket.recv(protocol.ANSWER.size):
            said += data
            if data.startswith(protocol.FINISHED):
                break
        return said

    def run(self, *words: bytes, kind: bytes = protocol.PROGRAM, cwd: bytes = b"/") -> tuple[bytes, bytes]:
        """What the command printed, and the answers after the first."""
        read_end, write_end = os.pipe()
        environment = {b"PATH": b"/usr/bin:/bin"}
        self.send(protocol.encode(protocol.Request(kind, words, cwd=cwd, environment=environment)), write_end)
        os.close(write_end)
        with open(read_end, "rb") as file:
            output = file.read()
        accepted = self.socket.recv(protocol.ANSWER.size)
        assert accepted == protocol.ANSWER.pack(protocol.ACCEPTED, protocol.VERSION)
        return output, self.answers()

    def close(self) -> int:
        self.socket.close()
        return self.process.wait(60)


def test_command_is_run_and_its_end_is_told() -> None:
    server = Server()
    assert server.run(b"sh", b"-c", b"echo x; exit 3") == (b"x\n", protocol.ANSWER.pack(b"L", 3))
    assert server.run(b"sh", b"-c", b"kill -9 $$") == (b"", protocol.ANSWER.pack(b"L", -9))
    assert server.close() == 0


def test_helper_is_run_with_its_arguments(landlock: int) -> None:
    server = Server()
    output, answers = server.run(b"/", b'{"mode":"read-only"}', b"echo", b"x", kind=protocol.HELPER)
    assert (output, answers) == (b"x\n", protocol.ANSWER.pack(b"L", 0))
    output, answers = server.run(b"--version", kind=protocol.HELPER)
    assert output.startswith(b"codex-linux-sandbox ")
    assert answers == protocol.ANSWER.pack(b"L", 0)
    assert server.close() == 0


def test_missing_program_is_told_apart_from_its_exit_code() -> None:
    server = Server()
    _, answers = server.run(b"no-such-program")
    assert answers.startswith(protocol.ANSWER.pack(b"F", 2))
    assert server.close() == 0


def test_namespaces_are_possible_too(landlock: int) -> None:
    server = Server()
    words = (b"--isolation", b"auto", b"/", b'{"mode":"read-only"}', b"sh", b"-c", b"echo x; exit 4")
    assert server.run(*words, kind=protocol.HELPER) == (b"x\n", protocol.ANSWER.pack(b"L", 4))
    assert server.close() == 0


def test_wish_to_end_what_has_ended_is_passed_over() -> None:
    server = Server()
    server.socket.send(protocol.KILL)
    assert server.run(b"echo", b"x")[0] == b"x\n"
    server.socket.send(protocol.KILL * 3)
    assert server.run(b"echo", b"y")[0] == b"y\n"
    assert server.close() == 0


def test_what_a_command_leaves_behind_is_ended_on_demand() -> None:
    server = Server()
    sent = protocol.Request(
        protocol.PROGRAM,
        [b"sh", b"-c", b"setsid sleep 1000 & exit 5"],
        cwd=b"/",
        environment={b"PATH": b"/usr/bin:/bin"},
    )
    with open(os.devnull, "wb") as null:
        server.send(protocol.encode(sent), null.fileno())
    server.socket.recv(protocol.ANSWER.size)
    assert server.socket.recv(protocol.ANSWER.size) == protocol.ANSWER.pack(protocol.ENDED, 5)
    server.socket.send(protocol.KILL)
    assert server.answers() == protocol.ANSWER.pack(protocol.FINISHED, 5)
    assert server.close() == 0


def test_request_without_descriptors_is_none() -> None:
    server = Server()
    sent = protocol.Request(protocol.PROGRAM, [b"true"], cwd=b"/", environment={})
    server.socket.send(protocol.encode(sent))
    assert server.answers() == b""
    assert server.close() == 0


def test_nonsense_ends_the_server() -> None:
    server = Server()
    with open(os.devnull, "wb") as null:
        server.send(protocol.REQUEST + protocol.LENGTH.pack(4) + b"oops", null.fileno())
    assert server.answers() == b""
    server.process.wait(60)
    server.close()


def test_request_that_breaks_off_starts_nothing() -> None:
    server = Server()
    read_end, write_end = os.pipe()
    sent = protocol.Request(protocol.PROGRAM, [b"echo", b"ran"], cwd=b"/", environment={})
    server.send(protocol.encode(sent)[:-1], write_end)
    os.close(write_end)
    assert server.close() == 0
    with open(read_end, "rb") as file:
        assert file.read() == b""


@pytest.mark.parametrize("given_descriptor", ["x", "-1", ""])
def test_descriptor_must_be_a_number(given_descriptor: str) -> None:
    command = [*helper_command(), f"--serve={given_descriptor}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "expected a descriptor" in done.stderr


def test_descriptor_must_be_a_socket() -> None:
    done = subprocess.run(
        [*helper_command(), "--serve=0"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (101, b"")
    assert b"cannot serve commands: " in done.stderr


# Costs more to import than starting a command; what the helper itself imports is tested beside it.
HEAVY = {
    "asyncio",
    "dataclasses",
    "enum",
    "json",
    "re",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "typing",
}


def test_server_imports_little() -> None:
    script = """
import json, sys
before = set(sys.modules)
import codex_linux_sandbox.__main__, codex_linux_sandbox.server
from codex_linux_sandbox import seccomp
import codex_linux_sandbox.enclosure
seccomp.Filter(network=False, writes=True, truncate_covered=True)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    script = script.replace("import json, sys", "import sys").replace("json.dumps(", "(")
    done = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path += {sys.path!r}\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert "codex_linux_sandbox.server" in loaded
    assert loaded & HEAVY == set()

"""What the command server is asked and what it answers, as bytes; see `server`."""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 1

HELPER = b"helper"  # the words are the helper's arguments, and end as if it had been started with them
PROGRAM = b"program"  # the words are a command line to be run as it is, unconfined

END_OF_OPTIONS = b"--"

# What is said to the server. With the first byte of a request go three descriptors: standard input, output
# and error of the command.
REQUEST = b"R"  # a length and the request; only when nothing runs
KILL = b"K"  # end the command and what is left of it; without effect when nothing runs

# What it answers: a letter and a number.
ANSWER = struct.Struct("!ci")
ACCEPTED = b"A"  # the request is complete and taken on; the number is VERSION
FAILED = b"F"  # the program could not be started; the number is the system's error
ENDED = b"E"  # the command has ended; the number is its exit code, or the signal as a negative number
FINISHED = b"L"  # as ENDED, and nothing is left of it: ready for the next request

LENGTH = struct.Struct("!I")


class Request:
    """A command to start. It gets `environment` and nothing else."""

    __slots__ = ("cwd", "environment", "kind", "words")

    def __init__(
        self, kind: bytes, words: Sequence[bytes], *, cwd: bytes, environment: Mapping[bytes, bytes]
    ) -> None:
        self.kind = kind
        self.words = list(words)
        self.cwd = cwd
        self.environment = dict(environment)

    @property
    def purpose(self) -> tuple[bytes, ...] | None:
        """What requests have in common that can run in the same namespaces; None if this one needs none.

        It is all that stands before the command, and the environment variable that is looked at.
        """
        if self.kind != HELPER or END_OF_OPTIONS not in self.words:
            return None
        end = self.words.index(END_OF_OPTIONS)
        return (self.environment.get(b"TMPDIR", b""), *self.words[:end])


def encode(request: Request) -> bytes:
    """The request as it is sent."""
    entries = [name + b"=" + value for name, value in request.environment.items()]
    count = LENGTH.pack(len(request.words))
    parts = [request.kind, request.cwd, count, *request.words, *entries]
    body = b"".join(LENGTH.pack(len(part)) + part for part in parts)
    return REQUEST + LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Request:
    """The request in what follows the length. Raises ValueError for anything else."""
    parts = []
    at = 0
    while at < len(body):
        (length,) = LENGTH.unpack_from(body, at) if at + LENGTH.size <= len(body) else (len(body),)
        at += LENGTH.size
        if at + length > len(body):
            raise ValueError("a part is cut off")
        parts.append(body[at : at + length])
        at += length
    if len(parts) < 3 or len(parts[2]) != LENGTH.size:
        raise ValueError("parts are missing")
    kind, cwd, count, *rest = parts
    (words,) = LENGTH.unpack(count)
    if kind not in (HELPER, PROGRAM) or not 0 < words <= len(rest):
        raise ValueError("not a request of this version")
    environment = {}
    for entry in rest[words:]:
        name, _, value = entry.partition(b"=")
        environment[name] = value
    return Request(kind, rest[:words], cwd=cwd, environment=environment)

"""The agent's end of the command server: commands start in a small process, not in this one.

A server is the sandbox helper, started once as `codex-linux-sandbox --serve`; it forks where the helper would
have to be started anew, and what a command leaves behind is its child. It runs one command at a time; those
that run side by side have one each, and so have those under different policies. The protocol is in
`codex_linux_sandbox.request`. Where there is no server, commands are started the plain way, each with the
helper in front: the server saves time, and what confines a command is the same.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_core.errors import ExecutionError
from codex_core.execution.spawn import ExitWatch, Pipes, SpawnFailed, describe_os_error, to_bytes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

    from codex_linux_sandbox.request import Request

ACCEPT_SECONDS = 10.0
"""How long the server may take to answer, its own start included, before it is given up."""

_END_SECONDS = 2.0
_MAX_STARTS_IN_VAIN = 2
_READ_BYTES = 64
_MAX_IDLE = 3

_log = logging.getLogger(__name__)


class CommandLostError(ExecutionError):
    """Nobody knows how a command ended, because what watched over it was killed."""


class _NoServerError(Exception):
    """The server did not take the request, so nothing has run; says why."""


@dataclass(slots=True, eq=False)
class _Server:
    process: subprocess.Popen[bytes]
    channel: socket.socket
    has_served: bool = False
    purpose: tuple[bytes, ...] | None = None
    """What its first request was about; it is in namespaces made for that."""


class CommandServer:
    """Starts commands by way of server processes, each of which is started when it is first needed.

    One conversation owns it and closes it. Used from one event loop.
    """

    def __init__(self, helper_exe: str) -> None:
        self._helper = helper_exe
        self._idle: list[_Server] = []
        self._busy: list[_Server] = []
        self._retired: list[subprocess.Popen[bytes]] = []
        self._starts_in_vain = 0
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """The process ids of the servers that are ready or run a command."""
        return [server.process.pid for server in (*self._idle, *self._busy)]

    def prepare(self) -> None:
        """Lets a server start while the caller finds out what to run; does nothing if there is one."""
        if not (self._closed or self._idle or self._busy or self._starts_in_vain):
            try:
                self._idle.append(self._start_server())
            except OSError as error:
                _log.info("no command server ahead of time: %s", describe_os_error(error))

    async def start(
        self, argv: Sequence[str], *, cwd: str, env: Mapping[str, str], with_input: bool
    ) -> ServedChild | None:
        """A child that runs `argv`, or None when it must be started without the server.

        A command line that begins with the helper is confined as the helper would do it. What else keeps the
        program from running is known when the child has ended (`ServedChild.raise_failure`).

        Raises:
            SpawnFailed: when `argv`, `cwd` or `env` cannot be passed on, or the system refuses.
        """
        if self._closed or self._starts_in_vain >= _MAX_STARTS_IN_VAIN:
            return None
        try:
            from codex_linux_sandbox.request import encode
        except ImportError:
            return None
        request = self._request(argv, cwd, env)
        payload, purpose = encode(request), request.purpose
        while True:
            server = self._idle_server(purpose)
            is_proven = server is not None
            try:
                child = await self._start_child(server, payload, purpose, with_input=with_input)
            except _NoServerError as error:
                if is_proven:
                    # It worked before; another one will too. It ends by itself when what it was set up for
                    # has changed, a repository was made for instance.
                    _log.info("a command server is gone: %s", error)
                    continue
                _log.warning("a command server is gone: %s", error)
                self._starts_in_vain += 1
                _log.warning("commands are started one by one by %s", self._helper)
                return None
            self._starts_in_vain = 0
            return child

    async def aclose(self) -> None:
        """Ends the servers, and with them whatever they started."""
        self._closed = True
        for server in (*self._idle, *self._busy):
            self._retire(server)
        retired, self._retired = self._retired, []
        for process in retired:
            await _wait_for(process)

    def release(self, server: _Server, *, is_ready: bool) -> None:
        """Takes a server back from the child that it was busy with."""
        if server not in self._busy:
            server.channel.close()  # it was retired meanwhile
            return
        self._busy.remove(server)
        if is_ready and not self._closed:
            self._idle.append(server)
        else:
            self._retire(server)

    def _retire(self, server: _Server) -> None:
        """Has a server end what it runs, and itself."""
        if server in self._busy:
            self._busy.remove(server)
            # Its child still listens, learns of the end by this, and closes it.
            try:
                server.channel.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the server has ended
        else:
            if server in self._idle:
                self._idle.remove(server)
            server.channel.close()
        self._retired = [process for process in self._retired if process.poll() is None]
        self._retired.append(server.process)

    def _request(self, argv: Sequence[str], cwd: str, env: Mapping[str, str]) -> Request:
        from codex_linux_sandbox.request import HELPER, PROGRAM, Request

        if not argv:
            raise SpawnFailed("command args are empty")
        kind, words = (HELPER, argv[1:]) if argv[0] == self._helper else (PROGRAM, argv)
        try:
            request = Request(
                kind,
                [to_bytes(word) for word in words],
                cwd=to_bytes(cwd),
                environment={to_bytes(name): to_bytes(value) for name, value in env.items() if name},
            )
        except ValueError as error:  # half a surrogate pair
            raise SpawnFailed(str(error)) from error
        texts = (*request.words, request.cwd, *request.environment, *request.environment.values())
        if any(b"\0" in text for text in texts):
            raise SpawnFailed("embedded null byte")
        if any(b"=" in name for name in request.environment):
            raise SpawnFailed("illegal environment variable name")
        return request

    def _idle_server(self, purpose: tuple[bytes, ...] | None) -> _Server | None:
        """Takes the idle server that is for this, or for nothing yet; None when there is none."""
        for server in reversed(self._idle):
            if not server.has_served or server.purpose == purpose:
                self._idle.remove(server)
                return server
        return None

    async def _start_child(
        self, server: _Server | None, payload: bytes, purpose: tuple[bytes, ...] | None, *, with_input: bool
    ) -> ServedChild:
        if server is None:
            if len(self._idle) >= _MAX_IDLE:
                self._retire(self._idle[0])
            try:
                server = self._start_server()
            except OSError as error:
                raise _NoServerError(describe_os_error(error)) from error
        server.has_served, server.purpose = True, purpose
        self._busy.append(server)
        try:
            pipes = Pipes.open(with_input=with_input)
        except OSError as error:
            self.release(server, is_ready=True)
            raise SpawnFailed(describe_os_error(error)) from error
        child = ServedChild(self, server, pipes)
        try:
            await child.hand_over(payload)
        except OSError as error:
            if isinstance(error, TimeoutError):
                server.process.kill()  # it might still wake up and take the request
            self._abandon(child, pipes)
            raise _NoServerError(str(error)) from error
        except BaseException:
            self._abandon(child, pipes)
            raise
        return child

    def _abandon(self, child: ServedChild, pipes: Pipes) -> None:
        child.close()
        pipes.close_theirs()
        pipes.close_ours()

    def _start_server(self) -> _Server:
        import subprocess

        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # "--" ends the options, also for a helper that knows nothing of this one.
                process = subprocess.Popen(
                    [os.path.abspath(self._helper), f"--serve={theirs.fileno()}", "--"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    cwd="/",
                    env={},  # nothing in an environment may change what confines
                    start_new_session=True,
                )
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        return _Server(process, ours)


async def _wait_for(process: subprocess.Popen[bytes]) -> None:
    ended = asyncio.Event()
    watch = ExitWatch(process, asyncio.get_running_loop(), ended.set)
    try:
        async with asyncio.timeout(_END_SECONDS):
            await ended.wait()
    except TimeoutError:
        _log.warning("a command server did not end by itself")
    finally:
        watch.close()
        process.kill()  # without effect when it has ended
        process.wait()


class ServedChild:
    """A running child of a server and our ends of its pipes, which do not block."""

    def __init__(self, owner: CommandServer, server: _Server, pipes: Pipes) -> None:
        from codex_linux_sandbox import request

        self._protocol = request
        self._owner = owner
        self._server = server
        self._channel = server.channel
        self._pipes = pipes
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._status: int | None = None
        self._failure: ExecutionError | None = None
        self._gone = False
        self._is_ready = False
        self._on_end: Callable[[], None] | None = None
        self._on_gone: Callable[[], None] | None = None
        self._closed = False
        self._loop.add_reader(self._channel, self._read)

    @property
    def stdin(self) -> int | None:
        """None: the child reads from /dev/null."""
        return self._pipes.stdin

    @property
    def stdout(self) -> int:
        return self._pipes.stdout

    @property
    def stderr(self) -> int:
        return self._pipes.stderr

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it; None until it is known."""
        return self._status

    async def hand_over(self, payload: bytes) -> None:
        """Sends the request and waits until somebody has taken it on.

        Raises: OSError when nobody has: nothing ran then, and nothing will once the server has ended.
        """
        pipes = self._pipes
        streams = [pipes.their_stdin, pipes.their_stdout, pipes.their_stderr]
        sent = socket.send_fds(self._channel, [payload], streams)
        pipes.close_theirs()
        try:
            async with asyncio.timeout(ACCEPT_SECONDS):
                if sent < len(payload):
                    await self._loop.sock_sendall(self._channel, payload[sent:])
                await self._accepted
        except TimeoutError:
            raise TimeoutError(f"no answer within {ACCEPT_SECONDS:g} seconds") from None

    def watch(self, on_end: Callable[[], None], on_gone: Callable[[], None]) -> None:
        """Calls back once when the child has ended, and once, not before, when all it left has."""
        self._on_end, self._on_gone = on_end, on_gone
        self._announce()

    def kill_all(self) -> None:
        """SIGKILL for everything that came of the command, also what left its session."""
        if not self._gone and not self._closed:
            try:
                self._channel.send(self._protocol.KILL)
            except OSError:
                pass  # it is over

    def reap(self) -> None:
        """Nothing to do: the server does."""

    def raise_failure(self) -> None:
        """Does nothing if the program was started and its end is known.

        Raises:
            SpawnFailed: when the program could not be started.
            CommandLostError: when its end was not told.
        """
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Gives the server back; one that is not ready for another command kills what still runs and ends."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._channel)
            if not self._accepted.cancel() and not self._accepted.cancelled():
                self._accepted.exception()  # or asyncio says that nobody asked
            self._owner.release(self._server, is_ready=self._is_ready)

    def _read(self) -> None:
        try:
            data = self._channel.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._channel)
            self._hung_up()
            return
        self._unread += data
        answer = self._protocol.ANSWER
        while len(self._unread) >= answer.size:
            letter, number = answer.unpack_from(self._unread)
            self._unread = self._unread[answer.size :]
            self._take(letter, number)
        self._announce()

    def _take(self, letter: bytes, number: int) -> None:
        if not self._accepted.done():
            if (letter, number) == (self._protocol.ACCEPTED, self._protocol.VERSION):
                self._accepted.set_result(None)
            else:
                self._accepted.set_exception(ConnectionAbortedError("it speaks another language"))
        elif letter == self._protocol.FAILED:
            self._failure = SpawnFailed(describe_os_error(OSError(number, os.strerror(number))))
        elif letter in (self._protocol.ENDED, self._protocol.FINISHED):
            self._status = number
            self._gone = self._is_ready = letter == self._protocol.FINISHED

    def _hung_up(self) -> None:
        self._gone = True
        self._is_ready = False
        if not self._accepted.done():
            self._accepted.set_exception(ConnectionResetError("it ended before it took a command"))
        elif self._status is None and self._failure is None:
            self._failure = CommandLostError(
                "the process that watched over the command was killed; how the command ended is not known"
            )
        self._announce()

    def _announce(self) -> None:
        if self._on_end is not None and (self._status is not None or self._gone):
            on_end, self._on_end = self._on_end, None
            on_end()
        if self._on_gone is not None and self._gone:
            on_gone, self._on_gone = self._on_gone, None
            on_gone()


def command_server(helper_exe: str | None) -> CommandServer | None:
    """A server for a conversation whose helper this is; None where there can be none."""
    return CommandServer(helper_exe) if helper_exe is not None and sys.platform == "linux" else None

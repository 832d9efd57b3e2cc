"""`codex proto`: the agent's own protocol, a submission per line in, an event per line out.

The contract is servers.md section 9 in the spec. Differences are deliberate: the end of stdin ends the
program as soon as the running task is done, and so does `shutdown`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
from typing import TYPE_CHECKING

from codex_core.errors import CodexError, SessionError
from codex_exec.output import Output, OutputError
from codex_exec.stdin_lines import MAX_LINE_BYTES, read_lines
from codex_exec.streams import mend_standard_streams
from codex_login.errors import LoginError

if TYPE_CHECKING:
    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.services import Services
    from codex_exec.options import ProtoOptions
    from codex_exec.output import Sink
    from codex_exec.stop import Stop
    from codex_protocol.events import Event
    from codex_protocol.ops import Op, Submission

FAILED = 1
LOG_DEFAULT = "info"

_log = logging.getLogger(__name__)


def run(options: ProtoOptions) -> int:
    """Speaks the protocol until stdin ends, and returns the exit code."""
    mend_standard_streams()
    if sys.stdin.isatty():
        print("Error: Protocol mode expects stdin to be a pipe, not a terminal", file=sys.stderr)
        return FAILED
    try:
        return _run(options)
    except (CodexError, LoginError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    except OutputError as error:
        from codex_core.startup import unwritable

        return unwritable(error.reason)


def _run(options: ProtoOptions) -> int:
    from codex_core.config import ConfigFlags, load_config
    from codex_core.config.providers import DEMO_ID
    from codex_core.startup import prepared_process
    from codex_protocol.config_types import SandboxMode

    with prepared_process() as (services, helpers):
        flags = ConfigFlags(
            model="demo" if options.demo else None,
            model_provider=DEMO_ID if options.demo else None,
            sandbox_mode=SandboxMode.WORKSPACE_WRITE if options.demo else None,
            codex_linux_sandbox_exe=helpers.linux_sandbox_exe,
            apply_patch_exe=helpers.apply_patch_exe,
        )
        config = load_config(overrides=options.overrides, flags=flags, services=services)
        return asyncio.run(_serve(config, services))


async def _serve(config: Config, services: Services) -> int:
    from codex_core.logs import configure_logging
    from codex_exec.stop import Stop

    output = Output()
    stop = Stop(output)
    try:
        with stop.listening():
            async with output:
                with configure_logging(services.environ, default=LOG_DEFAULT, stream=output.to(sys.stderr)):
                    await _converse(config, services, output, stop)
    except asyncio.CancelledError:
        if stop.signal is None:
            raise
    return stop.exit_code or 0


async def _converse(config: Config, services: Services, output: Output, stop: Stop) -> None:
    from codex_core.conversation.manager import ConversationManager
    from codex_login.auth import AuthManager
    from codex_login.stores import open_store

    store = open_store(config.codex_home, config.cli_auth_credentials_store)
    async with ConversationManager(AuthManager(config.codex_home, store=store), services) as manager:
        conversation = (await manager.new_conversation(config)).conversation
        stop.shuts_down(conversation)
        gc.enable()
        await Proto(conversation, output.to(sys.stdout), output).run(sys.stdin.fileno())


class Proto:
    """A conversation behind two streams of lines."""

    def __init__(self, conversation: CodexConversation, sink: Sink, output: Output) -> None:
        self._conversation = conversation
        self._sink = sink
        self._output = output
        self._open_questions: dict[str, str] = {}
        """The kind of question that waits, by the submission it belongs to."""
        self._nobody_answers = False

    async def run(self, descriptor: int) -> None:
        """Serves the lines of `descriptor` until they end or the conversation does."""
        feeding = asyncio.create_task(self._feed(descriptor), name="submissions")
        printing = asyncio.create_task(self._print(), name="events")
        try:
            await asyncio.wait([feeding, printing], return_when=asyncio.FIRST_COMPLETED)
            if not printing.done():
                await feeding  # it has ended the conversation, or failed
            await printing
        finally:
            feeding.cancel()
            printing.cancel()
            await asyncio.wait([feeding, printing])

    async def _feed(self, descriptor: int) -> None:
        with contextlib.suppress(SessionError):  # it has been shut down, and says so itself
            async with contextlib.aclosing(read_lines(descriptor)) as lines:
                async for line in lines:
                    submission = parse_line(line)
                    if submission is not None:
                        self._open_questions.pop(getattr(submission.op, "id", ""), None)
                        await self._conversation.submit_with_id(submission)
            self._nobody_answers = True
            for identifier, kind in list(self._open_questions.items()):
                await self._refuse(identifier, kind)
            await self._conversation.settled()
            await self._shut_down()

    async def _print(self) -> None:
        while True:
            event = await self._conversation.next_event()
            self._sink.write(f"{event.to_json()}\n")
            await self._output.drain()
            if event.msg.type == "shutdown_complete":
                return
            await self._note_question(event)

    async def _note_question(self, event: Event) -> None:
        kind = event.msg.type
        if kind not in ("exec_approval_request", "apply_patch_approval_request"):
            return
        self._open_questions[event.id] = kind
        if self._nobody_answers:
            await self._refuse(event.id, kind)

    async def _refuse(self, identifier: str, kind: str) -> None:
        """Answers a question nobody can answer any more, so that the task comes to its end."""
        from codex_protocol.ops import ExecApprovalOp, PatchApprovalOp, ReviewDecision

        self._open_questions.pop(identifier, None)
        answer = ExecApprovalOp if kind == "exec_approval_request" else PatchApprovalOp
        await self._submit(answer(id=identifier, decision=ReviewDecision.DENIED))

    async def _shut_down(self) -> None:
        from codex_protocol.ops import ShutdownOp

        await self._submit(ShutdownOp())

    async def _submit(self, op: Op) -> None:
        from codex_protocol.ops import Submission

        # Ids are the client's to choose; the empty one is that of `session_configured`, too.
        await self._conversation.submit_with_id(Submission(id="", op=op))


def parse_line(line: bytes) -> Submission | None:
    """The submission a line holds; None for a blank line, and for one that is none, which goes to the log."""
    from codex_protocol.errors import ProtocolError
    from codex_protocol.jsonio import loads_object
    from codex_protocol.ops import Submission

    if not (text := line.strip()):
        return None
    if len(line) > MAX_LINE_BYTES:
        _log.error("invalid submission: longer than %d bytes", MAX_LINE_BYTES)
        return None
    try:
        return Submission.from_wire(loads_object(text))
    except ProtocolError as error:
        _log.error("invalid submission: %s", error)
        return None

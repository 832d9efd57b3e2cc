"""One headless run from its options to its exit code (spec: servers.md section 7.3)."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import TYPE_CHECKING, Protocol

from codex_core.config.overrides import InvalidOverrideError
from codex_core.errors import CodexError
from codex_exec.output import Output, OutputError
from codex_exec.prompt import RunError
from codex_exec.streams import mend_standard_streams
from codex_login.errors import LoginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.arg0 import HelperDirectory
    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.logs import Logs
    from codex_core.services import Services
    from codex_exec.options import ExecOptions
    from codex_exec.stop import Stop
    from codex_login.auth import AuthManager
    from codex_protocol.events import Event
    from codex_protocol.ops import Op

FAILED = 1


class Printer(Protocol):
    """A way to show a run."""

    def begin(self, config: Config, prompt: str) -> None: ...

    def event(self, event: Event) -> None: ...

    def end(self, last_message: str | None) -> None: ...


def run(options: ExecOptions) -> int:
    """Runs once and returns the exit code; a known problem is one sentence on stderr."""
    mend_standard_streams()
    try:
        return _run(options)
    except RunError as error:
        print(error, file=sys.stderr)
        return FAILED
    except InvalidOverrideError as error:
        print(f"Error parsing -c overrides: {error}", file=sys.stderr)
        return FAILED
    except (CodexError, LoginError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    except OutputError as error:
        from codex_core.startup import unwritable

        return unwritable(error.reason)


def _run(options: ExecOptions) -> int:
    from codex_core.startup import prepared_process
    from codex_login.auth import AuthManager
    from codex_login.stores import open_store

    prompt = _read_prompt(options)
    with prepared_process() as (services, helpers):
        config = load(options, services, helpers)
        origin = None
        if options.resume is not None:
            from codex_exec.origin import find_origin

            origin = find_origin(options, config.codex_home)
        _require_repository(config, options)
        _require_images(options)
        key = services.environ.get("CODEX_API_KEY")
        store = open_store(config.codex_home, config.cli_auth_credentials_store)
        auth = AuthManager.from_api_key(key) if key else AuthManager(config.codex_home, store=store)
        _require_credentials(config, auth)
        return asyncio.run(_main(_Run(config, auth, services, options, prompt, origin)))


class _Run:
    """What is needed to run once; no dataclass, as making one costs time at every start."""

    def __init__(
        self,
        config: Config,
        auth: AuthManager,
        services: Services,
        options: ExecOptions,
        prompt: str,
        origin: str | None,
    ) -> None:
        self.config = config
        self.auth = auth
        self.services = services
        self.options = options
        self.prompt = prompt
        self.origin = origin
        """The file of the session to go on with."""


def _read_prompt(options: ExecOptions) -> str:
    from codex_exec.prompt import read_prompt

    scope = options.review
    if scope is not None and options.prompt is None:
        if not scope.is_named:
            raise RunError("Specify --uncommitted, --base, --commit, or provide custom review instructions")
        return ""
    return read_prompt(options.prompt, sys.stdin.buffer, sys.stderr)


async def _main(run: _Run) -> int:
    if run.options.oss:
        from codex_core.oss.setup import prepare_local_model

        await prepare_local_model(run.config, run.services)
    return await _converse(run)


def load(options: ExecOptions, services: Services, helpers: HelperDirectory) -> Config:
    """The configuration of this run; a headless run never asks.

    Raises:
        ConfigError: it cannot be used.
        RunError: the output schema cannot be used.
    """
    from dataclasses import replace

    from codex_core.command_line.agent_options import agent_flags
    from codex_core.config import load_config
    from codex_protocol.config_types import AskForApproval, SandboxMode

    sandbox = options.sandbox
    if options.demo and sandbox is None and not options.full_auto:
        sandbox = SandboxMode.WORKSPACE_WRITE
    flags = replace(agent_flags(options, helpers), sandbox_mode=sandbox, approval_policy=AskForApproval.NEVER)
    config = load_config(overrides=options.overrides, flags=flags, services=services)
    if options.output_schema_file is not None or options.ephemeral:
        from codex_exec.output_schema import read_output_schema

        schema = read_output_schema(options.output_schema_file) if options.output_schema_file else None
        config = replace(config, output_schema=schema, is_ephemeral=options.ephemeral)
    if not options.oss:
        return config
    from codex_core.oss.servers import LocalServer
    from codex_core.oss.setup import with_local_server

    server = LocalServer(options.local_provider or config.oss_provider or LocalServer.OLLAMA)
    return with_local_server(config, services.environ, server, model=options.model)


def _require_repository(config: Config, options: ExecOptions) -> None:
    from codex_core.workspace.git import repository_root

    if not os.path.isdir(config.cwd):
        raise RunError(
            f"The working directory {config.cwd} does not exist. Name one that does with --cd DIR."
        )
    if not options.skip_git_repo_check and repository_root(config.cwd) is None:
        raise RunError(
            f"{config.cwd} is not inside a git repository. "
            "Run `git init` there, or add --skip-git-repo-check."
        )


def _require_images(options: ExecOptions) -> None:
    for path in options.images:
        if not os.path.isfile(path):
            raise RunError(f"There is no image at {path}. Check the path given with --image.")


def _require_credentials(config: Config, auth: AuthManager) -> None:
    login = auth.auth()
    is_needed = config.model_provider.requires_openai_auth and not config.model_provider.env_key
    if is_needed and (login is None or login.token is None):
        if auth.problem is not None:
            raise auth.problem
        raise RunError(
            "Not logged in: run `codex login`, or `codex login --with-api-key` (it reads the key from "
            "stdin), or try `codex exec --demo`, which needs no login."
        )


def _printer(options: ExecOptions, config: Config, output: Output) -> Printer:
    if options.thread_json:
        from codex_exec.thread_lines import ThreadPrinter

        return ThreadPrinter(output.to(sys.stdout))
    if options.json:
        from codex_exec.json_lines import JsonPrinter

        return JsonPrinter(output.to(sys.stdout))
    from codex_exec.human import HumanPrinter
    from codex_exec.painter import Painter, is_colored

    progress = sys.stdout if sys.stdout.isatty() else sys.stderr
    answers = None if progress is sys.stdout else Painter(output.to(sys.stdout), colored=False)
    return HumanPrinter(
        Painter(output.to(progress), colored=is_colored(options.color, progress)),
        answers,
        show_reasoning=not config.hide_agent_reasoning,
        cwd=config.cwd,
    )


async def _request(run: _Run) -> tuple[Op, str]:
    """What the agent is asked to do, and how it is shown."""
    from codex_protocol.ops import LocalImageInput, TextInput, UserInputOp

    if run.options.review is not None:
        from codex_exec.review import review_op

        op = await review_op(run.options.review, run.prompt, run.config.cwd, run.services.environ)
        return op, run.prompt or f"review {op.review_request.user_facing_hint}"
    images = tuple(LocalImageInput(path=os.path.abspath(path)) for path in run.options.images)
    return UserInputOp(items=(*images, TextInput(text=run.prompt))), run.prompt


async def _converse(run: _Run) -> int:
    from codex_exec.stop import Stop

    output = Output()
    stop = Stop(output)
    outcome = _Outcome()
    try:
        with stop.listening():
            async with output:
                with _logs(run.options, run.services, output):
                    op, shown = await _request(run)
                    printer = _printer(run.options, run.config, output)
                    outcome = await _take_turn(run, op, shown, printer, output, stop)
                    _report(outcome, printer, output, run.options)
    except asyncio.CancelledError:
        if stop.signal is None:
            raise
    if stop.exit_code is not None and (output.dropped or not outcome.completed):
        return stop.exit_code
    return FAILED if outcome.failed else 0


def _logs(options: ExecOptions, services: Services, output: Output) -> Logs:
    """Sends the log to stderr, with the output and as patiently."""
    from codex_core.logs import EXEC_DEFAULT, configure_logging
    from codex_exec.painter import is_colored

    return configure_logging(
        services.environ,
        default=EXEC_DEFAULT,
        stream=output.to(sys.stderr),
        colored=is_colored(options.color, sys.stderr),
    )


async def _take_turn(run: _Run, op: Op, shown: str, printer: Printer, output: Output, stop: Stop) -> _Outcome:
    from codex_core.conversation.manager import ConversationManager

    async with ConversationManager(run.auth, run.services) as manager:
        if run.origin is None:
            started = await manager.new_conversation(run.config)
        else:
            from codex_exec.origin import continued

            started = await continued(manager, run.config, run.origin, is_fork=run.options.is_fork)
        conversation = started.conversation
        stop.interrupts(conversation)
        turn_id = await conversation.submit(op)
        if not gc.isenabled():  # we turned it off; a program that embeds this keeps its own ways
            gc.freeze()  # what a long session was read into stays, and is not to be gone through
            gc.enable()
        # When something happens behind the start, the request is on disk: what is shown is never lost.
        begun = [await conversation.next_event(), await conversation.next_event()]
        printer.begin(run.config, shown)
        return await _follow(conversation, turn_id, printer, output, begun)


def _report(outcome: _Outcome, printer: Printer, output: Output, options: ExecOptions) -> None:
    if outcome.completed and options.last_message_file is not None:
        warning = write_last_message(options.last_message_file, outcome.last_message)
        if warning is not None:
            output.to(sys.stderr).write(f"{warning}\n")
    printer.end(outcome.last_message)


class _Outcome:
    """How the turn ended."""

    def __init__(self) -> None:
        self.last_message: str | None = None
        self.failed = False
        self.completed = False


async def _follow(
    conversation: CodexConversation,
    turn_id: str,
    printer: Printer,
    output: Output,
    begun: Sequence[Event] = (),
) -> _Outcome:
    """Prints events, first those of `begun`, until the turn is over and the session has closed its books."""
    from codex_protocol import events
    from codex_protocol.ops import ShutdownOp

    outcome = _Outcome()
    waiting = list(reversed(begun))
    while True:
        event = waiting.pop() if waiting else await conversation.next_event()
        if event.msg.type == "session_configured":
            event = _without_the_past(event)
        elif event.msg.type == "exited_review_mode":  # told by name: naming its class would load it each time
            from codex_exec.review import verdict

            outcome.last_message = verdict(event.msg)
        printer.event(event)
        await output.drain()
        match event.msg:
            case events.ErrorEvent() if event.id == turn_id:
                outcome.failed = True
            case events.TaskCompleteEvent(last_agent_message=message) if event.id == turn_id:
                outcome.last_message, outcome.completed = outcome.last_message or message, True
                # A turn that brought its answer has succeeded, whatever else went wrong on the way.
                outcome.failed = outcome.failed and message is None
                await conversation.submit(ShutdownOp())
            case events.TurnAbortedEvent() if event.id == turn_id:
                outcome.failed = True
                await conversation.submit(ShutdownOp())
            case events.ShutdownCompleteEvent():
                return outcome


def _without_the_past(event: Event) -> Event:
    """The first event without what earlier runs have said: these have printed it."""
    msg = event.msg
    if getattr(msg, "initial_messages", None) is None:
        return event
    return event.model_copy(update={"msg": msg.model_copy(update={"initial_messages": None})})


def write_last_message(path: str, message: str | None) -> str | None:
    """Writes the final answer; returns what is to be warned of. The work is done, even if the file is not."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(message or "")
    except OSError as error:
        return f'Failed to write last message file "{path}": {error.strerror}'
    return f"Warning: no last agent message; wrote empty content to {path}" if message is None else None

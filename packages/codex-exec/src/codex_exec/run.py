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
    from codex_core.arg0 import HelperDirectory
    from codex_core.config.config import Config
    from codex_core.conversation.conversation import CodexConversation
    from codex_core.logs import Logs
    from codex_core.services import Services
    from codex_exec.options import ExecOptions
    from codex_exec.stop import Stop
    from codex_login.auth import AuthManager
    from codex_protocol.events import Event
    from codex_protocol.ops import InputItem

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
    from codex_exec.prompt import read_prompt
    from codex_login.auth import AuthManager
    from codex_login.stores import open_store

    prompt = read_prompt(options.prompt, sys.stdin.buffer, sys.stderr)
    with prepared_process() as (services, helpers):
        config = load(options, services, helpers)
        _require_repository(config, options)
        _require_images(options)
        key = services.environ.get("CODEX_API_KEY")
        store = open_store(config.codex_home, config.cli_auth_credentials_store)
        auth = AuthManager.from_api_key(key) if key else AuthManager(config.codex_home, store=store)
        _require_credentials(config, auth)
        return asyncio.run(_main(config, auth, services, options, prompt))


async def _main(
    config: Config, auth: AuthManager, services: Services, options: ExecOptions, prompt: str
) -> int:
    if options.oss:
        from codex_core.oss.setup import prepare_local_model

        await prepare_local_model(config, services)
    return await _converse(config, auth, services, options, prompt)


def load(options: ExecOptions, services: Services, helpers: HelperDirectory) -> Config:
    """The configuration of this run; a headless run never asks.

    Raises:
        ConfigError: it cannot be used.
    """
    from codex_core.config import ConfigFlags, load_config
    from codex_core.config.providers import DEMO_ID
    from codex_protocol.config_types import AskForApproval, SandboxMode

    sandbox = options.sandbox
    if options.demo and sandbox is None and not options.full_auto:
        sandbox = SandboxMode.WORKSPACE_WRITE
    flags = ConfigFlags(
        model="demo" if options.demo and options.model is None else options.model,
        model_provider=DEMO_ID if options.demo else None,
        profile=options.profile,
        cwd=options.cwd,
        sandbox_mode=sandbox,
        approval_policy=AskForApproval.NEVER,
        full_auto=options.full_auto,
        bypass_approvals_and_sandbox=options.bypass,
        oss=options.oss,
        codex_linux_sandbox_exe=helpers.linux_sandbox_exe,
        apply_patch_exe=helpers.apply_patch_exe,
    )
    config = load_config(overrides=options.overrides, flags=flags, services=services)
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


def _input(options: ExecOptions, prompt: str) -> tuple[InputItem, ...]:
    from codex_protocol.ops import LocalImageInput, TextInput

    images = tuple(LocalImageInput(path=os.path.abspath(path)) for path in options.images)
    return (*images, TextInput(text=prompt))


async def _converse(
    config: Config, auth: AuthManager, services: Services, options: ExecOptions, prompt: str
) -> int:
    from codex_exec.stop import Stop

    output = Output()
    stop = Stop(output)
    outcome = _Outcome()
    try:
        with stop.listening():
            async with output:
                with _logs(options, services, output):
                    printer = _printer(options, config, output)
                    printer.begin(config, prompt)
                    outcome = await _take_turn(config, auth, services, printer, output, stop, options, prompt)
                    _report(outcome, printer, output, options)
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


async def _take_turn(
    config: Config,
    auth: AuthManager,
    services: Services,
    printer: Printer,
    output: Output,
    stop: Stop,
    options: ExecOptions,
    prompt: str,
) -> _Outcome:
    from codex_core.conversation.manager import ConversationManager
    from codex_protocol.ops import UserInputOp

    async with ConversationManager(auth, services) as manager:
        conversation = (await manager.new_conversation(config)).conversation
        stop.interrupts(conversation)
        turn_id = await conversation.submit(UserInputOp(items=_input(options, prompt)))
        gc.enable()
        return await _follow(conversation, turn_id, printer, output)


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
    conversation: CodexConversation, turn_id: str, printer: Printer, output: Output
) -> _Outcome:
    """Prints events until the turn is over, then until the session has closed its books."""
    from codex_protocol import events
    from codex_protocol.ops import ShutdownOp

    outcome = _Outcome()
    while True:
        event = await conversation.next_event()
        printer.event(event)
        await output.drain()
        match event.msg:
            case events.ErrorEvent() if event.id == turn_id:
                outcome.failed = True
            case events.TaskCompleteEvent(last_agent_message=message) if event.id == turn_id:
                outcome.last_message, outcome.completed = message, True
                # A turn that brought its answer has succeeded, whatever else went wrong on the way.
                outcome.failed = outcome.failed and message is None
                await conversation.submit(ShutdownOp())
            case events.TurnAbortedEvent() if event.id == turn_id:
                outcome.failed = True
                await conversation.submit(ShutdownOp())
            case events.ShutdownCompleteEvent():
                return outcome


def write_last_message(path: str, message: str | None) -> str | None:
    """Writes the final answer; returns what is to be warned of. The work is done, even if the file is not."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(message or "")
    except OSError as error:
        return f'Failed to write last message file "{path}": {error.strerror}'
    return f"Warning: no last agent message; wrote empty content to {path}" if message is None else None

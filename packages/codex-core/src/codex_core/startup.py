"""What every front end does first: the user's environment, `.env`, and our tools on the PATH of commands."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_core.arg0 import HelperDirectory
    from codex_core.services import Services


INTERRUPTED_EXIT_CODE = 130
UNREAD_EXIT_CODE = 141
"""What a shell says of a program that SIGPIPE ended."""


def run_program(program: Callable[[], int]) -> int:
    """The exit code `program` gives; without noise if the user stops it, or if nobody reads it any more."""
    try:
        code = program()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains when it flushes at exit
        return UNREAD_EXIT_CODE
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE


def user_environ() -> dict[str, str]:
    """The environment the user gave us, overlaid by `.env` of the codex home.

    Raises:
        InvalidConfigError: CODEX_HOME names nothing that is there.
    """
    from codex_core.config.home import find_codex_home
    from codex_core.execution.environment import original_environ

    environ = original_environ()
    dotenv = os.path.join(find_codex_home(environ), ".env")
    if os.path.exists(dotenv):
        from codex_core.execution.dotenv import read_dotenv

        read = read_dotenv(dotenv, environ)
        added = {name: value for name, value in read.items() if "\0" not in name + value}
        environ = {**environ, **added}
        os.environ.update(added)  # proxies and certificates are read from there by the HTTP library
    return environ


@contextmanager
def prepared_process() -> Iterator[tuple[Services, HelperDirectory]]:
    """The real services and our tools' directory, which is removed when the block ends.

    The environment is that of `user_environ` with our tools first on its PATH.

    Raises:
        InvalidConfigError: CODEX_HOME names nothing that is there.
    """
    from codex_core.arg0 import HelperDirectory
    from codex_core.services import Services
    from codex_protocol.quick_start import skip_pydantic_plugins

    environ = user_environ()
    skip_pydantic_plugins()
    with HelperDirectory(environ) as helpers:
        if helpers.warning is not None:
            print(helpers.warning, file=sys.stderr)
        yield Services(environ=helpers.environ), helpers

"""What every front end does first: the user's environment, `.env`, and our tools on the PATH of commands."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_core.arg0 import HelperDirectory
    from codex_core.services import Services


INTERRUPTED_EXIT_CODE = 130
UNREAD_EXIT_CODE = 141
"""What a shell says of a program that SIGPIPE ended."""
_SCRIPTS = ("codex", "codex-exec")
HUNG_UP_EXIT_CODE = 129
"""What a shell says of a program that SIGHUP ended, which a closed terminal sends."""

_OUTPUT_ERRORS = frozenset({errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
"""How a write fails. Of a file it is told where the file is written; what gets past that is our output."""


def run_program(program: Callable[[], int]) -> int:
    """The exit code `program` gives; without noise if the user stops it, or if nobody takes its output."""
    try:
        code = program()
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS or error.filename is not None:
            raise
        return unwritable(error)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return unwritable(error)
    return code


def leave(code: int) -> int:
    """Ends the process at once, everything having been put in order.

    Taking the interpreter apart costs a twentieth of a short run, and frees what the system frees anyway.
    What was registered to run at exit does run. Returns `code` where more than that would be lost: in a
    program that is not ours, when somebody watches the interpreter, and when a thread still works.
    """
    script = os.path.basename(getattr(sys.modules["__main__"], "__file__", None) or "")
    if script not in _SCRIPTS:
        return code
    threading = sys.modules.get("threading")
    is_alone = threading is None or all(
        thread.daemon or thread is threading.main_thread() for thread in threading.enumerate()
    )
    is_watched = "coverage" in sys.modules or sys.gettrace() is not None or sys.getprofile() is not None
    if not is_alone or is_watched:
        return code
    if (atexit := sys.modules.get("atexit")) is not None:
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            code = code or unwritable(error)
    os._exit(code)


def unwritable(error: OSError) -> int:
    """The exit code of a program whose output failed with `error`; says so where somebody may read it."""
    silent = {errno.EPIPE: UNREAD_EXIT_CODE, errno.EIO: HUNG_UP_EXIT_CODE}
    if error.errno not in silent and sys.stderr is not None:
        with suppress(OSError):
            print(
                f"Error: cannot write the output: {error.strerror} (os error {error.errno})", file=sys.stderr
            )
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(null, stream.fileno())  # or the interpreter complains when it flushes at exit
    os.close(null)
    return silent.get(error.errno or 0, 1)


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

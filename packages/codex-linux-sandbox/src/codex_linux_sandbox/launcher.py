"""Ways to start the helper that are faster and safer than an installed script can be.

An installed console script is started with the command's environment, and Python obeys PYTHONPATH before the
first line of ours runs: a PYTHONPATH that names a directory the command may write in would let it run code
outside the sandbox. Both ways here start Python isolated from the environment (`-I`) and without looking
through site-packages (`-S`), which also saves a few milliseconds each time.
"""

from __future__ import annotations

import os
import sys

NAME = "codex-linux-sandbox"

_MAX_SHEBANG_BYTES = 127  # older kernels cut the line there
_FLAGS = "-IS"


def write_launcher(directory: str, *, name: str = NAME, python: str | None = None) -> str:
    """The path of a new executable `name` in `directory` that behaves as `codex-linux-sandbox`.

    It runs `python` (default: the running interpreter) with this very package. `directory` should be private
    to the user and outside everything a confined command may write.

    Raises: OSError.
    """
    path = os.path.join(directory, name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o700)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(_first_lines(python or sys.executable))
        file.write(_code())
    return path


def helper_command(python: str | None = None) -> list[str]:
    """The beginning of a command line that does the same without any file; arguments follow."""
    return [python or sys.executable, _FLAGS, "-c", _code()]


def _code() -> str:
    return (
        f"import sys\nsys.path += {_import_directories()!r}\n"
        "from codex_linux_sandbox.__main__ import main\nmain()\n"
    )


def _first_lines(python: str) -> str:
    line = f"#!{python} {_FLAGS}\n"
    if len(os.fsencode(line)) <= _MAX_SHEBANG_BYTES and not any(character.isspace() for character in python):
        return line
    # Read by the shell as a command to execute, and by Python as a string.
    quoted = "".join("\\" + character if character in '\\"$`' else character for character in python)
    return f"#!/bin/sh\n'''exec' \"{quoted}\" {_FLAGS} \"$0\" \"$@\"\n' '''\n"


def _import_directories() -> list[str]:
    from importlib.machinery import PathFinder

    directories = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    found = PathFinder.find_spec("pyseccomp")
    if found is not None and found.origin is not None:
        place = os.path.dirname(os.path.abspath(found.origin))
        directories.append(os.path.dirname(place) if found.submodule_search_locations else place)
    return list(dict.fromkeys(directories))

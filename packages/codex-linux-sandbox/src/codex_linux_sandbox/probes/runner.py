"""Tries probes named on the command line, each in a process of its own, and prints one JSON line for each.

Run as a script (`python -IS runner.py FACTS NAME...`), free or confined.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .props import Props

TIME_LIMIT_SECONDS = 5


def main() -> None:
    # Started isolated, this script knows nothing but the standard library.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from codex_linux_sandbox.probes.catalog import all_probes
    from codex_linux_sandbox.probes.props import Props

    facts = json.loads(sys.argv[1])
    probes = {probe.name: probe for probe in all_probes()}
    for name in sys.argv[2:]:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            signal.alarm(TIME_LIMIT_SECONDS)
            os.write(write_end, _tried(probes[name].act, Props(facts, name)))
            os._exit(0)
        os.close(write_end)
        with open(read_end, encoding="utf-8") as file:
            verdict = file.read()
        _, status = os.waitpid(child, 0)
        if not verdict:
            verdict = (
                "killed by " + signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "died"
            )
        succeeded = verdict == "done"
        line = {"name": name, "succeeded": succeeded, "detail": "" if succeeded else verdict}
        print(json.dumps(line), flush=True)  # noqa: T201 -- the output is the product


def _tried(act: Callable[[Props], None], props: Props) -> bytes:
    try:
        act(props)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error)).encode()
    except Exception as error:  # noqa: BLE001 -- outermost in this process; a fault of the probe is its outcome
        return f"broken: {type(error).__name__}: {error}".encode()
    return b"done"


if __name__ == "__main__":
    main()

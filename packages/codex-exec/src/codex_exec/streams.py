"""The standard streams of a program, whatever state its parent left them in."""

from __future__ import annotations

import io
import os
import sys


def mend_standard_streams() -> None:
    """Makes every stream one that can be used: open, and able to write any text; programs get UTF-8."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed before we began; a file we open later must not get its number
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=stream.encoding if stream.isatty() else "utf-8", errors="replace")

"""What the C library says, in the language of a command, when the system refuses something.

A refusal by the sandbox is recognised by what the command prints, and most programs print it in the user's
language. The catalogue that they take it from is asked, so no translation has to be known here.
"""

from __future__ import annotations

import errno
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSALS = (errno.EPERM, errno.EACCES, errno.EROFS)
_ENGLISH = ("", "C", "POSIX")
_ALL_CATEGORIES = 0x1FBF  # LC_ALL_MASK of glibc; musl takes any bits


def refusals_in_language_of(environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """The refusals as programs with this environment print them; empty where that is in English."""
    name = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(key))), "")
    if sys.platform != "linux" or name in _ENGLISH or name.startswith(("C.", "en_")) or "\0" in name:
        return ()
    return _refusals_in(name)


@cache
def _refusals_in(locale: str) -> tuple[bytes, ...]:
    import ctypes

    try:
        library = ctypes.CDLL(None)
        library.newlocale.restype = library.strerror_l.restype = ctypes.c_void_p
        library.freelocale.argtypes = (ctypes.c_void_p,)
    except (OSError, AttributeError):
        return ()
    name = locale.encode("utf-8", "surrogateescape")
    handle = library.newlocale(ctypes.c_int(_ALL_CATEGORIES), name, None)
    if not handle:  # not installed: programs speak English, too
        return ()
    try:
        texts = []
        for number in _REFUSALS:
            address = library.strerror_l(ctypes.c_int(number), ctypes.c_void_p(handle))
            texts.append(ctypes.string_at(address) if address else b"")
        return tuple(text for text in texts if text)
    finally:
        library.freelocale(handle)

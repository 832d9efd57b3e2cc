"""What is said of an error nobody expected: one sentence, and where everything else about it is."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from codex_core.errors import CodexError

if TYPE_CHECKING:
    from codex_tui.app import CodexApp

_MESSAGE_CHARS = 200
_LOG = logging.getLogger(__name__)


class InternalError(CodexError):
    """The app ended because of a mistake of its own."""


def report(error: Exception, app: CodexApp, log_path: str) -> InternalError:
    """Logs the error with its traceback; the sentence says where, or holds the traceback if nobody logs."""
    before = _size(log_path)
    _LOG.error("the app ended in an error", exc_info=error)
    from codex_core.logs import redacted

    cause: BaseException = error
    while isinstance(cause, BaseExceptionGroup) and len(cause.exceptions) == 1:
        cause = cause.exceptions[0]
    what = redacted(" ".join(f"{type(cause).__name__}: {cause}".split()))
    if len(what) > _MESSAGE_CHARS:
        what = what[: _MESSAGE_CHARS - 1] + "…"
    parts = [f"Codex ended because of an internal error ({what})."]
    is_logged = _size(log_path) > before
    if is_logged:
        parts.append(f"The details are at the end of {log_path}.")
    session_id = app.controller.history.session_id
    if app.controller.state.was_used and session_id:
        parts.append(f"Nothing said is lost: codex resume {session_id}")
    sentence = " ".join(parts)
    return InternalError(sentence if is_logged else f"{sentence}\n{_traceback(error)}")


def _traceback(error: Exception) -> str:
    import traceback

    from codex_core.logs import redacted

    return redacted("".join(traceback.format_exception(error))).rstrip("\n")


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0

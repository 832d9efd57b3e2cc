"""Why a local model cannot be used."""

from __future__ import annotations

from codex_core.errors import ModelError


class LocalModelError(ModelError):
    """The local server is not there, or does not get hold of the model.

    Its text begins as scripts know it (spec: auth.md section 14).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"OSS setup failed: {reason}")

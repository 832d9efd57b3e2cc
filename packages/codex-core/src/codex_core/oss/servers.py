"""Which servers there are for models on this machine."""

from __future__ import annotations

from enum import StrEnum


class LocalServer(StrEnum):
    """The values of `--local-provider` and `oss_provider`."""

    OLLAMA = "ollama"
    LM_STUDIO = "lmstudio"

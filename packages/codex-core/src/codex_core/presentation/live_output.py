"""What a running command has printed so far: the end of it, as text."""

from __future__ import annotations

import codecs

MAX_CHARACTERS = 8_000
"""That many are kept; what came before is not shown of a command that has not ended."""


class LiveOutput:
    """The output of one command, whose streams may each be cut within a character."""

    def __init__(self) -> None:
        self.text = ""
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}

    def hear(self, stream: str, chunk: bytes) -> None:
        """It prints this to that stream."""
        decoder = self._decoders.get(stream)
        if decoder is None:
            decoder = self._decoders[stream] = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = (self.text + decoder.decode(chunk))[-MAX_CHARACTERS:]

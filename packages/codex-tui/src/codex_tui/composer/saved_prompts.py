"""What a saved prompt says when it is called with arguments.

Without any it is sent as it is, as 0.36 does. With arguments `$1` to `$9` are words, `$ARGUMENTS` is all of
them, `$NAME` is what was given as `NAME=value`, and `$$` is a dollar sign.
"""

from __future__ import annotations

import re

from codex_core.errors import CodexError

_PLACE = re.compile(r"\$(?:(\$)|([1-9])|([A-Z][A-Z0-9_]*))")
_NAMED = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)


class PromptArgumentsError(CodexError):
    """What was typed behind a saved prompt does not fit it."""


def expand_prompt(name: str, content: str, arguments: str) -> str:
    """The text to send for the prompt `name`.

    Raises:
        PromptArgumentsError: a quote is not closed, or an argument is missing.
    """
    if not arguments.strip():
        return content
    import shlex

    try:
        words = shlex.split(arguments)
    except ValueError:
        raise PromptArgumentsError(
            f"A quote in the arguments of /{name} is not closed; close it, or write \\ before it."
        ) from None
    places = {place for _, _, place in _PLACE.findall(content) if place}
    given = {match[1]: match[2] for word in words if (match := _NAMED.fullmatch(word)) and match[1] in places}
    missing = sorted(places - {"ARGUMENTS"} - set(given))
    if given and missing:
        raise PromptArgumentsError(f"/{name} needs {', '.join(f'{word}=…' for word in missing)} as well.")
    positional = [word for word in words if not ((match := _NAMED.fullmatch(word)) and match[1] in given)]

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        if match[2]:
            index = int(match[2]) - 1
            return positional[index] if index < len(positional) else ""
        if match[3] == "ARGUMENTS" and "ARGUMENTS" not in given:
            return " ".join(positional)
        return given.get(match[3], match[0])

    text = _PLACE.sub(value, content)
    if not given and not _PLACE.search(content.replace("$$", "")):
        # Nothing takes the arguments: the model still should read them.
        return f"{text.rstrip()}\n\n{arguments.strip()}"
    return text

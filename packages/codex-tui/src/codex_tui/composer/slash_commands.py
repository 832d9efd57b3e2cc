"""Commands that begin with a slash, saved prompts among them, and which of them fit what is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROMPT_PREFIX = "prompts:"


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command of the app."""

    name: str
    description: str
    works_during_turn: bool = False


@dataclass(frozen=True, slots=True)
class SavedPrompt:
    """A prompt the user keeps in a file."""

    name: str
    content: str
    description: str = "send saved prompt"
    """What the user wrote about it, if anything."""


Entry = SlashCommand | SavedPrompt

COMMANDS = (
    SlashCommand("model", "pick the model and how long it reasons"),
    SlashCommand("approvals", "set what runs without a question"),
    SlashCommand("new", "begin a new conversation"),
    SlashCommand("init", "write an AGENTS.md about this project"),
    SlashCommand("compact", "sum the conversation up to free context"),
    SlashCommand("diff", "show what changed, new files included", works_during_turn=True),
    SlashCommand("mention", "name a file of the project", works_during_turn=True),
    SlashCommand("status", "show the settings and the tokens used", works_during_turn=True),
    SlashCommand("mcp", "list the MCP servers and their tools", works_during_turn=True),
    SlashCommand("redraw", "print the conversation again at this width", works_during_turn=True),
    SlashCommand("help", "list commands and keys", works_during_turn=True),
    SlashCommand("logout", "forget the login and leave"),
    SlashCommand("quit", "leave", works_during_turn=True),
)
"""In the order of the popup (spec: tui.md section 12)."""


@dataclass(frozen=True, slots=True)
class Match:
    """An entry that fits: what to show for it behind the slash, and which of these letters fit."""

    entry: Entry
    shown: str
    indices: tuple[int, ...] = ()


class CommandTable:
    """The commands and saved prompts there are; a command hides a prompt's short name."""

    def __init__(self, commands: Sequence[SlashCommand] = COMMANDS) -> None:
        self._commands = tuple(commands)
        self._names = {command.name: command for command in commands}
        self._prompts: dict[str, SavedPrompt] = {}

    def set_prompts(self, prompts: Iterable[SavedPrompt]) -> None:
        """The prompts of `list_custom_prompts_response`."""
        ordered = sorted(prompts, key=lambda prompt: prompt.name.encode(errors="surrogatepass"))
        self._prompts = {prompt.name: prompt for prompt in ordered}

    def named(self, name: str) -> Entry | None:
        """The entry of exactly this name, a prompt's with or without its prefix."""
        if name.startswith(PROMPT_PREFIX):
            return self._prompts.get(name.removeprefix(PROMPT_PREFIX))
        return self._names.get(name.lower()) or self._prompts.get(name)

    def matching(self, typed: str) -> tuple[Match, ...]:
        """What holds the typed letters in this order, the tightest first; everything if nothing is typed.

        Score and order: spec tui.md section 9.6.
        """
        shown = [(command.name, command) for command in self._commands]
        has_prefix = typed.lower().startswith(PROMPT_PREFIX[: max(len(typed), 3)])
        for name, prompt in self._prompts.items():
            long = has_prefix or name in self._names
            shown.append((PROMPT_PREFIX + name if long else name, prompt))  # type: ignore[arg-type]  # a union
        if not typed:
            return tuple(Match(entry, name) for name, entry in shown)
        ranked: list[tuple[int, str, Match]] = []
        for name, entry in shown:
            found = subsequence(name, typed)
            if found is not None:
                score = found[-1] - found[0] + 1 - len(found) - (100 if found[0] == 0 else 0)
                ranked.append((score, name, Match(entry, name, found)))
        return tuple(match for _, _, match in sorted(ranked, key=lambda rank: rank[:2]))


def subsequence(text: str, typed: str) -> tuple[int, ...] | None:
    """Where the letters of `typed` are in `text`, each as far left as it can be, whatever their case."""
    at = -1
    found: list[int] = []
    lowered = [character.lower() for character in text]
    for character in typed.lower():
        try:
            at = lowered.index(character, at + 1)
        except ValueError:
            return None
        found.append(at)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Typed:
    """A first line that begins with a slash, taken apart."""

    name: str
    arguments: str
    has_ended: bool
    """Whether there is a blank behind the name: it is not being typed any more."""


def typed_command(text: str) -> Typed | None:
    """The command on the first line of `text`; None if it does not begin with a slash."""
    if not text.startswith("/"):
        return None
    first, _, rest = text[1:].partition("\n")
    name = first.split(maxsplit=1)[0] if first[:1].strip() else ""
    behind = first[len(name) :]
    arguments = "\n".join(filter(None, (behind.strip(), rest.strip())))
    return Typed(name, arguments, bool(behind) or "\n" in text)

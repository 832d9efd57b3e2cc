"""What the tour makes of a listing: which file to read, which name is free, which place is outside."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_core.model.demo.visit import Visit

OWN_NAME = "codex-demo"
OUTSIDE_DIRECTORY = "/var/tmp"  # noqa: S108  # writable for everybody, so only a sandbox can refuse it

_TEXT_ENDINGS = (
    ".md", ".rst", ".txt", ".toml", ".py", ".json", ".yaml", ".yml", ".cfg", ".ini", ".js", ".ts", ".rs",
    ".go", ".c", ".h", ".cpp", ".java", ".rb", ".sh", ".css", ".html", ".xml", ".csv", ".tex", ".sql",
)  # fmt: skip
_TEXT_NAMES = frozenset({"makefile", "dockerfile", "license", "changelog", "authors", "notice", "todo"})
_SECRET_PARTS = ("secret", "credential", "password", "token", "private", "auth")


def listed_names(visit: Visit) -> list[str]:
    """The names the listing really brought, directories with a slash at their end; empty when it failed."""
    outcome = visit.outcomes.get("list")
    if outcome is None or not outcome.is_success:
        return []
    return [line for line in outcome.text.splitlines() if _is_name(line)]


def readable_file(visit: Visit) -> str | None:
    """A file worth reading: the readme, or else the first text file whose name promises no secret."""
    files = [name for name in listed_names(visit) if not name.endswith("/")]
    for name in files:
        if name.lower().startswith("readme"):
            return name
    return next((name for name in files if _is_plain_text(name)), None)


def own_file(visit: Visit) -> str:
    """A name for the file the tour makes, that no file here has."""
    # What is removed later still was in the listing, so the name stays the same during a turn.
    taken = {name.rstrip("/").lower() for name in listed_names(visit)}
    if not _is_listing_whole(visit):
        return f"{OWN_NAME}-{_mark(visit)}.md"
    names = (f"{OWN_NAME}{'' if number == 1 else f'-{number}'}.md" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def harmless_command(visit: Visit) -> tuple[str, ...]:
    """A command that only looks: at the file the tour made, or else at the repository or the directory."""
    if visit.succeeded("create"):
        return ("wc", "-l", own_file(visit))
    if {".git/", ".git"}.isdisjoint(listed_names(visit)):
        return ("pwd",)
    return ("git", "status", "--short", "--branch")


def outside_path(visit: Visit) -> str | None:
    """A path that nobody uses and that the sandbox must not let us write; None when there is no such place.

    Without a sandbox nothing would refuse it, and under `untrusted` a yes of the user would run it
    without one: then nothing is tried.
    """
    environment = visit.environment
    if environment is None or environment.cwd is None:
        return None
    if environment.sandbox_mode not in {"read-only", "workspace-write"}:
        return None
    if environment.approval_policy == "untrusted":
        return None
    if environment.sandbox_mode == "workspace-write":
        roots = (environment.cwd, *environment.writable_roots)
        if any(_covers(root, OUTSIDE_DIRECTORY) for root in roots):
            return None
    return f"{OUTSIDE_DIRECTORY}/{OWN_NAME}-outside-{_mark(visit)}"


def shown_names(visit: Visit, *, at_most: int = 6) -> str:
    """The first names of the listing, hidden ones last, for a sentence."""
    names = sorted(listed_names(visit), key=lambda name: name.startswith("."))
    shown = ", ".join(f"`{name}`" for name in names[:at_most])
    more = len(names) - at_most
    return f"{shown} and {more} more" if more > 0 else shown or "nothing"


def first_line(text: str, *, limit: int = 160) -> str:
    """The first line of a text that says something, cut to `limit` characters, without control characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = "".join(character if character.isprintable() else " " for character in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _mark(visit: Visit) -> str:
    """A few characters that no other turn has."""
    return visit.call_id("").removeprefix("demo_").rstrip("_").replace("_", "-")


def _covers(root: str, path: str) -> bool:
    return f"{path}/".startswith(f"{os.path.normpath(root).rstrip('/')}/")


def _is_listing_whole(visit: Visit) -> bool:
    outcome = visit.outcomes.get("list")
    return outcome is not None and outcome.is_success and "[... omitted " not in outcome.text


def _is_name(line: str) -> bool:
    return (
        bool(line.strip())
        and line.isprintable()
        and "\ufffd" not in line
        and not line.startswith(("-", "[..."))
    )


def _is_plain_text(name: str) -> bool:
    lower = name.lower()
    if lower.startswith(".") or any(part in lower for part in _SECRET_PARTS):
        return False
    return lower.endswith(_TEXT_ENDINGS) or lower in _TEXT_NAMES

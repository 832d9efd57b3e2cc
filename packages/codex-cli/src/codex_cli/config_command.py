"""`codex config explain` and `codex config path`: what is configured, and who said so."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from codex_cli.reported import reported
from codex_core.config.config import ConfigFlags, Layer
from codex_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_core.command_line.parser import Invocation
    from codex_core.config.explain import Explained, Explanation


def explain(invocation: Invocation) -> int:
    """Prints one key, those of one table, or all; returns the exit code."""

    def run() -> None:
        explanation = _explained(invocation)
        key = invocation.inner.text("key")
        entries = explanation.entries if key is None else _chosen(explanation, key)
        if invocation.inner.is_on("json"):
            is_one = key is not None and [entry.key for entry in entries] == [key]
            objects = [_json_object(entry) for entry in entries]
            print(json.dumps(objects[0] if is_one else objects, indent=2, ensure_ascii=False))
            return
        print(_table(entries))
        if key is None:
            for notice in explanation.notices:
                print(f"note: {_printable(notice)}", file=sys.stderr)

    return reported(run)


def print_path(invocation: Invocation) -> int:  # noqa: ARG001 - takes nothing
    """Prints the path of config.toml, whether there is one or not; returns the exit code."""

    def run() -> None:
        import os

        from codex_core.config.home import find_codex_home
        from codex_core.config.sources import CONFIG_FILE_NAME

        print(os.path.join(find_codex_home(os.environ), CONFIG_FILE_NAME))

    return reported(run)


def _explained(invocation: Invocation) -> Explanation:
    from codex_core.config.explain import explain_config
    from codex_core.services import Services
    from codex_core.startup import user_environ
    from codex_protocol.config_types import AskForApproval, SandboxMode

    given = invocation.inner
    sandbox, approval = given.text("sandbox"), given.text("approval")
    flags = ConfigFlags(
        model=given.text("model"),
        profile=given.text("profile"),
        cwd=given.text("cd"),
        oss=given.is_on("oss"),
        web_search=given.is_on("search"),
        sandbox_mode=None if sandbox is None else SandboxMode(sandbox),
        approval_policy=None if approval is None else AskForApproval(approval),
    )
    return explain_config(
        overrides=invocation.overrides, flags=flags, services=Services(environ=user_environ())
    )


def _chosen(explanation: Explanation, key: str) -> tuple[Explained, ...]:
    entries = explanation.below(key)
    if entries:
        return entries
    from codex_core.config.problems import suggestion

    known = [entry.key for entry in explanation.entries]
    tables = {name.rpartition(".")[0] for name in known} - {""}
    hint = suggestion(key, [*known, *sorted(tables)])
    raise ConfigError(f"nothing is known of a configuration key `{key}`{hint}")


def _table(entries: Sequence[Explained]) -> str:
    rows = [(f"{entry.key} = {_shown(entry.value)}", _origin(entry)) for entry in entries]
    # One long value must not push every origin out of sight.
    width = max((len(said) for said, _ in rows if len(said) <= 60), default=0)
    return "\n".join(f"{_printable(said):<{width}}  {_printable(origin)}" for said, origin in rows)


def _shown(value: object) -> str:
    """The value as config.toml has it, on one line."""
    match value:
        case None:
            return "(not set)"
        case dict():
            return (
                f"{{ {', '.join(f'{key} = {_shown(inner)}' for key, inner in value.items())} }}"
                if value
                else "{}"
            )
        case list():
            return f"[{', '.join(map(_shown, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _origin(entry: Explained) -> str:
    place = entry.file if entry.line is None else f"{entry.file}:{entry.line}"
    match entry.layer:
        case Layer.FILE:
            origin = place or entry.layer.value
        case Layer.PROFILE:
            origin = f"profile {entry.source} ({place})"
        case Layer.OVERRIDE:
            origin = f"-c {entry.source}"
        case Layer.ENVIRONMENT:
            origin = f"environment ({entry.source})"
        case _:
            origin = entry.layer.value
    return origin if entry.has_effect else f"{origin}, has no effect"


def _json_object(entry: Explained) -> dict[str, object]:
    return {
        "key": entry.key,
        "value": entry.value,
        "layer": _LAYER_NAMES[entry.layer],
        "file": entry.file,
        "line": entry.line,
        "column": entry.column,
        "source": entry.source,
        "has_effect": entry.has_effect,
    }


_LAYER_NAMES = {
    Layer.DEFAULT: "default",
    Layer.FILE: "file",
    Layer.PROFILE: "profile",
    Layer.OVERRIDE: "override",
    Layer.FLAG: "flag",
    Layer.ENVIRONMENT: "environment",
}


def _printable(text: str) -> str:
    from codex_core.presentation.safe_text import exact_text

    return exact_text(text).replace("\n", "\\n")

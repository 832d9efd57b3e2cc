"""What `codex config` takes: one of our own commands; the reference has none of that name."""

from __future__ import annotations

from codex_core.command_line.grammar import Argument, Command, Option
from codex_core.command_line.options import APPROVAL, CD, CONFIG, MODEL, OSS, PROFILE, SANDBOX, SEARCH

EXPLAIN = Command(
    "explain",
    summary="Say which value is in force for a key, and where it comes from",
    about="Say which value is in force, and where it comes from: the default, a place in config.toml or in a "
    "profile, -c, a flag, or the environment. Secrets are masked.",
    options=(
        Option("--json", key="json", help="Print JSON, for scripts"),
        MODEL,
        OSS,
        PROFILE,
        SEARCH,
        SANDBOX,
        APPROVAL,
        CD,
        CONFIG,
    ),
    arguments=(Argument("KEY", key="key", help="A key or a table, dotted; without it everything"),),
    run="codex_cli.config_command:explain",
    examples=(
        ("codex config explain model", "why this model?"),
        ("codex config explain -p work --json", "everything, with the profile `work`, for scripts"),
    ),
)
PATH = Command(
    "path",
    summary="Print where config.toml is, or would be",
    options=(CONFIG,),
    run="codex_cli.config_command:print_path",
)

CONFIG_COMMAND = Command(
    "config",
    summary="Explain the configuration",
    options=(CONFIG,),
    commands=(EXPLAIN, PATH),
    is_command_required=True,
)

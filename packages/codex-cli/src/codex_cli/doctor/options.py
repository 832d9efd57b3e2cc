"""What `codex doctor` takes."""

from __future__ import annotations

from codex_core.command_line.grammar import Command, Option
from codex_core.command_line.options import CD, CONFIG, PROFILE

DOCTOR = Command(
    "doctor",
    summary="Check installation, configuration and sandbox",
    about="Examine the installation, the configuration, the login, the sandbox and this terminal.\n\n"
    "Nothing is changed, and nothing is sent anywhere unless --network says so. Secrets are never shown. "
    "The exit code is 1 if something fails.",
    options=(
        Option("--json", key="json", help="Print one JSON object, for scripts"),
        Option("--network", key="network", help="Also ask each configured model provider whether it answers"),
        PROFILE,
        CD,
        CONFIG,
    ),
    run="codex_cli.doctor.command:run_doctor",
    examples=(
        ("codex doctor", "is everything in order?"),
        ("codex doctor --network", "and do the providers answer?"),
    ),
)

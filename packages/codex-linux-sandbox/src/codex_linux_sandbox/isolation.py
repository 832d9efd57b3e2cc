"""How a command may be kept apart: the words of the option `--isolation`."""

from __future__ import annotations

AUTO = "auto"  # namespaces where they can be had, Landlock and seccomp always
NAMESPACES = "namespaces"  # an error where they cannot
LANDLOCK = "landlock"  # Landlock and seccomp only
ISOLATIONS = (AUTO, NAMESPACES, LANDLOCK)

DEFAULT_ISOLATION = AUTO

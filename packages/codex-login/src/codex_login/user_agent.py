"""Who we say we are: the originator and the User-Agent header (spec: auth.md section 7).

Cheap to compute (one small file read, no process started), but not cached: whoever sends many requests
computes it once.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from codex_login import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ORIGINATOR = "codex_cli_rs"
ORIGINATOR_VARIABLE = "CODEX_INTERNAL_ORIGINATOR_OVERRIDE"

_OS_RELEASE_FILES = ("/etc/os-release", "/usr/lib/os-release")
_DISTRIBUTIONS = {
    "almalinux": "AlmaLinux",
    "alpine": "Alpine Linux",
    "amzn": "Amazon Linux AMI",
    "arch": "Arch Linux",
    "centos": "CentOS",
    "debian": "Debian",
    "fedora": "Fedora",
    "kali": "Kali Linux",
    "linuxmint": "Linux Mint",
    "manjaro": "Manjaro",
    "nixos": "NixOS",
    "ol": "Oracle Linux",
    "opensuse": "openSUSE",
    "opensuse-leap": "openSUSE",
    "opensuse-tumbleweed": "openSUSE",
    "pop": "Pop!_OS",
    "raspbian": "Raspberry Pi OS",
    "rhel": "Red Hat Enterprise Linux",
    "rocky": "Rocky Linux",
    "sles": "SUSE Linux Enterprise Server",
    "ubuntu": "Ubuntu",
    "void": "Void Linux",
}
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "aarch64"}

_NOT_PRINTABLE_ASCII = re.compile(r"[^ -~]")
_NOT_IN_TERMINAL_NAME = re.compile(r"[^A-Za-z0-9\-_./]")


def originator(environ: Mapping[str, str] | None = None) -> str:
    """The name of the program in requests; the override variable replaces it if it can stand in a header."""
    override = _environ(environ).get(ORIGINATOR_VARIABLE, "")
    if not override or override != override.strip() or _NOT_PRINTABLE_ASCII.search(override):
        return DEFAULT_ORIGINATOR
    return override


def user_agent(environ: Mapping[str, str] | None = None, *, suffix: str | None = None) -> str:
    """The User-Agent value, e.g. `codex_cli_rs/0.36.0 (Debian 12.0.0; x86_64) tmux/3.3a`.

    `suffix` names a program we act for (`<client name>; <client version>`) and goes into brackets at
    the end; blank means none. What cannot stand in a header becomes `_`.
    """
    environ = _environ(environ)
    name, version = _operating_system()
    text = f"{originator(environ)}/{__version__} ({name} {version}; {_machine()}) {terminal(environ)}"
    extra = (suffix or "").strip()
    if extra:
        text += f" ({extra})"
    return _NOT_PRINTABLE_ASCII.sub("_", text)


def terminal(environ: Mapping[str, str]) -> str:
    """Name, and version where known, of the terminal the environment speaks of; `unknown` if of none."""
    return _NOT_IN_TERMINAL_NAME.sub("_", _terminal(environ))


def _terminal(environ: Mapping[str, str]) -> str:
    program = environ.get("TERM_PROGRAM", "")
    if program.strip():
        return _versioned(program, environ.get("TERM_PROGRAM_VERSION", ""))
    term = environ.get("TERM", "")
    if "WEZTERM_VERSION" in environ:
        return _versioned("WezTerm", environ["WEZTERM_VERSION"])
    if "KITTY_WINDOW_ID" in environ or "kitty" in term:
        return "kitty"
    if "ALACRITTY_SOCKET" in environ or term == "alacritty":
        return "Alacritty"
    if "KONSOLE_VERSION" in environ:
        return _versioned("Konsole", environ["KONSOLE_VERSION"])
    if "GNOME_TERMINAL_SCREEN" in environ:
        return "gnome-terminal"
    if "VTE_VERSION" in environ:
        return _versioned("VTE", environ["VTE_VERSION"])
    if "WT_SESSION" in environ:
        return "WindowsTerminal"
    return term or "unknown"


def _versioned(name: str, version: str) -> str:
    return f"{name}/{version}" if version.strip() else name


def parse_os_release(text: str) -> tuple[str, str]:
    """Name and version (three numbers) of the distribution that an os-release file describes."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            fields[key.strip()] = value.strip().strip("\"'")
    name = _DISTRIBUTIONS.get(fields.get("ID", "")) or fields.get("NAME") or "Linux"
    return name, _three_numbers(fields.get("VERSION_ID", ""))


def _operating_system() -> tuple[str, str]:
    if sys.platform == "darwin":
        import platform

        return "Mac OS", _three_numbers(platform.mac_ver()[0])
    for path in _OS_RELEASE_FILES:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return parse_os_release(file.read())
        except OSError:
            continue
    return "Linux", _three_numbers(os.uname().release)


def _three_numbers(version: str) -> str:
    numbers = [str(int(number)) for number in re.findall(r"[0-9]+", version)[:3]]
    return ".".join(numbers + ["0"] * (3 - len(numbers)))


def _machine() -> str:
    return _MACHINES.get(os.uname().machine.lower(), "unknown")


def _environ(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ

"""Scratch places for tests: a home with its own CODEX_HOME, git repositories, a clean environment.

Nothing here looks at the real home, the real git configuration, proxies or credentials, and
processes started with `isolated_environ` do not either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AUTHOR = "Test Author"
EMAIL = "author@example.invalid"
COMMIT_DATE = "2026-01-02T03:04:05Z"
MOCK_MODEL = "mock-model"
MOCK_PROVIDER = "mock"
FEW_RETRIES: Mapping[str, int] = {"request_max_retries": 0, "stream_max_retries": 1}
"""Provider keys with which a failure is told after one retry and not after thirty requests."""


def isolated_environ(
    home: str | os.PathLike[str],
    *,
    codex_home: str | os.PathLike[str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """An environment for child processes that lives in `home` and takes nothing but PATH from ours.

    HOME and the XDG directories lie below `home`, so do CODEX_HOME (by default `home/.codex`) and
    TMPDIR; no proxy, key or token is passed on; git reads no global or system configuration; TERM
    is dumb, the time zone UTC. `extra` is laid over it.
    """
    base = os.fspath(home)
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": base,
        "CODEX_HOME": os.fspath(codex_home) if codex_home is not None else os.path.join(base, ".codex"),
        "TMPDIR": os.path.join(base, "tmp"),
        "XDG_CONFIG_HOME": os.path.join(base, ".config"),
        "XDG_CACHE_HOME": os.path.join(base, ".cache"),
        "XDG_DATA_HOME": os.path.join(base, ".local", "share"),
        "XDG_STATE_HOME": os.path.join(base, ".local", "state"),
        "XDG_RUNTIME_DIR": os.path.join(base, "run"),
        "LANG": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8",
        "TERM": "dumb",
        "TZ": "UTC",
        **_git_environ(),
    }
    environ.update(extra or {})
    return environ


def _git_environ() -> dict[str, str]:
    return {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": AUTHOR,
        "GIT_AUTHOR_EMAIL": EMAIL,
        "GIT_AUTHOR_DATE": COMMIT_DATE,
        "GIT_COMMITTER_NAME": AUTHOR,
        "GIT_COMMITTER_EMAIL": EMAIL,
        "GIT_COMMITTER_DATE": COMMIT_DATE,
    }


@dataclass(frozen=True, slots=True)
class ScratchHome:
    """A home directory with an empty CODEX_HOME in it."""

    path: Path
    """What HOME is set to."""

    @property
    def codex_home(self) -> Path:
        """What CODEX_HOME is set to."""
        return self.path / ".codex"

    def environ(self, **extra: str) -> dict[str, str]:
        """`isolated_environ` of this home."""
        return isolated_environ(self.path, codex_home=self.codex_home, extra=extra)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file below CODEX_HOME, e.g. `AGENTS.md` or `config.toml`."""
        return _write(self.codex_home / name, content)

    def use_model_server(
        self,
        base_url: str,
        *,
        model: str = MOCK_MODEL,
        wire_api: str = "responses",
        provider: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Path:
        """Write a config.toml that asks the model at `base_url`; see `mock_provider_config`."""
        text = mock_provider_config(
            base_url, model=model, wire_api=wire_api, provider=provider, settings=settings
        )
        return self.write("config.toml", text)

    def rollouts(self) -> list[Path]:
        """The session files, oldest name first."""
        return sorted((self.codex_home / "sessions").glob("*/*/*/rollout-*.jsonl"))

    def read_rollout(self, path: Path | None = None) -> list[dict[str, Any]]:
        """The decoded lines of a session file, by default of the only one there is.

        Raises:
            AssertionError: no path was given and there is not exactly one file, or a line is broken.
        """
        if path is None:
            paths = self.rollouts()
            if len(paths) != 1:
                raise AssertionError(f"expected one session file, found {[found.name for found in paths]}")
            path = paths[0]
        return read_json_lines(path)


def make_home(path: str | os.PathLike[str]) -> ScratchHome:
    """A fresh home at `path` with the directories its environment names."""
    home = ScratchHome(Path(os.path.realpath(path)))
    for directory in (home.codex_home, home.path / "tmp", home.path / "run"):
        directory.mkdir(parents=True, exist_ok=True)
    return home


def mock_provider_config(
    base_url: str,
    *,
    model: str = MOCK_MODEL,
    wire_api: str = "responses",
    provider: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
) -> str:
    """config.toml text for a mock model (spec: servers.md section 12).

    `provider` holds further keys of the provider, by default `FEW_RETRIES`; `settings` further
    top-level keys.
    """
    entry = {"name": "Mock", "base_url": base_url, "wire_api": wire_api}
    document: dict[str, object] = {"model": model, "model_provider": MOCK_PROVIDER, **(settings or {})}
    document["model_providers"] = {
        MOCK_PROVIDER: {**entry, **(FEW_RETRIES if provider is None else provider)}
    }
    return to_toml(document)


def to_toml(document: Mapping[str, object]) -> str:
    """A mapping of strings, numbers, booleans, lists and mappings as TOML text."""
    lines: list[str] = []
    _table(document, (), lines)
    return "\n".join(lines) + "\n"


def _table(table: Mapping[str, object], name: tuple[str, ...], lines: list[str]) -> None:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if name and (plain or not table):
        lines.append(f"[{'.'.join(_key(part) for part in name)}]")
    lines.extend(f"{_key(key)} = {_toml_value(value)}" for key, value in plain.items())
    for key, value in table.items():
        if isinstance(value, Mapping):
            _table(value, (*name, key), lines)


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else _toml_value(name)


def _toml_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            # A JSON string is a TOML basic string, but for the one character JSON leaves alone.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Sequence():
            return f"[{', '.join(_inline(item) for item in value)}]"
        case _:
            raise TypeError(f"no TOML for {value!r}")


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    return _toml_value(value)


@dataclass(frozen=True, slots=True)
class ScratchRepo:
    """A git repository for one test."""

    path: Path

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the work tree, directories included."""
        return _write(self.path / name, content)

    def read(self, name: str) -> str:
        """The text of a file of the work tree."""
        return (self.path / name).read_text(encoding="utf-8")

    def git(self, *arguments: str) -> str:
        """Stdout of a git command run in the work tree. Raises `AssertionError` when it fails."""
        environ = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, **_git_environ()}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def commit(self, text: str = "change", files: Mapping[str, str | bytes] | None = None) -> str:
        """Write `files`, commit everything, give the commit hash."""
        for name, content in (files or {}).items():
            self.write(name, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", text)
        return self.git("rev-parse", "HEAD").strip()


def make_repo(path: str | os.PathLike[str], files: Mapping[str, str | bytes] | None = None) -> ScratchRepo:
    """A repository at `path` on branch main with one commit of `files`, by a fixed author and date.

    The same files give the same commit hash everywhere.
    """
    os.makedirs(path, exist_ok=True)
    repo = ScratchRepo(Path(os.path.realpath(path)))
    repo.git("init", "--quiet", "--initial-branch=main", "--template=")
    for key, value in (("user.name", AUTHOR), ("user.email", EMAIL), ("commit.gpgsign", "false")):
        repo.git("config", key, value)
    repo.commit("first", files)
    return repo


def read_json_lines(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Every line of a JSON-lines file, decoded.

    Raises:
        AssertionError: a line is no JSON object, or the last one has no end.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text and not text.endswith("\n"):
        raise AssertionError(f"{path}: the last line is not complete")
    return parse_json_lines(text, source=os.fspath(path))


def parse_json_lines(text: str, *, source: str) -> list[dict[str, Any]]:
    """Every line of `text` as a JSON object; raises `AssertionError` naming the line that is none."""
    documents: list[dict[str, Any]] = []
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if type(document) is not dict:
            raise AssertionError(f"{source}, line {number} is no JSON object: {line!r}")
        documents.append(document)
    return documents


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path

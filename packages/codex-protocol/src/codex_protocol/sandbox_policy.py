"""What a command may touch: the three sandbox policies and the questions asked of them.

Plain frozen values that need no pydantic, because the configuration carries them everywhere.
Questions about `.git` and `/tmp` look at the file system; nothing else here does.
"""

from __future__ import annotations

import os.path
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from codex_protocol.config_types import SandboxMode
from codex_protocol.errors import ProtocolError
from codex_protocol.jsonio import describe, loads

if TYPE_CHECKING:
    from codex_protocol.jsonio import JSON


@dataclass(frozen=True, slots=True)
class WritableRoot:
    """A directory commands may write below, except in some places."""

    root: str
    read_only_subpaths: tuple[str, ...] = ()

    def is_path_writable(self, path: str) -> bool:
        """Whether `path` lies inside the root and in none of its protected places; by name only."""
        return _is_inside(path, self.root) and not any(
            _is_inside(path, sub) for sub in self.read_only_subpaths
        )


@dataclass(frozen=True, slots=True)
class DangerFullAccessPolicy:
    """No confinement at all."""

    mode: ClassVar[SandboxMode] = SandboxMode.DANGER_FULL_ACCESS
    has_full_disk_read_access: ClassVar[bool] = True
    has_full_disk_write_access: ClassVar[bool] = True
    has_full_network_access: ClassVar[bool] = True

    def writable_roots_for(self, cwd: str, *, tmpdir: str | None) -> list[WritableRoot]:  # noqa: ARG002
        """Nothing: there is no need to name places when every place is writable."""
        return []

    def to_wire(self) -> dict[str, JSON]:
        """The policy as a JSON object, tagged by `mode`."""
        return {"mode": self.mode.value}


@dataclass(frozen=True, slots=True)
class ReadOnlyPolicy:
    """Reads everything, writes nothing, no network."""

    mode: ClassVar[SandboxMode] = SandboxMode.READ_ONLY
    has_full_disk_read_access: ClassVar[bool] = True
    has_full_disk_write_access: ClassVar[bool] = False
    has_full_network_access: ClassVar[bool] = False

    def writable_roots_for(self, cwd: str, *, tmpdir: str | None) -> list[WritableRoot]:  # noqa: ARG002
        """Nothing is writable."""
        return []

    def to_wire(self) -> dict[str, JSON]:
        """The policy as a JSON object, tagged by `mode`."""
        return {"mode": self.mode.value}


@dataclass(frozen=True, slots=True)
class WorkspaceWritePolicy:
    """Reads everything, writes below the working directory, the temporary directories and named roots."""

    mode: ClassVar[SandboxMode] = SandboxMode.WORKSPACE_WRITE
    has_full_disk_read_access: ClassVar[bool] = True
    has_full_disk_write_access: ClassVar[bool] = False

    writable_roots: tuple[str, ...] = ()
    network_access: bool = False
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False

    @property
    def has_full_network_access(self) -> bool:
        """Whether commands may use the network."""
        return self.network_access

    def writable_roots_for(self, cwd: str, *, tmpdir: str | None) -> list[WritableRoot]:
        """The places a command started in `cwd` may write, in the order of spec protocol.md section 2.

        `tmpdir` is the value of TMPDIR in the command's environment, if it has one.
        """
        roots = [*self.writable_roots, cwd]
        if not self.exclude_slash_tmp and os.path.isdir("/tmp"):  # noqa: S108 - the path is the contract
            roots.append("/tmp")  # noqa: S108
        if not self.exclude_tmpdir_env_var and tmpdir:
            roots.append(tmpdir)
        return [WritableRoot(root, _protected_below(root)) for root in roots]

    def to_wire(self) -> dict[str, JSON]:
        """The policy as a JSON object, tagged by `mode`; an empty list of roots is left out."""
        wire: dict[str, JSON] = {"mode": self.mode.value}
        if self.writable_roots:
            wire["writable_roots"] = list(self.writable_roots)
        wire["network_access"] = self.network_access
        wire["exclude_tmpdir_env_var"] = self.exclude_tmpdir_env_var
        wire["exclude_slash_tmp"] = self.exclude_slash_tmp
        return wire


SandboxPolicy: TypeAlias = DangerFullAccessPolicy | ReadOnlyPolicy | WorkspaceWritePolicy


def parse_sandbox_policy(data: str | Mapping[str, object]) -> SandboxPolicy:
    """The policy a decoded JSON object, or the JSON text of one, stands for.

    Raises:
        ProtocolError: when it is no policy.
    """
    value: object = loads(data) if isinstance(data, str) else data
    if not isinstance(value, Mapping):
        raise ProtocolError(f"invalid type: {describe(value)}, expected a sandbox policy")
    if "mode" not in value:
        raise ProtocolError("missing field `mode`")
    match value["mode"]:
        case "danger-full-access":
            return DangerFullAccessPolicy()
        case "read-only":
            return ReadOnlyPolicy()
        case "workspace-write":
            return WorkspaceWritePolicy(
                _paths(value.get("writable_roots", ())),
                _flag(value, "network_access"),
                _flag(value, "exclude_tmpdir_env_var"),
                _flag(value, "exclude_slash_tmp"),
            )
        case str() as mode:
            expected = ", ".join(f"`{known}`" for known in SandboxMode)
            raise ProtocolError(f"unknown variant `{mode}`, expected one of {expected}")
        case other:
            raise ProtocolError(f"invalid type: {describe(other)}, expected a string", ("mode",))


def _paths(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ProtocolError(f"invalid type: {describe(value)}, expected a sequence", ("writable_roots",))
    for path in value:
        if not isinstance(path, str):
            raise ProtocolError(f"invalid type: {describe(path)}, expected a string", ("writable_roots",))
    return tuple(value)


def _flag(data: Mapping[str, object], key: str) -> bool:
    value = data.get(key, False)
    if not isinstance(value, bool):
        raise ProtocolError(f"invalid type: {describe(value)}, expected a boolean", (key,))
    return value


def _protected_below(root: str) -> tuple[str, ...]:
    git = os.path.join(root, ".git")
    # A `.git` file only points elsewhere; the reference protects directories only.
    return (git,) if os.path.isdir(git) else ()


def _is_inside(path: str, directory: str) -> bool:
    # `..` is resolved by name first: `/w/../etc` starts with `/w` but does not lie in it.
    path, directory = _normal(path), _normal(directory)
    return path == directory or path.startswith(directory if directory.endswith("/") else directory + "/")


def _normal(path: str) -> str:
    normal = posixpath.normpath(path)
    # POSIX lets two leading slashes mean something else; here they do not.
    return normal[1:] if normal.startswith("//") else normal

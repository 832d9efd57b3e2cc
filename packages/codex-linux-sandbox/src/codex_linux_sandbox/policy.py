"""What a command may do: the policy as it arrives on the command line, and the roots it may write below.

Reading the policy touches nothing; finding the roots follows symbolic links, because a link that the confined
command itself could have planted must not widen what the next command may write.
"""

from __future__ import annotations

import os
import stat

from .errors import PolicyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .policy_json import Json

DANGER_FULL_ACCESS = "danger-full-access"
READ_ONLY = "read-only"
WORKSPACE_WRITE = "workspace-write"
MODES = (DANGER_FULL_ACCESS, READ_ONLY, WORKSPACE_WRITE)

_MAX_LINKS = 40  # as the kernel: more symbolic links than this in one path is ELOOP


class SandboxPolicy:
    """One policy (spec: exec-sandbox.md C.1). Only workspace-write looks at the other fields."""

    __slots__ = (
        "exclude_slash_tmp",
        "exclude_tmpdir_env_var",
        "mode",
        "network_access",
        "writable_roots",
    )

    def __init__(
        self,
        mode: str,
        *,
        writable_roots: tuple[str, ...] = (),
        network_access: bool = False,
        exclude_tmpdir_env_var: bool = False,
        exclude_slash_tmp: bool = False,
    ) -> None:
        if mode not in MODES:
            raise PolicyError(f"unknown mode `{mode}`, expected one of {_quoted(MODES)}")
        self.mode = mode
        self.writable_roots = writable_roots
        self.network_access = network_access
        self.exclude_tmpdir_env_var = exclude_tmpdir_env_var
        self.exclude_slash_tmp = exclude_slash_tmp

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in sorted(self.__slots__))
        return f"SandboxPolicy({fields})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SandboxPolicy):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__slots__))

    @property
    def confines(self) -> bool:
        """False when nothing at all is to be applied."""
        return self.mode != DANGER_FULL_ACCESS

    @property
    def allows_network(self) -> bool:
        return self.mode == DANGER_FULL_ACCESS or (self.mode == WORKSPACE_WRITE and self.network_access)

    @property
    def allows_writes(self) -> bool:
        """Whether there is any directory the command may write in."""
        return self.mode != READ_ONLY

    def requested_roots(self, cwd: str, *, tmpdir: str | None) -> list[str]:
        """The writable roots in the order of spec C.1, as written; relative ones are relative to `cwd`.

        `tmpdir` is the value of TMPDIR in the environment the command gets, None when unset.
        """
        if self.mode != WORKSPACE_WRITE:
            return []
        roots = [os.path.join(cwd, root) for root in self.writable_roots if root]
        roots.append(cwd)
        if not self.exclude_slash_tmp and os.path.isdir("/tmp"):  # noqa: S108 -- named by the policy format
            roots.append("/tmp")  # noqa: S108
        if tmpdir and not self.exclude_tmpdir_env_var:
            roots.append(os.path.join(cwd, tmpdir))
        return roots


def parse_policy(text: str) -> SandboxPolicy:
    """The policy that `text`, a JSON object, describes. Unknown keys are ignored.

    Raises: PolicyError.
    """
    from .policy_json import decode

    try:
        value = decode(text)
    except ValueError as error:
        raise PolicyError(f"not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise PolicyError("expected a JSON object")
    mode = value.get("mode")
    if mode is None:
        raise PolicyError(f"missing field `mode`, expected one of {_quoted(MODES)}")
    if not isinstance(mode, str):
        raise PolicyError("field `mode` must be a string")
    if mode != WORKSPACE_WRITE:
        return SandboxPolicy(mode)
    return SandboxPolicy(
        mode,
        writable_roots=_paths(value, "writable_roots"),
        network_access=_flag(value, "network_access"),
        exclude_tmpdir_env_var=_flag(value, "exclude_tmpdir_env_var"),
        exclude_slash_tmp=_flag(value, "exclude_slash_tmp"),
    )


def trusted_roots(requested: list[str]) -> list[str]:
    """The canonical directories and files among `requested` that may be opened for writing.

    Left out are roots that do not exist, roots below another one (which covers them already), and roots
    reached only through a symbolic link that lies below another root: the command could have planted it.
    """
    walks = [walk for walk in map(_resolve, requested) if walk is not None]
    paths = {path: None for path, _ in walks}  # a dict keeps the order
    trusted: dict[str, None] = {}
    for path, links in walks:
        others = [other for other in paths if other != path]
        if not any(is_below(place, other) for place in (path, *links) for other in others):
            trusted[path] = None
    return list(trusted)


def is_below(path: str, directory: str) -> bool:
    """Whether canonical `path` is inside canonical `directory` (not the directory itself)."""
    return path != directory and path.startswith(directory if directory.endswith("/") else directory + "/")


def _resolve(path: str) -> tuple[str, list[str]] | None:
    """The canonical form of `path` and the canonical places of the symbolic links on the way to it."""
    links: list[str] = []
    if not path.startswith("/"):
        path = os.path.join(os.getcwd(), path)
    todo = path.split("/")[::-1]
    current = "/"
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            current = os.path.dirname(current)
            continue
        step = os.path.join(current, name)
        try:
            is_link = stat.S_ISLNK(os.lstat(step).st_mode)
            target = os.readlink(step) if is_link else ""
        except (OSError, ValueError):
            return None
        if not is_link:
            current = step
            continue
        links.append(step)
        if len(links) > _MAX_LINKS:
            return None
        if target.startswith("/"):
            current = "/"
        todo.extend(target.split("/")[::-1])
    return current, links


def _paths(members: Mapping[str, Json], name: str) -> tuple[str, ...]:
    value = members.get(name, [])
    if not isinstance(value, list):
        raise PolicyError(f"field `{name}` must be a list of strings")
    paths = []
    for item in value:
        if not isinstance(item, str):
            raise PolicyError(f"field `{name}` must be a list of strings")
        if "\0" in item:
            raise PolicyError(f"field `{name}` holds a path with a null character")
        paths.append(item)
    return tuple(paths)


def _flag(members: Mapping[str, Json], name: str) -> bool:
    value = members.get(name, False)
    if not isinstance(value, bool):
        raise PolicyError(f"field `{name}` must be true or false")
    return value


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)

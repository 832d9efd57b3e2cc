"""`--explain`: what a policy comes to on this machine, without running anything."""

from __future__ import annotations

import os

from .errors import ConfinementError
from .isolation import LANDLOCK, NAMESPACES
from .landlock import SCOPE_ABI, SHARED_MEMORY, kernel_abi
from .launcher import helper_command
from .layout import survey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .policy import SandboxPolicy


def explain(
    policy: SandboxPolicy, *, cwd: str, tmpdir: str, isolation: str, settings: tuple[str, ...] = ()
) -> str:
    """A few lines for people to read."""
    if not policy.confines:
        return f"{policy.mode}: the command is not confined at all.\n"
    try:
        abi = kernel_abi()
    except ConfinementError as error:
        return f"{policy.mode}: cannot be enforced, so no command would be run: {error}\n"
    no_namespaces = None if isolation == LANDLOCK else why_no_namespaces(helper_command())
    if no_namespaces is not None and isolation == NAMESPACES:
        return f"{policy.mode}: cannot be enforced, so no command would be run: {no_namespaces}\n"
    in_namespaces = isolation != LANDLOCK and no_namespaces is None
    requested = policy.requested_roots(cwd, tmpdir=tmpdir)
    layout = survey(policy, cwd=cwd, tmpdir=tmpdir, settings=settings)
    lines = [f"{policy.mode}, isolation {isolation}, Landlock ABI {abi}"]
    if no_namespaces is not None:
        lines.append(f"Namespaces: none ({no_namespaces}); Landlock and seccomp only")
    elif in_namespaces:
        lines.append("Namespaces: of the command's own for users, mounts, processes and shared memory")
    lines += ["Readable: everything", "Writable:"]
    lines += [f"  {path}" for path in layout.writable] or ["  nothing but devices such as /dev/null"]
    if policy.allows_writes or in_namespaces:
        lines.append(f"  {SHARED_MEMORY}" + (" (of the command's own)" if in_namespaces else ""))
    left_out = [path for path in requested if os.path.realpath(path) not in layout.writable]
    if left_out:
        lines.append(
            "Named as writable, but missing, part of another, or behind a link another one could change:"
        )
        lines += [f"  {path}" for path in left_out]
    protected = [*layout.protected, *layout.vacant]
    if protected and in_namespaces:
        lines.append("Read-only inside those, also when missing:")
        lines += [f"  {path}" for path in protected]
    lines.append("Network: " + ("allowed" if policy.allows_network else "refused, unix sockets included"))
    if not in_namespaces:
        lines.append("Not covered without namespaces:")
        if policy.allows_writes:
            lines.append("  mode, owner, times and attributes of files outside")
        if protected:
            lines.append("  writing what should stay read-only:")
            lines += [f"    {path}" for path in protected]
        lines.append("  seeing other processes; changing their priority; shared memory of System V")
        if abi < SCOPE_ABI:
            lines.append("  signals to other processes of the same user (this kernel's Landlock is too old)")
    return "\n".join(lines) + "\n"


def why_no_namespaces(helper: list[str]) -> str | None:
    """None where a command runs in namespaces of its own, else the reason it does not."""
    import subprocess

    command = [*helper, "--isolation", NAMESPACES, "/", '{"mode":"read-only"}', "--", "true"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip().rpartition(": ")[2]

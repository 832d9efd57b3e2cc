"""`--explain`: what a policy comes to on this machine, without running anything."""

from __future__ import annotations

import os

from .errors import ConfinementError
from .isolation import LANDLOCK
from .landlock import SCOPE_ABI, SHARED_MEMORY, kernel_abi
from .policy import SandboxPolicy, trusted_roots
from .protected import NAMES, Protection


def explain(policy: SandboxPolicy, *, cwd: str, tmpdir: str, isolation: str) -> str:
    """A few lines for people to read."""
    if not policy.confines:
        return f"{policy.mode}: the command is not confined at all.\n"
    try:
        abi = kernel_abi()
    except ConfinementError as error:
        return f"{policy.mode}: cannot be enforced, so no command would be run: {error}\n"
    requested = policy.requested_roots(cwd, tmpdir=tmpdir)
    writable = trusted_roots(requested)
    lines = [f"{policy.mode}, isolation {isolation}, Landlock ABI {abi}", "Readable: everything", "Writable:"]
    lines += [f"  {path}" for path in writable] or ["  nothing but devices such as /dev/null"]
    if policy.allows_writes:
        lines.append(f"  {SHARED_MEMORY} (of the command's own where there are namespaces)")
    left_out = [path for path in requested if os.path.realpath(path) not in writable]
    if left_out:
        lines.append(
            "Named as writable, but missing, part of another, or behind a link another one could change:"
        )
        lines += [f"  {path}" for path in left_out]
    if policy.allows_writes:
        protection = Protection()
        for path in requested:
            for root in trusted_roots([path]):
                protection.add_existing(root)
        lines.append(f"Read-only inside those, with namespaces only: {', '.join(NAMES)} at the top of each")
        lines += [f"  {path}" for path in protection.paths]
    lines.append("Network: " + ("allowed" if policy.allows_network else "refused, unix sockets included"))
    if isolation == LANDLOCK:
        lines.append("Not covered without namespaces:")
        if policy.allows_writes:
            lines.append("  mode, owner, times and attributes of files outside; the read-only names above")
        lines.append("  seeing other processes; changing their priority; shared memory of System V")
        if abi < SCOPE_ABI:
            lines.append("  signals to other processes of the same user (this kernel's Landlock is too old)")
    return "\n".join(lines) + "\n"

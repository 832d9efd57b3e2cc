"""Leaving out any one rule is noticed by a probe, so no rule is idle and no probe is blind."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

import pytest

from codex_linux_sandbox import landlock as landlock_layer
from codex_linux_sandbox.isolation import LANDLOCK
from codex_linux_sandbox.launcher import helper_command
from codex_linux_sandbox.probes import files, work
from codex_linux_sandbox.probes.catalog import READ_ONLY, WORKSPACE
from codex_linux_sandbox.probes.trial import try_probes, wrong_outcomes

# For every rule in turn, in a process of its own: installs the filter without that rule and tries the probes of
# the filter. Prints which rule was left out and which probes got through; the first line is for the full filter.
LEAVE_OUT_ONE = """
import json, os
from codex_linux_sandbox import privileges, seccomp, seccomp_rules
from codex_linux_sandbox.probes.catalog import all_probes

settings = {"network": False, "writes": False, "truncate_covered": True}
rules = seccomp_rules.refusals(**settings)
probes = [probe for probe in all_probes() if probe.group == "system call filter"]

def reached():
    names = []
    for probe in probes:
        try:
            probe.act(None)
        except OSError:
            continue
        names.append(probe.name)
    return names

free = set(reached())
for index in (None, *range(len(rules))):
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        privileges.forbid_new_privileges()
        left = [rule for at, rule in enumerate(rules) if at != index]
        seccomp_rules.refusals = lambda **_: left
        seccomp.Filter(**settings).install()
        os.write(write_end, json.dumps(reached()).encode())
        os._exit(0)
    os.close(write_end)
    with open(read_end) as file:
        got_through = json.load(file)
    os.wait()
    name, conditions = rules[index] if index is not None else ("", ())
    print(json.dumps([name, conditions, got_through, f"call_{name}" in free or bool(conditions)]))
"""

# Proved elsewhere: by network.py and processes.py, with sockets and processes at hand.
OTHER_PROBES = {"socket", "socketpair", "prlimit64"}
NO_HARMLESS_ARGUMENTS = {"vhangup"}


def test_every_rule_of_the_filter_has_a_probe(landlock: int) -> None:
    done = subprocess.run([sys.executable, "-c", LEAVE_OUT_ONE], capture_output=True, text=True, check=True)
    full, *mutants = [json.loads(line) for line in done.stdout.splitlines()]
    assert full[2] == []
    assert len(mutants) > 100
    unnoticed = [
        (name, conditions)
        for name, conditions, got_through, is_possible in mutants
        if not got_through and is_possible and name not in OTHER_PROBES | NO_HARMLESS_ARGUMENTS
    ]
    assert unnoticed == []


# Handled, but granted on "/" (reading and executing), or taken from root by the capabilities as well.
NOT_OBSERVABLE = (
    landlock_layer.EXECUTE | landlock_layer.READ_FILE | landlock_layer.READ_DIR | landlock_layer.MAKE_BLOCK
)
RIGHTS = [1 << bit for bit in range(16) if not NOT_OBSERVABLE & 1 << bit]


@pytest.mark.parametrize("right", [*RIGHTS, 0])
def test_every_right_of_the_ruleset_has_a_probe(right: int, landlock: int) -> None:
    if right and not landlock_layer.handled(landlock, network=False)[0] & right:
        pytest.skip("this kernel's Landlock does not know the right")
    probes = [*files.CATALOG.probes, *work.CATALOG.probes]
    helper = helper_command()
    mutation = (
        "import codex_linux_sandbox.landlock as layer\n"
        "known = layer.handled\n"
        "def handled(abi, *, network):\n"
        "    file_system, tcp, scoped = known(abi, network=network)\n"
        f"    return file_system & ~{right}, tcp, scoped\n"
        "layer.handled = handled\n"
    )
    mutant = [*helper[:-1], helper[-1].replace("from codex_linux", f"{mutation}from codex_linux", 1)]
    noticed = {}
    with tempfile.TemporaryDirectory() as directory:
        free = try_probes(probes, policy=None, helper=helper, directory=directory)
        for policy in (READ_ONLY, WORKSPACE):
            confined = try_probes(
                probes, policy=policy, helper=mutant, directory=directory, isolation=LANDLOCK
            )
            noticed |= wrong_outcomes(probes, free, confined, policy, in_namespaces=False, abi=landlock)
    assert bool(noticed) == bool(right)

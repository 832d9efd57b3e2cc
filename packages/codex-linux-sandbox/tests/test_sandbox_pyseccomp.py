"""The quick import of pyseccomp gives the same module as the plain one, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("pyseccomp", reason="pyseccomp needs libseccomp", exc_type=(ImportError, RuntimeError))


def run_python(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


DESCRIBE = """
def describe(module):
    return sorted(
        (name, repr(value) if isinstance(value, (int, str)) else type(value).__name__)
        for name, value in vars(module).items()
        if not name.startswith("__") and name not in {"Any", "Collection", "Iterable", "Union", "cast", "overload"}
    )
"""


def test_same_contents_as_the_plain_import() -> None:
    light = run_python(
        DESCRIBE
        + "from codex_linux_sandbox.seccomp_binding import _import_lightly\nprint(describe(_import_lightly()))"
    )
    plain = run_python(DESCRIBE + "import pyseccomp\nprint(describe(pyseccomp))")
    assert light.replace(repr("libseccomp.so.2"), "") == plain.replace(repr("libseccomp.so.2"), "")


def test_library_is_the_one_a_search_finds() -> None:
    script = """
import ctypes.util
from codex_linux_sandbox.seccomp_binding import LIBRARY
print(ctypes.util.find_library("seccomp") == LIBRARY)
"""
    assert run_python(script) == "True\n"


def test_real_modules_are_importable_afterwards() -> None:
    script = """
from codex_linux_sandbox.seccomp_binding import load_pyseccomp
load_pyseccomp()
import sys
assert "typing" not in sys.modules and "ctypes.util" not in sys.modules
import ctypes, ctypes.util, typing
print(ctypes.util.__file__ is not None, ctypes.util.find_library is not None, typing.Protocol.__name__)
"""
    assert run_python(script) == "True True Protocol\n"


def test_modules_already_imported_are_put_back() -> None:
    script = """
import ctypes.util, typing, sys
real = ctypes.util, typing
from codex_linux_sandbox.seccomp_binding import load_pyseccomp
load_pyseccomp()
print((sys.modules["ctypes.util"], sys.modules["typing"]) == real, ctypes.util is real[0])
"""
    assert run_python(script) == "True True\n"


def test_pyseccomp_that_needs_more_is_imported_plainly() -> None:
    script = """
import sys, types
import codex_linux_sandbox.seccomp_binding as binding
names = []
def asked_for(name):
    names.append(name)
    raise ImportError(name)
binding._library_name = asked_for
module = binding.load_pyseccomp()
print(len(names), module.SyscallFilter.__name__, "subprocess" in sys.modules)
"""
    assert run_python(script) == "1 SyscallFilter True\n"


@pytest.mark.parametrize("machine", ["X86_64", "AARCH64"])
def test_every_system_call_has_a_number_or_never_existed(machine: str) -> None:
    import pyseccomp

    from codex_linux_sandbox import seccomp_rules

    architecture = getattr(pyseccomp.Arch, machine)
    rules = seccomp_rules.refusals(network=False, writes=False, truncate_covered=False)
    names = {name for name, _ in rules} | set(seccomp_rules.unavailable(openat2=True))
    numbers = {name: pyseccomp.resolve_syscall(architecture, name) for name in names}
    # -1 means an unknown name; other negative numbers stand for calls this architecture does not have.
    unknown = {name for name, number in numbers.items() if number == -1}
    assert unknown <= set(seccomp_rules.NUMBERS)
    for name, number in seccomp_rules.NUMBERS.items():
        assert numbers.get(name, -1) in (number, -1)

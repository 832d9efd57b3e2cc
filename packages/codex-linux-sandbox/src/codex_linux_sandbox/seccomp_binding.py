"""Loads pyseccomp without the parts of it that cost more than the filter.

As shipped, importing pyseccomp imports `typing` and `ctypes.util` (with `shutil`, `subprocess` and `tempfile`
behind it) and runs `ldconfig` twice: 30 ms, for annotations and two library names. During the import both
modules are stood in for by the few names it uses. Where that does not work, because libseccomp has another
name or a newer pyseccomp needs more of them, it is imported the plain way.
"""

from __future__ import annotations

import ctypes
import sys

from .errors import ConfinementError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# The name that every libseccomp since 2.0 (2012) is installed under; the loader finds it without searching.
LIBRARY = "libseccomp.so.2"


def load_pyseccomp() -> ModuleType:
    """The module `pyseccomp`. Raises: ConfinementError when it or libseccomp is missing."""
    loaded = sys.modules.get("pyseccomp")
    if loaded is not None:
        return loaded
    try:
        ctypes.CDLL(LIBRARY)
        return _import_lightly()
    except (OSError, RuntimeError, ImportError, AttributeError, TypeError):
        return _import_plainly()


def _import_lightly() -> ModuleType:
    stand_ins = {"ctypes.util": _module("ctypes.util", find_library=_library_name)}
    if "typing" not in sys.modules:
        stand_ins["typing"] = _module(
            "typing",
            Any=_Annotation,
            Collection=_Annotation,
            Iterable=_Annotation,
            Union=_Annotation,
            cast=lambda _type, value: value,
            overload=lambda function: function,
        )
    replaced = {name: sys.modules.get(name) for name in stand_ins}
    members = vars(ctypes)
    attribute = members.get("util")
    sys.modules.update(stand_ins)
    members["util"] = stand_ins["ctypes.util"]
    try:
        return _import()
    finally:
        for name, module in replaced.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
        if attribute is None:
            del members["util"]
        else:
            members["util"] = attribute


def _import_plainly() -> ModuleType:
    try:
        return _import()
    except ImportError as error:
        message = f"the Python package pyseccomp is needed and cannot be imported ({error})"
        raise ConfinementError(message) from error
    except (OSError, RuntimeError) as error:
        raise ConfinementError(
            f"the library libseccomp is needed and cannot be loaded ({error}); "
            "install the package libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora, Arch, Alpine)"
        ) from error


def _import() -> ModuleType:
    import pyseccomp

    module: ModuleType = pyseccomp
    return module


class _Annotation:
    """Stands in for what annotations are written with; nothing looks at them."""

    def __class_getitem__(cls, _item: object) -> type[_Annotation]:
        return cls


def _library_name(name: str) -> str | None:
    """What `ctypes.util.find_library` finds out by running other programs, for the two names asked for."""
    if name == "seccomp":
        return LIBRARY
    if name == "c":
        return None  # this program's own C library: dlopen(NULL) has its names
    raise ImportError(f"no stand-in for the library {name}")


def _module(name: str, **members: object) -> ModuleType:
    module = type(sys)(name)
    vars(module).update(members)
    return module

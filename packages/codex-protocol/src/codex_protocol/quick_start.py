"""Starts a process of ours without pydantic's search for plugins.

Before its first validator pydantic looks through every installed distribution for plugins; the search
and the modules it imports cost more than all the types of a short turn, and offer no switch that spares
both. Programs call `skip_pydantic_plugins` first thing; the library itself never does, because other
code in an embedding process may want its plugins.
"""

from __future__ import annotations

import sys

_LOADER = "pydantic.plugin._loader"


def skip_pydantic_plugins() -> bool:
    """Makes this process find no pydantic plugins; False when it is too late for that.

    Nothing happens, and nothing breaks, with a pydantic that searches in another way.
    """
    if _LOADER in sys.modules:
        return False
    stand_in = type(sys)(_LOADER)
    stand_in.__dict__["get_plugins"] = tuple
    sys.modules[_LOADER] = stand_in
    return True

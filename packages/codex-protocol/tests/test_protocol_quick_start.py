"""Starting without pydantic's plugin search."""

from __future__ import annotations

import subprocess
import sys

USE = "from codex_protocol.history_entry import HistoryLine\nassert HistoryLine(session_id='s', ts=1, text='t').to_json()\n"
FAST = "from codex_protocol.quick_start import skip_pydantic_plugins\n"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_types_work_and_no_distribution_is_searched():
    code = (
        FAST
        + "assert skip_pydantic_plugins()\n"
        + USE
        + "import sys\nprint('importlib.metadata' in sys.modules)"
    )
    assert run(code) == "False\n"


def test_without_it_the_search_happens():
    # When this fails pydantic has stopped searching and the stand-in can go.
    assert run(USE + "import sys\nprint('importlib.metadata' in sys.modules)") == "True\n"


def test_it_says_when_it_is_too_late():
    assert run(USE + FAST + "print(skip_pydantic_plugins())") == "False\n"


def test_calling_it_imports_no_pydantic():
    assert run(FAST + "skip_pydantic_plugins()\nimport sys\nprint('pydantic' in sys.modules)") == "False\n"

"""Makes the terminals and the demo program of `term_kit` importable for the tests beside it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "term_kit"))

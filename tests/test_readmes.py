"""What the readmes tell people to run, run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from codex_core.testing import ScratchHome, ScratchRepo

ROOT = Path(__file__).parent.parent


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def test_the_embedding_example_runs_to_its_end(scratch_home: ScratchHome, git_repo: ScratchRepo) -> None:
    (example,) = python_blocks(ROOT / "packages" / "codex-core" / "README.md")
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=git_repo.path,
        env=scratch_home.environ(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Created `codex-demo.md`" in done.stdout
    assert (git_repo.path / "codex-demo.md").exists()

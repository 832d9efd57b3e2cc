"""The app as `codex` starts it, but that another issuer signs its users in.

python sign_in_program.py ISSUER
"""

from __future__ import annotations

import sys
from dataclasses import replace

from codex_core.arg0 import dispatch


def main() -> int:
    if (tool := dispatch(sys.argv)) is not None:
        return tool() or 0
    from codex_login.oauth import issuer_at
    from codex_tui import run
    from codex_tui.options import TuiOptions

    prepare, issuer = run._prepare, issuer_at(sys.argv[1])
    run._prepare = lambda *given: replace(prepare(*given), issuer=issuer, sign_in_port=0)
    return run.run(TuiOptions)


if __name__ == "__main__":
    sys.exit(main())

"""`codex sessions`: what was recorded, listed, shown, searched, exported, put away and deleted."""

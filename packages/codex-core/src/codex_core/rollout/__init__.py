"""Sessions on disk: writing, finding and reading rollout files."""

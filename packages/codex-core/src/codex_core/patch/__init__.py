"""Patches in the apply_patch format: read, checked, shown and applied.

The way from text to files: `grammar` reads, `rewrite` fits chunks to a text (with `seek`), `apply` changes
files (with `files`), `verify` is the dry run and `diff` what an approver sees. `invocation` finds patches in
tool calls. Everything `__main__` needs keeps away from typing, dataclasses and the like: the stand-alone
program runs once per patch, and its start is most of its time.
"""

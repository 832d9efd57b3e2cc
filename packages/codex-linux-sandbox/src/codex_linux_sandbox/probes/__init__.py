"""Acts a confined command may or may not be able to do, and the means to try them.

`codex-linux-sandbox --self-test` and the test suite run every probe twice: free, where it must succeed, and
confined. Nothing here is imported when a command is run.
"""

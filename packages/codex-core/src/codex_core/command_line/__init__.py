"""Command lines: what a command takes, how it is parsed, its help page and its usage errors.

Everything here is defined once per command and read by all three, and by the completion scripts. Nothing of
it imports more than the interpreter has loaded anyway: it runs before anything else does.
"""

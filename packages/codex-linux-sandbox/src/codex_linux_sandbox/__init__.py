"""Run one command confined by Landlock and seccomp on Linux."""

__version__ = "0.36.0"

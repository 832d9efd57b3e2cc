"""Completion scripts for five shells, made from the definitions of the commands."""

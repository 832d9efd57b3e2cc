"""Answers of a model that were written beforehand: what a reply is, how one is built, how scripts are stored.

Played by `model.demo.ScriptedTransport` inside this process and by `codex_core.testing.ModelServer` over
a real socket.
"""

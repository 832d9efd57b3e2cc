"""The tools the model may call: one object per tool, each with its specification and its handler."""

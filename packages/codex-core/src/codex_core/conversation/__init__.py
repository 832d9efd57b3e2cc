"""Conversations: the session that owns one, the turns it runs, and the manager that keeps them all."""

"""The widgets: they draw what they are given and post what was typed; importing this imports nothing."""

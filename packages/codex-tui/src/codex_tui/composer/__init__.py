"""The composer without its widget: text, keys, popups and history as plain models, and the rows to draw."""

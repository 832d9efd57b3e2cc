"""How events look to a person, without knowing any terminal: every front end's skins share this."""

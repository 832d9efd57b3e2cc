"""Images from the clipboard, through whatever program of this system can read it."""

"""What the core knows of the user's files: git, diffs, instructions, images."""

"""What a command or a patch may do without a question, and how a command is described to a person.

`decide` holds the decision tables, `known_safe` the commands that only read, `shell_syntax` the reader of
shell scripts, `describe` the summary shown beside a command, `explain` all of it for one command,
`explain_patch` for one patch.
"""

"""How `apply_patch` is offered to a model: as a function, or as free text bound to a grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_core.model.tool_spec import CustomTool

if TYPE_CHECKING:
    from codex_core.model.tool_spec import FunctionTool

# The language of exec-sandbox.md E.1 as a Lark grammar, which the API enforces on free-text calls.
_GRAMMAR = r"""start: begin hunk+ end
begin: "*** Begin Patch" NEWLINE
end: "*** End Patch" NEWLINE?

hunk: add | delete | update
add: "*** Add File: " PATH NEWLINE added+
delete: "*** Delete File: " PATH NEWLINE
update: "*** Update File: " PATH NEWLINE move? change
move: "*** Move to: " PATH NEWLINE

added: "+" REST NEWLINE
change: section? edit+ (section edit+)* end_of_file?
section: ("@@" | "@@ " PATH) NEWLINE
edit: ("+" | "-" | " ") REST NEWLINE
end_of_file: "*** End of File" NEWLINE

PATH: /.+/
REST: /.*/
%import common.LF -> NEWLINE
"""

_LESSON = """Edits files. `input` is one patch in this form:

*** Begin Patch
*** Update File: src/greet.py
@@ def greet(name):
     # Called once for every guest.
-    print("Hi", name)
+    print("Hello", name)
     return name
*** Add File: docs/new.md
+First line
+Second line
*** Delete File: old.txt
*** End Patch

- Three kinds of sections: `*** Add File: `, `*** Delete File: `, `*** Update File: `. An update may be \
followed by `*** Move to: <path>` on the next line to rename the file.
- Every line of a new file begins with `+`.
- In an update each line begins with a space (context), `-` (taken out) or `+` (put in). Give three \
lines of context above and below a change.
- When three lines do not make the place unique, put `@@ ` and a line that stands above it (a class or \
function) in front.
- Paths are relative to the working directory, never absolute."""


def function_tool() -> FunctionTool:
    """The form for families that call functions with JSON arguments."""
    from codex_core.model.tool_spec import FunctionTool, object_schema, string

    return FunctionTool(
        name="apply_patch",
        description=_LESSON,
        parameters=object_schema(
            {"input": string("The whole patch, from Begin to End.")}, required=("input",)
        ),
    )


class _FreeformTool(CustomTool):
    """Free text where the wire knows that, else the function."""

    __slots__ = ()

    def to_chat(self) -> dict[str, object] | None:
        """The function: the Chat Completions wire has no tools of free text."""
        return function_tool().to_chat()


def custom_tool() -> CustomTool:
    """The free-text form: the patch itself, without JSON around it; on Chat Completions, the function."""
    return _FreeformTool(
        name="apply_patch",
        description="Edits files. The input is a patch in the form of the grammar, not JSON.",
        definition=_GRAMMAR,
    )

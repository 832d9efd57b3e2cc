"""`view_image`: shows the model a picture of the user's disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_core.tools.runtime import ToolOutput, bad_arguments

if TYPE_CHECKING:
    from codex_core.conversation.turn_context import TurnContext
    from codex_core.model.tool_spec import ToolSpec
    from codex_core.tools.runtime import ToolCall, ToolRuntime


class ViewImageTool:
    """Attaches the picture as user input behind its own output (spec: agent.md section 12)."""

    names = ("view_image",)
    is_parallel_safe = True

    def spec(self, context: TurnContext) -> ToolSpec | None:
        """Offered unless the configuration turns it off."""
        if not context.offers_view_image:
            return None
        from codex_core.model.tool_spec import FunctionTool, object_schema, string

        return FunctionTool(
            name="view_image",
            description="Attaches an image file of the user's machine so that you can see it.",
            parameters=object_schema({"path": string("Path of the image file.")}, required=("path",)),
        )

    async def run(self, call: ToolCall, runtime: ToolRuntime) -> ToolOutput:
        """Attaches the file, or says why it cannot be read."""
        from codex_protocol.errors import ProtocolError
        from codex_protocol.jsonio import loads
        from codex_protocol.ops import LocalImageInput

        try:
            arguments = loads(call.arguments)
        except ProtocolError as error:
            return bad_arguments(str(error))
        path = arguments.get("path") if isinstance(arguments, dict) else None
        if not isinstance(path, str):
            return bad_arguments("missing field `path`: a string is expected")
        absolute = os.path.join(runtime.context.cwd, path)
        if (problem := _unreadable(absolute)) is not None:
            return ToolOutput(f"unable to read image at `{absolute}`: {problem}", success=False)
        runtime.inject(LocalImageInput(path=absolute))
        return ToolOutput("attached local image path", success=True)


def _unreadable(path: str) -> str | None:
    from codex_core.workspace.images import NotAnImage, check_image

    try:
        check_image(path)
    except NotAnImage as error:
        return str(error.strerror)
    except OSError as error:
        return f"{error.strerror} (os error {error.errno})"
    return None

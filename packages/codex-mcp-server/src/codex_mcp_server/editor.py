"""The twenty methods for editors: which there are, and who serves them (spec: servers.md section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_mcp_server.errors import INVALID_PARAMS, RpcError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from codex_mcp_server.peer import Call

METHODS = frozenset(
    {
        "addConversationListener", "archiveConversation", "cancelLoginChatGpt", "execOneOffCommand",
        "getAuthStatus", "getUserAgent", "getUserSavedConfig", "gitDiffToRemote",
        "interruptConversation", "listConversations", "loginApiKey", "loginChatGpt", "logoutChatGpt",
        "newConversation", "removeConversationListener", "resumeConversation", "sendUserMessage",
        "sendUserTurn", "setDefaultModel", "userInfo",
    }
)  # fmt: skip


class EditorMethods:
    """Reads the parameters of a request and hands them to the method."""

    def __init__(self, *groups: Mapping[str, Callable[..., Awaitable[object]]]) -> None:
        self._methods = {name: method for group in groups for name, method in group.items()}

    async def serve(self, call: Call) -> object:
        """The result, or `Later`. Raises: RpcError."""
        from codex_protocol.base import as_object
        from codex_protocol.errors import ProtocolError
        from codex_protocol.ide_methods import CLIENT_METHODS

        shape = CLIENT_METHODS[call.method].params
        method = self._methods[call.method]
        if shape is None:
            return await method()
        try:
            params = shape.from_wire(as_object(call.params, "an object of parameters"))
        except ProtocolError as error:
            raise RpcError(INVALID_PARAMS, f"{call.method}: {error}") from error
        return await method(params)

"""Which editor method has which types: reading requests and notifications, and making those of events.

The types themselves are in `codex_protocol.ide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_protocol.base import WireModel, as_object
from codex_protocol.errors import UnknownMethodError
from codex_protocol.ide import (
    AddConversationListenerParams,
    AddConversationSubscriptionResponse,
    ApplyPatchApprovalParams,
    ApplyPatchApprovalResponse,
    ArchiveConversationParams,
    AuthStatusChangeNotification,
    CancelLoginChatGptParams,
    EmptyResult,
    EventMeta,
    EventNotificationParams,
    ExecArbitraryCommandResponse,
    ExecCommandApprovalParams,
    ExecCommandApprovalResponse,
    ExecOneOffCommandParams,
    GetAuthStatusParams,
    GetAuthStatusResponse,
    GetUserAgentResponse,
    GetUserSavedConfigResponse,
    GitDiffToRemoteParams,
    GitDiffToRemoteResponse,
    InterruptConversationParams,
    InterruptConversationResponse,
    ListConversationsParams,
    ListConversationsResponse,
    LoginApiKeyParams,
    LoginChatGptCompleteNotification,
    LoginChatGptResponse,
    NewConversationParams,
    NewConversationResponse,
    RemoveConversationListenerParams,
    ResumeConversationParams,
    ResumeConversationResponse,
    SendUserMessageParams,
    SendUserTurnParams,
    SetDefaultModelParams,
    UserInfoResponse,
)
from codex_protocol.json_rpc import JsonRpcNotification, JsonRpcRequest, RequestId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_protocol.events import Event


@dataclass(frozen=True, slots=True)
class Method:
    """The types of a method; without `params`, whatever comes as parameters is ignored."""

    params: type[WireModel] | None
    result: type[WireModel]


CLIENT_METHODS: dict[str, Method] = {
    "newConversation": Method(NewConversationParams, NewConversationResponse),
    "listConversations": Method(ListConversationsParams, ListConversationsResponse),
    "resumeConversation": Method(ResumeConversationParams, ResumeConversationResponse),
    "archiveConversation": Method(ArchiveConversationParams, EmptyResult),
    "sendUserMessage": Method(SendUserMessageParams, EmptyResult),
    "sendUserTurn": Method(SendUserTurnParams, EmptyResult),
    "interruptConversation": Method(InterruptConversationParams, InterruptConversationResponse),
    "addConversationListener": Method(AddConversationListenerParams, AddConversationSubscriptionResponse),
    "removeConversationListener": Method(RemoveConversationListenerParams, EmptyResult),
    "gitDiffToRemote": Method(GitDiffToRemoteParams, GitDiffToRemoteResponse),
    "loginApiKey": Method(LoginApiKeyParams, EmptyResult),
    "loginChatGpt": Method(None, LoginChatGptResponse),
    "cancelLoginChatGpt": Method(CancelLoginChatGptParams, EmptyResult),
    "logoutChatGpt": Method(None, EmptyResult),
    "getAuthStatus": Method(GetAuthStatusParams, GetAuthStatusResponse),
    "getUserSavedConfig": Method(None, GetUserSavedConfigResponse),
    "setDefaultModel": Method(SetDefaultModelParams, EmptyResult),
    "getUserAgent": Method(None, GetUserAgentResponse),
    "userInfo": Method(None, UserInfoResponse),
    "execOneOffCommand": Method(ExecOneOffCommandParams, ExecArbitraryCommandResponse),
}
"""What an editor may ask."""

SERVER_METHODS: dict[str, Method] = {
    "applyPatchApproval": Method(ApplyPatchApprovalParams, ApplyPatchApprovalResponse),
    "execCommandApproval": Method(ExecCommandApprovalParams, ExecCommandApprovalResponse),
}
"""What the server may ask."""

NOTIFICATIONS: dict[str, type[WireModel]] = {
    "authStatusChange": AuthStatusChangeNotification,
    "loginChatGptComplete": LoginChatGptCompleteNotification,
}
"""What the server tells beside events."""


@dataclass(frozen=True, slots=True)
class IdeRequest:
    """A request whose parameters have been read."""

    id: RequestId
    method: str
    params: WireModel | None

    def to_frame(self) -> JsonRpcRequest:
        """The request as it is written."""
        params = None if self.params is None else self.params.to_wire()
        return JsonRpcRequest(id=self.id, method=self.method, params=params)


def parse_client_request(frame: JsonRpcRequest) -> IdeRequest:
    """The editor's request a frame holds.

    Raises:
        UnknownMethodError: when it is none of the twenty methods.
        ProtocolError: when the parameters do not fit the method.
    """
    return _read(frame, CLIENT_METHODS)


def parse_server_request(frame: JsonRpcRequest) -> IdeRequest:
    """The server's question a frame holds.

    Raises:
        UnknownMethodError: when it is neither of the two.
        ProtocolError: when the parameters do not fit the method.
    """
    return _read(frame, SERVER_METHODS)


def parse_notification(frame: JsonRpcNotification) -> WireModel:
    """The parameters of a notification of the server, events included.

    Raises:
        UnknownMethodError: when the server sends no such notification.
        ProtocolError: when the parameters do not fit it.
    """
    if frame.method == "codex/event" or frame.method.startswith("codex/event/"):
        shape: type[WireModel] | None = EventNotificationParams
    else:
        shape = NOTIFICATIONS.get(frame.method)
    if shape is None:
        raise UnknownMethodError(f"unknown notification `{frame.method}`")
    return shape.from_wire(as_object(frame.params, "an object of parameters"))


def _read(frame: JsonRpcRequest, methods: Mapping[str, Method]) -> IdeRequest:
    method = methods.get(frame.method)
    if method is None:
        raise UnknownMethodError(f"unknown method `{frame.method}`")
    if method.params is None:
        return IdeRequest(frame.id, frame.method, None)
    params = method.params.from_wire(as_object(frame.params, "an object of parameters"))
    return IdeRequest(frame.id, frame.method, params)


def event_for_listener(event: Event, conversation_id: str) -> JsonRpcNotification:
    """The notification a conversation's listener gets of an event."""
    params = EventNotificationParams(id=event.id, msg=event.msg, conversation_id=conversation_id)
    return JsonRpcNotification(method=f"codex/event/{event.msg.type}", params=params.to_wire())


def event_for_tool_call(event: Event, request_id: RequestId | None) -> JsonRpcNotification:
    """The notification the caller of a tool gets of an event; without an id, the one sent on resuming."""
    meta = None if request_id is None else EventMeta(request_id=request_id)
    params = EventNotificationParams(meta=meta, id=event.id, msg=event.msg)
    return JsonRpcNotification(method="codex/event", params=params.to_wire())

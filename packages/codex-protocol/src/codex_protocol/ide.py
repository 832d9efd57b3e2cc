"""The editor methods of the stdio server: twenty requests, two questions back, and notifications.

Keys are camelCase but for the questions the server asks, whose parameters are snake_case
(spec: protocol.md section 12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias, cast

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from codex_protocol import ops
from codex_protocol.base import WireModel, as_object
from codex_protocol.camel import CamelModel
from codex_protocol.config_types import (
    AskForApproval,
    AuthMode,
    ReasoningEffort,
    ReasoningSummary,
    ReviewDecision,
    SandboxMode,
    TurnAbortReason,
    Verbosity,
)
from codex_protocol.errors import ProtocolError
from codex_protocol.events.dispatch import AnyEventMsg
from codex_protocol.fields import (
    Bool,
    ConversationId,
    GitSha,
    Int32,
    OmitNone,
    SandboxPolicy,
    Size,
    Uint,
    is_none,
)
from codex_protocol.file_change import FILE_CHANGE, FileChange
from codex_protocol.json_rpc import RequestId
from codex_protocol.jsonio import dumps
from codex_protocol.review import widened
from codex_protocol.unions import Tagged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from codex_protocol.jsonio import JSON
    from codex_protocol.shapes import Object, Shape

_FileChange: TypeAlias = Annotated[FileChange, FILE_CHANGE]


# --- input ----------------------------------------------------------------------------------------


class IdeInputModel(WireModel):
    """Base of the input items: a type, and everything else under `data`."""

    kind: ClassVar[str]

    @model_serializer(mode="wrap")
    def _under_data(self, inner: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {"type": self.kind, "data": inner(self)}

    @classmethod
    def from_wire(cls, data: Mapping[str, object]) -> Self:
        """The item a decoded JSON object stands for.

        Raises:
            ProtocolError: when it is of another kind or has not the shape of this one.
        """
        if data.get("type") != cls.kind:
            raise ProtocolError(f"expected an input item of type `{cls.kind}`")
        if "data" not in data:
            raise ProtocolError("missing field `data`")
        return super().from_wire(as_object(data["data"], "the data of an input item"))

    @classmethod
    def wire_shape(cls, fields: Object) -> Shape:
        """The fields under `data`."""
        from codex_protocol.shapes import Const, Member, Object

        return Object((Member("type", Const(cls.kind)), Member("data", fields)))


class IdeTextInput(IdeInputModel):
    """Something the user typed."""

    kind: ClassVar[str] = "text"

    text: str

    def to_input_item(self) -> ops.InputItem:
        """The item as it is submitted."""
        return ops.TextInput(text=self.text)


class IdeImageInput(IdeInputModel):
    """An image, as a URL or data URL."""

    kind: ClassVar[str] = "image"

    image_url: str

    def to_input_item(self) -> ops.InputItem:
        """The item as it is submitted."""
        return ops.ImageInput(image_url=self.image_url)


class IdeLocalImageInput(IdeInputModel):
    """An image in a file."""

    kind: ClassVar[str] = "localImage"

    path: str

    def to_input_item(self) -> ops.InputItem:
        """The item as it is submitted."""
        return ops.LocalImageInput(path=self.path)


IdeInputItem: TypeAlias = IdeTextInput | IdeImageInput | IdeLocalImageInput
IDE_INPUT_ITEM = Tagged(
    lambda: {"text": IdeTextInput, "image": IdeImageInput, "localImage": IdeLocalImageInput}
)
_IdeInputItem: TypeAlias = Annotated[IdeInputItem, IDE_INPUT_ITEM]


# --- conversations --------------------------------------------------------------------------------


class EmptyResult(CamelModel):
    """Done; there is nothing to say."""


class NewConversationParams(CamelModel):
    """How the new conversation differs from the configuration."""

    model: OmitNone[str] = None
    profile: OmitNone[str] = None
    cwd: OmitNone[str] = None
    approval_policy: OmitNone[AskForApproval] = None
    sandbox: OmitNone[SandboxMode] = None
    config: OmitNone[dict[str, object]] = None
    base_instructions: OmitNone[str] = None
    include_plan_tool: OmitNone[Bool] = None
    include_apply_patch_tool: OmitNone[Bool] = None


class NewConversationResponse(CamelModel):
    """The conversation that was started."""

    conversation_id: ConversationId
    model: str
    reasoning_effort: OmitNone[ReasoningEffort] = None
    rollout_path: str


class ListConversationsParams(CamelModel):
    """Which page of recorded conversations to list."""

    page_size: OmitNone[Size] = None
    cursor: OmitNone[str] = None


class ConversationSummary(CamelModel):
    """One recorded conversation."""

    conversation_id: ConversationId
    path: str
    preview: str
    timestamp: OmitNone[str] = None


class ListConversationsResponse(CamelModel):
    """A page of recorded conversations, and where the next begins."""

    items: tuple[ConversationSummary, ...]
    next_cursor: OmitNone[str] = None


class ResumeConversationParams(CamelModel):
    """Which recorded conversation to go on with."""

    path: str
    overrides: OmitNone[NewConversationParams] = None


class ResumeConversationResponse(CamelModel):
    """The conversation that goes on, and what was said in it."""

    conversation_id: ConversationId
    model: str
    initial_messages: OmitNone[tuple[AnyEventMsg, ...]] = None

    def to_wire(self) -> dict[str, JSON]:
        """The value as JSON-able data, review scores as a generic JSON tree shows them."""
        return cast("dict[str, JSON]", widened(super().to_wire()))

    def to_json(self) -> str:
        """The value as one line of JSON."""
        return dumps(self.to_wire())


class ArchiveConversationParams(CamelModel):
    """Which recorded conversation to put away; the path must be that of the id."""

    conversation_id: ConversationId
    rollout_path: str


class SendUserMessageParams(CamelModel):
    """Input for a conversation."""

    conversation_id: ConversationId
    items: tuple[_IdeInputItem, ...]


class SendUserTurnParams(CamelModel):
    """Input for a conversation, with a context for this turn only."""

    conversation_id: ConversationId
    items: tuple[_IdeInputItem, ...]
    cwd: str
    approval_policy: AskForApproval
    sandbox_policy: SandboxPolicy
    model: str
    effort: OmitNone[ReasoningEffort] = None
    summary: ReasoningSummary


class InterruptConversationParams(CamelModel):
    """Which conversation to interrupt."""

    conversation_id: ConversationId


class InterruptConversationResponse(CamelModel):
    """Why the turn ended."""

    abort_reason: TurnAbortReason


class AddConversationListenerParams(CamelModel):
    """Which conversation to report on."""

    conversation_id: ConversationId


class AddConversationSubscriptionResponse(CamelModel):
    """What to name the subscription by, to end it."""

    subscription_id: str


class RemoveConversationListenerParams(CamelModel):
    """Which subscription to end."""

    subscription_id: str


# --- sign-in --------------------------------------------------------------------------------------


class LoginApiKeyParams(CamelModel):
    """The key to sign in with."""

    api_key: str


class LoginChatGptResponse(CamelModel):
    """A sign-in under way, and the page that finishes it."""

    login_id: str
    auth_url: str


class CancelLoginChatGptParams(CamelModel):
    """Which sign-in to give up."""

    login_id: str


class GetAuthStatusParams(CamelModel):
    """Whether to tell the token, and whether to renew it first."""

    include_token: OmitNone[Bool] = None
    refresh_token: OmitNone[Bool] = None


class GetAuthStatusResponse(CamelModel):
    """How the user is signed in, if at all, and whether that is needed."""

    auth_method: OmitNone[AuthMode] = None
    auth_token: OmitNone[str] = None
    requires_openai_auth: OmitNone[Bool] = None


class UserInfoResponse(CamelModel):
    """Who the token says the user is; nobody has checked."""

    alleged_user_email: str | None = None


# --- configuration and the rest -------------------------------------------------------------------


class Profile(CamelModel):
    """A named set of settings; what it does not set is null."""

    model: str | None = None
    model_provider: str | None = None
    approval_policy: AskForApproval | None = None
    model_reasoning_effort: ReasoningEffort | None = None
    model_reasoning_summary: ReasoningSummary | None = None
    model_verbosity: Verbosity | None = None
    chatgpt_base_url: str | None = None


class Tools(CamelModel):
    """Which optional tools are on."""

    web_search: OmitNone[Bool] = None
    view_image: OmitNone[Bool] = None


class SandboxSettings(CamelModel):
    """What the `sandbox_workspace_write` table says."""

    writable_roots: tuple[str, ...] = ()
    network_access: OmitNone[Bool] = None
    exclude_tmpdir_env_var: OmitNone[Bool] = None
    exclude_slash_tmp: OmitNone[Bool] = None


class UserSavedConfig(CamelModel):
    """What config.toml says."""

    approval_policy: OmitNone[AskForApproval] = None
    sandbox_mode: OmitNone[SandboxMode] = None
    sandbox_settings: OmitNone[SandboxSettings] = None
    model: OmitNone[str] = None
    model_reasoning_effort: OmitNone[ReasoningEffort] = None
    model_reasoning_summary: OmitNone[ReasoningSummary] = None
    model_verbosity: OmitNone[Verbosity] = None
    tools: OmitNone[Tools] = None
    profile: OmitNone[str] = None
    profiles: dict[str, Profile] = Field(default_factory=dict)


class GetUserSavedConfigResponse(CamelModel):
    """What config.toml says."""

    config: UserSavedConfig


class SetDefaultModelParams(CamelModel):
    """The model and effort to keep; what is absent is cleared."""

    model: OmitNone[str] = None
    reasoning_effort: OmitNone[ReasoningEffort] = None


class GetUserAgentResponse(CamelModel):
    """What we call ourselves to servers."""

    user_agent: str


class GitDiffToRemoteParams(CamelModel):
    """Which repository."""

    cwd: str


class GitDiffToRemoteResponse(CamelModel):
    """The nearest commit a remote has, and everything since."""

    sha: GitSha
    diff: str


class ExecOneOffCommandParams(CamelModel):
    """A command to run outside any conversation."""

    command: tuple[str, ...]
    timeout_ms: OmitNone[Uint] = None
    cwd: OmitNone[str] = None
    sandbox_policy: SandboxPolicy | None = Field(default=None, exclude_if=is_none)


class ExecArbitraryCommandResponse(CamelModel):
    """How the command ended."""

    exit_code: Int32
    stdout: str
    stderr: str


# --- what the server asks and tells ---------------------------------------------------------------


class ExecCommandApprovalParams(WireModel):
    """May this command run?"""

    conversation_id: ConversationId
    call_id: str
    command: tuple[str, ...]
    cwd: str
    reason: OmitNone[str] = None


class ExecCommandApprovalResponse(WireModel):
    """The user's answer."""

    decision: ReviewDecision


class ApplyPatchApprovalParams(WireModel):
    """May these files be changed, and with `grant_root` everything below it from now on?"""

    conversation_id: ConversationId
    call_id: str
    file_changes: dict[str, _FileChange]
    reason: OmitNone[str] = None
    grant_root: OmitNone[str] = None


class ApplyPatchApprovalResponse(WireModel):
    """The user's answer."""

    decision: ReviewDecision


class AuthStatusChangeNotification(CamelModel):
    """How the user is signed in from now on; nothing when signed out."""

    auth_method: OmitNone[AuthMode] = None


class LoginChatGptCompleteNotification(CamelModel):
    """A sign-in has ended."""

    login_id: str
    success: Bool
    error: OmitNone[str] = None


class EventMeta(CamelModel):
    """Which tool call an event belongs to."""

    request_id: RequestId


class EventNotificationParams(WireModel):
    """An event on its way to a client: to the caller of a tool (`_meta`) or a listener (`conversationId`)."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    meta: EventMeta | None = Field(default=None, exclude_if=is_none, alias="_meta")
    id: str
    msg: AnyEventMsg
    conversation_id: str | None = Field(default=None, exclude_if=is_none, alias="conversationId")

    def to_wire(self) -> dict[str, JSON]:
        """The value as JSON-able data, review scores as a generic JSON tree shows them."""
        wire = super().to_wire()
        return cast("dict[str, JSON]", widened(wire)) if self.msg.type in _WITH_SCORES else wire

    def to_json(self) -> str:
        """The value as one line of JSON."""
        return dumps(self.to_wire())


_WITH_SCORES = frozenset({"exited_review_mode", "session_configured"})

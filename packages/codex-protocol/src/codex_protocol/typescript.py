"""TypeScript declarations of everything an editor says and hears, one file per type.

The names, fields and optionality are those `codex generate-ts` of the reference gives (spec: protocol.md
section 13). There optional keys are `T | null` though they may be absent on the wire, durations and bytes
are `string`, and 64-bit numbers are `bigint`.
"""

from __future__ import annotations

import os
from inspect import cleandoc
from typing import TYPE_CHECKING

from codex_protocol import ide, ide_methods, mcp_types
from codex_protocol.base import WireModel
from codex_protocol.events.dispatch import EVENT_MSG
from codex_protocol.file_change import FILE_CHANGE
from codex_protocol.parsed_command import PARSED_COMMAND
from codex_protocol.shapes import (
    SANDBOX_POLICY,
    Anything,
    Const,
    Either,
    Flag,
    ListOf,
    MapOf,
    Member,
    Named,
    Nullable,
    Number,
    Object,
    OtherThan,
    Shape,
    Text,
    shape_of,
    shape_of_marker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import Enum

HEADER = "// Written from the models of codex_protocol; changes belong there.\n\n"

JSON_VALUE = (
    "export type JsonValue =\n"
    "  | number\n  | string\n  | boolean\n  | null\n"
    "  | Array<JsonValue>\n  | { [key in string]?: JsonValue };\n"
)

_LARGEST_SAFE = 2**53 - 1
"""Integers up to here are exact as JavaScript numbers."""

_EVENT_PAYLOADS = {
    "shutdown_complete": None,
    "plan_update": "UpdatePlanArgs",
    "conversation_path": "ConversationPathResponseEvent",
    "entered_review_mode": "ReviewRequest",
}
"""Events whose payload goes by another name than the event, or that have none."""

_EMPTY_RESULTS = (
    "ArchiveConversationResponse",
    "CancelLoginChatGptResponse",
    "LoginApiKeyResponse",
    "LogoutChatGptResponse",
    "RemoveConversationSubscriptionResponse",
    "SendUserMessageResponse",
    "SendUserTurnResponse",
    "SetDefaultModelResponse",
)
_NOT_DECLARED = frozenset({"ExecArbitraryCommandResponse", "EmptyResult"})

_UNIONS: tuple[tuple[object, str, bool], ...] = (
    (EVENT_MSG, "EventMsg", False),
    (FILE_CHANGE, "FileChange", True),
    (PARSED_COMMAND, "ParsedCommand", True),
    (ide.IDE_INPUT_ITEM, "InputItem", True),
    (mcp_types.CONTENT_BLOCK, "ContentBlock", False),
    (mcp_types.EMBEDDED_RESOURCE, "EmbeddedResourceResource", False),
)
"""Markers, the names of their unions, and whether the members are spelled out in place."""


def write(out_dir: str) -> list[str]:
    """Writes the declarations below `out_dir`, which is made if need be, and gives the paths written.

    Raises:
        OSError: when a file cannot be written.
    """
    texts = {f"{name}.ts": text for name, text in declarations().items()}
    texts["index.ts"] = HEADER + "".join(
        f'export type {{ {name} }} from "./{name}";\n' for name in sorted(declarations())
    )
    texts["serde_json/JsonValue.ts"] = HEADER + JSON_VALUE
    paths = []
    for name, text in texts.items():
        path = os.path.join(out_dir, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        paths.append(path)
    return paths


def declarations() -> dict[str, str]:
    """The text of each type's file, by name."""
    declared = _Declarations()
    declared.add_all()
    return dict(sorted(declared.texts.items()))


class _Declarations:
    """Declares types as they are mentioned, until nothing mentioned is missing."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._mentioned: set[str] = set()
        self._waiting: dict[str, type[WireModel | Enum]] = {}

    def add_all(self) -> None:
        self._declare("ConversationId", "string")
        self._declare("GitSha", "string")
        self._declare("RequestId", "string | bigint")
        self._declare("SandboxPolicy", self._either(SANDBOX_POLICY))
        for name in _EMPTY_RESULTS:
            self._declare(name, "Record<string, never>")
        for marker, name, in_place in _UNIONS:
            self._add_union(marker, name, in_place=in_place)
        self._declare("ClientRequest", self._requests(ide_methods.CLIENT_METHODS))
        self._declare("ServerRequest", self._requests(ide_methods.SERVER_METHODS))
        notifications = [
            f'{{ "method": "{method}"; "params": {self._mention(cls)} }}'
            for method, cls in ide_methods.NOTIFICATIONS.items()
        ]
        self._declare("ServerNotification", _either_of(notifications))
        for method in (*ide_methods.CLIENT_METHODS.values(), *ide_methods.SERVER_METHODS.values()):
            self._mention(method.result)
        self._mention(mcp_types.InitializeResult)
        # These are wanted for themselves, not by the declaration that comes next.
        self._mentioned.clear()
        while self._waiting:
            name, cls = self._waiting.popitem()
            if name not in self.texts:
                self._add_type(name, cls)

    def _add_type(self, name: str, cls: type[WireModel | Enum]) -> None:
        if not issubclass(cls, WireModel):
            self._declare(name, _either_of([f'"{word.value}"' for word in cls]), cls)
            return
        shape = shape_of(cls)
        body = self._object(cls, shape) if isinstance(shape, Object) else self._type(shape)
        self._declare(name, body, cls)

    def _add_union(self, marker: object, name: str, *, in_place: bool) -> None:
        union = shape_of_marker(marker)
        if marker is EVENT_MSG:
            self._declare(name, _either_of([self._event(tag) for tag in EVENT_MSG.members()]))
            return
        options = [option.type for option in _options(union) if isinstance(option, Named)]
        if in_place:
            shapes = [shape_of(cls) for cls in options if issubclass(cls, WireModel)]
            self._declare(name, _either_of([self._type(shape) for shape in shapes]))
        else:
            self._declare(name, _either_of([self._mention(cls) for cls in options]))

    def _event(self, tag: str) -> str:
        cls = EVENT_MSG.members().get(tag)
        payload = _EVENT_PAYLOADS.get(tag, cls.__name__ if cls else None)
        if payload is None or cls is None:
            return f'{{ "type": "{tag}" }}'
        if payload in {"UpdatePlanArgs", "ReviewRequest"}:
            from codex_protocol import plan, review

            payload = self._mention(plan.UpdatePlanArgs if tag == "plan_update" else review.ReviewRequest)
        else:
            self._mentioned.add(payload)
            self._waiting[payload] = cls
        return f'{{ "type": "{tag}" }} & {payload}'

    def _requests(self, methods: Mapping[str, ide_methods.Method]) -> str:
        self._mentioned.add("RequestId")
        frames = []
        for name, method in methods.items():
            params = "" if method.params is None else f"; params: {self._mention(method.params)}"
            frames.append(f'{{ "method": "{name}"; id: RequestId{params} }}')
        return _either_of(frames)

    def _mention(self, cls: type[WireModel | Enum]) -> str:
        name = cls.__name__
        if name == "Duration":
            return "string"
        if name not in _NOT_DECLARED:
            self._mentioned.add(name)
            self._waiting.setdefault(name, cls)
        return name

    def _declare(self, name: str, body: str, about: type | None = None) -> None:
        imports = sorted(self._mentioned - {name})
        lines = [f'import type {{ {one} }} from "./{_home(one)}";\n' for one in imports]
        comment = _comment(cleandoc(about.__doc__)) if about is not None and about.__doc__ else ""
        gap = "\n" if lines else ""
        self.texts[name] = f"{HEADER}{''.join(lines)}{gap}{comment}export type {name} = {body};\n"
        self._mentioned.clear()

    def _object(self, cls: type[WireModel], shape: Object) -> str:
        is_mcp = cls.__module__ == mcp_types.__name__
        # The tag of an event stands in the union of events.
        is_event = shape.members[:1] and getattr(cls, "rollout_type", None) == "event_msg"
        members = shape.members[1:] if is_event else shape.members
        if not members:
            return "Record<string, never>"
        lines = [f"  {self._member(member, is_mcp=is_mcp)};\n" for member in members]
        return "{\n" + "".join(lines) + "}"

    def _member(self, member: Member, *, is_mcp: bool) -> str:
        is_absent = member.is_omittable and (is_mcp or not isinstance(member.shape, Nullable))
        return f"{member.key}{'?' if is_absent else ''}: {self._type(member.shape)}"

    def _either(self, shape: Either) -> str:
        return _either_of([self._type(option) for option in shape.options])

    def _type(self, shape: Shape) -> str:
        match shape:
            case Text("uuid"):
                self._mentioned.add("ConversationId")
                return "ConversationId"
            case Text("git-sha"):
                self._mentioned.add("GitSha")
                return "GitSha"
            case Text() | OtherThan():
                return "string"
            case Number(is_integer=True, maximum=int(high), in_memory=False) if high > _LARGEST_SAFE:
                return "bigint"
            case Number():
                return "number"
            case Flag():
                return "boolean"
            case Anything(is_object):
                self._mentioned.add("JsonValue")
                return "{ [key in string]?: JsonValue }" if is_object else "JsonValue"
            case Const(value):
                return f'"{value}"'
            case ListOf(item):
                return f"Array<{self._type(item)}>"
            case MapOf(value):
                return f"{{ [key in string]?: {self._type(value)} }}"
            case Nullable(inner):
                return f"{self._type(inner)} | null"
            case Either():
                return self._union(shape)
            case Named(cls):
                return self._mention(cls)
            case Object():
                return f"{{ {'; '.join(self._member(member, is_mcp=False) for member in shape.members)} }}"

    def _union(self, shape: Either) -> str:
        name = "SandboxPolicy" if shape is SANDBOX_POLICY else None
        for marker, union, _ in _UNIONS:
            if shape.marker is marker:
                name = union
        if name is None:
            return self._either(shape)
        self._mentioned.add(name)
        return name


def _options(shape: Shape) -> tuple[Shape, ...]:
    return shape.options if isinstance(shape, Either) else (shape,)


def _either_of(options: list[str]) -> str:
    joined = " | ".join(options)
    if len(joined) <= 80:
        return joined
    return "\n  | " + "\n  | ".join(options)


def _home(name: str) -> str:
    return "serde_json/JsonValue" if name == "JsonValue" else name


def _comment(text: str) -> str:
    lines = text.splitlines()
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"

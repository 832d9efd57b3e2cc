"""A request as a scripted model saw it, with what tests and scripts ask of it."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came over the wire."""

    method: str
    path: str
    """Path with query, as on the request line."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order they came."""
    body: bytes

    @property
    def route(self) -> str:
        """Method and path without the query, e.g. `POST /v1/responses`."""
        return f"{self.method} {self.path.partition('?')[0]}"

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; of a repeated one the last."""
        return dict(parse_qsl(self.path.partition("?")[2], keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """The value of a header, None when it was not sent; repeated ones are joined by a comma."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    # A decoded document is what the sender made it; tests index into it, so Any and not object.
    @property
    def json(self) -> Any:
        """The decoded body. Raises `ValueError` when it is no JSON."""
        data = gzip.decompress(self.body) if self.header("content-encoding") == "gzip" else self.body
        return json.loads(data)

    @property
    def input(self) -> list[dict[str, Any]]:
        """The items of a Responses request, or the messages of a Chat request."""
        document = self.json
        items: list[dict[str, Any]] = document["input"] if "input" in document else document["messages"]
        return items

    @property
    def tool_names(self) -> list[str]:
        """The tools offered, by name, else by type (`web_search`, `local_shell`)."""
        tools: list[dict[str, Any]] = self.json.get("tools", [])
        return [
            str(tool.get("name") or tool.get("function", {}).get("name") or tool["type"]) for tool in tools
        ]

    @property
    def tool_outputs(self) -> dict[str, str]:
        """What was answered to calls, by call id, on both wires."""
        outputs: dict[str, str] = {}
        for item in self.input:
            if item.get("role") == "tool":
                outputs[item["tool_call_id"]] = item["content"]
            elif str(item.get("type")).endswith("_call_output"):
                outputs[item["call_id"]] = item["output"]
        return outputs

    @property
    def texts(self) -> list[str]:
        """The texts of all messages, oldest first, on both wires."""
        texts: list[str] = []
        for item in self.input:
            content = item.get("content")
            if isinstance(content, str):
                texts.append(content)
            elif isinstance(content, list):
                texts.extend(part["text"] for part in content if "text" in part)
        return texts

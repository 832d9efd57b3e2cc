"""An MCP server on stdio that any client understands: three tools, one page, schemas of strings only."""

import json
import sys

TOOLS = [
    {
        "name": "echo",
        "description": "Echoes",
        "inputSchema": {
            "type": "object",
            "properties": {"msg": {"type": "string", "description": "what"}},
            "required": ["msg"],
        },
    },
    {"name": "facts", "description": "Facts", "inputSchema": {"type": "object", "properties": {}}},
    {"name": "fail", "description": "Fails", "inputSchema": {"type": "object", "properties": {}}},
]


def call(name, arguments):
    if name == "facts":
        return {"content": [], "structuredContent": {"b": 1, "a": [True, None, "ü"]}}
    if name == "fail":
        return {"content": [{"type": "text", "text": "no"}], "isError": True}
    return {"content": [{"type": "text", "text": arguments["msg"]}]}


def result(method, params):
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "small", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": TOOLS}
    return call(params["name"], params.get("arguments"))


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message and "method" in message:
        answer = {
            "jsonrpc": "2.0",
            "id": message["id"],
            "result": result(message["method"], message.get("params")),
        }
        print(json.dumps(answer), flush=True)

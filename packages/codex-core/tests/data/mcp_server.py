"""A small MCP server on stdio, standard library only: good manners by default, bad ones on request.

Words on its command line change how it starts:
    noise         prints lines that are no messages first
    silent        never answers anything
    refuse        answers `initialize` with an error
    die           writes to stderr and ends with exit code 3
    close         closes its stdout and stays
    pages         lists one tool per page
    odd           lists broken tools beside good ones
    stubborn      lives on when its input is closed, and when it is asked to end
    child         starts a process that sleeps, and says its id on stderr
    roots         asks for the roots before it answers `tools/list`
Every line it reads goes into the file MCP_LOG names.
"""

import json
import os
import signal
import subprocess
import sys
import time

WORDS = set(sys.argv[1:])
LONG = "L" * 70

TOOLS = [
    {
        "name": "echo",
        "description": "Echoes",
        "inputSchema": {
            "type": "object",
            "properties": {"msg": {"type": "string", "description": "what"}, "n": {"type": "integer"}},
            "required": ["msg"],
        },
    },
    {
        "name": LONG,
        "description": "A long name",
        "inputSchema": {"type": "object", "properties": {}},
        "annotations": {"readOnlyHint": True},
    },
    {"name": "noschema", "inputSchema": {"type": "object"}},
    {"name": "weird.name/x", "description": "Odd characters", "inputSchema": {"type": "object"}},
]
ODD = [
    7,
    {"description": "nameless"},
    {"name": "echo", "description": "again", "inputSchema": {"type": "object"}},
    {"name": "schemaless"},
    {"name": "badhint", "annotations": {"readOnlyHint": "yes"}, "inputSchema": {"type": "object"}},
    {"name": "huge", "description": "x" * 300_000, "inputSchema": {"type": "object"}},
]

LOG = os.environ.get("MCP_LOG")
extra = []


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def read():
    line = sys.stdin.readline()
    if not line:
        if "stubborn" in WORDS:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        sys.exit(0)
    if LOG:
        with open(LOG, "a") as log:
            log.write(line)
    return json.loads(line)


def text(value):
    return {"content": [{"type": "text", "text": value}]}


def call(number, params):
    arguments = params.get("arguments")
    word = (arguments or {}).get("msg")
    match word:
        case "structured":
            result = {**text("t"), "structuredContent": {"ok": True, "v": [1]}}
        case "error":
            result = {**text("bad"), "isError": True}
        case "rpcerr":
            send(id=number, error={"code": -32001, "message": "no such thing"})
            return
        case "unreadable":
            result = {"content": "not a list"}
        case "environment":
            result = text(json.dumps(dict(os.environ)))
        case "cwd":
            result = text(os.getcwd())
        case "huge":
            result = text("x" * (arguments["n"]))
        case "surrogate":
            result = text("\ud83d")
        case "odd question":  # nobody can read it, and it has the id of the call
            send(id=number, method="elicitation/create", params={"message": "\ud83d"})
            result = text("asked")
        case "never":
            return
        case "die":
            sys.stderr.write("starting\n\x1b[31mout of \x1b[0mluck\n")
            sys.stderr.flush()
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "change":
            extra.append({"name": "newcomer", "description": "New", "inputSchema": {"type": "object"}})
            send(method="notifications/tools/list_changed")
            result = text("changed")
        case "ask":
            answers = {}
            for method in ("roots/list", "elicitation/create", "sampling/createMessage", "ping", "tools/odd"):
                send(id="q-" + method, method=method, params={})
                answer = read()
                answers[method] = answer.get("result", answer.get("error"))
            result = text(json.dumps(answers))
        case _:
            result = text("echo:" + json.dumps(arguments))
    send(id=number, result=result)


def main():
    if "child" in WORDS:
        child = subprocess.Popen(["sleep", "600"])
        sys.stderr.write(f"child {child.pid}\n")
        sys.stderr.flush()
    if "noise" in WORDS:
        sys.stdout.write("Welcome!\n{not json\n[1,2]\n\n")
        sys.stdout.flush()
    if "die" in WORDS:
        sys.stderr.write("cannot find my settings\n")
        sys.exit(3)
    if "close" in WORDS:
        os.close(1)
        time.sleep(600)
    tools = TOOLS + (ODD if "odd" in WORDS else [])
    while True:
        message = read()
        number, method, params = message.get("id"), message.get("method"), message.get("params", {})
        if "silent" in WORDS or number is None:
            continue
        if method == "initialize" and "refuse" in WORDS:
            send(id=number, error={"code": -32000, "message": "no thanks"})
        elif method == "initialize":
            info = {"name": "test-server", "version": "1.2"}
            send(id=number, result={"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": info})
        elif method == "tools/list":
            if "roots" in WORDS:
                send(id="r", method="roots/list")
                read()
            if "pages" in WORDS:
                at = int(params.get("cursor", "0"))
                page = {"tools": tools[at : at + 1]}
                if at + 1 < len(tools):
                    page["nextCursor"] = str(at + 1)
                send(id=number, result=page)
            else:
                send(id=number, result={"tools": tools + extra})
        elif method == "tools/call":
            call(number, params)
        else:
            send(id=number, error={"code": -32601, "message": "unknown method"})


main()

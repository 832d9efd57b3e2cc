"""Further conversations that both agents are led through: tools beside the shell, MCP servers, pictures,
reviews, summaries by themselves, refusals, and questions that are answered beside a task.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from codex_core.testing import (
    Allowed,
    answer,
    completed,
    created,
    custom_call,
    event_seen,
    failed,
    function_call,
    http_error,
    local_shell_call,
    message,
    patch_call,
    reasoning,
    shell_call,
    sse,
    token_usage,
    web_search,
)
from interop.conversations import (
    FULL_ACCESS,
    HI,
    PARSER_WORDS,
    PATCH,
    Conversation,
    op,
    says,
)

MCP_SERVER = Path(__file__).with_name("small_mcp_server.py").read_text()
MCP = {**FULL_ACCESS, "mcp_servers": {"small": {"command": sys.executable, "args": ["server.py"]}}}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PIXEL_URL = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
FULL = token_usage(input_tokens=900, output_tokens=100)
REVIEW = op("s1", "review", review_request={"prompt": "Look at it.", "user_facing_hint": "it"})
FINDINGS = (
    '{"findings":[],"overall_correctness":"patch is correct","overall_explanation":"Fine.",'
    '"overall_confidence_score":0.5}'
)
ONCE = "what comes while the agent works is sent once (D2)"
BRIDGE_WORDS = "the words around a summary are our own"

TOOLS_AND_TASKS = [
    Conversation(
        "tools of an MCP server",
        lambda: [
            answer(
                function_call("small__echo", {"msg": "hi"}, "c1"),
                function_call("small__facts", "", "c2"),
                function_call("small__fail", {}, "c3"),
                function_call("small__nothing", {}, "c4"),
            ),
            answer(message("Called.")),
        ],
        (HI, op("s2", "list_mcp_tools")),
        settings=MCP,
        files={"server.py": MCP_SERVER},
        varying=("events[12].msg.tools",),
    ),
    Conversation(
        "a picture that is looked at",
        lambda: [answer(function_call("view_image", {"path": "dot.png"})), answer(message("A dot."))],
        (HI,),
        files={"dot.png": PIXEL},
        allowed=(Allowed("requests[1].body.input[5]", ONCE),),
    ),
    Conversation(
        "pictures of the user",
        lambda: [answer(message("Two dots."))],
        (
            op(
                "s1",
                "user_turn",
                items=[
                    {"type": "image", "image_url": PIXEL_URL},
                    {"type": "text", "text": "what is this"},
                    {"type": "local_image", "path": "dot.png"},
                ],
                cwd="/",
                approval_policy="never",
                sandbox_policy={"mode": "danger-full-access"},
                model="gpt-5",
                summary="auto",
            ),
        ),
        files={"dot.png": PIXEL},
    ),
    Conversation(
        "the shell of a model that has its own",
        lambda: [answer(local_shell_call(["echo", "hi"])), answer(message("Done."))],
        (HI,),
        model="codex-mini-latest",
    ),
    Conversation(
        "a freeform patch",
        lambda: [answer(patch_call(PATCH, freeform=True)), answer(message("Patched."))],
        (HI,),
        model="gpt-5-codex",
        settings={**FULL_ACCESS, "include_apply_patch_tool": True},
        files={"a.txt": "one\ntwo\n"},
    ),
    Conversation(
        "a freeform tool that is not there",
        lambda: [answer(custom_call("teleport", "Mars")), answer(message("Oh."))],
        (HI,),
        model="gpt-5-codex",
    ),
    Conversation(
        "a search on the web",
        lambda: [answer(*web_search("the weather"), message("Rain.")), answer(message("Still."))],
        (HI, says("s2", "and now")),
        settings={**FULL_ACCESS, "tools": {"web_search": True}},
    ),
    Conversation(
        "reasoning in the raw",
        lambda: [
            answer(
                reasoning("Sum.", content=["raw thought"], deltas=True),
                shell_call(["true"]),
            ),
            answer(message("Done.")),
        ],
        (HI,),
        settings={**FULL_ACCESS, "show_raw_agent_reasoning": True},
    ),
    Conversation(
        "effort, summary, verbosity and storage as configured",
        lambda: [answer(message("One"))],
        (HI,),
        settings={
            **FULL_ACCESS,
            "model_reasoning_effort": "minimal",
            "model_reasoning_summary": "none",
            "model_verbosity": "low",
        },
        provider={
            "query_params": {"api-version": "1"},
            "http_headers": {"x-team": "blue"},
            "name": "azure",
        },
    ),
    Conversation(
        "a model nobody knows",
        lambda: [answer(message("One"))],
        (HI,),
        model="o3-mini",
    ),
    Conversation(
        "saved prompts and the history of prompts",
        lambda: [answer(message("One")), answer(message("Two"))],
        (
            HI,
            op("s2", "list_custom_prompts"),
            op("s3", "add_to_history", text="hi"),
            op("s4", "get_history_entry_request", offset=7, log_id=1),
            says("s5", "more"),
        ),
        home_files={"prompts/b.md": "Second", "prompts/a.MD": "First", "prompts/c.txt": "None"},
        moments={
            "s2": event_seen("task_complete"),
            "s3": event_seen("list_custom_prompts_response"),
            "s4": event_seen("list_custom_prompts_response"),
            "s5": event_seen("get_history_entry_response"),
        },
    ),
    Conversation(
        "a review",
        lambda: [
            answer(shell_call(["git", "status", "--short"])),
            answer(message(FINDINGS)),
            answer(message("Two")),
        ],
        (REVIEW, says("s2", "more")),
    ),
    Conversation(
        "a review that answers in prose",
        lambda: [answer(message("All is well."))],
        (REVIEW,),
    ),
    Conversation(
        "a review that fails",
        lambda: [http_error(429, {"error": {"type": "usage_limit_reached", "resets_in_seconds": 60}})],
        (REVIEW,),
    ),
    Conversation(
        "a summary by itself between calls",
        lambda: [
            sse(created(), shell_call(["true"]), completed(FULL)),
            answer(message("Summary.")),
            answer(message("Done.")),
        ],
        (HI,),
        settings={**FULL_ACCESS, "model_auto_compact_token_limit": 500},
        allowed=(Allowed("requests[2].body.input[1].content[0].text", BRIDGE_WORDS),),
    ),
    Conversation(
        "a key that is refused",
        lambda: [http_error(401, {"error": {"message": "bad key"}})],
        (HI,),
        provider={"request_max_retries": 0, "stream_max_retries": 0},
        allowed=(Allowed("events[2].msg.message", "what the server says and what to do about it is told"),),
    ),
    Conversation(
        "a request that is refused",
        lambda: [http_error(400, {"error": {"message": "bad input"}}), answer(message("Better."))],
        (HI, says("s2", "again")),
        provider={"request_max_retries": 0, "stream_max_retries": 0},
    ),
    Conversation(
        "an allowance that is used up",
        lambda: [
            http_error(
                429,
                {
                    "error": {
                        "type": "usage_limit_reached",
                        "plan_type": "plus",
                        "resets_in_seconds": 90_061,
                    }
                },
            )
        ],
        (HI,),
    ),
    Conversation(
        "what is left of an allowance",
        lambda: [
            sse(
                created(),
                message("One"),
                completed(),
                headers={
                    "x-codex-primary-used-percent": "12.5",
                    "x-codex-primary-window-minutes": "300",
                    "x-codex-secondary-used-percent": "40",
                    "x-codex-secondary-window-minutes": "10080",
                },
            )
        ],
        (HI,),
        allowed=(
            Allowed("events[3].msg.rate_limits", "what is left is told, as newer releases do"),
            Allowed("rollout.event_msg[2].rate_limits", "what is left is told, as newer releases do"),
        ),
    ),
    Conversation(
        "a rate limit with its delay",
        lambda: [
            sse(created(), failed("rate_limit_exceeded", "Please try again in 12ms. Thanks.")),
            answer(message("Back.")),
        ],
        (HI,),
        provider={"stream_max_retries": 2},
    ),
    Conversation(
        "malformed events",
        lambda: [
            sse(
                created(),
                b": comment\n\n",
                b"data: {not json\n\n",
                b"event: x\r\ndata: []\r\n\r\n",
                b'data: {"type":"response.output_item.done","item":{"type":"message"}}\n\n',
                message("Hello"),
                completed(),
            )
        ],
        (HI,),
    ),
    Conversation(
        "input while a command runs",
        lambda: [
            answer(shell_call(["bash", "-c", "while [ ! -e go ]; do sleep 0.05; done"], timeout_ms=20_000)),
            answer(message("Both.")),
        ],
        (HI, says("s2", "and this")),
        moments={"s2": event_seen("exec_command_begin")},
        allowed=(
            Allowed("requests[1].body.input[5]", ONCE),
            Allowed("rollout.event_msg[2]", "a resumed session shows what was said while the agent worked"),
        ),
    ),
    Conversation(
        "a request to leave the sandbox that is denied",
        lambda: [
            answer(shell_call(["touch", "x"], escalate=True, justification="Needed.")),
            answer(message("Fine.")),
        ],
        (HI,),
        settings={"sandbox_mode": "workspace-write", "approval_policy": "on-request"},
        decisions=("denied",),
    ),
    Conversation(
        "a patch that goes too far",
        lambda: [
            answer(patch_call("*** Begin Patch\n*** Add File: /elsewhere/x\n+one\n*** End Patch\n")),
            answer(message("Fine.")),
        ],
        (HI,),
        settings={
            "sandbox_mode": "workspace-write",
            "approval_policy": "never",
            "include_apply_patch_tool": True,
        },
        allowed=(Allowed("events[2]", "a patch that policy refuses is announced"),),
    ),
    Conversation(
        "calls with one id and without",
        lambda: [
            answer(
                function_call("nothing", {}, "same", item_id="fc_1"),
                function_call("nothing", {}, "same", item_id="fc_2"),
                function_call("nothing", {}, "", item_id="fc_3"),
            ),
            answer(message("Oh.")),
        ],
        (HI,),
    ),
    Conversation(
        "arguments that are no JSON",
        lambda: [answer(function_call("shell", '{"command":["ls"')), answer(message("Oh."))],
        (HI,),
        allowed=(
            Allowed("requests[1].body.input[3].output", PARSER_WORDS),
            Allowed("rollout.response_item[3].output", PARSER_WORDS),
        ),
    ),
]

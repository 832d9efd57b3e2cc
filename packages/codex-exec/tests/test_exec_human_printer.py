"""The story of a run as people read it, event by event (spec: servers.md section 7.5)."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from codex_core.config import Config
from codex_exec import __version__
from codex_exec.human import HumanPrinter
from codex_exec.painter import Painter
from codex_protocol.events import Event, parse_event_msg

NO_TIME = {"secs": 0, "nanos": 804_000_000}
COMMAND = {"type": "exec_command_begin", "call_id": "c", "command": ["ls"], "cwd": "/w", "parsed_cmd": []}


class Story:
    """A printer in `/w` with its two outputs: the story, and what a pipe gets."""

    def __init__(
        self, *, one_stream: bool = False, show_reasoning: bool = True, colored: bool = False
    ) -> None:
        self._progress = io.StringIO()
        self._answers = io.StringIO()
        answers = None if one_stream else Painter(self._answers, colored=False)
        self.printer = HumanPrinter(
            Painter(self._progress, colored=colored), answers, show_reasoning=show_reasoning, cwd="/w"
        )

    def tell(self, *msgs: dict[str, Any]) -> str:
        """Prints events and gives all of the story so far."""
        for msg in msgs:
            self.printer.event(Event(id="0", msg=parse_event_msg(msg)))
        return self._progress.getvalue()

    @property
    def piped(self) -> str:
        return self._answers.getvalue()


def delta(text: str) -> dict[str, Any]:
    return {"type": "agent_message_delta", "delta": text}


def message(text: str) -> dict[str, Any]:
    return {"type": "agent_message", "message": text}


def thought_delta(text: str) -> dict[str, Any]:
    return {"type": "agent_reasoning_delta", "delta": text}


def thought(text: str) -> dict[str, Any]:
    return {"type": "agent_reasoning", "text": text}


SECTION = {"type": "agent_reasoning_section_break"}
TOKENS = {
    "type": "token_count",
    "info": {
        "total_token_usage": {
            "input_tokens": 12_000,
            "cached_input_tokens": 2_000,
            "output_tokens": 500,
            "reasoning_output_tokens": 0,
            "total_tokens": 12_500,
        },
        "last_token_usage": {
            "input_tokens": 1,
            "cached_input_tokens": 0,
            "output_tokens": 1,
            "reasoning_output_tokens": 0,
            "total_tokens": 2,
        },
        "model_context_window": None,
    },
}


def end(output: str = "", exit_code: int = 0, duration: dict[str, int] = NO_TIME) -> dict[str, Any]:
    return {
        "type": "exec_command_end",
        "call_id": "c",
        "stdout": output,
        "stderr": "",
        "aggregated_output": output,
        "exit_code": exit_code,
        "duration": duration,
        "formatted_output": output,
    }


# -- beginning and end --------------------------------------------------------------------------


def test_it_begins_with_the_settings_and_the_request(config: Config) -> None:
    story = Story()
    story.printer.begin(replace(config, notices=("a key is unknown",)), "do this\nand that\n\n")
    assert story.tell().splitlines() == [
        f"Codex {__version__}",
        "--------",
        f"workdir: {config.cwd}",
        "model: gpt-5",
        "provider: openai",
        "approval: never",
        "sandbox: read-only",
        "reasoning effort: none",
        "reasoning summaries: auto",
        "note: a key is unknown",
        "--------",
        "user",
        "do this",
        "and that",
    ]


def test_settings_and_request_cannot_command_the_terminal(config: Config) -> None:
    story = Story()
    story.printer.begin(replace(config, cwd="/w/\x1b]0;x\x07", notices=("\x1b[2J",)), "\x1b[31mred")
    assert "\x1b" not in story.tell()
    assert "␛[31mred" in story.tell()


@pytest.mark.parametrize(
    ("text", "piped"), [("Done.", "Done.\n"), ("Done.\n", "Done.\n"), ("a\n\n", "a\n\n")]
)
def test_the_answer_goes_down_the_pipe_with_one_line_end(text: str, piped: str) -> None:
    story = Story()
    story.tell(message(text))
    story.printer.end(text)
    assert story.piped == piped


def test_the_pipe_gets_the_answer_byte_for_byte() -> None:
    story = Story()
    story.printer.end("\x1b[31mred\ttab\r\nüñ")
    assert story.piped == "\x1b[31mred\ttab\r\nüñ\n"


def test_without_an_answer_the_pipe_stays_empty() -> None:
    story = Story()
    story.printer.end(None)
    assert story.piped == ""


def test_on_a_terminal_the_answer_is_not_said_twice() -> None:
    story = Story(one_stream=True)
    story.tell(delta("Done."), message("Done."))
    story.printer.end("Done.")
    assert story.tell().count("Done.") == 1


def test_the_tokens_of_all_requests_are_told_at_the_end() -> None:
    story = Story()
    assert story.tell(TOKENS, TOKENS) == ""
    story.printer.end(None)
    assert story.tell() == "tokens used: 10,500\n"


def test_no_usage_is_no_tokens() -> None:
    story = Story()
    story.tell({"type": "token_count", "info": None})
    story.printer.end(None)
    assert story.tell() == ""


# -- what the model says ------------------------------------------------------------------------


def test_streamed_text_is_printed_once_as_it_comes() -> None:
    story = Story()
    assert story.tell(delta("Hel")) == "\ncodex\nHel"
    assert story.tell(delta("lo\nyou"), message("Hello\nyou"), TOKENS) == "\ncodex\nHello\nyou\n"


def test_a_text_that_was_not_streamed_is_printed_whole() -> None:
    assert Story().tell(message("Hello\nyou")) == "\ncodex\nHello\nyou\n"


def test_messages_streamed_one_after_another() -> None:
    told = Story().tell(delta("one"), message("one"), delta("two"), message("two"))
    assert told == "\ncodex\none\n\ncodex\ntwo\n"


def test_a_message_that_was_not_streamed_behind_one_that_was() -> None:
    told = Story().tell(delta("one"), message("one"), message("two"))
    assert told == "\ncodex\none\n\ncodex\ntwo\n"


def test_what_was_streamed_in_an_earlier_answer_does_not_count() -> None:
    told = Story().tell(delta("same"), message("same"), TOKENS, message("same"))
    assert told.count("same") == 2


def test_a_stream_that_broke_off_is_told_again_from_the_start() -> None:
    broken = {"type": "stream_error", "message": "stream error: gone; retrying 1/5 in 1s…"}
    told = Story().tell(delta("Hel"), broken, delta("Hel"), delta("lo"), message("Hello"))
    assert told == (
        "\ncodex\nHel\n(cut off; asked again)\nstream error: gone; retrying 1/5 in 1s…\n\ncodex\nHello\n"
    )


def test_a_stream_that_broke_off_does_not_count() -> None:
    broken = {"type": "stream_error", "message": "gone"}
    assert Story().tell(delta("Hello"), broken, message("Hell")).endswith("\ngone\n\ncodex\nHell\n")


def test_the_same_words_twice_are_two_messages() -> None:
    assert Story().tell(delta("one"), message("one"), message("one")).count("one") == 2


def test_a_command_ends_a_streamed_line() -> None:
    told = Story().tell(delta("I look"), message("I look"), COMMAND)
    assert told == "\ncodex\nI look\n\n$ ls\n"
    told = Story().tell(delta("I look"), COMMAND)
    assert told == "\ncodex\nI look\n\n$ ls\n"


def test_thoughts_of_several_parts_are_printed_once_each() -> None:
    told = Story().tell(
        SECTION, thought_delta("**One** "), thought_delta("first"),
        SECTION, thought_delta("**Two** second"),
        thought("**One** first"), thought("**Two** second"), message("ok"),
    )  # fmt: skip
    assert told == "\nthinking\n**One** first\n\n**Two** second\n\ncodex\nok\n"


def test_thoughts_that_were_not_streamed() -> None:
    assert Story().tell(thought("first"), thought("second")) == "\nthinking\nfirst\n\nthinking\nsecond\n"


def test_thoughts_can_be_hidden() -> None:
    story = Story(show_reasoning=False)
    assert story.tell(SECTION, thought_delta("hm"), thought("hm")) == ""


def test_raw_thoughts_are_told_apart() -> None:
    told = Story().tell(
        {"type": "agent_reasoning_raw_content_delta", "delta": "raw"},
        {"type": "agent_reasoning_raw_content", "text": "raw"},
        {"type": "agent_reasoning_raw_content", "text": "more"},
    )
    assert told == "\nraw thinking\nraw\n\nraw thinking\nmore\n"


def test_what_the_model_says_cannot_command_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07a\rb\x9b31m"
    for msgs in ([delta(hostile)], [message(hostile)], [thought(hostile)], [delta("\x1b"), delta("[2J")]):
        told = Story().tell(*msgs)
        assert not set(told) & {"\x1b", "\x07", "\r", "\x9b"}
    assert "a␍b" in Story().tell(message(hostile))


# -- what it does -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("msg", "rows"),
    [
        (end("one\ntwo\n"), ["one", "two", "succeeded in 804ms"]),
        (end("", 3, {"secs": 75, "nanos": 0}), ["exited 3 in 1m 15s"]),
        (end("denied\n", -1), ["denied", "failed"]),
        (
            end("".join(f"{n}\n" for n in range(30))),
            [*map(str, range(20)), "… 10 more lines", "succeeded in 804ms"],
        ),
        (end("10%\r100%\x1b[K\n"), ["100%", "succeeded in 804ms"]),
    ],
)
def test_a_command_and_its_end(msg: dict[str, Any], rows: list[str]) -> None:
    assert Story().tell(COMMAND, msg).splitlines() == ["", "$ ls", *rows]


@pytest.mark.parametrize(
    ("argv", "cwd", "row"),
    [
        (["bash", "-lc", "echo 'a b'"], "/w", "$ echo 'a b'"),
        (["bash", "-c", "echo 'a b'"], "/w", "$ bash -c \"echo 'a b'\""),
        (["ls"], "/w/sub", "$ ls in sub"),
        (["ls"], "/elsewhere", "$ ls in /elsewhere"),
    ],
)
def test_a_command_as_one_would_type_it(argv: list[str], cwd: str, row: str) -> None:
    assert Story().tell({**COMMAND, "command": argv, "cwd": cwd}).splitlines() == ["", row]


def test_nothing_of_a_command_is_hidden() -> None:
    for word in ("ls # \rrm -rf ~", "ls \x1b]0;\nrm -rf ~\x07", "\x1b[8mrm -rf ~", "ls\x08\x08rm -rf ~"):
        told = Story().tell({**COMMAND, "command": ["bash", "-c", word], "cwd": "/w/\x1b[2J"})
        assert "rm -rf ~" in told
        assert "ls" in told or "[8m" in told
        assert "\x1b" not in told


def test_a_patch_and_its_end() -> None:
    begin = {
        "type": "patch_apply_begin",
        "call_id": "c",
        "auto_approved": True,
        "changes": {"/w/a": {"add": {"content": "x\n"}}, "/w/\x1b[2J": {"delete": {"content": ""}}},
    }
    done = {"type": "patch_apply_end", "call_id": "c", "stdout": "Success.\n", "stderr": "", "success": True}
    assert Story().tell(begin, done).splitlines() == [
        "", "patch", "D ␛[2J (+0 -0)", "A a (+1 -0)", "    1 +x", "patch applied", "Success.",
    ]  # fmt: skip
    failed = {**done, "success": False, "stdout": "", "stderr": "no\n"}
    assert Story().tell(failed) == "patch failed\nno\n"
    assert Story().tell({**failed, "stdout": "why\n", "stderr": ""}) == "patch failed\nwhy\n"


def test_a_plan() -> None:
    told = Story().tell(
        {"type": "plan_update", "explanation": "So.", "plan": [{"step": "read", "status": "in_progress"}]}
    )
    assert told == "\nplan\nSo.\n  → read\n"


@pytest.mark.parametrize(
    ("msg", "told"),
    [
        ({"type": "error", "message": "gone\x1b[2J"}, "ERROR: gone␛[2J\n"),
        ({"type": "error", "message": "two\nlines"}, "ERROR: two\nlines\n"),
        ({"type": "background_event", "message": "busy"}, "busy\n"),
        ({"type": "web_search_end", "call_id": "w", "query": "cats"}, "searched the web: cats\n"),
        ({"type": "turn_aborted", "reason": "interrupted"}, "interrupted\n"),
        (
            {
                "type": "mcp_tool_call_begin",
                "call_id": "m",
                "invocation": {"server": "s", "tool": "t\x07", "arguments": None},
            },
            "\ntool s.t␇()\n",
        ),
        ({"type": "task_started", "model_context_window": None}, ""),
        ({"type": "task_complete", "last_agent_message": "x"}, ""),
        ({"type": "turn_diff", "unified_diff": "diff"}, ""),
        ({"type": "from_the_future", "what": 1}, ""),
    ],
)
def test_other_events(msg: dict[str, Any], told: str) -> None:
    assert Story().tell(msg) == told


def test_colours_are_of_the_story_only() -> None:
    story = Story(colored=True)
    story.tell(message("ok"), {"type": "error", "message": "gone"})
    story.printer.end("ok")
    assert "\x1b[1;36mcodex\x1b[0m\nok\n" in story.tell()
    assert "\x1b[1;31mERROR: gone\x1b[0m" in story.tell()
    assert story.piped == "ok\n"

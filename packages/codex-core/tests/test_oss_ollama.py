"""`--oss`: a server that answers as Ollama does, from the probe to the model (spec: auth.md section 14)."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_core.config import Config, ConfigFlags, load_config
from codex_core.oss.errors import LocalModelError
from codex_core.oss.ollama import Ollama
from codex_core.oss.progress import GIB, PullProgress
from codex_core.oss.pull import Failed, LayerProgress, PullLines, Status, Succeeded
from codex_core.oss.setup import prepare_local_model
from codex_core.services import Services
from codex_core.testing import ScratchHome

MODEL = "gpt-oss:20b"
LAYER, CONFIG = "sha256:aaa", "sha256:bbb"
PULL = [
    {"status": "pulling manifest"},
    {"status": "pulling aaa", "digest": LAYER, "total": 2 * GIB},
    {"status": "pulling aaa", "digest": LAYER, "total": 2 * GIB, "completed": GIB},
    {"status": "pulling aaa", "digest": LAYER, "total": 2 * GIB, "completed": 2 * GIB},
    {"status": "pulling bbb", "digest": CONFIG, "total": 512, "completed": 512},
    {"status": "verifying sha256 digest"},
    {"status": "writing manifest"},
    {"status": "success"},
]
NOT_RUNNING = (
    "OSS setup failed: No running Ollama server detected. Start it with: `ollama serve` (after installing). "
    "Install instructions: https://github.com/ollama/ollama?tab=readme-ov-file#ollama"
)


class FakeOllama:
    """Ollama's paths, statuses and bodies. `lines` is what a pull tells; the model is there after it."""

    def __init__(self, *, models: Iterable[str] = (), lines: Iterable[object] = PULL) -> None:
        self.models = list(models)
        self.lines = list(lines)
        self.failing: dict[str, int] = {}
        self.tags: bytes | None = None
        self.breaks_off = False
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def routes(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        head: h11.Request | None = None
        body = b""
        try:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    data = await reader.read(65536)
                    if not data:
                        return
                    connection.receive_data(data)
                elif isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
            assert head is not None
            headers = {name.decode(): value.decode() for name, value in head.headers}
            path = head.target.decode()
            self.asked.append((head.method.decode(), path, json.loads(body) if body else None, headers))
            for part in self._answer(connection, path):
                writer.write(part)
                await writer.drain()
        finally:
            writer.close()

    def _answer(self, connection: h11.Connection, path: str) -> Iterable[bytes]:
        status = self.failing.get(path, 200)
        known = path in ("/", "/v1/models", "/api/tags", "/api/pull")
        status = status if known else 404
        kind = "application/x-ndjson" if path == "/api/pull" else "application/json"
        head = h11.Response(status_code=status, headers=[("content-type", kind), ("connection", "close")])
        yield connection.send(head) or b""
        if status == 200:
            for part in self._body(path):
                yield connection.send(h11.Data(part)) or b""
        if not (self.breaks_off and path == "/api/pull"):
            yield connection.send(h11.EndOfMessage()) or b""

    def _body(self, path: str) -> Iterable[bytes]:
        match path:
            case "/v1/models":
                entries = [{"id": name, "object": "model", "owned_by": "library"} for name in self.models]
                yield json.dumps({"object": "list", "data": entries or None}).encode()
            case "/api/tags" if self.tags is not None:
                yield self.tags
            case "/api/tags":
                yield json.dumps(
                    {"models": [{"name": n, "model": n, "size": 1} for n in self.models]}
                ).encode()
            case "/api/pull":
                for line in self.lines:
                    raw = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
                    # In two pieces: a line need not come in one.
                    yield raw[:7]
                    yield raw[7:]


@asynccontextmanager
async def serving(ollama: FakeOllama) -> AsyncIterator[FakeOllama]:
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(ollama.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    ollama.port = server.sockets[0].getsockname()[1]
    try:
        yield ollama
    finally:
        server.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def services_of(home: ScratchHome, base_url: str, times: Iterable[float] = ()) -> Services:
    clock = iter(times)
    return Services(environ=home.environ(CODEX_OSS_BASE_URL=base_url), monotonic=lambda: next(clock, 100.0))


def config_of(services: Services) -> Config:
    return load_config(overrides=(), flags=ConfigFlags(oss=True), services=services)


async def prepare(
    home: ScratchHome, base_url: str, *, terminal: bool = True, times: Iterable[float] = ()
) -> str:
    services = services_of(home, base_url, times)
    output = Terminal() if terminal else io.StringIO()
    await prepare_local_model(config_of(services), services, output=output)
    return output.getvalue()


async def failure(home: ScratchHome, base_url: str) -> str:
    with pytest.raises(LocalModelError) as caught:
        await prepare(home, base_url)
    return str(caught.value)


async def test_a_model_that_is_there_is_not_pulled(scratch_home: ScratchHome) -> None:
    async with serving(FakeOllama(models=["other", MODEL])) as ollama:
        assert await prepare(scratch_home, ollama.base_url) == ""
    assert ollama.routes == ["GET /v1/models", "GET /api/tags"]
    for _, _, _, headers in ollama.asked:
        assert not {"authorization", "originator", "user-agent", "chatgpt-account-id"} & set(headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_server_on_this_machine_is_found_behind_a_proxy_of_the_environment(
    scratch_home: ScratchHome, monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    async with serving(FakeOllama(models=[MODEL])) as ollama:
        assert await prepare(scratch_home, ollama.base_url.replace("127.0.0.1", host)) == ""


@pytest.mark.parametrize("suffix", ["", "/"])
async def test_a_base_without_the_openai_paths_is_probed_with_ollamas(
    scratch_home: ScratchHome, suffix: str
) -> None:
    async with serving(FakeOllama(models=[MODEL])) as ollama:
        await prepare(scratch_home, f"http://127.0.0.1:{ollama.port}{suffix}")
    assert ollama.routes == ["GET /api/tags", "GET /api/tags"]


async def test_a_missing_model_is_pulled_and_the_progress_shown(scratch_home: ScratchHome) -> None:
    async with serving(FakeOllama(models=["gpt-oss:120b"])) as ollama:
        shown = await prepare(scratch_home, ollama.base_url, times=[10.0, 12.0, 12.0, 20.0])
    assert ollama.asked[-1][:3] == ("POST", "/api/pull", {"model": MODEL, "stream": True})
    before, announcement, after = shown.partition("\r\x1b[2KDownloading model: total 2.00 GB\n")
    assert announcement
    assert before == "\rPulling model gpt-oss:20b..."
    assert after.split("\r")[1:] == [
        "0.00/2.00 GB (0.0%) 0.0 MB/s",
        "1.00/2.00 GB (50.0%) 512.0 MB/s",
        "2.00/2.00 GB (100.0%) 1024000.0 MB/s",
        "2.00/2.00 GB (100.0%) 0.0 MB/s      ",
        "verifying sha256 digest       ",
        "writing manifest       \n",
    ]


async def test_a_log_gets_a_line_now_and_then(scratch_home: ScratchHome) -> None:
    steps = [{"digest": LAYER, "total": GIB, "completed": GIB * n // 100} for n in range(101)]
    async with serving(FakeOllama(lines=[PULL[0], *steps, {"status": "success"}])) as ollama:
        shown = await prepare(scratch_home, ollama.base_url, terminal=False)
    lines = shown.splitlines()
    assert lines[:2] == ["Pulling model gpt-oss:20b...", "Downloading model: total 1.00 GB"]
    assert len(lines) == 12
    assert lines[-1] == "1.00/1.00 GB (100.0%)"
    assert "\r" not in shown
    assert "\x1b" not in shown


async def test_lines_that_are_no_json_are_skipped(scratch_home: ScratchHome) -> None:
    lines = [b"nonsense\n", b"[1]\n", b'"x"\n', b"\n", b"\xff\n", {"total": "many", "completed": True}]
    async with serving(FakeOllama(lines=[*lines, b'{"status":"success"}'])) as ollama:
        assert await prepare(scratch_home, ollama.base_url) == "\rPulling model gpt-oss:20b...\n"


async def test_an_error_in_the_stream(scratch_home: ScratchHome) -> None:
    lines = [PULL[0], {"error": "pull model manifest: file does not exist\x1b[2J"}, {"status": "success"}]
    async with serving(FakeOllama(lines=lines)) as ollama:
        assert await failure(scratch_home, ollama.base_url) == (
            "OSS setup failed: Pull failed: pull model manifest: file does not exist␛[2J"
        )


@pytest.mark.parametrize("breaks_off", [False, True])
async def test_a_stream_that_ends_before_its_time(scratch_home: ScratchHome, breaks_off: bool) -> None:
    async with serving(FakeOllama(lines=PULL[:-1])) as ollama:
        ollama.breaks_off = breaks_off
        assert await failure(scratch_home, ollama.base_url) == (
            "OSS setup failed: Pull stream ended unexpectedly without success."
        )


async def test_a_pull_that_is_refused(scratch_home: ScratchHome) -> None:
    async with serving(FakeOllama()) as ollama:
        ollama.failing["/api/pull"] = 500
        assert await failure(scratch_home, ollama.base_url) == (
            "OSS setup failed: failed to start pull: HTTP 500 Internal Server Error"
        )


async def test_no_server(scratch_home: ScratchHome) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        assert await failure(scratch_home, base_url) == NOT_RUNNING


async def test_something_else_at_that_port(scratch_home: ScratchHome) -> None:
    async with serving(FakeOllama()) as ollama:
        ollama.failing["/v1/models"] = 404
        assert await failure(scratch_home, ollama.base_url) == NOT_RUNNING


async def test_a_list_of_models_that_is_refused_leads_to_a_pull(scratch_home: ScratchHome) -> None:
    async with serving(FakeOllama(models=[MODEL])) as ollama:
        ollama.failing["/api/tags"] = 503
        await prepare(scratch_home, ollama.base_url)
    assert ollama.routes[-1] == "POST /api/pull"


async def test_a_list_of_models_that_cannot_be_read_is_only_a_warning(
    scratch_home: ScratchHome, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(FakeOllama()) as ollama:
        ollama.tags = b"<html>"
        with caplog.at_level(logging.WARNING):
            assert await prepare(scratch_home, ollama.base_url) == ""
    assert "the answer is not JSON" in caplog.text
    assert "POST /api/pull" not in ollama.routes


@pytest.mark.parametrize("tags", [b"[]", b'{"models": null}', b'{"models": [1, {"name": 2}, {}]}'])
async def test_lists_of_models_without_names(tags: bytes) -> None:
    async with serving(FakeOllama()) as ollama:
        ollama.tags = tags
        assert await Ollama(ollama.base_url).models() == []


async def test_other_providers_need_nothing(scratch_home: ScratchHome) -> None:
    services = services_of(scratch_home, "http://127.0.0.1:1/v1")
    config = config_of(services)
    other = replace(config.model_provider, id="mine")
    await prepare_local_model(replace(config, model_provider=other), services)


async def test_a_pull_that_is_stopped_hangs_up(scratch_home: ScratchHome) -> None:
    async with serving(FakeOllama()) as ollama:
        events = Ollama(ollama.base_url).pull(MODEL)
        assert await anext(events) == Status("pulling manifest")
        await events.aclose()


def test_layers_are_summed() -> None:
    progress = PullProgress(MODEL, iter(range(100)).__next__, is_terminal=True)
    progress.feed(LayerProgress("a", GIB, GIB))
    assert progress.feed(LayerProgress("b", GIB, 0)) == "\r1.00/2.00 GB (50.0%) 0.0 MB/s" + " "
    assert progress.feed(LayerProgress("b", completed=GIB)) == "\r2.00/2.00 GB (100.0%) 1024.0 MB/s"
    assert progress.feed(Succeeded()) == "\n"
    assert progress.feed(Succeeded()) == ""


def test_amounts_without_a_total_are_not_shown() -> None:
    progress = PullProgress(MODEL, lambda: 0.0, is_terminal=True)
    assert progress.feed(LayerProgress("a", None, 5)) == ""
    assert progress.feed(LayerProgress("a", 0, 5)) == ""


@given(st.lists(st.integers(1, 40), max_size=30))
def test_lines_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    stream = b"".join(json.dumps(line).encode() + b"\n" for line in PULL)
    whole = PullLines()
    expected = [*whole.feed(stream), *whole.finish()]
    pieces = PullLines()
    found = []
    for cut in cuts:
        found += pieces.feed(stream[:cut])
        stream = stream[cut:]
    found += [*pieces.feed(stream), *pieces.finish()]
    assert found == expected
    assert expected[-1] == Succeeded()


@given(st.binary())
def test_any_bytes_can_be_read(data: bytes) -> None:
    lines = PullLines()
    events = [*lines.feed(data), *lines.finish()]
    assert all(isinstance(event, Status | LayerProgress | Succeeded | Failed) for event in events)


def test_a_line_without_end_is_not_kept() -> None:
    lines = PullLines()
    for _ in range(20):
        assert lines.feed(b"x" * 100_000) == []
    assert lines.feed(b'\n{"status": "success"}\n')[-1] == Succeeded()

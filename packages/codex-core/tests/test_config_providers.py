"""Built-in providers and what the environment does to them (spec: config-cli.md section 9)."""

from __future__ import annotations

import pytest

from codex_core.config.providers import ModelProvider, WireApi, built_in_providers


def test_openai():
    assert built_in_providers({})["openai"] == ModelProvider(
        id="openai",
        name="OpenAI",
        base_url=None,
        wire_api=WireApi.RESPONSES,
        http_headers={"version": "0.36.0"},
        env_http_headers={"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"},
        request_max_retries=4,
        stream_max_retries=5,
        stream_idle_timeout_ms=300_000,
        requires_openai_auth=True,
    )


@pytest.mark.parametrize(("value", "url"), [("http://x/v1", "http://x/v1"), ("", None), ("  ", None)])
def test_base_url_of_openai_comes_from_the_environment(value, url):
    assert built_in_providers({"OPENAI_BASE_URL": value})["openai"].base_url == url


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://localhost:11434/v1"),
        ({"CODEX_OSS_PORT": "1234"}, "http://localhost:1234/v1"),
        ({"CODEX_OSS_PORT": "x"}, "http://localhost:11434/v1"),
        ({"CODEX_OSS_PORT": "70000"}, "http://localhost:11434/v1"),
        ({"CODEX_OSS_PORT": "9" * 5000}, "http://localhost:11434/v1"),
        ({"CODEX_OSS_PORT": "-1"}, "http://localhost:11434/v1"),
        ({"CODEX_OSS_PORT": "²"}, "http://localhost:11434/v1"),
        ({"CODEX_OSS_BASE_URL": " ", "CODEX_OSS_PORT": "1"}, "http://localhost:1/v1"),
        ({"CODEX_OSS_BASE_URL": "http://h/v1", "CODEX_OSS_PORT": "1"}, "http://h/v1"),
    ],
)
def test_oss(environ, url):
    provider = built_in_providers(environ)["oss"]
    assert provider == ModelProvider(id="oss", name="gpt-oss", base_url=url, wire_api=WireApi.CHAT)


def test_demo_needs_neither_key_nor_network():
    demo = built_in_providers({})["demo"]
    assert (demo.name, demo.wire_api, demo.requires_openai_auth) == ("Offline demo", WireApi.RESPONSES, False)
    assert demo.base_url is not None
    assert ".invalid/" in demo.base_url


def test_headers_of_the_environment_are_sent_when_not_blank():
    provider = built_in_providers({})["openai"]
    assert provider.headers({"OPENAI_ORGANIZATION": "org", "OPENAI_PROJECT": " "}) == {
        "version": "0.36.0",
        "OpenAI-Organization": "org",
    }


@pytest.mark.parametrize(
    ("name", "url", "wire", "azure"),
    [
        ("Azure", None, WireApi.RESPONSES, True),
        ("azure", None, WireApi.CHAT, False),
        ("x", "https://r.openai.azure.com/openai", WireApi.RESPONSES, True),
        ("x", "https://r.openai.azure.com/openai", WireApi.CHAT, False),
        ("x", "https://r.COGNITIVESERVICES.azure.com", WireApi.RESPONSES, True),
        ("x", "https://r.aoai.azure.com", WireApi.RESPONSES, True),
        ("x", "https://r.azure-api.net", WireApi.RESPONSES, True),
        ("x", "https://r.azurefd.net", WireApi.RESPONSES, True),
        ("x", "https://myazurewebsites.net", WireApi.RESPONSES, False),
    ],
)
def test_azure_is_recognised(name, url, wire, azure):
    assert ModelProvider(id="x", name=name, base_url=url, wire_api=wire).is_azure is azure

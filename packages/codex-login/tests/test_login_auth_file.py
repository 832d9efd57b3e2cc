"""auth.json on disk (spec: auth.md section 1)."""

from __future__ import annotations

import base64
import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_login.errors import CredentialsError
from codex_login.id_token import InvalidTokenError, read_claims, read_id_token
from codex_login.storage import StoredAuth, delete_auth, format_auth, parse_auth, read_auth, write_auth


def jwt(payload: object) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"aGVhZA.{encoded}.c2ln"


ID_TOKEN = jwt(
    {
        "email": "a@b.c",
        "https://api.openai.com/auth": {"chatgpt_plan_type": "pro", "chatgpt_account_id": "acc-1"},
    }
)
CHATGPT = {
    "OPENAI_API_KEY": None,
    "tokens": {
        "id_token": ID_TOKEN,
        "access_token": "at-SECRET",
        "refresh_token": "rt-SECRET",
        "account_id": "acc-1",
    },
    "last_refresh": "2026-11-22T08:34:14.755560189Z",
}


def test_file_with_a_key_has_the_layout_of_the_contract():
    assert format_auth(StoredAuth(api_key="sk-1")) == '{\n  "OPENAI_API_KEY": "sk-1"\n}'


def test_file_with_tokens_has_the_layout_of_the_contract():
    text = format_auth(parse_auth(json.dumps(CHATGPT)))
    assert json.loads(text) == {**CHATGPT, "last_refresh": "2026-11-22T08:34:14.755560Z"}
    assert list(json.loads(text)) == ["OPENAI_API_KEY", "tokens", "last_refresh"]
    assert list(json.loads(text)["tokens"]) == ["id_token", "access_token", "refresh_token", "account_id"]
    assert text.startswith('{\n  "OPENAI_API_KEY": null,\n  "tokens": {\n    "id_token": "')
    assert text.endswith("\n}")


def test_tokens_and_claims_are_read():
    auth = parse_auth(json.dumps(CHATGPT))
    assert auth.tokens is not None
    assert (auth.tokens.access_token, auth.tokens.refresh_token) == ("at-SECRET", "rt-SECRET")
    assert auth.tokens.account_id == "acc-1"
    assert (auth.tokens.claims.email, auth.tokens.claims.plan_type) == ("a@b.c", "pro")
    assert auth.last_refresh == datetime(2026, 11, 22, 8, 34, 14, 755560, UTC)


@pytest.mark.parametrize("text", ["{}", '{"OPENAI_API_KEY": null}', '{"tokens": null, "last_refresh": null}'])
def test_file_without_credentials_is_valid(text):
    assert parse_auth(text) == StoredAuth()


def test_fields_of_newer_programs_are_kept():
    newer = {
        "auth_mode": "chatgpt",
        **CHATGPT,
        "tokens": {**CHATGPT["tokens"], "oauth_provenance": {"issuer": "x"}},
        "agent_identity": {"a": [1]},
    }
    again = json.loads(format_auth(replace(parse_auth(json.dumps(newer)), last_refresh=None)))
    assert again["auth_mode"] == "chatgpt"
    assert next(iter(again)) == "auth_mode"
    assert again["agent_identity"] == {"a": [1]}
    assert again["tokens"]["oauth_provenance"] == {"issuer": "x"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON: expecting value at line 1 column 1"),
        ("{a}", "it is not JSON: expecting property name enclosed in double quotes at line 1 column 2"),
        (b"\xff\xfe\x00", "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ('{"OPENAI_API_KEY": 1}', "`OPENAI_API_KEY` is not a string"),
        ('{"tokens": 1}', "`tokens` is not an object"),
        ('{"tokens": {"access_token": "SECRET"}}', "missing field `id_token` in `tokens`"),
        ('{"tokens": {"id_token": "SECRET"}}', "invalid ID token format in `tokens.id_token`"),
        (json.dumps({"tokens": {"id_token": ID_TOKEN}}), "missing field `access_token` in `tokens`"),
        ('{"last_refresh": "yesterday"}', "`last_refresh` is not a time"),
        ('{"last_refresh": "0001-01-01T00:00:00+23:00"}', "`last_refresh` is not a time"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_bad_file_is_one_sentence_without_its_content(text, reason):
    with pytest.raises(CredentialsError) as raised:
        parse_auth(text)
    assert str(raised.value) == reason
    assert raised.value.__cause__ is None


def test_reading_names_the_file(tmp_path):
    (tmp_path / "auth.json").write_text("[]")
    with pytest.raises(CredentialsError) as raised:
        read_auth(str(tmp_path))
    assert str(raised.value) == f"{tmp_path}/auth.json cannot be used: it is not a JSON object"


def test_missing_file_is_none_and_a_directory_is_an_error(tmp_path):
    assert read_auth(str(tmp_path)) is None
    (tmp_path / "auth.json").mkdir()
    with pytest.raises(CredentialsError, match=r"cannot be read: Is a directory \(os error 21\)"):
        read_auth(str(tmp_path))


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "auth.json")
    with pytest.raises(CredentialsError, match=r"auth\.json cannot be read: it is not a regular file$"):
        read_auth(str(tmp_path))


def test_a_time_of_long_ago_survives_a_write(tmp_path):
    write_auth(str(tmp_path), StoredAuth(last_refresh=datetime(1, 2, 3, tzinfo=UTC)))
    assert read_auth(str(tmp_path)).last_refresh == datetime(1, 2, 3, tzinfo=UTC)


def test_write_makes_the_directory_and_shows_the_file_to_its_owner_only(tmp_path):
    home = tmp_path / "new" / "home"
    write_auth(str(home), StoredAuth(api_key="sk-1"))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "auth.json").stat().st_mode) == 0o600
    assert os.listdir(home) == ["auth.json"]


def test_write_tightens_the_mode_of_an_old_file(tmp_path):
    path = tmp_path / "auth.json"
    path.write_text("{}")
    path.chmod(0o644)
    write_auth(str(tmp_path), StoredAuth(api_key="sk-1"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_write_through_a_symbolic_link_keeps_the_link(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "home").mkdir()
    link = tmp_path / "home" / "auth.json"
    link.symlink_to("../dotfiles/auth.json")
    write_auth(str(tmp_path / "home"), StoredAuth(api_key="sk-1"))
    assert link.is_symlink()
    assert json.loads((tmp_path / "dotfiles" / "auth.json").read_text()) == {"OPENAI_API_KEY": "sk-1"}


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    write_auth(str(tmp_path), StoredAuth(api_key="old"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CredentialsError, match=r"cannot be written: No space left on device \(os error 28\)"):
        write_auth(str(tmp_path), StoredAuth(api_key="new"))
    assert os.listdir(tmp_path) == ["auth.json"]
    assert read_auth(str(tmp_path)) == StoredAuth(api_key="old")


def test_delete_through_a_symbolic_link_removes_the_secrets_and_keeps_the_link(tmp_path):
    link, target = tmp_path / "auth.json", tmp_path / "elsewhere.json"
    link.symlink_to(target)
    write_auth(str(tmp_path), StoredAuth(api_key="k"))
    assert delete_auth(str(tmp_path)) is True
    assert link.is_symlink()
    assert not target.exists()
    assert read_auth(str(tmp_path)) is None
    assert delete_auth(str(tmp_path)) is False


def test_delete_says_whether_there_was_a_file(tmp_path):
    write_auth(str(tmp_path), StoredAuth(api_key="k"))
    assert delete_auth(str(tmp_path)) is True
    assert delete_auth(str(tmp_path)) is False


def test_representations_show_no_secret():
    auth = parse_auth(json.dumps({**CHATGPT, "OPENAI_API_KEY": "sk-SECRET", "other": "SECRET"}))
    shown = repr(auth)
    assert "SECRET" not in shown
    assert ID_TOKEN not in shown


@pytest.mark.parametrize(
    ("claims", "email", "plan", "name"),
    [
        ({}, None, None, None),
        ({"email": "x@y"}, "x@y", None, None),
        ({"https://api.openai.com/profile": {"email": "p@q"}}, "p@q", None, None),
        ({"https://api.openai.com/auth": {"chatgpt_plan_type": "edu"}}, None, "edu", "Edu"),
        ({"https://api.openai.com/auth": {"chatgpt_plan_type": "gold star"}}, None, "gold star", "gold star"),
        ({"email": 1, "https://api.openai.com/auth": []}, None, None, None),
    ],
)
def test_claims_are_optional(claims, email, plan, name):
    read = read_id_token(jwt(claims))
    assert (read.email, read.plan_type, read.plan_name) == (email, plan, name)


def test_a_fourth_part_is_ignored():
    assert read_claims(jwt({"a": 1}) + ".more") == {"a": 1}


@pytest.mark.parametrize(
    "token", ["", "a.b", "a..c", ".b.c", "a.!!!.c", "a.bm90.c", "a.W10.c", "a.8J+S.c", "a.é.c"]
)
def test_what_is_no_token_is_refused_without_showing_it(token):
    with pytest.raises(InvalidTokenError) as raised:
        read_claims(token)
    assert str(raised.value).startswith("invalid ID token")
    assert raised.value.__cause__ is None


@given(st.text())
def test_any_text_is_a_token_or_refused(token):
    try:
        read_claims(token)
    except InvalidTokenError:
        pass


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)


@given(
    st.none() | st.text(),
    st.dictionaries(
        st.text().filter(lambda name: name not in {"auth_mode", "OPENAI_API_KEY", "tokens", "last_refresh"}),
        json_values,
    ),
)
def test_what_is_written_reads_back(key, others):
    auth = StoredAuth(api_key=key, others=others, last_refresh=datetime(2026, 1, 2, tzinfo=UTC))
    assert parse_auth(format_auth(auth)) == auth

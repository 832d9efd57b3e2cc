"""Requests to the ChatGPT backend, in the name of whoever is signed in (spec: auth.md section 12)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codex_chatgpt.errors import TaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from codex_login.auth import AuthManager

TIMEOUT_S = 120.0
MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""A task with a larger answer has no diff that git could apply."""
MAX_REASON_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Backend:
    """The backend at one address."""

    base_url: str
    auth: AuthManager = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    transport: httpx.AsyncBaseTransport | None = None
    """Replaces the network; None is the real one."""

    async def task(self, task_id: str) -> bytes:
        """What is known of a task, as JSON.

        A token that is refused is renewed once.

        Raises: TaskError; LoginError when certificates, proxies or the address cannot be used.
        """
        from urllib.parse import quote

        from codex_login.destination import check_destination, has_user_name
        from codex_login.errors import AddressError
        from codex_login.shown_url import shown_url

        url = f"{self.base_url.rstrip('/')}/wham/tasks/{quote(task_id, safe='')}"
        if has_user_name(self.base_url):  # it would be sent in place of the token
            shown = shown_url(self.base_url)
            raise AddressError(f"chatgpt_base_url {shown} must have no user name and password in it")
        check_destination(self.base_url, "chatgpt_base_url")
        token = await self._token()
        status, content = await self._get(url, token)
        if status == 401 and await self.auth.recover_from_unauthorized(token):
            token = await self._token()
            status, content = await self._get(url, token)
        if not 200 <= status < 300:
            said = _shown(content.replace(token.encode(), b"***"))  # gateways may send back what they got
            raise TaskError(f"Request failed with status {_status_text(status)}: {said}")
        return content

    async def _token(self) -> str:
        token = await self.auth.bearer_token() if self.auth.is_chatgpt else None
        if not token:
            if self.auth.problem is not None:
                raise TaskError(str(self.auth.problem))
            if self.auth.auth() is None:
                raise TaskError("Not logged in: run `codex login`.")
            raise TaskError(
                "Token data is not available: tasks belong to a ChatGPT account. Run `codex login` to sign "
                "in with one."
            )
        if self.auth.account_id is None:
            raise TaskError("ChatGPT account ID not available, please re-run `codex login`")
        return token

    async def _get(self, url: str, token: str) -> tuple[int, bytes]:
        from codex_login.http import import_httpx, make_client
        from codex_login.shown_url import shown_url
        from codex_login.user_agent import originator, user_agent

        import_httpx()
        import httpx

        headers = {
            "authorization": f"Bearer {token}",
            "chatgpt-account-id": self.auth.account_id or "",
            "content-type": "application/json",
            "user-agent": user_agent(self.environ),
            "originator": originator(self.environ),
        }
        failed = f"Failed to send request: error sending request for url ({shown_url(url)})"
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                make_client(url, transport=self.transport) as client,
                client.stream("GET", url, headers=headers) as response,
            ):
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER_BYTES:
                        raise TaskError(f"the answer of {shown_url(url)} is too long")
                return response.status_code, bytes(content)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            # Not chained: httpx quotes what it could not send, headers included.
            reason = str(error) if isinstance(error, httpx.NetworkError) else ""
            raise TaskError(f"{failed}: {reason}" if reason else failed) from None
        except TimeoutError:
            raise TaskError(f"{failed}: no answer within {TIMEOUT_S:.0f} seconds") from None


def _status_text(status: int) -> str:
    import httpx

    return f"{status} {httpx.codes.get_reason_phrase(status)}".rstrip()


def _shown(content: bytes) -> str:
    """What the server said, as it may stand on a terminal."""
    from codex_core.presentation.safe_text import exact_text

    return exact_text(content[: 4 * MAX_REASON_CHARACTERS].decode("utf-8", "replace").strip())[
        :MAX_REASON_CHARACTERS
    ]

"""The errors of this distribution.

LoginError
├── CredentialsError       auth.json cannot be read, understood or written
├── RefreshError           a ChatGPT token could not be renewed
├── SignInError            a sign-in did not come about
│   └── SignInCancelled    because somebody stopped it
└── ConnectionSetupError   what is configured makes every connection impossible
    ├── AddressError       a URL names no server
    ├── ProxySetupError    a proxy named by the environment cannot be used
    └── TlsSetupError      a certificate file named by the environment cannot be used

`str(error)` is the sentence a user reads; no message ever holds a key or a token.
"""

from __future__ import annotations


class LoginError(Exception):
    """A condition about credentials or connections that we know."""

    retryable: bool = False
    """Whether the same call can succeed when it is simply made again."""


class CredentialsError(LoginError):
    """auth.json cannot be read, understood or written."""


class RefreshError(LoginError):
    """The issuer did not renew a ChatGPT token."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class SignInError(LoginError):
    """A sign-in through the browser or with a device code did not come about."""


class SignInCancelled(SignInError):  # noqa: N818 - nothing went wrong
    """The user, or another sign-in, stopped it."""


class ConnectionSetupError(LoginError):
    """What is configured makes every connection impossible; trying again does not help."""


class AddressError(ConnectionSetupError):
    """A URL names no server that could be asked."""


class ProxySetupError(ConnectionSetupError):
    """A proxy named by the environment cannot be used."""


class TlsSetupError(ConnectionSetupError):
    """A certificate file named by the environment cannot be used."""

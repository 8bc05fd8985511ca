"""Credentials, and the authentication of messages and requests."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable

import attrs

from .errors import ConfigurationError


def _masked(value: str) -> str:
    return "'****'"


@attrs.frozen
class HmacCredentials:
    """An API key pair. Its `repr` shows neither key.

    Parameters
    ----------
    public_key : str
        Starts with ``qfex_pub_``.
    secret_key : str
        Used as literal text, not decoded.
    """

    public_key: str = attrs.field(repr=_masked)
    secret_key: str = attrs.field(repr=_masked)

    def sign(self, now: Callable[[], float] = time.time) -> tuple[str, int, str]:
        """Create a nonce, a timestamp and a signature.

        The signature is the lowercase hex HMAC-SHA256 of ``"<nonce>:<unix seconds>"``. A nonce must not repeat within
        15 minutes, so each call creates a new one.

        Parameters
        ----------
        now : callable
            Returns the current time in unix seconds.

        Returns
        -------
        tuple of (str, int, str)
            Nonce (32 hex digits), timestamp (unix seconds) and signature.
        """
        nonce = os.urandom(16).hex()
        unix_ts = int(now())
        payload = f"{nonce}:{unix_ts}".encode()
        return nonce, unix_ts, hmac.new(self.secret_key.encode(), payload, hashlib.sha256).hexdigest()

    def auth_params(self, now: Callable[[], float] = time.time) -> dict[str, object]:
        """Return the members of the WebSocket ``auth`` message."""
        nonce, unix_ts, signature = self.sign(now)
        proof = {"public_key": self.public_key, "nonce": nonce, "unix_ts": unix_ts, "signature": signature}
        return {"hmac": proof}

    def headers(self, now: Callable[[], float] = time.time) -> dict[str, str]:
        """Return the headers that authenticate a REST request."""
        nonce, unix_ts, signature = self.sign(now)
        return {
            "x-qfex-public-key": self.public_key,
            "x-qfex-hmac-signature": signature,
            "x-qfex-nonce": nonce,
            "x-qfex-timestamp": str(unix_ts),
        }


@attrs.frozen
class JwtCredentials:
    """A bearer token from the exchange's login. Its `repr` does not show the token.

    Parameters
    ----------
    token : str
        The token.
    """

    token: str = attrs.field(repr=_masked)

    def auth_params(self, now: Callable[[], float] = time.time) -> dict[str, object]:
        """Return the members of the WebSocket ``auth`` message."""
        return {"jwt": self.token}

    def headers(self, now: Callable[[], float] = time.time) -> dict[str, str]:
        """Return the headers that authenticate a REST request."""
        return {"Authorization": f"Bearer {self.token}"}


Credentials = HmacCredentials | JwtCredentials


def credentials_from_env() -> Credentials:
    """The credentials in the ``QFEX_...`` variables.

    Raises
    ------
    ConfigurationError
        If there are none.
    """
    public_key, secret_key = os.environ.get("QFEX_PUBLIC_KEY"), os.environ.get("QFEX_SECRET_KEY")
    if public_key and secret_key:
        return HmacCredentials(public_key, secret_key)
    token = os.environ.get("QFEX_JWT")
    if token:
        return JwtCredentials(token)
    raise ConfigurationError("set QFEX_PUBLIC_KEY and QFEX_SECRET_KEY, or QFEX_JWT")

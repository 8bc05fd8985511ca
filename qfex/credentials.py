"""Credentials, and the authentication of messages and requests."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable

import attrs

from .errors import AuthenticationError, ConfigurationError, NotConnected


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

    @property
    def is_renewable(self) -> bool:
        """Whether other keys may be had: they may not."""
        return False

    def for_one_use(self) -> HmacCredentials:
        """Return the credentials for one connection or request: the same."""
        return self

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
    token : str or callable
        The token, or a function without parameters that returns one. The function is called for every connection and
        every attempt of a REST request, so that a token may be renewed, and once more if its token is refused. It may be
        called on any thread. If it raises an exception, the connection or request fails as if the exchange could not be
        reached, and is tried again.

    Raises
    ------
    ConfigurationError
        If `token` is neither a text nor a function, or empty.
    """

    token: str | Callable[[], str] = attrs.field(repr=_masked)

    @token.validator
    def _check(self, attribute: object, token: object) -> None:
        if token == "":
            raise ConfigurationError("the token is empty")
        if not isinstance(token, str) and not callable(token):
            raise ConfigurationError(
                f"a token is a text, or a function that returns one, not {type(token).__name__}"
            )

    @property
    def is_renewable(self) -> bool:
        """Whether another token may be had."""
        return not isinstance(self.token, str)

    def for_one_use(self) -> JwtCredentials:
        """Return the credentials for one connection or request: with a token that stays the same."""
        return self if isinstance(self.token, str) else JwtCredentials(self.current_token())

    def current_token(self) -> str:
        """Return the token, or the one that the function returns now.

        Raises
        ------
        NotConnected
            If the function that gives the token raised an exception.
        AuthenticationError
            If it did not return a text.
        """
        if isinstance(self.token, str):
            return self.token
        try:
            token = self.token()
        except Exception as error:  # its text may have secrets
            raise NotConnected(f"the function that gives the token raised {type(error).__name__}") from None
        if not isinstance(token, str) or not token:
            raise AuthenticationError(
                f"the function that gives the token returned {type(token).__name__}, no token"
            )
        return token

    def auth_params(self, now: Callable[[], float] = time.time) -> dict[str, object]:
        """Return the members of the WebSocket ``auth`` message."""
        return {"jwt": self.current_token()}

    def headers(self, now: Callable[[], float] = time.time) -> dict[str, str]:
        """Return the headers that authenticate a REST request."""
        return {"Authorization": f"Bearer {self.current_token()}"}


Credentials = HmacCredentials | JwtCredentials


class Proof:
    """The credentials of one client, from connection to connection.

    Attributes
    ----------
    current : HmacCredentials or JwtCredentials
        Those of the connection in use, or in the making.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = self.current = credentials
        self._was_refused = False

    def renew(self) -> Credentials:
        """Return the credentials for a new connection."""
        self.current = self._credentials.for_one_use()
        return self.current

    def refused(self) -> bool:
        """Note that the exchange refused them; whether others are worth a try: once, until some are accepted."""
        again, self._was_refused = self._credentials.is_renewable and not self._was_refused, True
        return again

    def accepted(self) -> None:
        """Note that the exchange accepted them."""
        self._was_refused = False


def has_credentials_in_env() -> bool:
    """Whether a ``QFEX_...`` variable has a key or a token."""
    return any(os.environ.get(name) for name in ("QFEX_PUBLIC_KEY", "QFEX_SECRET_KEY", "QFEX_JWT"))


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

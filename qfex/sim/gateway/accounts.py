"""Authentication: API keys, signatures, tokens, and the subaccounts that they give access to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from ..engine import Exchange

TIMESTAMP_WINDOW = 5 * 60.0
NONCE_WINDOW = 15 * 60.0
NONCE_MAX_LENGTH = 100
_JWT_HEADER = {"alg": "HS256", "typ": "JWT"}


class AuthenticationRefused(Exception):
    """The credentials are not accepted; ``args[0]`` tells the caller why."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key pair of an account. The repr leaves the secret out."""

    public_key: str
    secret_key: str = field(repr=False)
    user_id: str
    can_trade: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """The authenticated caller of a connection or a request.

    Attributes
    ----------
    user_id : str
        The primary account, which owns the key.
    account_id : str
        The account that the caller acts for: the primary account or one of its subaccounts.
    can_trade : bool
        False for keys of scope "view".
    """

    user_id: str
    account_id: str
    can_trade: bool = True


class Accounts:
    """The registry of keys and subaccounts, which checks credentials.

    Parameters
    ----------
    exchange : Exchange
        The engine, which holds the accounts themselves.
    seed : int
        Makes keys and secrets reproducible.
    wall : callable
        The time to check signatures against, unix seconds. Callers sign with their own wall clock, so this is never
        the simulated time.
    """

    def __init__(self, exchange: Exchange, *, seed: int = 0, wall: Callable[[], float] = time.time) -> None:
        self._exchange = exchange
        self._random = random.Random(f"keys {seed}")
        self._wall = wall
        self._keys: dict[str, ApiKey] = {}
        self._subaccounts: dict[str, list[str]] = {}
        self._nonces = UsedNonces()
        self._token_key = self._hex().encode()

    def open(
        self, balance: Decimal, *, can_trade: bool = True, kyc: bool = True, terms_accepted: bool = True
    ) -> ApiKey:
        """Open a primary account with ``balance`` (USDC) and return its first key."""
        user_id = self._exchange.create_account(balance, kyc=kyc, terms_accepted=terms_accepted)
        self._subaccounts[user_id] = []
        return self.add_key(user_id, can_trade=can_trade)

    def add_key(self, user_id: str, *, can_trade: bool = True) -> ApiKey:
        """Create another key pair for a primary account."""
        key = ApiKey(f"qfex_pub_{self._hex()}", f"qfex_secret_{self._hex()}", user_id, can_trade)
        self._keys[key.public_key] = key
        return key

    def key(self, public_key: str) -> ApiKey | None:
        """Return the key with this public part, None if there is none."""
        return self._keys.get(public_key)

    def revoke(self, public_key: str) -> None:
        """Remove a key."""
        self._keys.pop(public_key, None)

    def create_subaccount(self, user_id: str) -> str:
        """Open an empty subaccount and return its id."""
        account_id = self._exchange.create_account(Decimal(0), master=user_id)
        self._subaccounts[user_id].append(account_id)
        return account_id

    def subaccounts(self, user_id: str) -> list[str]:
        """Return the ids of a primary account's subaccounts."""
        return list(self._subaccounts.get(user_id, ()))

    def issue_token(self, user_id: str, *, lifetime: float = 3600.0) -> str:
        """Return a JSON Web Token of a primary account, valid for ``lifetime`` seconds."""
        claims = {"sub": user_id, "email": f"{user_id[:8]}@example.com", "exp": int(self._wall() + lifetime)}
        return issue_token(claims, self._token_key)

    def authenticate_hmac(
        self, public_key: str, nonce: str, unix_ts: int, signature: str, account_id: str | None = None
    ) -> Identity:
        """Check a signature over ``nonce:unix_ts`` and return the caller's identity.

        Raises
        ------
        AuthenticationRefused
            The key is unknown, the signature is wrong, the nonce was used within the last 15 minutes, the timestamp is
            off by more than 5 minutes, or the account is not the key owner's.
        """
        key = self._keys.get(public_key)
        payload = f"{nonce}:{unix_ts}".encode()
        secret = (key.secret_key if key else "").encode()
        expected = hmac.new(secret, payload, hashlib.sha256).hexdigest()
        if key is None or not hmac.compare_digest(expected.encode(), signature.encode()):
            raise AuthenticationRefused("invalid signature")
        self._check_freshness(public_key, nonce, unix_ts)
        return self._identity(key.user_id, account_id, key.can_trade)

    def authenticate_token(self, token: str, account_id: str | None = None) -> Identity:
        """Check a JSON Web Token and return the caller's identity.

        Raises
        ------
        AuthenticationRefused
            This simulator did not issue the token, it has expired, or the account is not its owner's.
        """
        try:
            claims = token_claims(token, self._token_key, self._wall())
        except ValueError:
            claims = None
        if claims is None or claims.get("sub") not in self._subaccounts:
            raise AuthenticationRefused("invalid token")
        return self._identity(claims["sub"], account_id, True)

    def authenticate_headers(self, headers: Mapping[str, str]) -> Identity | None:
        """Check the HMAC or Bearer headers of an HTTP request; return None if it has neither.

        Raises
        ------
        AuthenticationRefused
            The headers are not valid credentials.
        """
        account_id = headers.get("x-qfex-requested-account-id")
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer":
            return self.authenticate_token(token, account_id)
        public_key = headers.get("x-qfex-public-key")
        if public_key is None:
            return None
        timestamp = headers.get("x-qfex-timestamp", "")
        if not timestamp.isascii() or not timestamp.isdigit():
            raise AuthenticationRefused("timestamp is not a whole number of seconds")
        signature = headers.get("x-qfex-hmac-signature", "")
        return self.authenticate_hmac(
            public_key, headers.get("x-qfex-nonce", ""), int(timestamp), signature, account_id
        )

    def _check_freshness(self, public_key: str, nonce: str, unix_ts: int) -> None:
        now = self._wall()
        if not 0 < len(nonce) <= NONCE_MAX_LENGTH:
            raise AuthenticationRefused("nonce must have 1 to 100 characters")
        if abs(now - unix_ts) > TIMESTAMP_WINDOW:
            raise AuthenticationRefused("timestamp outside the acceptance window of 5 minutes")
        if not self._nonces.use(public_key, nonce, now):
            raise AuthenticationRefused("nonce already used")

    def _identity(self, user_id: str, account_id: str | None, can_trade: bool) -> Identity:
        if account_id not in (None, user_id, *self._subaccounts[user_id]):
            raise AuthenticationRefused("account does not belong to the key's owner")
        return Identity(user_id, account_id or user_id, can_trade)

    def _hex(self) -> str:
        return f"{self._random.getrandbits(128):032x}"


class UsedNonces:
    """The nonces of the last fifteen minutes by key; within that time none may be used twice."""

    def __init__(self) -> None:
        self._used: set[tuple[str, str]] = set()
        self._by_age: deque[tuple[float, tuple[str, str]]] = deque()

    def use(self, public_key: str, nonce: str, now: float) -> bool:
        """Record a nonce; return False if the key has used it already."""
        self._forget(now)
        entry = (public_key, nonce)
        if entry in self._used:
            return False
        self._used.add(entry)
        self._by_age.append((now, entry))
        return True

    def _forget(self, now: float) -> None:
        while self._by_age and now - self._by_age[0][0] >= NONCE_WINDOW:
            self._used.discard(self._by_age.popleft()[1])


def issue_token(claims: dict[str, Any], key: bytes) -> str:
    """Return a signed JSON Web Token (HS256; RFC 7515, RFC 7519)."""
    signed = f"{_base64(msgspec.json.encode(_JWT_HEADER))}.{_base64(msgspec.json.encode(claims))}"
    return f"{signed}.{_token_signature(signed, key)}"


def token_claims(token: str, key: bytes, now: float) -> dict[str, Any] | None:
    """Return the claims of a token; None if the signature is wrong or the token has expired."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_token_signature(signed, key).encode(), signature.encode()):
        return None
    payload = signed.partition(".")[2]
    claims: dict[str, Any] = msgspec.json.decode(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims if claims.get("exp", 0) > now else None


def _token_signature(signed: str, key: bytes) -> str:
    return _base64(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

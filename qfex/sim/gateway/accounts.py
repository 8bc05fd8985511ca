"""Who may use which account: keys, signatures, tokens, subaccounts."""

from __future__ import annotations

import hashlib
import hmac
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from . import tokens
from .nonces import NonceBook

if TYPE_CHECKING:
    from ..engine import Exchange

TIMESTAMP_WINDOW = 5 * 60.0
NONCE_MAX_LENGTH = 100


class AuthenticationRefused(Exception):
    """The credentials do not open the account; ``args[0]`` says why in words fit for the caller."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key pair of an account. The secret stays out of every repr."""

    public_key: str
    secret_key: str = field(repr=False)
    user_id: str
    can_trade: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection or a request turned out to be.

    Attributes
    ----------
    user_id : str
        The primary account, owner of the key.
    account_id : str
        The account acted for: the primary account or one of its subaccounts.
    can_trade : bool
        False for keys of scope "view".
    """

    user_id: str
    account_id: str
    can_trade: bool = True


class Accounts:
    """Registry of keys and subaccounts, and the check of whatever proves an identity.

    Parameters
    ----------
    exchange : Exchange
        Where the accounts themselves live.
    seed : int
        Makes keys and secrets reproducible.
    wall : callable
        The time that signatures are compared with, unix seconds. Callers sign with their own wall clock, so
        this is never the simulated time.
    """

    def __init__(self, exchange: Exchange, *, seed: int = 0, wall: Callable[[], float] = time.time) -> None:
        self._exchange = exchange
        self._random = random.Random(f"keys {seed}")
        self._wall = wall
        self._keys: dict[str, ApiKey] = {}
        self._subaccounts: dict[str, list[str]] = {}
        self._nonces = NonceBook()
        self._token_key = self._hex().encode()

    def open(
        self, balance: Decimal, *, can_trade: bool = True, kyc: bool = True, terms_accepted: bool = True
    ) -> ApiKey:
        """Open a primary account with ``balance`` (USDC) and return its first key."""
        user_id = self._exchange.create_account(balance, kyc=kyc, terms_accepted=terms_accepted)
        self._subaccounts[user_id] = []
        return self.add_key(user_id, can_trade=can_trade)

    def add_key(self, user_id: str, *, can_trade: bool = True) -> ApiKey:
        """Create a further key pair of a primary account."""
        key = ApiKey(f"qfex_pub_{self._hex()}", f"qfex_secret_{self._hex()}", user_id, can_trade)
        self._keys[key.public_key] = key
        return key

    def key(self, public_key: str) -> ApiKey | None:
        """Return the key of that public part, None when unknown."""
        return self._keys.get(public_key)

    def revoke(self, public_key: str) -> None:
        """Make a key unknown from now on."""
        self._keys.pop(public_key, None)

    def create_subaccount(self, user_id: str) -> str:
        """Open an empty subaccount and return its id."""
        account_id = self._exchange.create_account(Decimal(0), master=user_id)
        self._subaccounts[user_id].append(account_id)
        return account_id

    def subaccounts(self, user_id: str) -> list[str]:
        """Return the ids of a primary account's subaccounts, the primary account itself not among them."""
        return list(self._subaccounts.get(user_id, ()))

    def issue_token(self, user_id: str, *, lifetime: float = 3600.0) -> str:
        """Return a JSON Web Token of a primary account, valid for ``lifetime`` seconds."""
        claims = {"sub": user_id, "email": f"{user_id[:8]}@example.com", "exp": int(self._wall() + lifetime)}
        return tokens.issue(claims, self._token_key)

    def authenticate_hmac(
        self, public_key: str, nonce: str, unix_ts: int, signature: str, account_id: str | None = None
    ) -> Identity:
        """Check a signature over ``nonce:unix_ts`` and return whom it identifies.

        Raises
        ------
        AuthenticationRefused
            Unknown key, wrong signature, nonce used within 15 minutes, timestamp off by more than 5 minutes,
            or an account that is not the key owner's.
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
        """Check a JSON Web Token and return whom it identifies.

        Raises
        ------
        AuthenticationRefused
            Not a token of this simulator, expired, or an account that is not its owner's.
        """
        try:
            claims = tokens.claims_of(token, self._token_key, self._wall())
        except ValueError:
            claims = None
        if claims is None or claims.get("sub") not in self._subaccounts:
            raise AuthenticationRefused("invalid token")
        return self._identity(claims["sub"], account_id, True)

    def authenticate_headers(self, headers: Mapping[str, str]) -> Identity | None:
        """Check the HMAC or Bearer headers of an HTTP request; None when it carries neither.

        Raises
        ------
        AuthenticationRefused
            The headers are there and prove nothing.
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

"""JSON Web Tokens as the simulator issues them (HS256; RFC 7515, RFC 7519)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import msgspec

_HEADER = {"alg": "HS256", "typ": "JWT"}


def issue(claims: dict[str, Any], key: bytes) -> str:
    """Return the signed token that carries ``claims``."""
    signed = f"{_pack(msgspec.json.encode(_HEADER))}.{_pack(msgspec.json.encode(claims))}"
    return f"{signed}.{_signature(signed, key)}"


def claims_of(token: str, key: bytes, now: float) -> dict[str, Any] | None:
    """Return the claims of a token with a right signature that is not expired, else None."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(signed, key).encode(), signature.encode()):
        return None
    claims: dict[str, Any] = msgspec.json.decode(_unpack(signed.partition(".")[2]))
    return claims if claims.get("exp", 0) > now else None


def _signature(signed: str, key: bytes) -> str:
    return _pack(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

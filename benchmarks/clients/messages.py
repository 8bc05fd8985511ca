"""The messages of the documentation as JSON text, for the clients that do not use a library for the exchange."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

PUBLIC_KEY = "qfex_pub_benchmark"
SECRET_KEY = "qfex_secret_benchmark"
USER_AGENT = "qfex-benchmarks"


def auth() -> str:
    """Return a signed ``auth`` message."""
    nonce, now = secrets.token_hex(16), int(time.time())
    signature = hmac.new(SECRET_KEY.encode(), f"{nonce}:{now}".encode(), hashlib.sha256).hexdigest()
    signed = {"public_key": PUBLIC_KEY, "nonce": nonce, "unix_ts": now, "signature": signature}
    return json.dumps({"type": "auth", "params": {"hmac": signed}})


def subscribe(*channels: str) -> str:
    """Return a ``subscribe`` message."""
    return json.dumps({"type": "subscribe", "params": {"channels": channels}})


def add_order(symbol: str, quantity: float = 1, client_order_id: str = "") -> dict[str, Any]:
    """Return an ``add_order`` message, not yet encoded."""
    return {
        "type": "add_order",
        "params": {
            "symbol": symbol,
            "side": "BUY",
            "order_type": "LIMIT",
            "order_time_in_force": "GTC",
            "quantity": quantity,
            "price": 251.25,
            "take_profit": 0,
            "stop_loss": 0,
            "reduce_only": False,
            "client_order_id": client_order_id or secrets.token_hex(16),
        },
    }

"""A plain script's way to the exchange: websocket-client, raw JSON, and nothing of this package's client."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any, ClassVar

import websocket

from qfex.credentials import HmacCredentials
from qfex.sim import Simulator

AAPL = "AAPL-USD"
PATIENCE = 10.0
Message = dict[str, Any]


def auth_message(credentials: HmacCredentials) -> Message:
    """Return a fresh ``auth``."""
    nonce, unix_ts = secrets.token_hex(16), int(time.time())
    text = f"{nonce}:{unix_ts}".encode()
    signature = hmac.new(credentials.secret_key.encode(), text, hashlib.sha256).hexdigest()
    proof = {"public_key": credentials.public_key, "nonce": nonce, "unix_ts": unix_ts, "signature": signature}
    return {"type": "auth", "params": {"hmac": proof}}


def order_message(side: str, quantity: float, price: float = 0, **terms: Any) -> Message:
    """Return an ``add_order``, by default LIMIT GTC of AAPL-USD, or MARKET IOC without a price."""
    entry = {
        "symbol": AAPL,
        "side": side,
        "order_type": "LIMIT" if price else "MARKET",
        "order_time_in_force": "GTC" if price else "IOC",
        "quantity": quantity,
        "price": price,
    }
    return {"type": "add_order", "params": {**entry, **terms}}


class Script:
    """One connection of a script. Those that a test leaves open are closed after it."""

    opened: ClassVar[list[Script]] = []

    def __init__(self, url: str, **options: Any) -> None:
        self.socket = websocket.create_connection(url, timeout=PATIENCE, **options)
        self.opened.append(self)

    def send(self, message: Message) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def receive(self) -> Message:
        """Return the next message."""
        text = self.socket.recv()
        assert text, "the connection was closed"
        message: Message = json.loads(text)
        return message

    def until(self, kind: str, **members: Any) -> Message:
        """Return the payload of the next message of a kind with these members; others are dropped."""
        while True:
            body = self.receive().get(kind)
            if body is not None and all(body.get(name) == value for name, value in members.items()):
                found: Message = body
                return found

    def ask(self, message: Message) -> Message:
        """Send a message and return the next one that comes."""
        self.send(message)
        return self.receive()

    def closed(self) -> BaseException | None:
        """Read on until the connection is over; return how it ended, None for a close frame."""
        try:
            while self.socket.recv():
                pass
        except websocket.WebSocketConnectionClosedException as end:
            return end
        except OSError as end:
            return end
        return None

    def close(self) -> None:
        """Leave with a close frame."""
        self.socket.close()

    def vanish(self) -> None:
        """Let go of the socket without a word."""
        self.socket.shutdown()


def trader(sim: Simulator, credentials: HmacCredentials | None = None, *channels: str) -> Script:
    """Return an authenticated script that listens to orders and fills, or to the channels given."""
    script = Script(sim.environment.trade_url)
    assert script.ask(auth_message(credentials or sim.credentials)) in (
        {"authenticated": True},
        {"type": "auth", "result": "success"},
    )
    for channel in channels or ("order_responses", "fills"):
        request = {"type": "subscribe", "params": {"channels": [channel]}}
        assert script.ask(request) == {"subscribed": channel}
    return script


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds; an upper limit, not a delay."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.005)


def open_orders(sim: Simulator, credentials: HmacCredentials | None = None) -> list[str]:
    """Return the client order ids of an account's open orders."""
    account_id = sim.account_id(credentials or sim.credentials)
    rows = sim.exchange_call(lambda exchange: exchange.open_orders(account_id))
    return [row.client_order_id for row in rows]

"""A client of the simulator's sockets: websocket-client and raw JSON, nothing of this package's client."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any, ClassVar

import websocket

from qfex.credentials import HmacCredentials
from qfex.environment import Environment
from qfex.sim import Simulator

AAPL = "AAPL-USD"
TIMEOUT = 10.0
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


def subscribe_message(*channels: str) -> Message:
    """Return a ``subscribe`` of the trade socket."""
    return {"type": "subscribe", "params": {"channels": list(channels)}}


def text_frame(message: Message) -> bytes:
    """Return a message as the bytes of a WebSocket frame."""
    frame: bytes = websocket.ABNF.create_frame(json.dumps(message), websocket.ABNF.OPCODE_TEXT).format()
    return frame


class RawClient:
    """One connection to a socket. A fixture closes the connections that a test leaves open."""

    opened: ClassVar[list[RawClient]] = []

    def __init__(self, url: str, **options: Any) -> None:
        self.socket = websocket.create_connection(url, timeout=TIMEOUT, **options)
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

    def read(self, count: int) -> list[Message]:
        """Return the next messages."""
        return [self.receive() for _ in range(count)]

    def until(self, kind: str, **members: Any) -> Message:
        """Return the payload of the next message of a kind with these members; skip others."""
        while True:
            body = self.receive().get(kind)
            if body is not None and all(body.get(name) == value for name, value in members.items()):
                found: Message = body
                return found

    def ask(self, message: Message) -> Message:
        """Send a message and return the next one that is received."""
        self.send(message)
        return self.receive()

    def closed(self) -> BaseException | None:
        """Read until the connection ends; return the exception that it ended with, None for a close frame."""
        try:
            while self.socket.recv():
                pass
        except websocket.WebSocketConnectionClosedException as end:
            return end
        except OSError as end:
            return end
        return None

    def close(self) -> None:
        """Close with a close frame."""
        self.socket.close()

    def vanish(self) -> None:
        """Close the socket without a close frame."""
        self.socket.shutdown()


def connect(sim: Simulator, credentials: HmacCredentials | None = None, *channels: str) -> RawClient:
    """Return an authenticated client of the trade socket, by default subscribed to orders and fills."""
    client = RawClient(sim.environment.trade_url)
    assert client.ask(auth_message(credentials or sim.credentials)) in (
        {"authenticated": True},
        {"type": "auth", "result": "success"},
    )
    for channel in channels or ("order_responses", "fills"):
        assert client.ask(subscribe_message(channel)) == {"subscribed": channel}
    return client


def connect_market_data(
    environment: Environment, *channels: str, symbols: tuple[str, ...] = (AAPL,)
) -> RawClient:
    """Return a client of the market data socket that has sent a subscription."""
    client = RawClient(environment.market_data_url)
    client.send({"type": "subscribe", "channels": channels, "symbols": symbols})
    return client


def open_orders(sim: Simulator, credentials: HmacCredentials | None = None) -> list[str]:
    """Return the client order ids of an account's open orders."""
    account_id = sim.account_id(credentials or sim.credentials)
    rows = sim.exchange_call(lambda exchange: exchange.open_orders(account_id))
    return [row.client_order_id for row in rows]

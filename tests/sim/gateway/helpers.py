"""A harness for the trade gateway: clients without sockets."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

from qfex.sim.engine import Exchange, Instrument, Rules, load_instruments
from qfex.sim.gateway.accounts import Accounts, ApiKey
from qfex.sim.gateway.audit import AuditTrail
from qfex.sim.gateway.clock import Clock
from qfex.sim.gateway.dialects import Documented, Live
from qfex.sim.gateway.gateway import TradeGateway
from qfex.sim.gateway.rate_limit import RateLimiter
from qfex.sim.gateway.session import TradeSession

AAPL = "AAPL-USD"
NOON = 1_791_302_400.0
CHANNELS = ["order_responses", "fills", "stop_orders"]
Message = dict[str, Any]

_nonces = itertools.count()


def signed(key: ApiKey, moment: float = NOON, nonce: str | None = None) -> Message:
    """Return the params of a valid ``auth``."""
    nonce = nonce or f"nonce-{next(_nonces)}"
    text = f"{nonce}:{int(moment)}".encode()
    signature = hmac.new(key.secret_key.encode(), text, hashlib.sha256).hexdigest()
    proof = {"public_key": key.public_key, "nonce": nonce, "unix_ts": int(moment), "signature": signature}
    return {"hmac": proof}


class GatewayHarness:
    """An exchange with AAPL-USD at 200 and GOLD-USD, its gateway, and a wall clock that a test sets."""

    def __init__(self, dialect: str = "live", *, limit: float | None = None, liquidity: bool = False) -> None:
        self.wall = NOON
        self.dialect = dialect
        spoken = Live() if dialect == "live" else Documented()
        rules = Rules(modify_keeps_order_id=spoken.modify_keeps_order_id)
        instruments = [_plain(one) for one in load_instruments([AAPL, "GOLD-USD"])]
        self.exchange = Exchange(instruments, start=NOON, rules=rules, liquidity=liquidity)
        self.clock = Clock(self.exchange)
        self.accounts = Accounts(self.exchange, wall=lambda: self.wall)
        self.audit = AuditTrail()
        self.gateway = TradeGateway(
            self.exchange, self.clock, self.accounts, spoken, RateLimiter(limit), self.audit
        )
        self.alice = self.accounts.open(D(100_000))
        self.bob = self.accounts.open(D(100_000))

    def connect(self, key: ApiKey | None = None, channels: list[str] | None = None) -> Client:
        """Return an authenticated connection, by default alice's, subscribed to the event channels."""
        client = self.connect_unauthenticated()
        client.send("auth", **signed(key or self.alice, self.wall))
        client.send("subscribe", channels=CHANNELS if channels is None else channels)
        return client

    def connect_unauthenticated(self) -> Client:
        """Return a connection that has not authenticated."""
        return Client(self.gateway, self.gateway.connect())


class Client:
    """One connection."""

    def __init__(self, gateway: TradeGateway, session: TradeSession) -> None:
        self.session = session
        self._gateway = gateway

    def send(self, command: str, **params: Any) -> list[Message]:
        """Send a command and return the messages that this connection receives."""
        return self.text(json.dumps({"type": command, "params": params}))

    def text(self, text: str) -> list[Message]:
        """Send any text."""
        return [json.loads(frame.data) for frame in self._gateway.receive(self.session, text)]

    def read(self) -> list[Message]:
        """Return the messages that have been queued since, by other connections or by the clock."""
        return [json.loads(frame.data) for frame in self._gateway.take(self.session)]

    def disconnect(self) -> None:
        """End the connection."""
        self._gateway.disconnect(self.session)

    def orders(self) -> list[Message]:
        """Return the order responses that have been queued since."""
        return bodies(self.read(), "order_response")

    def order(self, side: str, quantity: Any, price: Any = 0, **terms: Any) -> list[Message]:
        """Send an order, by default LIMIT GTC of AAPL-USD."""
        entry = {
            "symbol": AAPL,
            "side": side,
            "order_type": "LIMIT",
            "order_time_in_force": "GTC",
            "quantity": quantity,
            "price": price,
        }
        return self.send("add_order", **{**entry, **terms})

    def placed(self, side: str, quantity: Any, price: Any, **terms: Any) -> Message:
        """Send an order that is accepted, and return its ACK."""
        ack: Message = self.order(side, quantity, price, **terms)[0]["order_response"]
        assert ack["status"] == "ACK"
        return ack


def bodies(messages: list[Message], kind: str) -> list[Message]:
    """Return the payloads of the messages with that top-level key."""
    return [message[kind] for message in messages if kind in message]


def statuses(messages: list[Message]) -> list[str]:
    """Return the statuses of the order responses."""
    return [body["status"] for body in bodies(messages, "order_response")]


def error(messages: list[Message]) -> Message:
    """Return the only message's ``err``."""
    assert len(messages) == 1
    found: Message = messages[0]["err"]
    return found


def code(messages: list[Message]) -> str:
    """Return the error code of the only message."""
    found: str = error(messages)["error_code"]
    return found


def _plain(instrument: Instrument) -> Instrument:
    if instrument.symbol != AAPL:
        return instrument
    return replace(instrument, index_price=D(200), band_width=D("0.1"))

"""The truth: orders, trades, positions and balance of the venue's one account."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
DEPOSIT = Decimal(1000)
STOPS = ("TAKE_PROFIT", "STOP_LOSS")


@dataclass(frozen=True)
class State:
    """What an order was at one time."""

    status: str
    remaining: Decimal
    price: Decimal
    quantity: Decimal
    live: bool
    time: float


@dataclass
class LedgerOrder:
    """One order under one id. A modify that gives it a new id makes a new one.

    Attributes
    ----------
    origin : str
        Who placed it: the name of a connection, or of another session.
    replaced_by, replaces : str or None
        The id that a modify gave it, or that it had before.
    states : list of State
        All that it was, in order.
    """

    order_id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    origin: str
    remaining: Decimal = ZERO
    status: str = "ACK"
    live: bool = True
    time: float = 0.0
    replaced_by: str | None = None
    replaces: str | None = None
    states: list[State] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        """Executed quantity."""
        return self.quantity - self.remaining

    @property
    def is_stop(self) -> bool:
        """Whether it waits for its trigger price."""
        return self.type in STOPS

    @property
    def may_be_modified(self) -> bool:
        """Whether a modify is accepted: live, resting, and not filled in part."""
        return self.live and not self.filled

    def note(self, status: str) -> None:
        """Note a change."""
        self.status, self.time = status, time.time()
        self.states.append(
            State(status, self.remaining, self.price, self.quantity, self.live, time.monotonic())
        )


@dataclass(frozen=True)
class LedgerTrade:
    """One execution, and the position after it."""

    trade_id: str
    order: LedgerOrder
    price: Decimal
    quantity: Decimal
    side: str
    time: float
    at: float  # by the monotonic clock
    position: Decimal
    remaining: Decimal


class Ledger:
    """Orders and trades. Used under the venue's lock.

    Parameters
    ----------
    seed : str
        Decides the order ids, so that a history can be replayed.

    Attributes
    ----------
    orders : dict of str to LedgerOrder
        Every order that was accepted, by order id.
    trades : list of LedgerTrade
        Oldest first.
    received : dict of str to str
        Requests that reached the venue, by id and price, with the outcome.
    refused_to_others : set of str
        Ids of live orders about which another session was refused something.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self.orders: dict[str, LedgerOrder] = {}
        self.trades: list[LedgerTrade] = []
        self.received: dict[str, str] = {}
        self.refused_to_others: set[str] = set()
        self._positions: dict[str, Decimal] = {}

    @property
    def live(self) -> list[LedgerOrder]:
        """Live orders, oldest first."""
        return [order for order in self.orders.values() if order.live]

    @property
    def positions(self) -> dict[str, Decimal]:
        """Signed positions by symbol, of all symbols that were ever traded."""
        return dict(self._positions)

    @property
    def deposit(self) -> Decimal:
        """The balance, which every trade changes."""
        return DEPOSIT + len(self.trades)

    def named(self, client_order_id: str) -> list[LedgerOrder]:
        """Orders with a client order id, oldest first."""
        return [order for order in self.orders.values() if order.client_order_id == client_order_id]

    def newest(self, order_id: str) -> LedgerOrder:
        """The order that an id became."""
        order = self.orders[order_id]
        while order.replaced_by is not None:
            order = self.orders[order.replaced_by]
        return order

    def lineage(self, order_id: str) -> Iterator[LedgerOrder]:
        """An order under all ids from this one on."""
        order: LedgerOrder | None = self.orders[order_id]
        while order is not None:
            yield order
            order = None if order.replaced_by is None else self.orders[order.replaced_by]

    def ids_of(self, name: str) -> set[str]:
        """Every id that an order ever had, by one of them; just the name for anything else."""
        if name not in self.orders:
            return {name} if name else set()
        first = self.orders[name]
        while first.replaces is not None:
            first = self.orders[first.replaces]
        return {order.order_id for order in self.lineage(first.order_id)}

    # --- changes -----------------------------------------------------------------------------------------------

    def place(self, params: dict[str, Any], origin: str) -> LedgerOrder:
        """Accept an order with the members of an ``add_order``."""
        order = LedgerOrder(
            order_id=self._new_id(),
            client_order_id=params["client_order_id"],
            symbol=params["symbol"],
            side=params["side"],
            type=params["order_type"],
            time_in_force=params["order_time_in_force"],
            quantity=_decimal(params["quantity"]),
            price=_decimal(params["price"]),
            reduce_only=bool(params.get("reduce_only")),
            origin=origin,
        )
        order.remaining = order.quantity
        self.orders[order.order_id] = order
        order.note("ACK")
        return order

    def fill(self, order: LedgerOrder, quantity: Decimal) -> LedgerTrade:
        """Execute some of an order."""
        order.remaining -= quantity
        order.live = order.remaining > 0
        signed = quantity if order.side == "BUY" else -quantity
        position = self._positions[order.symbol] = self._positions.get(order.symbol, ZERO) + signed
        trade = LedgerTrade(
            trade_id=f"t{len(self.trades) + 1:06}",
            order=order,
            price=order.price or Decimal(100),
            quantity=quantity,
            side=order.side,
            time=time.time(),
            at=time.monotonic(),
            position=position,
            remaining=order.remaining,
        )
        self.trades.append(trade)
        order.note("FILLED")
        return trade

    def end(self, order: LedgerOrder, status: str) -> None:
        """End an order."""
        order.live = False
        order.note(status)

    def replace(self, order: LedgerOrder, price: Any, quantity: Any, keeps_id: bool) -> LedgerOrder:
        """Modify an order; the order as it is then, under its old id or a new one."""
        if keeps_id:
            order.price, order.quantity = _decimal(price), _decimal(quantity)
            order.remaining = order.quantity
            order.note("MODIFIED")
            return order
        new = LedgerOrder(
            order_id=self._new_id(),
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            quantity=_decimal(quantity),
            price=_decimal(price),
            reduce_only=order.reduce_only,
            origin=order.origin,
            replaces=order.order_id,
        )
        new.remaining = new.quantity
        order.replaced_by = new.order_id
        self.end(order, "CANCELLED")
        self.orders[new.order_id] = new
        new.note("MODIFIED")
        return new

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _decimal(number: Any) -> Decimal:
    return Decimal(str(number))

"""TWAPs: a quantity is bought or sold in equal orders at equal intervals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from .accounts import Account
from .events import TwapChanged
from .market import Market
from .order_manager import OrderManager, check_client_id, require_terms
from .positions import average_price
from .timers import Timer
from .types import ZERO, OrderEntry, OrderIdType, Refused, TwapEntry, TwapRow, TwapStatus
from .venue import Venue

MIN_ORDERS = 2
MIN_INTERVAL = 30


@dataclass(eq=False)
class Twap:
    """One TWAP and its progress."""

    twap_id: str
    account: Account
    market: Market
    entry: TwapEntry
    created: float
    updated: float
    status: TwapStatus = "ACTIVE"
    sent: int = 0
    scheduled: Decimal = ZERO
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    filled_orders: int = 0
    timer: Timer | None = None

    def row(self) -> TwapRow:
        """Return the TWAP's current state."""
        return TwapRow(
            twap_id=self.twap_id,
            client_twap_id=self.entry.client_twap_id,
            account_id=self.account.account_id,
            status=self.status,
            symbol=self.market.symbol,
            side=self.entry.side,
            total_quantity=self.entry.total_quantity,
            filled_quantity=self.filled,
            average_fill_price=average_price(self.notional, self.filled),
            total_num_orders=self.entry.num_orders,
            filled_num_orders=self.filled_orders,
            order_interval_secs=self.entry.order_interval_secs,
            reduce_only=self.entry.reduce_only,
            created=self.created,
            updated=self.updated,
        )

    def next_quantity(self) -> Decimal:
        """Return the next child's quantity in whole lots, which makes up for rounding in earlier children."""
        total, number = self.entry.total_quantity, self.entry.num_orders
        if self.sent + 1 == number:
            return self.market.instrument.floor_quantity(total - self.scheduled)
        return self.market.instrument.floor_quantity(total * (self.sent + 1) / number - self.scheduled)


class Twaps:
    """Starts, runs and cancels TWAPs."""

    def __init__(self, venue: Venue, orders: OrderManager) -> None:
        self._venue = venue
        self._orders = orders

    def add(self, account: Account, entry: TwapEntry) -> TwapRow:
        """Start a TWAP; its first child order is sent at once, or at its start time.

        Raises
        ------
        Refused
            ``InvalidParameter`` if a documented rule is violated; ``PermissionDenied``, ``KycRequired`` or ``TncRequired``
            if the account may not trade.
        """
        require_terms(account)
        if not account.may_trade:
            raise Refused("PermissionDenied", "the account may not trade")
        market = self._admit(entry)
        twap = Twap(self._venue.ids.new(), account, market, entry, self._venue.now, self._venue.now)
        account.twaps[twap.twap_id] = twap
        self._report(twap)
        if entry.start_time is not None and entry.start_time > self._venue.now:
            twap.timer = self._venue.timers.at(entry.start_time, partial(self._send, twap))
        else:
            self._send(twap)
        return twap.row()

    def cancel(self, account: Account, symbol: str, id_type: OrderIdType, id_text: str) -> list[TwapRow]:
        """Cancel the active TWAPs that an id names."""
        return [self.end(twap, "CANCELLED") for twap in self._find(account, symbol, id_type, id_text)]

    def end(self, twap: Twap, status: TwapStatus) -> TwapRow:
        """End an active TWAP."""
        if twap.timer is not None:
            twap.timer.cancel()
        twap.status = status
        self._report(twap)
        return twap.row()

    def _admit(self, entry: TwapEntry) -> Market:
        """Check an entry against the documented rules and return its market."""
        market = self._venue.markets.get(entry.symbol)
        if market is None or market.halted:
            raise Refused("InvalidParameter", f"symbol {entry.symbol} is not active")
        if entry.num_orders < MIN_ORDERS:
            raise Refused("InvalidParameter", f"num_orders must be at least {MIN_ORDERS}")
        if entry.order_interval_secs < MIN_INTERVAL:
            raise Refused("InvalidParameter", f"order_interval_secs must be at least {MIN_INTERVAL}")
        smallest = market.instrument.min_quantity
        if entry.total_quantity < smallest * entry.num_orders:
            raise Refused("InvalidParameter", f"total_quantity / num_orders must be at least {smallest}")
        if entry.client_twap_id is not None:
            check_client_id(self._venue, "client_twap_id", entry.client_twap_id)
        return market

    def _send(self, twap: Twap) -> None:
        """Send the next child order and schedule the one after it."""
        quantity = twap.next_quantity()
        twap.sent += 1
        twap.scheduled += quantity
        child = self._orders.enter(twap.account, twap.market, self._child(twap.entry, quantity))
        twap.filled += child.filled
        twap.notional += child.filled_notional
        twap.filled_orders += 1 if child.filled else 0
        if twap.sent == twap.entry.num_orders:
            self.end(twap, "COMPLETED")
            return
        self._report(twap)
        due = self._venue.now + twap.entry.order_interval_secs
        twap.timer = self._venue.timers.at(due, partial(self._send, twap))

    def _child(self, entry: TwapEntry, quantity: Decimal) -> OrderEntry:
        """Return a child order: MARKET, or LIMIT IOC if the TWAP has a worst price."""
        return OrderEntry(
            symbol=entry.symbol,
            side=entry.side,
            order_type="MARKET" if entry.worst_price is None else "LIMIT",
            time_in_force="IOC",
            quantity=quantity,
            price=entry.worst_price or ZERO,
            reduce_only=entry.reduce_only,
        )

    def _find(self, account: Account, symbol: str, id_type: OrderIdType, id_text: str) -> list[Twap]:
        """Return the active TWAPs that an id names."""
        return [
            twap
            for twap in account.twaps.values()
            if twap.status == "ACTIVE"
            and twap.market.symbol == symbol
            and id_text == (twap.twap_id if id_type == "twap_id" else twap.entry.client_twap_id)
        ]

    def _report(self, twap: Twap) -> None:
        """Emit the TWAP's current state."""
        twap.updated = self._venue.now
        self._venue.emit(TwapChanged(twap.updated, twap.account.account_id, twap.row()))

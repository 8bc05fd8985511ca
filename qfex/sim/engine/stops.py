"""Stops: take profit and stop loss orders that the mark price turns into market orders.

A stop is independent, or attached to an order; attached stops appear as the order fills. The stops of one type together
never exceed the position that they close.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from .accounts import Account
from .checks import NEW_STOP, STOP_TERMS, first_failure
from .events import OrderChanged, StopChanged
from .market import Market
from .order_manager import OrderManager
from .orders import Order, Stop, opposite
from .types import ZERO, FinishedOrderRow, OrderEntry, OrderRow, OrderStatus, Side, StopType
from .venue import Venue

STOP_TYPES: tuple[StopType, ...] = ("TAKE_PROFIT", "STOP_LOSS")


class Stops:
    """Enters, modifies, cancels and triggers stops."""

    def __init__(self, venue: Venue, orders: OrderManager) -> None:
        self._venue = venue
        self._orders = orders

    def add(self, account: Account, entry: OrderEntry) -> OrderRow:
        """Enter an independent stop; `price` is its trigger price and the time in force is ignored."""
        self._orders.admit(account, entry)
        market = self._venue.markets.get(entry.symbol)
        if market is None:
            return self._orders.reject(account, entry, "BAD_SYMBOL")
        draft = self._orders.draft(account, market, replace(entry, reduce_only=True))
        failure = first_failure(NEW_STOP, self._venue, draft)
        if failure is not None:
            return self._orders.reject(account, entry, failure)
        assert draft.order_type in STOP_TYPES
        return self._open(draft, draft.order_type, entry.side, entry.quantity, entry.price)

    def modify(
        self, account: Account, stop_order_id: str, symbol: str, price: Decimal, quantity: Decimal
    ) -> OrderRow:
        """Change the trigger price and the quantity of a stop."""
        stop = account.stops.get(stop_order_id)
        if stop is None or stop.market.symbol != symbol:
            entry = OrderEntry(symbol, "BUY", "STOP_LOSS", "GTC", quantity, price)
            return self._orders.answer(account, entry, "CANNOT_MODIFY_NO_SUCH_ORDER", stop_order_id)
        entry = OrderEntry(
            symbol=symbol,
            side=stop.side,
            order_type=stop.order_type,
            time_in_force=stop.time_in_force,
            quantity=quantity,
            price=price,
            reduce_only=True,
            client_order_id=stop.client_order_id,
        )
        draft = self._orders.draft(account, stop.market, entry)
        draft.order_id = stop_order_id
        failure = first_failure(STOP_TERMS, self._venue, draft)
        if failure is not None:
            return self._orders.answer(account, entry, failure, stop_order_id)
        stop.price, stop.quantity = price, quantity
        return self._report(stop, "MODIFIED")

    def cancel(self, account: Account, stop_order_id: str) -> OrderRow:
        """Cancel a stop by its order id."""
        stop = account.stops.get(stop_order_id)
        if stop is None:
            return self._orders.no_such_order(account, "", "order_id", stop_order_id)
        return self.cancel_one(stop)

    def cancel_one(self, stop: Stop) -> OrderRow:
        """Cancel a stop."""
        self._remove(stop)
        stop.status = "CANCELLED"
        row = self._report(stop, "CANCELLED")
        stop.account.history.finished(FinishedOrderRow(row, ZERO, ZERO, None, None, None, stop.updated))
        return row

    def attach(self, order: Order) -> None:
        """Attach take profit and stop loss to the newly filled quantity of an order."""
        grown = order.filled - order.attached
        order.attached = order.filled
        if order.take_profit is not None:
            self._protect(order, "TAKE_PROFIT", order.take_profit, grown)
        if order.stop_loss is not None:
            self._protect(order, "STOP_LOSS", order.stop_loss, grown)

    def trim(self, account: Account, market: Market) -> None:
        """Cancel stops that exceed the position; of each type and side, the older ones stay."""
        if not account.stops:
            return
        room: dict[tuple[StopType, Side], Decimal] = {}
        for stop in [stop for stop in account.stops.values() if stop.market is market]:
            key = stop.order_type, stop.side
            room[key] = room.get(key, account.position(market).reducible(stop.side)) - stop.quantity
            if room[key] < 0:
                room[key] += stop.quantity
                self.cancel_one(stop)

    def trigger_reached(self, market: Market) -> None:
        """Trigger the stops that the mark price has reached, oldest first."""
        if not market.is_trading:
            return
        for stop in [stop for stop in market.stops.values() if stop.reached(market.mark)]:
            if stop.order_id in market.stops:
                self._trigger(stop)

    def _trigger(self, stop: Stop) -> None:
        """Turn a stop into a market order that keeps its id and may only reduce the position."""
        self._remove(stop)
        stop.status, stop.updated = "TRIGGERED", self._venue.now
        self._venue.emit(StopChanged(self._venue.now, stop.account.account_id, stop.stop_row()))
        entry = OrderEntry(
            symbol=stop.market.symbol,
            side=stop.side,
            order_type="MARKET",
            time_in_force="IOC",
            quantity=stop.quantity,
            reduce_only=True,
            client_order_id=stop.client_order_id,
        )
        order = self._orders.draft(stop.account, stop.market, entry)
        order.order_id, order.created = stop.order_id, stop.created
        self._orders.submit(order)

    def _protect(self, order: Order, stop_type: StopType, price: Decimal, quantity: Decimal) -> None:
        """Open or enlarge the attached stop of one type, within the position."""
        side = opposite(order.side)
        siblings = [
            stop
            for stop in order.account.stops.values()
            if stop.market is order.market and stop.order_type == stop_type and stop.side == side
        ]
        room = order.account.position(order.market).reducible(side) - sum(
            (s.quantity for s in siblings), ZERO
        )
        quantity = min(quantity, room)
        if quantity <= 0:
            return
        mine = next((stop for stop in siblings if stop.parent_id == order.order_id), None)
        if mine is None:
            self._open(order, stop_type, side, quantity, price, order.order_id)
        else:
            mine.quantity += quantity
            self._report(mine, "MODIFIED")

    def _open(
        self,
        order: Order,
        stop_type: StopType,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        parent_id: str | None = None,
    ) -> OrderRow:
        """Open a stop; `order` is its draft if it is independent, otherwise the order that it is attached to."""
        now = self._venue.now
        stop = Stop(
            order_id=self._venue.ids.new() if parent_id else order.order_id,
            client_order_id="" if parent_id else order.client_order_id,
            account=order.account,
            market=order.market,
            side=side,
            order_type=stop_type,
            time_in_force=order.time_in_force,
            quantity=quantity,
            price=price,
            created=now,
            updated=now,
            parent_id=parent_id,
        )
        self._store(stop)
        return self._report(stop, "ACK")

    def _store(self, stop: Stop) -> None:
        stop.account.stops[stop.order_id] = stop
        stop.market.stops[stop.order_id] = stop

    def _remove(self, stop: Stop) -> None:
        del stop.account.stops[stop.order_id]
        del stop.market.stops[stop.order_id]

    def _report(self, stop: Stop, status: OrderStatus) -> OrderRow:
        """Emit a stop's change as an order event and as a stop event, and return the order row."""
        stop.updated = self._venue.now
        row = stop.row(status)
        self._venue.emit(OrderChanged(stop.updated, stop.account.account_id, row))
        self._venue.emit(StopChanged(stop.updated, stop.account.account_id, stop.stop_row()))
        self._venue.account_changed(stop.account, stop.market)
        return row

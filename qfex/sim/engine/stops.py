"""Stops: take profit and stop loss orders that wait for the mark price and fire as market orders.

They stand alone or are attached to an order, in which case they appear as it fills. Together, those of one
type never exceed the position they close.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from .accounts import Account
from .checks import NEW_STOP, STOP_TERMS, first_failure
from .desk import Desk
from .events import OrderChanged, StopChanged
from .market import Market
from .orders import Order, Stop, opposite
from .types import ZERO, FinishedOrderRow, OrderEntry, OrderRow, OrderStatus, Side, StopType
from .venue import Venue

STOP_TYPES: tuple[StopType, ...] = ("TAKE_PROFIT", "STOP_LOSS")


class Stops:
    """Takes, changes, bounds and fires stops."""

    def __init__(self, venue: Venue, desk: Desk) -> None:
        self._venue = venue
        self._desk = desk

    def add(self, account: Account, entry: OrderEntry) -> OrderRow:
        """Take a stop that stands alone; `price` is its trigger and the time in force is ignored."""
        self._desk.admit(account, entry)
        market = self._venue.markets.get(entry.symbol)
        if market is None:
            return self._desk.turn_down(account, entry, "BAD_SYMBOL")
        draft = self._desk.draft(account, market, replace(entry, reduce_only=True))
        failure = first_failure(NEW_STOP, self._venue, draft)
        if failure is not None:
            return self._desk.turn_down(account, entry, failure)
        assert draft.order_type in STOP_TYPES
        return self._open(draft, draft.order_type, entry.side, entry.quantity, entry.price)

    def modify(
        self, account: Account, stop_order_id: str, symbol: str, price: Decimal, quantity: Decimal
    ) -> OrderRow:
        """Change trigger and quantity of a stop."""
        stop = account.stops.get(stop_order_id)
        if stop is None or stop.market.symbol != symbol:
            entry = OrderEntry(symbol, "BUY", "STOP_LOSS", "GTC", quantity, price)
            return self._desk.answer(account, entry, "CANNOT_MODIFY_NO_SUCH_ORDER", stop_order_id)
        entry = OrderEntry(
            symbol, stop.side, stop.order_type, stop.time_in_force, quantity, price, None, None, True,
            stop.client_order_id,
        )  # fmt: skip
        draft = self._desk.draft(account, stop.market, entry)
        draft.order_id = stop_order_id
        failure = first_failure(STOP_TERMS, self._venue, draft)
        if failure is not None:
            return self._desk.answer(account, entry, failure, stop_order_id)
        stop.price, stop.quantity = price, quantity
        return self._tell(stop, "MODIFIED")

    def cancel(self, account: Account, stop_order_id: str) -> OrderRow:
        """Cancel a stop by its order id."""
        stop = account.stops.get(stop_order_id)
        if stop is None:
            return self._desk.no_such_order(account, "", "order_id", stop_order_id)
        return self.drop(stop)

    def drop(self, stop: Stop) -> OrderRow:
        """Cancel a stop."""
        self._forget(stop)
        stop.status = "CANCELLED"
        row = self._tell(stop, "CANCELLED")
        stop.account.history.finished(FinishedOrderRow(row, ZERO, ZERO, None, None, None, stop.updated))
        return row

    def attach(self, order: Order) -> None:
        """Give what was newly filled of an order its take profit and stop loss."""
        grown = order.filled - order.attached
        order.attached = order.filled
        if order.take_profit is not None:
            self._protect(order, "TAKE_PROFIT", order.take_profit, grown)
        if order.stop_loss is not None:
            self._protect(order, "STOP_LOSS", order.stop_loss, grown)

    def bound(self, account: Account, market: Market) -> None:
        """Cancel stops that no longer fit the position; of each type and side, the older ones stay."""
        if not account.stops:
            return
        room: dict[tuple[StopType, Side], Decimal] = {}
        for stop in [stop for stop in account.stops.values() if stop.market is market]:
            key = stop.order_type, stop.side
            room[key] = room.get(key, account.position(market).reducible(stop.side)) - stop.quantity
            if room[key] < 0:
                room[key] += stop.quantity
                self.drop(stop)

    def fire(self, market: Market) -> None:
        """Turn the stops that the mark price has reached into market orders, oldest first."""
        if not market.is_trading:
            return
        for stop in [stop for stop in market.stops.values() if stop.reached(market.mark)]:
            if stop.order_id in market.stops:
                self._trigger(stop)

    def _trigger(self, stop: Stop) -> None:
        """Fire one stop: the order keeps its id and may only reduce the position."""
        self._forget(stop)
        stop.status, stop.updated = "TRIGGERED", self._venue.now
        self._venue.emit(StopChanged(self._venue.now, stop.account.account_id, stop.stop_row()))
        entry = OrderEntry(
            stop.market.symbol, stop.side, "MARKET", "IOC", stop.quantity, ZERO, None, None, True,
            stop.client_order_id,
        )  # fmt: skip
        order = self._desk.draft(stop.account, stop.market, entry)
        order.order_id, order.created = stop.order_id, stop.created
        self._desk.submit(order)

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
            self._tell(mine, "MODIFIED")

    def _open(
        self,
        order: Order,
        stop_type: StopType,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        parent_id: str | None = None,
    ) -> OrderRow:
        """Open a stop for an account and market of `order`: itself if it stands alone, else its parent."""
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
        self._keep(stop)
        return self._tell(stop, "ACK")

    def _keep(self, stop: Stop) -> None:
        stop.account.stops[stop.order_id] = stop
        stop.market.stops[stop.order_id] = stop

    def _forget(self, stop: Stop) -> None:
        del stop.account.stops[stop.order_id]
        del stop.market.stops[stop.order_id]

    def _tell(self, stop: Stop, status: OrderStatus) -> OrderRow:
        """Tell the owner what became of a stop, as an order and as a stop."""
        stop.updated = self._venue.now
        row = stop.row(status)
        self._venue.emit(OrderChanged(stop.updated, stop.account.account_id, row))
        self._venue.emit(StopChanged(stop.updated, stop.account.account_id, stop.stop_row()))
        self._venue.touch(stop.account, stop.market)
        return row

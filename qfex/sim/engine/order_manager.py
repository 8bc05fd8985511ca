"""Order management: enters, cancels and modifies orders, and answers each command with an order row."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial

from .accounts import Account
from .checks import NEW_ORDER, REPLACEMENT, first_failure, would_take
from .events import OrderChanged
from .lifecycle import Lifecycle
from .market import Market
from .matching import Matcher
from .orders import Order
from .types import ZERO, OrderEntry, OrderIdType, OrderRow, OrderStatus, Refused, Side
from .venue import Venue


class OrderManager:
    """Enters, cancels and modifies orders other than stops."""

    def __init__(self, venue: Venue, lifecycle: Lifecycle, matcher: Matcher) -> None:
        self._venue = venue
        self._lifecycle = lifecycle
        self._matcher = matcher

    def add(self, account: Account, entry: OrderEntry) -> OrderRow:
        """Enter a new order."""
        self.admit(account, entry)
        market = self._venue.markets.get(entry.symbol)
        if market is None:
            return self.reject(account, entry, "BAD_SYMBOL")
        return self.enter(account, market, entry).row()

    def enter(self, account: Account, market: Market, entry: OrderEntry) -> Order:
        """Check an order and, if it passes, let it trade or rest."""
        order = self.draft(account, market, entry)
        failure = first_failure(NEW_ORDER, self._venue, order)
        if failure is not None:
            self._lifecycle.reject(order, failure)
        elif would_take(self._venue, order):
            self._end_crossing_alo(order)
        else:
            self.submit(order)
        return order

    def admit(self, account: Account, entry: OrderEntry) -> None:
        """Raise if an entry cannot become an order.

        Raises
        ------
        Refused
            ``KycRequired``; ``TncRequired``; ``InvalidPrice`` for a MARKET order with a price; ``InvalidParameter`` for a
            client id of the wrong length.
        """
        require_terms(account)
        if entry.order_type == "MARKET" and entry.price:
            raise Refused("InvalidPrice", "price must be 0 for a MARKET order")
        if entry.client_order_id:
            check_client_id(self._venue, "client_order_id", entry.client_order_id)

    def draft(self, account: Account, market: Market, entry: OrderEntry) -> Order:
        """Return an order that has not been checked and accepted."""
        is_market = entry.order_type == "MARKET"
        return Order(
            order_id=self._venue.ids.new(),
            client_order_id=entry.client_order_id,
            account=account,
            market=market,
            side=entry.side,
            order_type=entry.order_type,
            time_in_force=entry.time_in_force,
            quantity=entry.quantity,
            remaining=entry.quantity,
            limit=protective_price(market, entry.side) if is_market else entry.price,
            margin_price=market.mark if is_market else entry.price,
            take_profit=entry.take_profit or None,
            stop_loss=entry.stop_loss or None,
            reduce_only=entry.reduce_only,
            created=self._venue.now,
            updated=self._venue.now,
        )

    def submit(self, order: Order, status: OrderStatus = "ACK") -> None:
        """Open an order without further checks and match it, after the speed bump if that applies."""
        self._lifecycle.open(order, status)
        bump = self._venue.rules.speed_bump
        if bump and order.order_type == "LIMIT" and order.market.book.would_take(order):
            self._venue.timers.at(self._venue.now + bump, partial(self._after_bump, order))
        else:
            self._matcher.execute(order)

    def reject(self, account: Account, entry: OrderEntry, status: OrderStatus) -> OrderRow:
        """Reject an entry that did not become an order."""
        return self.answer(account, entry, status, self._venue.ids.new())

    def cancel(self, account: Account, symbol: str, id_type: OrderIdType, id_text: str) -> list[OrderRow]:
        """Cancel one order by its id, or all of a symbol that share a client id."""
        orders = self._find(account, symbol, id_type, id_text)
        if not orders:
            return [self.no_such_order(account, symbol, id_type, id_text)]
        return [self.cancel_one(order) for order in orders]

    def cancel_one(self, order: Order) -> OrderRow:
        """Cancel an open order; while matching fails, reject the cancellation."""
        if order.market.failing:
            row = replace(order.row(), status="REJECTED", trade_id=None)
            self._venue.emit(OrderChanged(self._venue.now, order.account.account_id, row))
            return row
        self._lifecycle.close(order, "CANCELLED")
        return order.row()

    def modify(self, account: Account, order_id: str, terms: OrderEntry) -> OrderRow:
        """Replace a resting order; if the new terms fail a check, the order stays as it was."""
        require_terms(account)
        order = account.orders.get(order_id)
        if order is None or order.market.symbol != terms.symbol or order.side != terms.side:
            return self._unmodified(account, terms, order_id, "CANNOT_MODIFY_NO_SUCH_ORDER")
        if order.reduce_only != terms.reduce_only:
            raise Refused("InvalidParameter", "reduce_only must be that of the order")
        if order.order_type != terms.order_type:
            return self._unmodified(account, terms, order_id, "INVALID_ORDER_TYPE")
        if order.filled:
            return self._unmodified(account, terms, order_id, "CANNOT_MODIFY_PARTIAL_FILL")
        return self._replace(order, terms)

    def close_position(self, account: Account, symbol: str, client_order_id: str) -> OrderRow:
        """Close a position with a LIMIT IOC order priced a little through the mark price.

        Raises
        ------
        Refused
            ``InvalidOrder`` if there is no position.
        """
        market = self._venue.markets.get(symbol)
        held = account.open_positions.get(symbol)
        if market is None or held is None:
            raise Refused("InvalidOrder", f"no open position in {symbol}")
        side: Side = "SELL" if held.quantity > 0 else "BUY"
        price = pegged_price(market, side, self._venue.rules.close_peg)
        size = abs(held.quantity)
        entry = OrderEntry(
            symbol, side, "LIMIT", "IOC", size, price, reduce_only=True, client_order_id=client_order_id
        )
        return self.add(account, entry)

    def answer(self, account: Account, entry: OrderEntry, status: OrderStatus, order_id: str) -> OrderRow:
        """Emit and return an order row with the terms of an entry."""
        now = self._venue.now
        row = OrderRow(
            order_id=order_id,
            client_order_id=entry.client_order_id,
            account_id=account.account_id,
            symbol=entry.symbol,
            status=status,
            side=entry.side,
            order_type=entry.order_type,
            time_in_force=entry.time_in_force,
            quantity=entry.quantity,
            quantity_remaining=entry.quantity,
            price=entry.price,
            take_profit=entry.take_profit or None,
            stop_loss=entry.stop_loss or None,
            reduce_only=entry.reduce_only,
            trade_id=None,
            created=now,
            updated=now,
        )
        self._venue.emit(OrderChanged(now, account.account_id, row))
        return row

    def no_such_order(self, account: Account, symbol: str, id_type: OrderIdType, id_text: str) -> OrderRow:
        """Answer the cancellation of an unknown order with a row that has its id and is blank otherwise."""
        client_id = id_text if id_type == "client_order_id" else ""
        blank = OrderEntry(symbol, "BUY", "LIMIT", "GTC", ZERO, client_order_id=client_id)
        return self.answer(account, blank, "NO_SUCH_ORDER", id_text)

    def _after_bump(self, order: Order) -> None:
        """Match a delayed order, unless it was cancelled in the meantime."""
        if order.account.orders.get(order.order_id) is order:
            self._matcher.execute(order)

    def _end_crossing_alo(self, order: Order) -> None:
        """Reject a post-only order that would take, with the status that the rules choose."""
        if self._venue.rules.crossing_alo == "REJECTED":
            self._lifecycle.reject(order, "REJECTED")
        else:
            self._lifecycle.open(order)
            self._lifecycle.close(order, "CANCELLED")

    def _replace(self, order: Order, entry: OrderEntry) -> OrderRow:
        """Replace an order with one that has the new terms, at the back of the queue."""
        draft = self.draft(order.account, order.market, replace(entry, client_order_id=order.client_order_id))
        draft.time_in_force, draft.created = order.time_in_force, order.created
        position = order.account.position(order.market)
        position.count(order, -order.remaining, -1)
        failure = first_failure(REPLACEMENT, self._venue, draft)
        position.count(order, order.remaining, 1)
        if failure is not None:
            return self._unmodified(order.account, entry, order.order_id, failure)
        self._lifecycle.withdraw(order)
        if self._venue.rules.modify_keeps_order_id:
            draft.order_id = order.order_id
        self.submit(draft, "MODIFIED")
        return draft.row()

    def _unmodified(
        self, account: Account, entry: OrderEntry, order_id: str, status: OrderStatus
    ) -> OrderRow:
        """Answer a modification that was not made; the order, if there is one, stays as it is."""
        order = account.orders.get(order_id)
        if order is not None:
            entry = replace(entry, client_order_id=order.client_order_id, time_in_force=order.time_in_force)
        return self.answer(account, entry, status, order_id)

    def _find(self, account: Account, symbol: str, id_type: OrderIdType, id_text: str) -> list[Order]:
        """Return the open orders that an id names."""
        if id_type == "order_id":
            order = account.orders.get(id_text)
            return [order] if order is not None and order.market.symbol == symbol else []
        return [
            order
            for order in account.orders.values()
            if order.client_order_id == id_text and order.market.symbol == symbol
        ]


def require_terms(account: Account) -> None:
    """Raise if an account has not completed its registration.

    Raises
    ------
    Refused
        ``KycRequired`` or ``TncRequired``.
    """
    if not account.kyc:
        raise Refused("KycRequired", "identity check is not complete")
    if not account.terms_accepted:
        raise Refused("TncRequired", "the current terms and conditions are not accepted")


def check_client_id(venue: Venue, name: str, text: str) -> None:
    """Raise if a client id has the wrong length.

    Raises
    ------
    Refused
        ``InvalidParameter``, if the length is out of range.
    """
    shortest, longest = venue.rules.client_id_length
    if not shortest <= len(text) <= longest:
        raise Refused("InvalidParameter", f"{name} must have {shortest} to {longest} characters")


def protective_price(market: Market, side: Side) -> Decimal:
    """Return the worst price at which a market order may trade: the edge of the price band."""
    low, high = market.price_band()
    return market.instrument.floor_price(high) if side == "BUY" else market.instrument.ceil_price(low)


def pegged_price(market: Market, side: Side, peg: Decimal) -> Decimal:
    """Return the mark price plus (purchase) or minus (sale) the fraction `peg`, rounded towards trading."""
    if side == "BUY":
        return market.instrument.ceil_price(market.mark * (1 + peg))
    return market.instrument.floor_price(market.mark * (1 - peg))

"""Settlement: a trade is booked to both accounts, charged, and published."""

from __future__ import annotations

from decimal import Decimal

from .events import Filled, Traded
from .lifecycle import Lifecycle
from .orders import Order
from .positions import margin_of
from .types import ZERO, FillRow, PublicTrade, Side
from .venue import Venue


class Settlement:
    """Books trades."""

    def __init__(self, venue: Venue, lifecycle: Lifecycle) -> None:
        self._venue = venue
        self._lifecycle = lifecycle

    def trade(self, taker: Order, maker: Order, quantity: Decimal) -> None:
        """Trade `quantity` of two orders at the maker's price."""
        trade_id = self._venue.ids.new()
        market, price = maker.market, maker.limit
        if maker.resting:
            market.book.side(maker.side).reduce(maker, quantity)
            self._venue.touched.books[market] = None
        public = PublicTrade(trade_id, market.symbol, price, quantity, taker.side, self._venue.now)
        market.history.traded(public, market.usd(quantity, price))
        self._venue.emit(Traded(self._venue.now, market.symbol, public))
        self._fill(maker, taker.side, trade_id, price, quantity)
        self._fill(taker, taker.side, trade_id, price, quantity)

    def _fill(self, order: Order, aggressor: Side, trade_id: str, price: Decimal, quantity: Decimal) -> None:
        """Book one side and tell its owner."""
        passive = order.side != aggressor
        order.remaining -= quantity
        order.filled_notional += quantity * price
        order.passive_quantity += quantity if passive else ZERO
        order.last_fill = self._venue.now
        order.first_fill = order.first_fill or self._venue.now
        order.trade_id = trade_id
        realised = self._book(order, quantity, price)
        fee = self._charge(order, quantity, price, passive)
        if order.account.house:
            self._venue.touched.quotes[order.market] = None
        else:
            self._tell(order, aggressor, trade_id, price, quantity, fee, realised)
        if not order.remaining:
            self._lifecycle.close(order)

    def _book(self, order: Order, quantity: Decimal, price: Decimal) -> Decimal:
        """Book one side to its position and return the profit it realised."""
        position = order.account.position(order.market)
        before = position.quantity
        realised = position.trade(order.side, quantity, price)
        order.market.held(order.account, position, before)
        self._lifecycle.count(order, -quantity)
        if not order.account.house:
            self._venue.touched.traded[order.account, order.market] = None
        if order.bracketed:
            self._venue.touched.brackets[order] = None
        return realised

    def _charge(self, order: Order, quantity: Decimal, price: Decimal, passive: bool) -> Decimal:
        """Charge the fee of one side and return it, in USD."""
        fees = self._venue.rules.fees_of(order.market.instrument.category)
        fee = order.market.usd(quantity, price) * (fees.maker if passive else fees.taker)
        order.account.fees += fee
        self._venue.fees_collected += fee
        return fee

    def _tell(
        self,
        order: Order,
        aggressor: Side,
        trade_id: str,
        price: Decimal,
        quantity: Decimal,
        fee: Decimal,
        realised: Decimal,
    ) -> None:
        """Tell the owner of one side: the fill first, then what became of the order."""
        account, market = order.account, order.market
        fill = FillRow(
            trade_id,
            account.account_id,
            market.symbol,
            price,
            quantity,
            order.side,
            aggressor,
            order.order_id,
            order.client_order_id,
            fee,
            order.order_type,
            order.time_in_force,
            order.limit,
            order.remaining,
            order.take_profit,
            order.stop_loss,
            "NEW",
            self._venue.now,
            realised,
            margin_of(market.usd(quantity, price), account.position(market).leverage),
        )
        account.history.filled(fill)
        self._venue.emit(Filled(self._venue.now, account.account_id, fill))
        self._lifecycle.report(order, "FILLED")

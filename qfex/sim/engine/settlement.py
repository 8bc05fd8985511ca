"""Settlement: books a trade to both accounts, charges fees and publishes it."""

from __future__ import annotations

from decimal import Decimal

from .events import Filled, Traded
from .lifecycle import Lifecycle
from .orders import Order
from .positions import margin_of
from .types import ZERO, FillRow, PublicTrade, Side
from .venue import Venue


class Settlement:
    """Settles trades."""

    def __init__(self, venue: Venue, lifecycle: Lifecycle) -> None:
        self._venue = venue
        self._lifecycle = lifecycle

    def trade(self, taker: Order, maker: Order, quantity: Decimal) -> None:
        """Trade `quantity` of two orders at the maker's price."""
        trade_id = self._venue.ids.new()
        market, price = maker.market, maker.limit
        if maker.resting:
            market.book.side(maker.side).reduce(maker, quantity)
            self._venue.changes.books[market] = None
        public = PublicTrade(trade_id, market.symbol, price, quantity, taker.side, self._venue.now)
        market.history.traded(public, market.usd(quantity, price))
        self._venue.emit(Traded(self._venue.now, market.symbol, public))
        self._fill(maker, taker.side, trade_id, price, quantity)
        self._fill(taker, taker.side, trade_id, price, quantity)

    def _fill(self, order: Order, aggressor: Side, trade_id: str, price: Decimal, quantity: Decimal) -> None:
        """Book one side of a trade and report it to its owner."""
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
            self._venue.changes.quotes[order.market] = None
        else:
            fill = self._fill_row(order, aggressor, trade_id, price, quantity, fee, realised)
            order.account.history.filled(fill)
            self._venue.emit(Filled(self._venue.now, fill.account_id, fill))
            self._lifecycle.report(order, "FILLED")
        if not order.remaining:
            self._lifecycle.close(order)

    def _book(self, order: Order, quantity: Decimal, price: Decimal) -> Decimal:
        """Book one side to its position and return the realised profit."""
        position = order.account.position(order.market)
        before = position.quantity
        realised = position.trade(order.side, quantity, price)
        order.market.update_holder(order.account, position, before)
        self._lifecycle.count(order, -quantity)
        if not order.account.house:
            self._venue.changes.traded[order.account, order.market] = None
        if order.bracketed:
            self._venue.changes.brackets[order] = None
        return realised

    def _charge(self, order: Order, quantity: Decimal, price: Decimal, passive: bool) -> Decimal:
        """Charge the fee of one side and return it, in USD."""
        fees = self._venue.rules.fees_of(order.market.instrument.category)
        fee = order.market.usd(quantity, price) * (fees.maker if passive else fees.taker)
        order.account.fees += fee
        self._venue.fees_collected += fee
        return fee

    def _fill_row(
        self,
        order: Order,
        aggressor: Side,
        trade_id: str,
        price: Decimal,
        quantity: Decimal,
        fee: Decimal,
        realised: Decimal,
    ) -> FillRow:
        """Return one side of a trade as its owner sees it."""
        account, market = order.account, order.market
        return FillRow(
            trade_id=trade_id,
            account_id=account.account_id,
            symbol=market.symbol,
            price=price,
            quantity=quantity,
            side=order.side,
            aggressor_side=aggressor,
            order_id=order.order_id,
            client_order_id=order.client_order_id,
            fee=fee,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            order_price=order.limit,
            remaining_quantity=order.remaining,
            take_profit=order.take_profit,
            stop_loss=order.stop_loss,
            execution_type="NEW",
            timestamp=self._venue.now,
            realised_pnl=realised,
            margin_used=margin_of(market.usd(quantity, price), account.position(market).leverage),
        )

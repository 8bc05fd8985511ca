"""The checks that an order must pass, in tables with the status that rejects it.

A check is a predicate that is true if the order fails it. Tables are read from the top; the first failure decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from .margin import notional_cap
from .orders import Order, opposite
from .types import ZERO, OrderStatus
from .venue import Venue

Check = Callable[[Venue, Order], bool]
Table = Sequence[tuple[Check, OrderStatus]]

# The times in force that the exchange allows for each order type. Stops ignore the field.
TIMES_IN_FORCE = {"LIMIT": {"GTC", "IOC", "FOK"}, "MARKET": {"IOC"}, "ALO": {"GTC"}}
STOP_TYPES = {"TAKE_PROFIT", "STOP_LOSS"}


def first_failure(table: Table, venue: Venue, order: Order) -> OrderStatus | None:
    """Return the status of the first check that an order fails."""
    return next((status for fails, status in table if fails(venue, order)), None)


def is_forbidden(venue: Venue, order: Order) -> bool:
    """The account may not trade."""
    return not order.account.may_trade


def is_too_fast(venue: Venue, order: Order) -> bool:
    """The account has exceeded its number of orders for this second."""
    account, limit = order.account, venue.rules.max_orders_per_second
    if account.second != int(venue.now):
        account.second, account.orders_this_second = int(venue.now), 0
    account.orders_this_second += 1
    return limit is not None and account.orders_this_second > limit


def is_delisted(venue: Venue, order: Order) -> bool:
    """The symbol is no longer listed."""
    return order.market.instrument.status == "DELISTED"


def has_unknown_type(venue: Venue, order: Order) -> bool:
    """The instrument does not accept orders of this type."""
    return order.order_type not in order.market.instrument.order_types


def has_wrong_time_in_force(venue: Venue, order: Order) -> bool:
    """The time in force is not allowed for the order type."""
    offered = order.market.instrument.times_in_force
    return order.time_in_force not in TIMES_IN_FORCE[order.order_type].intersection(offered)


def is_market_closed(venue: Venue, order: Order) -> bool:
    """The symbol is halted or inactive."""
    return order.market.halted


def is_market_failing(venue: Venue, order: Order) -> bool:
    """The symbol's matching is failing."""
    return order.market.failing


def is_in_liquidation(venue: Venue, order: Order) -> bool:
    """The account is being liquidated."""
    return order.account.in_liquidation


def is_off_lot(venue: Venue, order: Order) -> bool:
    """The quantity is not a whole number of lots."""
    return bool(order.quantity % order.market.instrument.lot_size)


def is_empty(venue: Venue, order: Order) -> bool:
    """The quantity is not positive."""
    return order.quantity <= 0


def is_too_small(venue: Venue, order: Order) -> bool:
    """The quantity is below the instrument's minimum, and does not close a position of that size."""
    if order.quantity >= order.market.instrument.min_quantity:
        return False
    closing = order.account.position(order.market).reducible(order.side) if order.reduce_only else None
    return closing is None or order.quantity < closing


def is_too_large(venue: Venue, order: Order) -> bool:
    """The quantity is above the instrument's maximum."""
    return order.quantity > order.market.instrument.max_quantity


def is_off_tick(venue: Venue, order: Order) -> bool:
    """The price is not a whole number of ticks."""
    return bool(order.limit % order.market.instrument.tick_size)


def is_below_min_price(venue: Venue, order: Order) -> bool:
    """The price is far below the index."""
    return order.limit <= 0 or order.limit < order.market.index * venue.rules.price_limits[0]


def is_above_max_price(venue: Venue, order: Order) -> bool:
    """The price is far above the index."""
    return order.limit > order.market.index * venue.rules.price_limits[1]


def is_below_band(venue: Venue, order: Order) -> bool:
    """A sale is priced below the band around the index. A purchase below it simply rests."""
    return order.side == "SELL" and order.limit < order.market.price_band()[0]


def is_above_band(venue: Venue, order: Order) -> bool:
    """A purchase is priced above the band around the index. A sale above it simply rests."""
    return order.side == "BUY" and order.limit > order.market.price_band()[1]


def has_bad_take_profit(venue: Venue, order: Order) -> bool:
    """The take profit is off the tick grid or would realise a loss."""
    price = order.take_profit
    return price is not None and (_off_grid(order, price) or _ahead(order, price) <= 0)


def has_bad_stop_loss(venue: Venue, order: Order) -> bool:
    """The stop loss is off the tick grid or would realise a profit."""
    price = order.stop_loss
    return price is not None and (_off_grid(order, price) or _ahead(order, price) >= 0)


def is_below_min_notional(venue: Venue, order: Order) -> bool:
    """The order's notional is below the minimum. Reduce-only orders have no minimum."""
    return not order.reduce_only and _notional(order, order.quantity) < venue.rules.min_notional


def is_reducing_nothing(venue: Venue, order: Order) -> bool:
    """A reduce-only order has no position to reduce."""
    return order.reduce_only and not order.account.position(order.market).reducible(order.side)


def is_one_too_many(venue: Venue, order: Order) -> bool:
    """The account has reached its maximum number of open orders."""
    return order.account.open_order_count() >= venue.rules.max_open_orders


def breaches_max_notional(venue: Venue, order: Order) -> bool:
    """With all orders on this side filled, the position would exceed the notional that its leverage allows."""
    before, after = _exposures(order)
    cap = notional_cap(venue, order.market, order.account.position(order.market))
    return after > before and _notional(order, after) > cap


def breaches_open_interest(venue: Venue, order: Order) -> bool:
    """The account's positions in all symbols would exceed the open interest limit."""
    enlarging = _enlarging(order)
    return bool(enlarging) and (
        order.account.notional + _notional(order, enlarging) > venue.rules.max_open_interest
    )


def breaches_total_open_interest(venue: Venue, order: Order) -> bool:
    """The positions of all accounts in the symbol would exceed the open interest limit."""
    enlarging = _enlarging(order)
    return bool(enlarging) and (
        _notional(order, order.market.long_quantity + enlarging) > venue.rules.max_total_open_interest
    )


def fails_margin(venue: Venue, order: Order) -> bool:
    """The order would reserve more margin than the account has available."""
    if order.reduce_only:
        return False
    position = order.account.position(order.market)
    position.count(order, order.quantity, 0)
    more = position.needed_order_margin() - position.order_margin
    position.count(order, -order.quantity, 0)
    return more > 0 and more > order.account.available


def would_take(venue: Venue, order: Order) -> bool:
    """A post-only order would trade at once."""
    return order.order_type == "ALO" and order.market.book.would_take(order)


def exceeds_position(venue: Venue, order: Order) -> bool:
    """This stop and the others of its type would together close more than the position."""
    waiting = sum(
        (
            stop.quantity
            for stop in order.account.stops.values()
            if stop.market is order.market
            and stop.order_type == order.order_type
            and stop.order_id != order.order_id
        ),
        ZERO,
    )
    return waiting + order.quantity > order.account.position(order.market).reducible(order.side)


def has_reached_take_profit(venue: Venue, order: Order) -> bool:
    """A take profit would trigger at once."""
    return order.order_type == "TAKE_PROFIT" and _ahead(order, order.limit) >= 0


def has_reached_stop_loss(venue: Venue, order: Order) -> bool:
    """A stop loss would trigger at once."""
    return order.order_type == "STOP_LOSS" and _ahead(order, order.limit) <= 0


def _off_grid(order: Order, price: Decimal) -> bool:
    return price <= 0 or bool(price % order.market.instrument.tick_size)


def _ahead(order: Order, price: Decimal) -> Decimal:
    """Return how far `price` lies beyond the order's own price; for market and stop orders, beyond the mark price."""
    base = order.limit if order.order_type in ("LIMIT", "ALO") else order.market.mark
    return price - base if order.side == "BUY" else base - price


def _notional(order: Order, quantity: Decimal) -> Decimal:
    return order.market.usd(quantity, order.margin_price)


def _enlarging(order: Order) -> Decimal:
    """Return by how much the order could enlarge the position."""
    before, after = _exposures(order)
    return after - before


def _exposures(order: Order) -> tuple[Decimal, Decimal]:
    """Return the position on the order's side if all its orders were filled, without and with this one."""
    position = order.account.position(order.market)
    waiting = (position.buying if order.side == "BUY" else position.selling).quantity
    held, closing = position.reducible(opposite(order.side)), position.reducible(order.side)
    added = ZERO if order.reduce_only else order.quantity
    return held + max(ZERO, waiting - closing), held + max(ZERO, waiting + added - closing)


ACCOUNT: Table = (
    (is_forbidden, "PERMISSION_DENIED"),
    (is_too_fast, "RATE_LIMITED"),
)
MARKET: Table = (
    (is_delisted, "BAD_SYMBOL"),
    (is_market_closed, "REJECTED_MARKET_CLOSED"),
    (is_market_failing, "REJECTED_FAILED_TO_PROCESS"),
    (is_in_liquidation, "USER_IN_LIQUIDATION"),
)
SIZE: Table = (
    (is_empty, "QUANTITY_LESS_THAN_MIN_QUANTITY"),
    (is_off_lot, "INVALID_TICK_SIZE_PRECISION_QUANTITY"),
    (is_too_small, "QUANTITY_LESS_THAN_MIN_QUANTITY"),
    (is_too_large, "QUANTITY_GREATER_THAN_MAX_QUANTITY"),
)
PRICE: Table = (
    (is_off_tick, "INVALID_TICK_SIZE_PRECISION_PRICE"),
    (is_below_min_price, "PRICE_LESS_THAN_MIN_PRICE"),
    (is_above_max_price, "PRICE_GREATER_THAN_MAX_PRICE"),
    (is_below_band, "REJECTED_LESS_THAN_MIN_PRICE_BAND"),
    (is_above_band, "REJECTED_GREATER_THAN_MAX_PRICE_BAND"),
)
RISK: Table = (
    (has_bad_take_profit, "INVALID_TAKEPROFIT_PRICE"),
    (has_bad_stop_loss, "INVALID_STOPLOSS_PRICE"),
    (is_below_min_notional, "REJECTED_LESS_THAN_MIN_NOTIONAL"),
    (is_reducing_nothing, "REJECTED"),
    (breaches_max_notional, "REJECTED_WOULD_BREACH_MAX_NOTIONAL"),
    (breaches_open_interest, "REJECTED_OPEN_INTEREST_LIMIT"),
    (breaches_total_open_interest, "REJECTED_TOTAL_OPEN_INTEREST_LIMIT"),
    (fails_margin, "FAILED_MARGIN_CHECK"),
)
NEW_ORDER: Table = (
    *ACCOUNT,
    *MARKET[:1],
    (has_unknown_type, "INVALID_ORDER_TYPE"),
    (has_wrong_time_in_force, "INVALID_TIME_IN_FORCE"),
    *MARKET[1:],
    *SIZE,
    *PRICE,
    *RISK[:4],
    (is_one_too_many, "REJECTED_TOO_MANY_OPEN_ORDERS"),
    *RISK[4:],
)
# A replacement keeps its type and its place in the count of orders. It has a status of its own for an ALO order that
# would take.
REPLACEMENT: Table = (
    *ACCOUNT,
    *MARKET,
    *SIZE,
    *PRICE,
    *RISK,
    (would_take, "CANNOT_MODIFY_ALO_WOULD_CROSS"),
)
# Lot size and tick size apply to stops; minimum and maximum quantity and the price bands do not.
STOP_TERMS: Table = (
    *ACCOUNT,
    *MARKET,
    *SIZE[:2],
    *PRICE[:2],
    (has_reached_take_profit, "INVALID_TAKEPROFIT_PRICE"),
    (has_reached_stop_loss, "INVALID_STOPLOSS_PRICE"),
    (exceeds_position, "REJECTED"),
)
NEW_STOP: Table = (*STOP_TERMS, (is_one_too_many, "REJECTED_TOO_MANY_OPEN_ORDERS"))

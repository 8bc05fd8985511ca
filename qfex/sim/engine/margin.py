"""Leverage: the levels on offer, their margin and notional limits, and when the leverage may be changed."""

from __future__ import annotations

from decimal import Decimal

from .accounts import Account, margin_ratio, sum_of
from .ids import derived_id
from .market import Market
from .positions import Position
from .rules import LEVERAGE_LEVELS
from .types import LeverageRow, Refused, Session
from .venue import Venue

# The fractions of the notional cap that apply outside market hours, if the rules enable them.
SESSION_PARTS: dict[Session, Decimal] = {"overnight": Decimal("0.5"), "weekend": Decimal("0.1")}


def levels(market: Market) -> list[Decimal]:
    """Return the leverage levels of a market, lowest first; the last one is its maximum."""
    highest = market.instrument.max_leverage
    return [*(level for level in LEVERAGE_LEVELS if level < highest), highest]


def notional_cap(venue: Venue, market: Market, position: Position) -> Decimal:
    """Return the largest notional (USD) that a position may reach now."""
    cap = venue.rules.max_notional(market.instrument.category, position.leverage)
    if venue.rules.session_limits:
        cap *= SESSION_PARTS.get(market.instrument.session(venue.now), Decimal(1))
    return cap


def maintenance_margin(venue: Venue, account: Account) -> Decimal:
    """Return the equity (USD) below which an account is liquidated."""
    return (
        sum_of(position.margin for position in account.open_positions.values())
        * venue.rules.maintenance_ratio
    )


def set_leverage(venue: Venue, account: Account, symbol: str, leverage: Decimal) -> None:
    """Set the leverage of a market in which the account has no open orders, stops or position.

    Raises
    ------
    Refused
        ``InvalidParameter`` if the symbol is unknown, the level is not on offer, or the market is in use.
    """
    market = venue.markets.get(symbol)
    if market is None:
        raise Refused("InvalidParameter", f"unknown symbol {symbol}")
    if leverage not in levels(market):
        raise Refused("InvalidParameter", f"leverage {leverage} is not available for {symbol}")
    position = account.position(market)
    stops = any(stop.market is market for stop in account.stops.values())
    if position.quantity or position.order_count or stops:
        raise Refused("InvalidParameter", f"{symbol} has open orders or a position")
    position.leverage = leverage
    venue.account_changed(account, market)


def leverage_row(venue: Venue, account: Account, market: Market, leverage: Decimal) -> LeverageRow:
    """Return one leverage level as a row."""
    return LeverageRow(
        id=derived_id(account.account_id, market.symbol, "leverage", str(leverage)),
        symbol=market.symbol,
        initial_margin=margin_ratio(leverage),
        maintenance_margin=margin_ratio(leverage, venue.rules.maintenance_ratio),
        max_notional=venue.rules.max_notional(market.instrument.category, leverage),
        leverage=leverage,
    )

"""The limits, rates and choices of the exchange that reference data does not contain.

Defaults are the exchange's published numbers. Where it publishes none, the default is a plausible choice and marked as
unpublished. A test that needs to reach a limit lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

BASIS_POINT = Decimal("0.0001")
# The leverage levels on offer up to an instrument's maximum. The exchange lists several for each symbol, but does not
# publish which.
LEVERAGE_LEVELS = tuple(Decimal(level) for level in (1, 2, 3, 5, 7, 10, 20, 30, 50))


@dataclass(frozen=True, slots=True)
class Fees:
    """Fee rates of a product category, as fractions of notional."""

    maker: Decimal
    taker: Decimal


def _fees() -> dict[str, Fees]:
    """Return the entry tier by product category."""
    return {
        "EQUITY": Fees(5 * BASIS_POINT, 10 * BASIS_POINT),
        "INDEX": Fees(2 * BASIS_POINT, 5 * BASIS_POINT),
        "COMMODITY": Fees(2 * BASIS_POINT, 5 * BASIS_POINT),
        "FX": Fees(1 * BASIS_POINT, 2 * BASIS_POINT),
    }


def _notional_caps() -> dict[str, Decimal]:
    """Return the published caps on one position's notional in USD, by product category."""
    return {
        "EQUITY": Decimal(2_500_000),
        "INDEX": Decimal(10_000_000),
        "COMMODITY": Decimal(5_000_000),
        "FX": Decimal(50_000_000),
    }


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits, rates and choices of the exchange.

    Parameters
    ----------
    fees : dict of str to Fees
        Rates by product category.
    notional_caps : dict of str to Decimal
        Largest notional (USD) of one position at leverage 1; at leverage L it is divided by L.
    min_notional : Decimal
        Smallest notional (USD) of an order. The exchange has one but does not publish it.
    price_limits : tuple of Decimal
        Lowest and highest price of any order, as multiples of the index price. Within them, an order that lies beyond
        the price band on its passive side may rest. Unpublished.
    max_open_orders : int
        Largest number of open orders and stops of an account, over all symbols. Unpublished.
    max_orders_per_second : int, optional
        Orders that an account may enter in one second of the engine's clock; further ones are RATE_LIMITED.
    max_open_interest, max_total_open_interest : Decimal
        Largest notional (USD) of an account over all symbols, and of all long positions in one symbol. Unpublished.
    client_id_length : tuple of int
        Shortest and longest client order id and client TWAP id. Enforced by the exchange, but unpublished.
    maintenance_ratio : Decimal
        Maintenance margin as a fraction of initial margin, as in the published samples (0.0333 of 0.05).
    modify_keeps_order_id : bool
        True for the documented behaviour; the exchange was observed to assign a new id.
    crossing_alo : str
        Status of an ALO order that would take; the documentation has both REJECTED and CANCELLED.
    speed_bump : float
        Seconds that a LIMIT order which would take is delayed (on the exchange 0.1). Off by default, because a delayed
        order would wait forever on a manual clock.
    session_limits : bool
        Whether the notional caps shrink outside market hours, to 50 % overnight and 10 % on weekends.
    close_peg, liquidation_peg : Decimal
        How far beyond the mark price close_position and liquidation orders are priced, as a fraction of it.
    liquidation_attempts : int
        How many orders, one a second, a liquidation sends before the house takes over the position.
    funding_clamp, funding_scale : Decimal
        The hourly mean premium is clamped to the first and multiplied by the second.
    impact_notional : dict of str to Decimal
        Notional (USD) at which the premium of the book is measured, by product category.
    history_limit : int
        How many finished orders, fills and trades to keep for each account and symbol.
    """

    fees: dict[str, Fees] = field(default_factory=_fees)
    notional_caps: dict[str, Decimal] = field(default_factory=_notional_caps)
    min_notional: Decimal = Decimal(1)
    price_limits: tuple[Decimal, Decimal] = (Decimal("0.1"), Decimal(10))
    max_open_orders: int = 10_000
    max_orders_per_second: int | None = None
    max_open_interest: Decimal = Decimal(100_000_000)
    max_total_open_interest: Decimal = Decimal(1_000_000_000)
    client_id_length: tuple[int, int] = (1, 64)
    maintenance_ratio: Decimal = Decimal(2) / 3
    modify_keeps_order_id: bool = False
    crossing_alo: Literal["REJECTED", "CANCELLED"] = "REJECTED"
    speed_bump: float = 0.0
    session_limits: bool = False
    close_peg: Decimal = 10 * BASIS_POINT
    liquidation_peg: Decimal = 100 * BASIS_POINT
    liquidation_attempts: int = 3
    funding_clamp: Decimal = 5 * BASIS_POINT
    funding_scale: Decimal = Decimal("0.01")
    impact_notional: dict[str, Decimal] = field(default_factory=lambda: {"FX": Decimal(100_000)})
    history_limit: int = 10_000

    def fees_of(self, category: str) -> Fees:
        """Return the rates of a product category; an unknown category has those of equities."""
        return self.fees.get(category, self.fees["EQUITY"])

    def max_notional(self, category: str, leverage: Decimal) -> Decimal:
        """Return the largest notional (USD) of a position at a leverage, in whole dollars."""
        return self.notional_caps.get(category, self.notional_caps["EQUITY"]) // leverage

"""Positions, balance and leverage of the account."""

from __future__ import annotations

from decimal import Decimal

import attrs

_ZERO = Decimal(0)


@attrs.frozen
class Position:
    """The position in one symbol.

    Attributes
    ----------
    position : Decimal
        Signed size in the instrument's base unit. Positive is long, negative is short.
    average_price : Decimal
        Average entry price, in the quote unit.
    realised_pnl, unrealised_pnl, net_funding : Decimal
        In the margin asset.
    open_orders : Decimal
        Number of open orders. The exchange sends it as a float.
    initial_margin, maintenance_margin : Decimal
        Ratios of the notional, such as 0.05 at 20x, not amounts.
    """

    symbol: str
    position: Decimal = _ZERO
    average_price: Decimal = _ZERO
    realised_pnl: Decimal = _ZERO
    unrealised_pnl: Decimal = _ZERO
    net_funding: Decimal = _ZERO
    open_orders: Decimal = _ZERO
    open_quantity: Decimal = _ZERO
    leverage: Decimal = _ZERO
    initial_margin: Decimal = _ZERO
    maintenance_margin: Decimal = _ZERO
    margin_alloc: Decimal = _ZERO
    id: str = ""
    user_id: str = ""


@attrs.frozen
class Balance:
    """The balance of the account. All amounts are in the margin asset."""

    deposit: Decimal = _ZERO
    realised_pnl: Decimal = _ZERO
    unrealised_pnl: Decimal = _ZERO
    order_margin: Decimal = _ZERO
    position_margin: Decimal = _ZERO
    net_funding: Decimal = _ZERO
    available_balance: Decimal = _ZERO
    fees: Decimal | None = None
    referral_rewards: Decimal | None = None
    id: str = ""
    user_id: str = ""

    @property
    def equity(self) -> Decimal:
        """Value of the account including unrealised profit, in the margin asset.

        The exchange defines the available balance as equity less margin, so equity is the sum of the two.
        """
        return self.available_balance + self.order_margin + self.position_margin


@attrs.frozen
class Leverage:
    """The leverage setting of one symbol, or one of the levels that may be set.

    Attributes
    ----------
    initial_margin, maintenance_margin : Decimal
        Ratios of the notional.
    max_notional : Decimal or None
        Largest notional of a position at this leverage, or None if the exchange does not say.
    """

    symbol: str
    leverage: Decimal
    initial_margin: Decimal = _ZERO
    maintenance_margin: Decimal = _ZERO
    max_notional: Decimal | None = None
    id: str = ""

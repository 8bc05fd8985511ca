"""Positions, balance and leverage of the account."""

from __future__ import annotations

from decimal import Decimal

import attrs

from ..decimals import EXACT

_ZERO = Decimal(0)


@attrs.frozen
class Position:
    """The position in one symbol.

    What the exchange sends as null is None. Only the symbol and the size are always known.

    Attributes
    ----------
    position : Decimal
        Signed size in the instrument's base unit. Positive is long, negative is short.
    average_price : Decimal or None
        Average entry price, in the quote unit.
    realised_pnl, unrealised_pnl, net_funding : Decimal or None
        In the margin asset.
    open_orders : Decimal or None
        Number of open orders. The exchange sends it as a float.
    initial_margin, maintenance_margin : Decimal or None
        Ratios of the notional, such as 0.05 at 20x, not amounts.
    """

    symbol: str
    position: Decimal = _ZERO
    average_price: Decimal | None = _ZERO
    realised_pnl: Decimal | None = _ZERO
    unrealised_pnl: Decimal | None = _ZERO
    net_funding: Decimal | None = _ZERO
    open_orders: Decimal | None = _ZERO
    open_quantity: Decimal | None = _ZERO
    leverage: Decimal | None = _ZERO
    initial_margin: Decimal | None = _ZERO
    maintenance_margin: Decimal | None = _ZERO
    margin_alloc: Decimal | None = _ZERO
    id: str = ""
    user_id: str = ""


@attrs.frozen
class Balance:
    """The balance of the account. All amounts are in the margin asset.

    What the exchange sends as null is None. The amounts that make up `equity` are always known.
    """

    deposit: Decimal | None = _ZERO
    realised_pnl: Decimal | None = _ZERO
    unrealised_pnl: Decimal | None = _ZERO
    order_margin: Decimal = _ZERO
    position_margin: Decimal = _ZERO
    net_funding: Decimal | None = _ZERO
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
        return EXACT.add(EXACT.add(self.available_balance, self.order_margin), self.position_margin)


@attrs.frozen
class Leverage:
    """The leverage setting of one symbol, or one of the levels that may be set.

    Attributes
    ----------
    initial_margin, maintenance_margin : Decimal or None
        Ratios of the notional, or None if the exchange does not say.
    max_notional : Decimal or None
        Largest notional of a position at this leverage, or None if the exchange does not say.
    """

    symbol: str
    leverage: Decimal
    initial_margin: Decimal | None = _ZERO
    maintenance_margin: Decimal | None = _ZERO
    max_notional: Decimal | None = None
    id: str = ""

"""An account: its money, positions, open orders and history."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from .history import AccountHistory
from .ids import derived_id
from .orders import Order, Stop
from .positions import Position
from .types import ZERO, BalanceRow, PositionRow

if TYPE_CHECKING:
    from .market import Market
    from .twaps import Twap


class Account:
    """One account; a subaccount is an account with a `master`.

    Parameters
    ----------
    account_id : str
        Its id, the ``user_id`` on the wire.
    deposit : Decimal
        Money deposited, USD.
    master : str, optional
        The account that this one is a subaccount of.
    house : bool
        Whether it belongs to the exchange. Such an account passes every check, gets no events and keeps no history.
    history_limit : int
        How many rows of history to keep.

    Attributes
    ----------
    positions : dict of str to Position
        Every position by symbol, flat ones included.
    open_positions : dict of str to Position
        The positions that are not flat.
    """

    def __init__(
        self, account_id: str, deposit: Decimal, master: str | None, house: bool, history_limit: int
    ) -> None:
        self.account_id = account_id
        self.deposit = deposit
        self.master = master
        self.house = house
        self.kyc = True
        self.terms_accepted = True
        self.may_trade = True
        self.in_liquidation = False
        self.fees = ZERO
        self.order_margin = ZERO
        self.orders: dict[str, Order] = {}
        self.stops: dict[str, Stop] = {}
        self.twaps: dict[str, Twap] = {}
        self.positions: dict[str, Position] = {}
        self.open_positions: dict[str, Position] = {}
        self.history = AccountHistory(history_limit)
        self.second = 0
        self.orders_this_second = 0

    def position(self, market: Market) -> Position:
        """Return the position in a market; it is created flat on first use."""
        position = self.positions.get(market.symbol)
        if position is None:
            position = self.positions[market.symbol] = Position(market)
        return position

    @property
    def equity(self) -> Decimal:
        """The account's value with every position closed at its mark price."""
        money = self.deposit - self.fees
        for position in self.positions.values():
            money += position.realised + position.funding + position.unrealised
        return money

    @property
    def position_margin(self) -> Decimal:
        """Initial margin of all positions."""
        return sum_of(position.margin for position in self.open_positions.values())

    @property
    def available(self) -> Decimal:
        """Money available for new orders."""
        return self.equity - self.order_margin - self.position_margin

    @property
    def notional(self) -> Decimal:
        """Value of all positions at their mark prices."""
        return sum_of(position.notional for position in self.open_positions.values())

    def open_order_count(self) -> int:
        """Return the number of open orders and stops."""
        return len(self.orders) + len(self.stops)

    def balance_row(self) -> BalanceRow:
        """Return the account's balance."""
        positions = self.positions.values()
        return BalanceRow(
            id=derived_id(self.account_id, "balance"),
            account_id=self.account_id,
            deposit=self.deposit,
            realised_pnl=sum_of(position.realised for position in positions),
            order_margin=self.order_margin,
            position_margin=self.position_margin,
            unrealised_pnl=sum_of(position.unrealised for position in positions),
            net_funding=sum_of(position.funding for position in positions),
            available_balance=self.available,
            fees=self.fees,
        )

    def position_row(self, market: Market, maintenance_ratio: Decimal) -> PositionRow:
        """Return the position in a market, which may be flat."""
        position = self.positions.get(market.symbol) or Position(market)
        initial = margin_ratio(position.leverage)
        return PositionRow(
            id=derived_id(self.account_id, market.symbol),
            account_id=self.account_id,
            symbol=market.symbol,
            position=position.quantity,
            margin_alloc=position.margin,
            realised_pnl=position.realised,
            unrealised_pnl=position.unrealised,
            net_funding=position.funding,
            open_orders=position.order_count,
            open_quantity=position.order_quantity,
            leverage=position.leverage,
            initial_margin=initial,
            maintenance_margin=margin_ratio(position.leverage, maintenance_ratio),
            average_price=position.average_price,
        )


def margin_ratio(leverage: Decimal, part: Decimal = Decimal(1)) -> Decimal:
    """Return ``part / leverage``, rounded to six places like the exchange's ratios."""
    return (part / leverage).quantize(Decimal("0.000001")).normalize()


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    """Return the sum of amounts, a Decimal even if there are none."""
    return sum(amounts, ZERO)

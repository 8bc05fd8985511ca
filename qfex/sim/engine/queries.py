"""The queries of the exchange; they change nothing."""

from __future__ import annotations

from decimal import Decimal

from . import margin
from .accounts import Account
from .history import page
from .market import Market
from .orders import Order, Stop
from .rules import Rules
from .types import (
    BalanceRow,
    Candle,
    FinishedOrderRow,
    Levels,
    LeverageRow,
    OrderRow,
    PositionRow,
    PublicTrade,
    Side,
    TradeRow,
    TwapRow,
)
from .venue import Venue


class Queries:
    """Queries about the venue, its accounts and its markets."""

    _venue: Venue

    @property
    def now(self) -> float:
        """Unix time of the engine's clock."""
        return self._venue.now

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self._venue.rules

    def next_due(self) -> float | None:
        """Return when the next timer is due."""
        return self._venue.timers.next_due()

    def accounts(self) -> list[str]:
        """Return the ids of all accounts except those of the house."""
        return [account.account_id for account in self._venue.accounts.values() if not account.house]

    def subaccounts(self, master: str) -> list[str]:
        """Return the ids of an account's subaccounts."""
        return [account.account_id for account in self._venue.accounts.values() if account.master == master]

    # ------------------------------------------------------------------ accounts

    def order(self, account_id: str, symbol: str, order_id_or_client_order_id: str) -> OrderRow | None:
        """Return an order, open or finished, by its id or client id; of several, an open one, or else the newest."""
        account, wanted = self._account(account_id), order_id_or_client_order_id
        live = self._open(account, wanted)
        if live is not None and live.market.symbol == symbol:
            return live.open_row()
        finished = account.history.order(symbol, wanted)
        return finished.order if finished else None

    def _open(self, account: Account, wanted: str) -> Order | Stop | None:
        """Return the open order or stop with an id, or else the newest one with that client id."""
        named = account.orders.get(wanted) or account.stops.get(wanted)
        if named is not None or not wanted:
            return named
        live: list[Order | Stop] = [*account.orders.values(), *account.stops.values()]
        return next((order for order in reversed(live) if order.client_order_id == wanted), None)

    def open_orders(self, account_id: str, symbol: str | None = None) -> list[OrderRow]:
        """Return open orders and stops, oldest first."""
        account = self._account(account_id)
        live: list[Order | Stop] = [*account.orders.values(), *account.stops.values()]
        return [order.open_row() for order in live if symbol in (None, order.market.symbol)]

    def twaps(self, account_id: str, symbol: str | None = None, active: bool = True) -> list[TwapRow]:
        """Return TWAPs, oldest first: the active ones, or (`active` false) those that ended."""
        return [
            twap.row()
            for twap in self._account(account_id).twaps.values()
            if (twap.status == "ACTIVE") == active and symbol in (None, twap.market.symbol)
        ]

    def trades(
        self,
        account_id: str,
        *,
        symbol: str | None = None,
        order_id: str | None = None,
        side: Side | None = None,
        order_type: str | None = None,
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TradeRow]:
        """Return an account's fills, newest first; bounds are inclusive."""
        fills = self._account(account_id).history.fills(symbol, order_id, side, order_type, start, end)
        return page(fills, limit, offset)

    def finished_orders(
        self,
        account_id: str,
        *,
        symbol: str | None = None,
        client_order_id: str | None = None,
        start: float | None = None,
        end: float | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[FinishedOrderRow]:
        """Return finished orders, newest first; bounds are inclusive."""
        orders = self._account(account_id).history.orders(symbol, client_order_id, start, end)
        return page(orders, limit, offset)

    def position(self, account_id: str, symbol: str) -> PositionRow:
        """Return the position in a symbol, which may be flat."""
        return self._account(account_id).position_row(self._market(symbol), self.rules.maintenance_ratio)

    def positions(self, account_id: str) -> list[PositionRow]:
        """Return the positions in all symbols, flat ones included."""
        return [self.position(account_id, symbol) for symbol in self._venue.markets]

    def balance(self, account_id: str) -> BalanceRow:
        """Return an account's balance."""
        return self._account(account_id).balance_row()

    def in_liquidation(self, account_id: str) -> bool:
        """Return whether an account is being liquidated."""
        return self._account(account_id).in_liquidation

    def leverage(self, account_id: str) -> list[LeverageRow]:
        """Return the leverage of every symbol."""
        account = self._account(account_id)
        markets = self._venue.markets.values()
        chosen = {symbol: position.leverage for symbol, position in account.positions.items()}
        return [
            margin.leverage_row(
                self._venue, account, market, chosen.get(market.symbol, market.instrument.max_leverage)
            )
            for market in markets
        ]

    def available_leverage(self, account_id: str) -> list[LeverageRow]:
        """Return every leverage level on offer for every symbol."""
        account = self._account(account_id)
        return [
            margin.leverage_row(self._venue, account, market, level)
            for market in self._venue.markets.values()
            for level in margin.levels(market)
        ]

    # ------------------------------------------------------------------ markets

    def book(self, symbol: str, depth: int = 20) -> tuple[Levels, Levels]:
        """Return bids and asks as (price, quantity) levels, best first."""
        return self._market(symbol).book.snapshot(depth)

    def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price."""
        return self._market(symbol).mark

    def index_price(self, symbol: str) -> Decimal:
        """Return the index price; the mark price is this, rounded to the tick grid."""
        return self._market(symbol).index

    def price_band(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Return the lowest price of a sale and the highest price of a purchase."""
        return self._market(symbol).price_band()

    def funding_rate(self, symbol: str) -> Decimal:
        """Return the funding rate of the current hour, a fraction of the position's value."""
        return self._market(symbol).funding_rate

    def open_interest(self, symbol: str) -> Decimal:
        """Return the quantity held long, which is also the quantity held short."""
        return self._market(symbol).long_quantity

    def candles(self, symbol: str, interval: str, start: float, end: float) -> list[Candle]:
        """Return the candles that overlap [start, end], oldest first, the current one included.

        Parameters
        ----------
        interval : str
            ``1MIN``, ``5MINS``, ``15MINS``, ``30MINS``, ``1HOUR``, ``4HOURS`` or ``1DAY``.
        """
        return self._market(symbol).history.minutes.candles(symbol, interval, start, min(end, self.now))

    def volume(self, symbol: str, seconds: float = 86_400) -> Decimal:
        """Return the quantity traded in the last `seconds`, to the minute."""
        return self._market(symbol).history.minutes.volume(self.now - seconds)

    def last_trades(self, symbol: str, n: int | None = 100) -> list[PublicTrade]:
        """Return the latest trades, newest first."""
        return page(reversed(self._market(symbol).history.trades), n, 0)

    def _account(self, account_id: str) -> Account:
        return self._venue.accounts[account_id]

    def _market(self, symbol: str) -> Market:
        return self._venue.markets[symbol]

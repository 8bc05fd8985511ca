"""Histories: finished orders and fills of an account, trades of a market."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from .candles import Minutes
from .types import FillRow, FinishedOrderRow, PublicTrade, Side

Row = TypeVar("Row")


class AccountHistory:
    """An account's finished orders and fills; beyond a limit the oldest are dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._orders: OrderedDict[str, FinishedOrderRow] = OrderedDict()
        self._fills: deque[FillRow] = deque(maxlen=limit)

    def finished(self, row: FinishedOrderRow) -> None:
        """Add a finished order."""
        self._orders[row.order.order_id] = row
        if len(self._orders) > self._limit:
            self._orders.popitem(last=False)

    def filled(self, fill: FillRow) -> None:
        """Add a fill."""
        self._fills.append(fill)

    def order(self, symbol: str, id_text: str) -> FinishedOrderRow | None:
        """Return a finished order by its id, or the newest one with that client id."""
        row = self._orders.get(id_text)
        if row is not None and row.order.symbol == symbol:
            return row
        return next((row for row in self.orders(symbol) if row.order.client_order_id == id_text), None)

    def orders(
        self,
        symbol: str | None = None,
        client_order_id: str | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> Iterator[FinishedOrderRow]:
        """Yield finished orders, newest first; time bounds are inclusive."""
        for row in reversed(self._orders.values()):
            wanted = symbol in (None, row.order.symbol)
            wanted &= client_order_id in (None, row.order.client_order_id)
            if wanted and _within(row.finished, start, end):
                yield row

    def fills(
        self,
        symbol: str | None = None,
        order_id: str | None = None,
        side: Side | None = None,
        order_type: str | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> Iterator[FillRow]:
        """Yield fills, newest first; time bounds are inclusive."""
        for fill in reversed(self._fills):
            wanted = symbol in (None, fill.symbol) and order_id in (None, fill.order_id)
            wanted &= side in (None, fill.side) and order_type in (None, fill.order_type)
            if wanted and _within(fill.timestamp, start, end):
                yield fill


class MarketHistory:
    """A market's latest trades, and its candles by the minute."""

    def __init__(self, mark: Decimal, limit: int) -> None:
        self.trades: deque[PublicTrade] = deque(maxlen=limit)
        self.minutes = Minutes(mark, limit)

    def traded(self, trade: PublicTrade, usd: Decimal) -> None:
        """Add a trade with its notional in USD."""
        self.trades.append(trade)
        self.minutes.add(trade.time, trade.price, trade.quantity, usd)


def page(rows: Iterable[Row], limit: int | None, offset: int) -> list[Row]:
    """Return one page of rows."""
    return list(islice(rows, offset, None if limit is None else offset + limit))


def _within(moment: float, start: float | None, end: float | None) -> bool:
    """Return whether a time lies in a closed range; None leaves that end open."""
    return (start is None or moment >= start) and (end is None or moment <= end)

"""Positions and profit rebuilt from trades, for scripts that must explain a result."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Context, Decimal, localcontext

import attrs

from .enums import Side
from .errors import ValidationError
from .models.account import Position
from .models.orders import Fill, UserTrade

_ZERO = Decimal(0)
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)

#: Digits of averages that do not end; sums and products of wire numbers stay far below and so are exact.
_WIDE = Context(prec=60)


@attrs.frozen
class LedgerEntry:
    """One trade, and what it did to the position in its symbol.

    Attributes
    ----------
    quantity : Decimal
        Signed, in the base unit: a sale is negative.
    realised_pnl : Decimal
        Profit of the part that the trade closed, in the quote unit, before fees.
    fee : Decimal
        As the exchange reports it.
    position, average_price : Decimal
        After the trade.
    """

    trade_id: str
    order_id: str
    symbol: str
    time: datetime | None
    quantity: Decimal
    price: Decimal
    realised_pnl: Decimal
    fee: Decimal
    position: Decimal
    average_price: Decimal


@attrs.frozen
class LedgerResult:
    """What the trades of a symbol come to.

    Attributes
    ----------
    trades : int
        Their number.
    realised_pnl, fees : Decimal
        Sums, in the quote unit and as the exchange reports them.
    bought, sold : Decimal
        In the base unit.
    volume, notional : Decimal
        Sum of both sides, in the base and in the quote unit.
    position, average_price : Decimal
        At the end.
    """

    symbol: str
    trades: int = 0
    realised_pnl: Decimal = _ZERO
    fees: Decimal = _ZERO
    bought: Decimal = _ZERO
    sold: Decimal = _ZERO
    volume: Decimal = _ZERO
    notional: Decimal = _ZERO
    position: Decimal = _ZERO
    average_price: Decimal = _ZERO

    def unrealised_pnl(self, price: Decimal) -> Decimal:
        """Profit of the position if it were closed at a price, in the quote unit."""
        return self.position * (price - self.average_price)

    def including(self, entry: LedgerEntry) -> LedgerResult:
        """The result with one more trade."""
        size = abs(entry.quantity)
        return attrs.evolve(
            self,
            trades=self.trades + 1,
            realised_pnl=self.realised_pnl + entry.realised_pnl,
            fees=self.fees + entry.fee,
            bought=self.bought + max(entry.quantity, _ZERO),
            sold=self.sold + max(-entry.quantity, _ZERO),
            volume=self.volume + size,
            notional=self.notional + size * entry.price,
            position=entry.position,
            average_price=entry.average_price,
        )


class Ledger:
    """Rebuilds positions at average cost from trades, in any order and with repetitions.

    ::

        ledger = Ledger()
        ledger.add(rest.iter_user_trades(start=midnight))
        for result in ledger.results().values():
            print(result.symbol, result.realised_pnl, result.fees, result.position)

    A trade counts once, by its trade id and order id, so fills from the socket and rows from REST may be mixed. Trades
    are applied in the order of their times, those of one time in the order of adding; a trade without a time follows
    the one that was added before it. Not safe between threads.

    Averages are kept to 60 digits; everything else is exact, and so is the realised profit whenever the position is
    flat. Funding is not a trade and not in here.

    Parameters
    ----------
    opening : iterable of Position
        What was held before the first trade: only `position` and `average_price` of each count.
    """

    def __init__(self, opening: Iterable[Position] = ()) -> None:
        self._opening = {held.symbol: _Account.of(held) for held in opening}
        self._trades: dict[tuple[str, str], tuple[datetime, Fill | UserTrade]] = {}
        self._newest = _LONG_AGO
        self._entries: list[LedgerEntry] | None = None

    def add(self, trades: Fill | UserTrade | Iterable[Fill | UserTrade]) -> int:
        """Take a trade, or many.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        ValidationError
            If a trade does not say its side.
        """
        known = len(self._trades)
        for trade in [trades] if isinstance(trades, (Fill, UserTrade)) else trades:
            self._take(trade)
        return len(self._trades) - known

    def _take(self, trade: Fill | UserTrade) -> None:
        if trade.side not in (Side.BUY, Side.SELL):
            raise ValidationError("trades", trade, "a trade must say its side")
        self._newest = trade.time or self._newest
        self._trades.setdefault((trade.trade_id, trade.order_id), (self._newest, trade))
        self._entries = None

    @property
    def entries(self) -> list[LedgerEntry]:
        """Every trade with its effect, oldest first; `qfex.frames.to_frame` makes a table of it."""
        if self._entries is None:
            self._entries = self._replay()
        return list(self._entries)

    def results(self, start: datetime | None = None, end: datetime | None = None) -> dict[str, LedgerResult]:
        """Add up the trades by symbol.

        Parameters
        ----------
        start, end : datetime, optional
            Count only trades from `start` on and before `end`. Positions are rebuilt from all trades all the same.
        """
        results: dict[str, LedgerResult] = {}
        with localcontext(_WIDE):
            for entry in self.entries:
                if _is_within(entry.time, start, end):
                    symbol = entry.symbol
                    results[symbol] = results.get(symbol, LedgerResult(symbol)).including(entry)
        return results

    def positions(self) -> dict[str, Position]:
        """Positions after all trades, opening ones included, to compare with the exchange's own."""
        rebuilt = {symbol: held.as_position(symbol) for symbol, held in self._opening.items()}
        realised: dict[str, Decimal] = {}
        for entry in self.entries:
            realised[entry.symbol] = realised.get(entry.symbol, _ZERO) + entry.realised_pnl
            rebuilt[entry.symbol] = Position(
                entry.symbol, entry.position, entry.average_price, realised_pnl=realised[entry.symbol]
            )
        return rebuilt

    def _replay(self) -> list[LedgerEntry]:
        accounts = {symbol: attrs.evolve(held) for symbol, held in self._opening.items()}
        ordered = sorted(self._trades.values(), key=lambda item: item[0])
        with localcontext(_WIDE):
            return [accounts.setdefault(trade.symbol, _Account()).apply(trade) for _, trade in ordered]


@attrs.define
class _Account:
    """One symbol while the trades are replayed: position, its average price, and the cash that all of it took."""

    position: Decimal = _ZERO
    average: Decimal = _ZERO
    cash: Decimal = _ZERO
    realised: Decimal = _ZERO

    @classmethod
    def of(cls, held: Position) -> _Account:
        with localcontext(_WIDE):
            return cls(held.position, held.average_price, cash=-held.position * held.average_price)

    def as_position(self, symbol: str) -> Position:
        return Position(symbol, self.position, self.average)

    def apply(self, trade: Fill | UserTrade) -> LedgerEntry:
        quantity = trade.quantity if trade.side is Side.BUY else -trade.quantity
        before = self.realised
        self.cash -= quantity * trade.price
        self._move(quantity, trade.price)
        return LedgerEntry(
            trade_id=trade.trade_id,
            order_id=trade.order_id,
            symbol=trade.symbol,
            time=trade.time,
            quantity=quantity,
            price=trade.price,
            realised_pnl=self.realised - before,
            fee=trade.fee,
            position=self.position,
            average_price=self.average,
        )

    def _move(self, quantity: Decimal, price: Decimal) -> None:
        held = self.position
        self.position += quantity
        if held * quantity >= 0:  # opened or enlarged
            cost = held * self.average + quantity * price
            self.average = cost / self.position if self.position else _ZERO
        elif held * self.position > 0:  # reduced: the average stays
            self.realised += -quantity * (price - self.average)
        else:  # closed, and perhaps turned: all cash that moved is profit, but for what the new position took
            self.realised = self.cash + self.position * price
            self.average = price if self.position else _ZERO


def _is_within(moment: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if moment is None:
        return start is None and end is None
    return (start is None or moment >= start) and (end is None or moment < end)

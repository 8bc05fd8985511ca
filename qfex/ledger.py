"""Positions and profit, computed from trades."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal, localcontext

import attrs

from .decimals import EXACT, own_context
from .enums import Side
from .errors import ValidationError
from .models.account import Position
from .models.orders import Fill, UserTrade

_Key = tuple[str, str]  # trade id and order id

_ZERO = Decimal(0)
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)

# Precision of averages. Sums and products of the exchange's numbers have far fewer digits, so they are exact.
_WIDE = own_context(60)


@attrs.frozen
class LedgerEntry:
    """One trade and its effect on the position in its symbol.

    Attributes
    ----------
    quantity : Decimal
        Signed quantity in the base unit, negative for a sale.
    realised_pnl : Decimal
        Profit on the part of the position that the trade closed, in the quote unit, before fees.
    fee : Decimal or None
        The fee as the exchange reports it. None if it does not say.
    position, average_price : Decimal
        Signed position and its average entry price after the trade.
    """

    trade_id: str
    order_id: str
    symbol: str
    time: datetime | None
    quantity: Decimal
    price: Decimal
    realised_pnl: Decimal
    fee: Decimal | None
    position: Decimal
    average_price: Decimal


@attrs.frozen
class LedgerResult:
    """The totals of the trades in one symbol.

    Attributes
    ----------
    trades : int
        Number of trades.
    realised_pnl : Decimal
        Realised profit in the quote unit, before fees.
    fees : Decimal
        Sum of the fees as the exchange reports them, without those that it does not.
    bought, sold : Decimal
        Quantities in the base unit.
    volume, notional : Decimal
        Bought and sold together, in the base unit and in the quote unit.
    position, average_price : Decimal
        Signed position and its average entry price after the last trade.
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
        """Return the profit of closing the position at a price, in the quote unit."""
        return EXACT.multiply(self.position, EXACT.subtract(price, self.average_price))

    def including(self, entry: LedgerEntry) -> LedgerResult:
        """Return the totals with one more trade."""
        with localcontext(_WIDE):
            size = abs(entry.quantity)
            return attrs.evolve(
                self,
                trades=self.trades + 1,
                realised_pnl=self.realised_pnl + entry.realised_pnl,
                fees=self.fees + (entry.fee or _ZERO),
                bought=self.bought + max(entry.quantity, _ZERO),
                sold=self.sold + max(-entry.quantity, _ZERO),
                volume=self.volume + size,
                notional=self.notional + size * entry.price,
                position=entry.position,
                average_price=entry.average_price,
            )


class Ledger:
    """Positions at average cost, computed from trades that may arrive in any order and repeatedly.

    ::

        ledger = Ledger()
        ledger.add(rest.iter_user_trades(start=midnight))
        for result in ledger.results().values():
            print(result.symbol, result.realised_pnl, result.fees, result.position)

    Each trade counts once, identified by its trade id and order id, so fills from the WebSocket and rows from REST may
    be mixed. Trades are applied by time, and those of the same time in the exchange's own order, whether they are added
    newest first or oldest first. A trade without a time follows the trade that was added before it, until it is added
    again with its time. A ledger is not thread-safe.

    Averages are kept to 60 digits. Everything else is exact, including the realised profit whenever the position is
    flat. Funding payments are not trades and are not included.

    Parameters
    ----------
    opening : iterable of Position
        Positions before the first trade. Only `position` and `average_price` of each are used.

    Raises
    ------
    ValidationError
        If an opening position has no average price.
    """

    def __init__(self, opening: Iterable[Position] = ()) -> None:
        self._opening = {held.symbol: _Account.of(held) for held in opening}
        self._trades: dict[_Key, tuple[datetime, Fill | UserTrade]] = {}
        self._batches: list[list[_Key]] = []  # new trades in the order in which they were added
        self._adds_singly = False  # whether the last batch consists of trades that were added one by one
        self._newest = _LONG_AGO
        self._entries: list[LedgerEntry] | None = None

    def add(self, trades: Fill | UserTrade | Iterable[Fill | UserTrade]) -> int:
        """Add one or more trades.

        Parameters
        ----------
        trades : Fill, UserTrade or an iterable of them
            Trades that were added before are ignored.

        Returns
        -------
        int
            Number of trades that were new.

        Raises
        ------
        ValidationError
            If a trade has no side.
        """
        known = len(self._trades)
        is_single = isinstance(trades, (Fill, UserTrade))
        if not (is_single and self._adds_singly):
            self._batches.append([])
        self._adds_singly = is_single
        for trade in [trades] if isinstance(trades, (Fill, UserTrade)) else trades:
            self._take(trade)
        return len(self._trades) - known

    def _take(self, trade: Fill | UserTrade) -> None:
        if trade.side not in (Side.BUY, Side.SELL):
            raise ValidationError("trades", trade, "a trade must have a side")
        if trade.time is not None:
            self._newest = _aware(trade.time, "time")
        key = (trade.trade_id, trade.order_id)
        known = self._trades.get(key)
        if known is None:
            self._batches[-1].append(key)
        if known is None or (known[1].time is None and trade.time is not None):
            self._trades[key] = (self._newest, trade)
        self._entries = None

    @property
    def entries(self) -> list[LedgerEntry]:
        """Every trade with its effect, oldest first. `to_frame` turns the list into a table."""
        if self._entries is None:
            self._entries = self._replay()
        return list(self._entries)

    def results(self, start: datetime | None = None, end: datetime | None = None) -> dict[str, LedgerResult]:
        """Return the totals of each symbol.

        Parameters
        ----------
        start, end : datetime, optional
            Count only trades from `start`, inclusive, to `end`, exclusive. Positions still include all trades before.
            Both need a time zone.

        Returns
        -------
        dict of str to LedgerResult
            By symbol. Symbols without a trade in the range are left out.

        Raises
        ------
        ValidationError
            If a range is given and the times of some trades are unknown. Add these trades again from REST.
        """
        for name, moment in (("start", start), ("end", end)):
            if moment is not None:
                _aware(moment, name)
        if start is not None or end is not None:
            self._require_times()
        results: dict[str, LedgerResult] = {}
        for entry in self.entries:
            if _is_within(entry.time, start, end):
                symbol = entry.symbol
                results[symbol] = results.get(symbol, LedgerResult(symbol)).including(entry)
        return results

    def _require_times(self) -> None:
        untimed = [
            f"{trade.symbol} {trade.trade_id}" for _, trade in self._trades.values() if trade.time is None
        ]
        if untimed:
            raise ValidationError(
                "trades", untimed, "have no time, so it is unknown whether they are in the range"
            )

    def positions(self) -> dict[str, Position]:
        """Return the positions after all trades, including the opening positions, by symbol."""
        rebuilt = {symbol: held.as_position(symbol) for symbol, held in self._opening.items()}
        realised: dict[str, Decimal] = {}
        for entry in self.entries:
            realised[entry.symbol] = _WIDE.add(realised.get(entry.symbol, _ZERO), entry.realised_pnl)
            rebuilt[entry.symbol] = Position(
                entry.symbol, entry.position, entry.average_price, realised_pnl=realised[entry.symbol]
            )
        return rebuilt

    def _replay(self) -> list[LedgerEntry]:
        accounts = {symbol: attrs.evolve(held) for symbol, held in self._opening.items()}
        added = [self._trades[key] for batch in self._batches for key in self._oldest_first(batch)]
        ordered = sorted(added, key=lambda item: item[0])
        with localcontext(_WIDE):
            return [accounts.setdefault(trade.symbol, _Account()).apply(trade) for _, trade in ordered]

    def _oldest_first(self, batch: list[_Key]) -> list[_Key]:
        """Return trades that were added together in the exchange's order."""
        trades = [self._trades[key] for key in batch]
        pairs = list(zip(trades, trades[1:], strict=False))
        direction = sum((later[0] > earlier[0]) - (later[0] < earlier[0]) for earlier, later in pairs)
        if not direction:  # all of one moment
            direction = sum(_worsening(earlier[1], later[1]) for earlier, later in pairs)
        return batch[::-1] if direction < 0 else batch


def _worsening(trade: Fill | UserTrade, other: Fill | UserTrade) -> int:
    """Return 1 if two trades of one order are in the order in which it took them from the book, -1 if in the reverse.

    An order takes the best price first.
    """
    if trade.order_id != other.order_id or trade.price == other.price:
        return 0
    return 1 if (other.price > trade.price) is (trade.side is Side.BUY) else -1


def _aware(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise ValidationError(name, moment, "must have a time zone")
    return moment


@attrs.define
class _Account:
    """The state of one symbol while trades are applied.

    `cash` is the sum of all payments: sales add to it, purchases and the opening position subtract from it.
    """

    position: Decimal = _ZERO
    average: Decimal = _ZERO
    cash: Decimal = _ZERO
    realised: Decimal = _ZERO

    @classmethod
    def of(cls, held: Position) -> _Account:
        if held.average_price is None and held.position:
            raise ValidationError("opening", held, "a position must have an average price")
        average = held.average_price or _ZERO
        with localcontext(_WIDE):
            return cls(held.position, average, cash=-held.position * average)

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
        if held * quantity >= 0:  # opened or increased
            cost = held * self.average + quantity * price
            self.average = cost / self.position if self.position else _ZERO
        elif held * self.position > 0:  # reduced: the average price does not change
            self.realised += -quantity * (price - self.average)
        else:  # closed or reversed: the profit is the cash, without the cost of the new position
            self.realised = self.cash + self.position * price
            self.average = price if self.position else _ZERO


def _is_within(moment: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if moment is None:
        return start is None and end is None
    return (start is None or moment >= start) and (end is None or moment < end)

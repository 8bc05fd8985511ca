"""Planning: the trades that lead from the current positions to the targets. Pure, without exchange or clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import attrs

from ..enums import Side
from ..errors import ValidationError
from ..models.instruments import Instrument, InstrumentStatus
from .targets import Targets

_ZERO = Decimal(0)
_DOLLARS = ("USD", "USDC", "")


@attrs.frozen
class Account:
    """The state of an account, as a plan needs it.

    Attributes
    ----------
    equity : Decimal
        Value of the account, in USD.
    positions : mapping of str to Decimal
        Signed positions by symbol, in the base unit.
    marks : mapping of str to Decimal
        Mark prices by symbol, in the quote unit.
    instruments : mapping of str to Instrument
        Instruments by symbol.
    """

    equity: Decimal
    positions: Mapping[str, Decimal]
    marks: Mapping[str, Decimal]
    instruments: Mapping[str, Instrument]


@attrs.frozen
class PlannedTrade:
    """One row of a plan.

    Attributes
    ----------
    current, target : Decimal
        Signed positions. The target is rounded to lots.
    quantity : Decimal
        Quantity to trade, in the base unit. Zero if nothing is traded.
    mark : Decimal
        Mark price at the time of the plan, the benchmark of the execution.
    notional : Decimal
        `quantity` at `mark`, in USD.
    reduce_only : bool
        Whether the trade only reduces a position.
    reason : str
        Why nothing is traded, or less than the targets require. Otherwise ``""``.
    """

    symbol: str
    current: Decimal
    target: Decimal
    side: Side
    quantity: Decimal
    mark: Decimal
    notional: Decimal
    reduce_only: bool = False
    reason: str = ""

    @property
    def planned(self) -> Decimal:
        """Signed position after the trade, in the base unit."""
        return self.current + (self.quantity if self.side is Side.BUY else -self.quantity)


@attrs.frozen
class Plan:
    """The plan of a run: one row for each symbol, and the equity on which it is based, in USD."""

    equity: Decimal
    rows: list[PlannedTrade]

    @property
    def trades(self) -> list[PlannedTrade]:
        """Rows with a quantity to trade. Those that reduce a position, and so free margin, come first."""
        return sorted((row for row in self.rows if row.quantity), key=lambda row: not row.reduce_only)

    @property
    def turnover(self) -> Decimal:
        """Total notional of all trades, in USD."""
        return sum((row.notional for row in self.rows), _ZERO)


def make_plan(targets: Targets, account: Account) -> Plan:
    """Return the plan that leads to the targets.

    Raises
    ------
    ValidationError
        If a symbol does not exist, has no mark price or needs a missing rate, or if there are weights but the account
        has no equity.
    """
    if targets.weights and account.equity <= 0:
        raise ValidationError("equity", account.equity, "weights need an account with equity")
    rows = [_row(symbol, targets, account) for symbol in _symbols(targets, account)]
    return Plan(account.equity, _within_turnover(rows, targets, account))


def _symbols(targets: Targets, account: Account) -> list[str]:
    named = {**targets.weights, **targets.quantities}
    others = (symbol for symbol, size in account.positions.items() if size and symbol not in named)
    return sorted([*named, *(others if targets.close_others else ())])


def _row(symbol: str, targets: Targets, account: Account) -> PlannedTrade:
    instrument, mark = _known(symbol, account)
    current = account.positions.get(symbol, _ZERO)
    target = _target(instrument, mark, targets, account)
    delta = _in_lots(target - current, instrument, ROUND_DOWN)
    row = PlannedTrade(
        symbol=symbol,
        current=current,
        target=target,
        side=Side.BUY if delta >= 0 else Side.SELL,
        quantity=abs(delta),
        mark=mark,
        notional=_notional(abs(delta), mark, instrument, targets),
        reduce_only=_only_reduces(current, target),
    )
    return _unless_too_small(row, instrument, targets)


def _known(symbol: str, account: Account) -> tuple[Instrument, Decimal]:
    instrument, mark = account.instruments.get(symbol), account.marks.get(symbol)
    if instrument is None:
        raise ValidationError("symbol", symbol, "is not an instrument of the exchange")
    if not mark:
        raise ValidationError("symbol", symbol, "has no mark price")
    return instrument, mark


def _target(instrument: Instrument, mark: Decimal, targets: Targets, account: Account) -> Decimal:
    symbol = instrument.symbol
    if symbol in targets.weights:
        value = account.equity * targets.weights[symbol]
        return _in_lots(value / (mark * _rate(instrument, targets)), instrument, ROUND_HALF_EVEN)
    return _in_lots(targets.quantities.get(symbol, _ZERO), instrument, ROUND_HALF_EVEN)


def _in_lots(quantity: Decimal, instrument: Instrument, rounding: str) -> Decimal:
    return (quantity / instrument.lot_size).to_integral_value(rounding) * instrument.lot_size


def _rate(instrument: Instrument, targets: Targets) -> Decimal:
    """Return the value of one unit of the quote currency in USD."""
    if instrument.quote_asset in _DOLLARS:
        return Decimal(1)
    rate = targets.rates.get(instrument.quote_asset)
    if not rate:
        rule = f"{instrument.symbol} is quoted in it: give its value in [rates]"
        raise ValidationError("rates", instrument.quote_asset, rule)
    return rate


def _notional(quantity: Decimal, mark: Decimal, instrument: Instrument, targets: Targets) -> Decimal:
    """Return the notional in USD.

    It is zero if the quote currency has no rate and no limit needs the notional.
    """
    limited = targets.min_trade or targets.max_turnover is not None
    if not limited and instrument.quote_asset not in _DOLLARS and instrument.quote_asset not in targets.rates:
        return _ZERO
    return quantity * mark * _rate(instrument, targets)


def _only_reduces(current: Decimal, target: Decimal) -> bool:
    return abs(target) < abs(current) and current * target >= 0


def _unless_too_small(row: PlannedTrade, instrument: Instrument, targets: Targets) -> PlannedTrade:
    reason = _why_not(row, instrument, targets)
    if reason is None:
        return row
    return attrs.evolve(row, quantity=_ZERO, notional=_ZERO, reason=reason)


def _why_not(row: PlannedTrade, instrument: Instrument, targets: Targets) -> str | None:
    if not row.quantity:
        return row.reason or "at its target"
    if instrument.status in (InstrumentStatus.INACTIVE, InstrumentStatus.DELISTED):
        return f"the instrument is {instrument.status}"
    if row.quantity < instrument.min_quantity:
        return f"below the smallest order of {instrument.min_quantity:f}"
    if row.notional < targets.min_trade:
        return f"below the minimum trade of {targets.min_trade:f}"
    return None


def _within_turnover(rows: list[PlannedTrade], targets: Targets, account: Account) -> list[PlannedTrade]:
    """Scale all trades down by the same factor if they exceed the turnover limit."""
    if targets.max_turnover is None:
        return rows
    allowed = max(_ZERO, targets.max_turnover * account.equity)
    wanted = _total(rows)
    if wanted <= allowed:
        return rows
    return [_scaled(row, allowed / wanted, targets, account) for row in rows]


def _total(rows: Iterable[PlannedTrade]) -> Decimal:
    return sum((row.notional for row in rows), _ZERO)


def _scaled(row: PlannedTrade, share: Decimal, targets: Targets, account: Account) -> PlannedTrade:
    if not row.quantity:
        return row
    instrument = account.instruments[row.symbol]
    quantity = _in_lots(row.quantity * share, instrument, ROUND_DOWN)
    smaller = attrs.evolve(
        row,
        quantity=quantity,
        notional=_notional(quantity, row.mark, instrument, targets),
        reason=f"the turnover limit allows {share:.0%} of it",
    )
    return _unless_too_small(smaller, instrument, targets)

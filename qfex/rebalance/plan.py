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
        `quantity` at `mark`. The exchange counts one unit of any quote currency as one USDC.
    reduce_only : bool
        Whether the trade only reduces a position.
    reason : str
        Why nothing is traded, or less than the targets require. Otherwise ``""``.
    falls_short : bool
        Whether the target is not reached even if the whole quantity is traded: the instrument cannot be traded now, or a
        limit does not allow the whole trade.
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
    falls_short: bool = False

    @property
    def frees_margin(self) -> bool:
        """Whether the position is not larger after the trade than before, so that the trade needs no more margin.

        This includes a trade that turns a large position into a smaller one of the other direction.
        """
        return abs(self.planned) <= abs(self.current)

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
        """Rows with a quantity to trade. Those that free margin come first."""
        return sorted((row for row in self.rows if row.quantity), key=lambda row: not row.frees_margin)

    @property
    def unmet(self) -> dict[str, str]:
        """The targets that this plan does not reach: symbol -> reason."""
        return {row.symbol: row.reason for row in self.rows if row.falls_short}

    @property
    def turnover(self) -> Decimal:
        """Total notional of all trades, in USD."""
        return sum((row.notional for row in self.rows), _ZERO)


def make_plan(targets: Targets, account: Account) -> Plan:
    """Return the plan that leads to the targets.

    Raises
    ------
    ValidationError
        If a symbol never existed, or if there are weights but the account has no equity.
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
    instrument, mark = account.instruments.get(symbol), account.marks.get(symbol)
    current = account.positions.get(symbol, _ZERO)
    if instrument is None:
        if not current and mark is None:
            raise ValidationError("symbol", symbol, "is not an instrument of the exchange")
        return _untradable(symbol, current, mark, "the exchange no longer lists the instrument")
    if not mark:
        return _untradable(symbol, current, mark, "has no mark price")
    wanted = _wanted(instrument, mark, targets, account)
    target = _in_lots(wanted, instrument, ROUND_HALF_EVEN)
    delta = _in_lots(target - current, instrument, ROUND_DOWN)
    row = PlannedTrade(
        symbol=symbol,
        current=current,
        target=target,
        side=Side.BUY if delta >= 0 else Side.SELL,
        quantity=abs(delta),
        mark=mark,
        notional=abs(delta) * mark,
        reduce_only=_only_reduces(current, target),
    )
    return _unless_out_of_reach(wanted, row, instrument, targets)


def _untradable(symbol: str, current: Decimal, mark: Decimal | None, reason: str) -> PlannedTrade:
    return PlannedTrade(
        symbol=symbol,
        current=current,
        target=current,
        side=Side.BUY,
        quantity=_ZERO,
        mark=mark or _ZERO,
        notional=_ZERO,
        reason=reason,
        falls_short=True,
    )


def _wanted(instrument: Instrument, mark: Decimal, targets: Targets, account: Account) -> Decimal:
    """Return the position that the targets ask for, before it is rounded to lots."""
    symbol = instrument.symbol
    if symbol in targets.weights:
        return account.equity * targets.weights[symbol] / mark
    return targets.quantities.get(symbol, _ZERO)


def _in_lots(quantity: Decimal, instrument: Instrument, rounding: str) -> Decimal:
    return (quantity / instrument.lot_size).to_integral_value(rounding) * instrument.lot_size


def _only_reduces(current: Decimal, target: Decimal) -> bool:
    return abs(target) < abs(current) and current * target >= 0


def _unless_out_of_reach(
    wanted: Decimal, row: PlannedTrade, instrument: Instrument, targets: Targets
) -> PlannedTrade:
    """Say so if a position is asked for that is smaller than the smallest order; there is no position to keep instead."""
    if not wanted or row.current or row.quantity >= instrument.min_quantity:
        return _unless_too_small(row, instrument, targets)
    reason = f"the target is below the smallest order of {instrument.min_quantity:f}"
    return attrs.evolve(row, quantity=_ZERO, notional=_ZERO, reason=reason, falls_short=True)


def _unless_too_small(row: PlannedTrade, instrument: Instrument, targets: Targets) -> PlannedTrade:
    if not row.quantity:
        return row if row.reason else attrs.evolve(row, reason="at its target")
    if instrument.status is not InstrumentStatus.ACTIVE:
        return _without_trade(row, f"the instrument is {instrument.status}", falls_short=True)
    if row.quantity < instrument.min_quantity:
        return _without_trade(
            row, f"below the smallest order of {instrument.min_quantity:f}", row.falls_short
        )
    if row.notional < targets.min_trade:
        return _without_trade(row, f"below the minimum trade of {targets.min_trade:f}", row.falls_short)
    return row


def _without_trade(row: PlannedTrade, reason: str, falls_short: bool) -> PlannedTrade:
    return attrs.evolve(row, quantity=_ZERO, notional=_ZERO, reason=reason, falls_short=falls_short)


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
        notional=quantity * row.mark,
        reason=f"the turnover limit allows {share:.0%} of it",
        falls_short=True,
    )
    return _unless_too_small(smaller, instrument, targets)

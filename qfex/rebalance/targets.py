"""What the account shall hold, and how it may be brought there: the content of a targets file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from ..arguments import to_decimal
from ..errors import ConfigurationError, ValidationError
from .toml import load_toml

PERIODS = ("hour", "day", "week", "month", "once")
EXECUTIONS = ("market", "limit-then-market", "twap")

_ZERO = Decimal(0)


def _numbers(values: Mapping[str, Any]) -> dict[str, Decimal]:
    return {symbol: to_decimal(value, symbol) for symbol, value in values.items()}


def _number(value: Any) -> Decimal:
    return to_decimal(value, "value")


@attrs.frozen(kw_only=True)
class Targets:
    """Targets and limits of a rebalancing.

    Parameters
    ----------
    weights : mapping of str to number
        Symbol to signed share of the account's equity: 0.25 holds a quarter of it long, -0.1 a tenth short.
    quantities : mapping of str to number
        Symbol to signed position, in the instrument's base unit.
    close_others : bool
        Whether positions in symbols that are not named shall be closed; otherwise they are left alone.
    period : str
        How often a run with these targets trades: once an ``"hour"``, ``"day"``, ``"week"``, ``"month"`` (UTC), or
        ``"once"`` for ever.
    execution : str
        ``"market"``; ``"limit-then-market"``: a limit order at the mark price, and after `limit_wait` a market order
        for the rest; ``"twap"``: a TWAP of the exchange, and a market order for what it left.
    min_trade : number
        Smallest notional of a trade, USD.
    max_turnover : number, optional
        Largest notional of all trades of a run together, as a share of equity; trades are scaled down to it.
    max_slippage : number, optional
        Largest distance of a market order's price from the mark price: 0.01 is one percent. None: no limit but the
        exchange's own.
    limit_wait : float
        Seconds that a limit order rests.
    twap_orders, twap_interval : int
        Child orders of a TWAP, and seconds between them (at least 30).
    rates : mapping of str to number
        USD for one unit of a quote currency other than USD. Needed for weights and limits of such instruments.
    """

    weights: dict[str, Decimal] = attrs.field(factory=dict, converter=_numbers)
    quantities: dict[str, Decimal] = attrs.field(factory=dict, converter=_numbers)
    close_others: bool = False
    period: str = attrs.field(default="day", validator=attrs.validators.in_(PERIODS))
    execution: str = attrs.field(default="limit-then-market", validator=attrs.validators.in_(EXECUTIONS))
    min_trade: Decimal = attrs.field(default=_ZERO, converter=_number)
    max_turnover: Decimal | None = attrs.field(default=None, converter=attrs.converters.optional(_number))
    max_slippage: Decimal | None = attrs.field(default=None, converter=attrs.converters.optional(_number))
    limit_wait: float = attrs.field(default=30.0, converter=float)
    twap_orders: int = attrs.field(default=10, validator=attrs.validators.ge(2))
    twap_interval: int = attrs.field(default=30, validator=attrs.validators.ge(30))
    rates: dict[str, Decimal] = attrs.field(factory=dict, converter=_numbers)

    def __attrs_post_init__(self) -> None:
        both = self.weights.keys() & self.quantities.keys()
        if both:
            raise ValidationError("targets", sorted(both), "have both a weight and a quantity")
        for name in ("min_trade", "max_turnover", "max_slippage", "limit_wait"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValidationError(name, value, "must not be negative")

    @property
    def digest(self) -> str:
        """A hash of all that decides on trades: a changed file is another rebalancing."""
        members = {name: _canonical(value) for name, value in attrs.asdict(self).items()}
        return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()[:16]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(each) for name, each in value.items()}
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


#: Where each member stands in the file: table to members.
_TABLES = {
    "limits": ("min_trade", "max_turnover", "max_slippage"),
    "limit": ("limit_wait",),
    "twap": ("twap_orders", "twap_interval"),
}
_TOP = ("weights", "quantities", "rates", "close_others", "period", "execution")


def load_targets(path: Path | str) -> Targets:
    """Read a targets file (TOML).

    ::

        period = "day"
        execution = "limit-then-market"

        [weights]
        AAPL-USD = 0.25

        [quantities]
        GOLD-USD = 1.5

        [limits]
        min_trade = 50
        max_turnover = 0.5

        [limit]
        wait = 30

        [twap]
        orders = 10
        interval = 30

    Raises
    ------
    ConfigurationError
        If it cannot be read, or has a name that is not known: a typing error must not move money.
    """
    path = Path(path)
    content = load_toml(path)
    try:
        targets = Targets(**_members(content))
    except (ValueError, TypeError) as error:
        reason = str(error) if isinstance(error, ValidationError) else error.args[0]
        raise ConfigurationError(f"{path}: {reason}") from None
    if not targets.weights and not targets.quantities and not targets.close_others:
        raise ConfigurationError(f"{path} names no targets: write a table [weights] or [quantities]")
    return targets


def _members(content: dict[str, Any]) -> dict[str, Any]:
    """Flatten the file's tables into the members of `Targets`."""
    members: dict[str, Any] = {}
    for name, value in content.items():
        if name in _TOP:
            members[name] = value
        elif name in _TABLES and isinstance(value, dict):
            members.update(_table(name, value))
        else:
            raise ValidationError(name, value, f"is not known; known are {', '.join((*_TOP, *_TABLES))}")
    return members


def _table(table: str, values: dict[str, Any]) -> dict[str, Any]:
    prefix = "" if table == "limits" else f"{table}_"
    for name, value in values.items():
        if prefix + name not in _TABLES[table]:
            raise ValidationError(f"{table}.{name}", value, "is not known")
    return {prefix + name: value for name, value in values.items()}

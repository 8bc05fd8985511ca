"""Targets of a rebalancing, its limits, and the file that contains them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from ..arguments import to_decimal
from ..errors import ConfigurationError, ValidationError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PERIODS = ("hour", "day", "week", "month", "once")
EXECUTIONS = ("market", "limit-then-market", "twap")

_ZERO = Decimal(0)


def _numbers(values: Mapping[str, Any]) -> dict[str, Decimal]:
    return {symbol: to_decimal(value, symbol) for symbol, value in values.items()}


def _number(value: Any) -> Decimal:
    return to_decimal(value, "value")


def _time_zone(owner: object, field: attrs.Attribute[Any], name: Any) -> None:
    try:
        ZoneInfo(name)
    except (TypeError, ValueError, OSError, KeyError):
        raise ValidationError("timezone", name, "is not a time zone such as Europe/Berlin") from None


@attrs.frozen(kw_only=True)
class Targets:
    """Targets and limits of a rebalancing.

    Parameters
    ----------
    weights : mapping of str to number
        Symbol -> signed share of the account's equity: 0.25 is a long position worth a quarter of the equity, -0.1 a
        short position worth a tenth.
    quantities : mapping of str to number
        Symbol -> signed position, in the instrument's base unit.
    close_others : bool
        Whether to close positions in all other symbols. By default they are not changed.
    period : str
        How often these targets are traded: once in each ``"hour"``, ``"day"``, ``"week"`` or ``"month"``, or only
        ``"once"``.
    execution : str
        ``"market"``: market orders. ``"limit-then-market"``: a limit order at the mark price, and after `limit_wait` a
        market order for the rest. ``"twap"``: a TWAP of the exchange, and a market order for the rest.
    min_trade : number
        Smallest notional of a trade, in USD.
    max_turnover : number, optional
        Largest total notional of the trades of a run, as a share of the equity. Larger plans are scaled down.
    max_slippage : number, optional
        Largest distance of a market order's price from the mark price: 0.01 is one percent. With None only the
        exchange's price band applies.
    limit_wait : float
        How long a limit order rests, in seconds.
    twap_orders, twap_interval : int
        Number of child orders of a TWAP, and seconds between them (at least 30).
    timezone : str, optional
        Name of the time zone in which periods begin, such as ``"America/New_York"``. By default the zone of the
        rebalancer's `now`, which is UTC.

    Raises
    ------
    ValidationError
        If a symbol has both a weight and a quantity, or if a limit is negative.
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
    timezone: str | None = attrs.field(default=None, validator=attrs.validators.optional(_time_zone))

    def __attrs_post_init__(self) -> None:
        both = self.weights.keys() & self.quantities.keys()
        if both:
            raise ValidationError("targets", sorted(both), "have both a weight and a quantity")
        for name in ("min_trade", "max_turnover", "max_slippage", "limit_wait"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValidationError(name, value, "must not be negative")

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone in which periods begin, or None for that of the rebalancer's `now`."""
        return None if self.timezone is None else ZoneInfo(self.timezone)

    @property
    def digest(self) -> str:
        """A hash of all settings. Targets with another hash are another rebalancing."""
        members = {name: _canonical(value) for name, value in attrs.asdict(self).items()}
        return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()[:16]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(each) for name, each in value.items()}
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


#: Table of the file -> fields of `Targets`.
_TABLES = {
    "limits": ("min_trade", "max_turnover", "max_slippage"),
    "limit": ("limit_wait",),
    "twap": ("twap_orders", "twap_interval"),
}
_TOP = ("weights", "quantities", "close_others", "period", "timezone", "execution")


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
        If the file cannot be read, has no targets, or contains an unknown name, which may be a typing error.
    """
    path = Path(path)
    content = load_toml(path)
    try:
        targets = Targets(**_members(content))
    except (ValueError, TypeError) as error:
        reason = str(error) if isinstance(error, ValidationError) else error.args[0]
        raise ConfigurationError(f"{path}: {reason}") from None
    if not targets.weights and not targets.quantities and not targets.close_others:
        raise ConfigurationError(f"{path} has no targets: add a table [weights] or [quantities]")
    return targets


def _members(content: dict[str, Any]) -> dict[str, Any]:
    """Convert the tables of the file to the fields of `Targets`."""
    members: dict[str, Any] = {}
    for name, value in content.items():
        if name in _TOP:
            members[name] = value
        elif name in _TABLES and isinstance(value, dict):
            members.update(_table(name, value))
        else:
            raise ValidationError(name, value, f"is unknown; known are {', '.join((*_TOP, *_TABLES))}")
    return members


def _table(table: str, values: dict[str, Any]) -> dict[str, Any]:
    prefix = "" if table == "limits" else f"{table}_"
    for name, value in values.items():
        if prefix + name not in _TABLES[table]:
            raise ValidationError(f"{table}.{name}", value, "is unknown")
    return {prefix + name: value for name, value in values.items()}


def load_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file with its floats as `Decimal`.

    Raises
    ------
    ConfigurationError
        If the file cannot be read. The error does not show its content, which may be secret.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {_position(error)}") from None


def _position(error: ValueError) -> str:
    """Return the position of an error, without the text at that position."""
    message = str(error)
    return message[message.rfind("(at ") :].strip("()") if "(at " in message else "unreadable"

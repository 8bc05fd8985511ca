"""Instruments, their trading rules and their market hours."""

from __future__ import annotations

import decimal
import logging
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import attrs

from ..arguments import Number, to_decimal
from ..decimals import EXACT
from ..enums import ALLOWED_TIMES_IN_FORCE, OpenEnum, OrderType, Side, TimeInForce
from ..errors import ValidationError

_log = logging.getLogger("qfex.instruments")

_LONGEST = 40  # digits of an argument; the exchange's numbers have at most 20

_ROUNDINGS = tuple(
    value for name, value in vars(decimal).items() if name.startswith("ROUND_") and isinstance(value, str)
)


class InstrumentStatus(OpenEnum):
    """Whether an instrument can be traded."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    DELISTED = "DELISTED"


@attrs.frozen
class MarketSession:
    """One session of a day, in the local time of the market. Both ends are inclusive.

    Attributes
    ----------
    session : str
        ``"pre_market"``, ``"open"``, ``"post_market"``, ``"weekend"``, or ``"close"`` on a holiday.
    """

    session: str
    open: time
    close: time


@attrs.frozen
class MarketHours:
    """Weekly hours of the reference market. The exchange itself also trades outside them.

    Attributes
    ----------
    tz : str
        IANA name of the time zone.
    """

    tz: str = "UTC"
    monday: tuple[MarketSession, ...] = ()
    tuesday: tuple[MarketSession, ...] = ()
    wednesday: tuple[MarketSession, ...] = ()
    thursday: tuple[MarketSession, ...] = ()
    friday: tuple[MarketSession, ...] = ()
    saturday: tuple[MarketSession, ...] = ()
    sunday: tuple[MarketSession, ...] = ()

    @property
    def week(self) -> tuple[tuple[MarketSession, ...], ...]:
        """The days of the week, in the order of `datetime.weekday`, Monday first."""
        return (
            self.monday, self.tuesday, self.wednesday, self.thursday, self.friday, self.saturday, self.sunday,
        )  # fmt: skip

    def session_at(self, moment: datetime) -> str | None:
        """Return the name of the session at a moment.

        Parameters
        ----------
        moment : datetime
            With a time zone.

        Returns
        -------
        str or None
            At the moment at which one session ends and another begins, the later one. None between sessions, as in
            US equities overnight.

        Raises
        ------
        ValidationError
            If `moment` has no time zone.
        zoneinfo.ZoneInfoNotFoundError
            If the system has no time zone database and the package ``tzdata`` is not installed.
        """
        if moment.tzinfo is None:
            raise ValidationError("moment", moment, "must have a time zone")
        local = moment.astimezone(ZoneInfo(self.tz))
        clock = local.time().replace(microsecond=0)
        found = [row.session for row in self.week[local.weekday()] if row.open <= clock <= row.close]
        return found[-1] if found else None


@attrs.frozen
class Instrument:
    """One instrument of the exchange's reference data.

    Attributes
    ----------
    tick_size : Decimal
        Prices are multiples of this, in the quote unit. It may exceed 1: some instruments in KRW have 100.
    lot_size : Decimal
        Quantities are multiples of this, in the base unit.
    min_price, max_price : Decimal or None
        Price band in the quote unit, or None if the exchange does not say. It moves with the index price and is out of
        date within minutes, so a price outside it causes a warning, not an error.
    min_quantity, max_quantity : Decimal
        Limits for the quantity of one order, in the base unit. They do not apply to stops.
    order_types, time_in_force : tuple
        Allowed values. Stops are allowed too, although they are not listed. Empty if the exchange does not say.
    default_max_leverage : int or None
        Highest leverage during market hours, or None if the exchange does not say.
    """

    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    min_price: Decimal | None
    max_price: Decimal | None
    min_quantity: Decimal
    max_quantity: Decimal
    order_types: tuple[OrderType, ...] = ()
    time_in_force: tuple[TimeInForce, ...] = ()
    status: InstrumentStatus = InstrumentStatus.ACTIVE
    default_max_leverage: int | None = 1
    market_hours: MarketHours = MarketHours()
    product_category: str = ""
    base_asset: str = ""
    quote_asset: str = ""
    margin_asset: str = ""
    clob_pair_id: str = ""

    def round_price(self, price: Number, rounding: str) -> Decimal:
        """Round to a multiple of the tick size.

        Parameters
        ----------
        price : int, str, float or Decimal
            In the quote unit.
        rounding : str
            A constant of `decimal`, such as ``decimal.ROUND_DOWN``.

        Returns
        -------
        Decimal
            In the quote unit.

        Raises
        ------
        ValidationError
            If `price` is not a number, `rounding` is not such a constant, or the result would be zero.
        """
        return _round_to(self.tick_size, price, rounding, "price")

    def round_quantity(self, quantity: Number, rounding: str) -> Decimal:
        """Round to a multiple of the lot size, in the same way as `round_price`."""
        return _round_to(self.lot_size, quantity, rounding, "quantity")

    def check(
        self,
        *,
        side: Side | str,
        quantity: Number,
        price: Number | None = None,
        order_type: OrderType | str | None = None,
        time_in_force: TimeInForce | str | None = None,
    ) -> None:
        """Check an order against all rules of the instrument.

        A price outside the price band is logged as a warning by the logger ``qfex.instruments`` and not refused.

        Parameters
        ----------
        side : Side or str
            ``BUY`` or ``SELL``.
        quantity : int, str, float or Decimal
            In the base unit.
        price : int, str, float or Decimal, optional
            In the quote unit.
        order_type : OrderType or str, optional
            By default LIMIT with a price and MARKET without one.
        time_in_force : TimeInForce or str, optional
            By default the usual one of the order type.

        Raises
        ------
        ValidationError
            If rules are broken. Its `rule` names each of them.
        """
        direction = Side.parse(side, "side")
        usual = OrderType.MARKET if price is None else OrderType.LIMIT
        kind = OrderType.parse(order_type or usual, "order_type")
        force = TimeInForce.parse(time_in_force or ALLOWED_TIMES_IN_FORCE[kind][0], "time_in_force")
        size, limit = to_decimal(quantity, "quantity"), None if price is None else to_decimal(price, "price")
        broken = [
            *self._broken_terms(kind, force),
            *self._broken_quantity(size, kind),
            *self._broken_price(limit, kind),
        ]
        if broken:
            raise ValidationError("order", self.symbol, "; ".join(broken))
        if limit is not None and not kind.is_stop:
            self._warn_outside_band(direction, limit)

    def _broken_terms(self, kind: OrderType, force: TimeInForce) -> Iterator[str]:
        if self.status in (InstrumentStatus.INACTIVE, InstrumentStatus.DELISTED):
            yield f"{self.symbol} is {self.status}"
        if kind.is_stop:
            return
        if self.order_types and kind not in self.order_types:
            yield f"order type {kind} is not one of {', '.join(self.order_types)}"
        if self.time_in_force and force not in self.time_in_force:
            yield f"time in force {force} is not one of {', '.join(self.time_in_force)}"
        elif force not in ALLOWED_TIMES_IN_FORCE[kind]:
            yield f"time in force {force} is not allowed with {kind}"

    def _broken_quantity(self, quantity: Decimal, kind: OrderType) -> Iterator[str]:
        if quantity <= 0:
            yield f"quantity {quantity} is not above zero"
        elif not _is_multiple(quantity, self.lot_size):
            yield f"quantity {quantity} is not a multiple of the lot size {self.lot_size}"
        if kind.is_stop:
            return
        if 0 < quantity < self.min_quantity:
            yield f"quantity {quantity} is below the minimum {self.min_quantity}"
        if quantity > self.max_quantity:
            yield f"quantity {quantity} is above the maximum {self.max_quantity}"

    def _broken_price(self, price: Decimal | None, kind: OrderType) -> Iterator[str]:
        if kind is OrderType.MARKET:
            if price:
                yield f"price {price} is not allowed with {kind}"
        elif price is None:
            yield f"{kind} needs a price"
        elif price <= 0:
            yield f"price {price} is not above zero"
        elif not _is_multiple(price, self.tick_size):
            yield f"price {price} is not a multiple of the tick size {self.tick_size}"

    def _warn_outside_band(self, side: Side, price: Decimal) -> None:
        limit = self.max_price if side is Side.BUY else self.min_price
        if limit is not None and (price > limit if side is Side.BUY else price < limit):
            _log.warning(
                "%s %s at %s is outside the band %s..%s of the reference data, which may be stale",
                side, self.symbol, price, self.min_price, self.max_price,
            )  # fmt: skip


def _is_multiple(number: Decimal, step: Decimal) -> bool:
    return _fits(number) and not EXACT.remainder(number, step)


def _fits(number: Decimal) -> bool:
    return len(number.as_tuple().digits) <= _LONGEST and abs(number.adjusted()) <= _LONGEST


def _round_to(step: Decimal, value: Number, rounding: str, argument: str) -> Decimal:
    if rounding not in _ROUNDINGS:
        raise ValidationError("rounding", rounding, f"must be one of {', '.join(_ROUNDINGS)}")
    number = to_decimal(value, argument)
    if not _fits(number):
        raise ValidationError(argument, value, "is out of range")
    steps = EXACT.divide(number, step).to_integral_value(rounding, EXACT)
    rounded = EXACT.multiply(steps, step)
    if number and not rounded:
        raise ValidationError(
            argument, value, f"would be rounded to zero: it is smaller than the step {step}"
        )
    return rounded

"""Volume of the trading day, which ends at 20:00 in Chicago."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from ..engine import Exchange

RESET = time(20)


def _chicago() -> tzinfo:
    try:
        return ZoneInfo("America/Chicago")
    except ZoneInfoNotFoundError:  # a system without a zone database
        return timezone(timedelta(hours=-6))


CHICAGO = _chicago()


def next_reset(moment: float) -> float:
    """Return when (unix seconds) the trading day that contains ``moment`` ends."""
    local = datetime.fromtimestamp(moment, CHICAGO)
    day = local.date() if local.time() < RESET else local.date() + timedelta(days=1)
    return datetime.combine(day, RESET, CHICAGO).timestamp()


class DailyVolumes:
    """Base quantity traded in each symbol since the last reset."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._volumes: dict[str, Decimal] = {}
        self._ends = 0.0

    def add(self, symbol: str, quantity: Decimal) -> None:
        """Count a trade."""
        volumes = self.today()
        volumes[symbol] += quantity

    def today(self) -> dict[str, Decimal]:
        """Return the volume of every symbol."""
        now = self._exchange.now
        if now >= self._ends:
            self._volumes = dict.fromkeys(self._exchange.instruments, Decimal(0))
            self._ends = next_reset(now)
        return self._volumes
